"""How advice on goals looks (改善案の表示): lists, one goal with everything, and answers; JSON content beside lines of text."""

from collections.abc import Iterable
from datetime import date as Date

from tsutsumi.app.cli.fee_layout import table_lines
from tsutsumi.app.cli.screen import folded
from tsutsumi.core.goal_advice import option_words
from tsutsumi.core.goals.ladder import shown_percent
from tsutsumi.run.advice_answers import Answered
from tsutsumi.run.advice_list import GoalAdvice, Option
from tsutsumi.run.advice_outlook import GoalOutlook

PPM = 1_000_000
STATES = {
    "unread": "未回答 unread", "accepted": "受諾 accepted", "declined": "辞退 declined", "waiting": "入金待ち waiting",
    "set_aside": "見送り set aside", "superseded": "古い案 superseded", "closed": "終了 closed",
}
STATUS_WORDS = {
    "right": "順調 right", "above": "余裕あり above", "below": "やや不足 below", "alert": "警戒 alert", "none": "算出できない none",
    "closed": "終了 closed",
}
PARTS = {"market_ppm": "市場 market", "payment_ppm": "入出金 payment", "time_ppm": "時間 time", "assumption_ppm": "前提 assumption"}
FAN = ("p5", "p25", "p50", "p75", "p95")
UNTOLD = {
    "assumptions": ("  算出できません：モデルに適用中の前提がありません。model_assumptions を登録してください。",
                    "  Not told: the model has no assumptions in force: load model_assumptions."),
    "range": ("  算出できません：月数か金額が計算の範囲の外です。goal_targets と plans を直してください。",
              "  Not told: the months or the money are outside what can be told: mend goal_targets and plans."),
}
WRITTEN = {"plans": "積立・取り崩しの計画", "events": "戦略変更の指図", "goal_targets": "目標の次の行"}
OPTION_WIDTH = 40  # the words of an option, so that its table fits on the screen
LIVES = {"median_return": "毎月が中央値 at each month's median", "p50": "半数の場合 half of cases", "p5": "悪い 5 % worst 5 %"}


def percent(ppm: int | None) -> str:
    """Return a stored probability as it is shown (達成確率の表示); 0 and 100 only where it is certain.

    >>> percent(784_900), percent(999_999), percent(None)
    ('78 %', '99 %', '―')
    """
    return "―" if ppm is None or ppm < 0 else f"{shown_percent(ppm / PPM)} %"


def life_words(months: int | None) -> str:
    """Return an asset life as it is shown (資産寿命の表示).

    >>> life_words(215), life_words(None)
    ('215 か月 months', '1,200 か月を超える over 1,200 months')
    """
    return "1,200 か月を超える over 1,200 months" if months is None else f"{months:,} か月 months"


def option_ja(option: Option) -> str:
    """Return what an option asks for, in Japanese (案の文).

    >>> option_ja(Option(1, "pay_more", 12_000, "", 0, 800_000, 12_000))
    '毎月 12,000 円多く積み立てる'
    >>> option_ja(Option(1, "pay_more", 20_000, "", 0, 800_000, 20_000, 15_000))
    '毎月の取り崩しを 15,000 円減らし、毎月 5,000 円多く積み立てる'
    """
    cut, more = option.cut_yen, option.yen - option.cut_yen
    less = f"毎月の取り崩しを {cut:,} 円減ら" + ("し、" if more else "す") if cut else ""
    return {
        "pay_more": less + (f"毎月 {more:,} 円多く積み立てる" if more else ""), "pay_once": f"いま {option.yen:,} 円を追加する",
        "later_date": f"目標の日を {option.months} か月後にする", "change_model": f"モデルを {option.model_id} に変える",
        "pay_less": f"毎月の積立を {option.yen:,} 円減らす",
    }[option.kind]


# ---- the list


def list_content(date: str, rows: Iterable[GoalAdvice]) -> dict:
    """Return advice as plain values (改善案の JSON)."""
    rows = list(rows)
    return {
        "date": date, "open_count": sum(row.open for row in rows), "waiting_count": sum(row.waiting for row in rows),
        "advice": [advice_content(row) for row in rows],
    }


def advice_content(of: GoalAdvice) -> dict:
    """Return the advice of one day on one goal as plain values."""
    names = ("goal_id", "name", "sleeve_id", "customer_id", "customer", "status", "probability_ppm")
    return {"date": str(of.date)} | {name: getattr(of, name) for name in names} | {"options": [_option(row) for row in of.options]}


def _option(of: Option) -> dict:
    names = ("rank", "kind", "yen", "model_id", "months", "probability_ppm", "cost_yen", "cut_yen", "state", "made_by",
             "recorded_at", "note")
    since = str(of.effective_date) if of.effective_date else ""
    return {name: getattr(of, name) for name in names} | {"effective_date": since}


def list_lines(date: str, rows: list[GoalAdvice], house: str, everything: bool) -> list[str]:
    """Return advice as lines of text (改善案の一覧)."""
    opened, waiting = sum(row.open for row in rows), sum(row.waiting for row in rows)
    lines = [f"目標の改善案 advice on goals  {date} の締めまで through that close",
             f"未回答 open {opened:,} ・ 入金待ち waiting for a deposit {waiting:,}"]
    if not rows:
        nothing = "改善案はありません。 No advice." if everything else "回答を待つ案はありません。 No advice waits for an answer."
        return [*lines, "", nothing]
    for row in rows:
        lines += ["", *advice_lines(row)]
    first = next((row for row in rows if row.open), None)
    if first is not None:
        kind = next(option.kind for option in first.options if option.state == "unread")
        lines += ["", "答える answer", f"  tsutsumi advice {house} --accept {first.goal_id} --kind {kind} --by NAME"]
    return lines


def advice_lines(of: GoalAdvice) -> list[str]:
    """Return the advice of one day on one goal as lines."""
    lines = [whose(of), f"  達成確率 probability {percent(of.probability_ppm)} ・ {STATUS_WORDS[of.status]} ・ "
             f"案の日 advice of {of.date}"]
    return [*lines, *option_lines(of.options, "案 option", True)]


def whose(of: GoalAdvice | GoalOutlook) -> str:
    """Return which goal it is, whose, and where its money is (目標の見出し)."""
    return f"■ {of.goal_id} {of.name}  {of.customer} 様（{of.customer_id}）  運用口 sleeve {of.sleeve_id}"


def option_lines(options: Iterable[Option], title: str, answered: bool) -> list[str]:
    """Return options as a table (案の表): Japanese, English under it, and where wanted what was answered, by whom and when."""
    rows: list[tuple] = []
    for option in options:
        words = [*folded(option_ja(option), OPTION_WIDTH), *folded(_english(option), OPTION_WIDTH)]
        state = [STATES[option.state], f"{option.made_by} {option.recorded_at[:10]}" if option.made_by else ""] if answered else []
        figures = percent(option.probability_ppm), f"{option.cost_yen:,}"
        for at, text in enumerate(words):
            said = state[at : at + 1] or [""] if answered else []
            rows.append((str(option.rank) if at == 0 else "", text, *said, *(figures if at == 0 else ("", ""))))
    header = ("順", title, *(("回答 answer",) if answered else ()), "その後 then", "月あたり a month (円)")
    return table_lines(header, rows, len(header) - 2)


def _english(option: Option) -> str:
    return option_words(option.kind, option.yen, option.model_id, option.months, option.cut_yen)


# ---- an answer


def answer_content(of: Answered) -> dict:
    """Return what became of an answer as plain values (回答の JSON)."""
    return {
        "goal_id": of.advice.goal_id, "date": str(of.advice.date), "kind": of.option.kind, "answer": of.answer, "new": of.new,
        "made_by": of.made_by, "recorded_at": of.recorded_at, "effective_date": str(of.effective_date), "written": list(of.written),
        "yen": of.option.yen, "model_id": of.option.model_id, "months": of.option.months,
    }


def answer_lines(of: Answered) -> list[str]:
    """Return what became of an answer as lines (回答の結果)."""
    word = {"accepted": "受諾 accepted", "declined": "辞退 declined"}[of.answer]
    told = f"{of.advice.goal_id} {word}（{of.made_by}）: {option_ja(of.option)}。 {_english(of.option)}"
    if not of.new:
        return [told, *again_lines(of.recorded_at)]
    if of.answer == "declined":
        return [told]
    if not of.written:
        return [told, f"  {of.option.yen:,} 円の入金を待ちます。 Waiting for the deposit."]
    return [told, written_line(of.effective_date, of.written)]


def again_lines(recorded_at: str) -> list[str]:
    """Return that an answer was there already (回答済みの注記)."""
    return [f"  すでに {recorded_at} に回答済みです。何も変わりません。", "  Answered already: nothing was changed."]


def written_line(since: Date, tables: Iterable[str]) -> str:
    """Return from when what was accepted counts, and where it was written (書いた表).

    >>> written_line(Date(2020, 7, 1), ["plans"])
    '  2020-07-01 から効きます（積立・取り崩しの計画） in force from then on: plans'
    """
    names = list(tables)
    return f"  {since} から効きます（{'、'.join(WRITTEN[name] for name in names)}） in force from then on: {', '.join(names)}"


# ---- one goal


def outlook_content(of: GoalOutlook) -> dict:
    """Return everything about one goal as plain values (目標の見通しの JSON)."""
    return {
        "date": str(of.date), "goal_id": of.goal_id, "name": of.name, "sleeve_id": of.sleeve_id,
        "customer_id": of.customer_id, "customer": of.customer, "status": of.status,
        "probability_ppm": of.probability_ppm, "untold": of.untold, "want_ppm": of.want_ppm, "parts": dict(of.parts),
        "value_yen": of.value_yen, "monthly_yen": of.monthly_yen, "target_yen": of.target_yen, "target_date": str(of.target_date),
        "months": of.months, "model_id": of.model_id, "most_risk_ppm": of.most_risk_ppm, "ladder": [dict(row) for row in of.ladder],
        "best_dynamic_ppm": of.best_dynamic_ppm, "best_dynamic_model_id": of.best_dynamic_model_id,
        "asset_life_months": None if of.asset_life_months is None else dict(of.asset_life_months), "fan": of.fan,
        "surplus_from": list(of.surplus_from), "options": [_option(row) for row in of.options],
        "advice": None if of.advice is None else advice_content(of.advice),
    }


def surplus_lines(givers: Iterable[str]) -> list[str]:
    """Return that surplus which comes into a sleeve is not foreseen (余剰の注記); nothing without a rule.

    >>> surplus_lines(("S1", "S2"))[0]
    '余剰を S1、S2 から受け取るルールがあります。達成確率も案も、その余剰を見込んでいません。'
    """
    names = list(givers)
    if not names:
        return []
    return [f"余剰を {'、'.join(names)} から受け取るルールがあります。達成確率も案も、その余剰を見込んでいません。",
            f"Gets the surplus of {', '.join(names)}: neither the probability nor the options foresee it."]


def outlook_lines(of: GoalOutlook) -> list[str]:
    """Return everything about one goal as lines (目標の見通し)."""
    parts = " ・ ".join(f"{PARTS[name]} {ppm / 10_000:+.2f}" for name, ppm in of.parts.items())
    target = f"{of.target_yen:,} 円" if of.target_yen else "最後までもつこと the money lasts"
    limit = "なし none" if of.most_risk_ppm is None else f"リスク risk ≤ {of.most_risk_ppm / 10_000:g} %"
    lines = [
        whose(of), f"  {of.date} の締め at the close",
        f"  達成確率 probability {percent(of.probability_ppm)}（希望 wanted {percent(of.want_ppm)}）・ {STATUS_WORDS[of.status]}",
        *(UNTOLD[of.untold] if of.untold else ("  前日からの変化、ポイント change since the day before, points", f"    {parts}")),
        f"  評価額 value {of.value_yen:,} 円 ・ 毎月 a month {of.monthly_yen:,} 円",
        f"  目標 target {target} ・ {of.target_date} まで until（{of.months:.2f} か月 months）",
        f"  モデル model {of.model_id} ・ 適合性の上限 suitability {limit}",
        *(f"  {line}" for line in surplus_lines(of.surplus_from)),
    ]
    if of.ladder:
        header = ("モデル model", "", "平均 mean %", "リスク risk %", "達成確率 probability")
        rows = [(row["model_id"], "▸" if row["model_id"] == of.model_id else "", f"{row['mean_ppm'] / 10_000:g}",
                 f"{row['risk_ppm'] / 10_000:g}", percent(row["probability_ppm"])) for row in of.ladder]
        lines += ["", "  提示できるモデル permitted models", *table_lines(header, rows, 2)]
    if of.best_dynamic_ppm is not None:
        lines += [f"  毎年選び直す場合の最高 best with a yearly choice: {percent(of.best_dynamic_ppm)}"
                  f"（いま now {of.best_dynamic_model_id}）"]
    if of.asset_life_months is not None:
        lines += ["  資産寿命 asset life",
                  *(f"    {word} {life_words(of.asset_life_months[name])}" for name, word in LIVES.items())]
    if of.options:
        lines += ["", *option_lines(of.options, "いまの案 options now", False)]
    if of.fan:
        rows = [(f"{row['year']:.2f}".rstrip("0").rstrip("."), *(row[name] for name in FAN)) for row in of.fan]
        lines += ["", "  資産の見込み（円） wealth by year",
                  *table_lines(("年 year", *(f"{name[1:]} %" for name in FAN)), rows, 0)]
    return lines if of.advice is None else [*lines, "", *advice_lines(of.advice)]
