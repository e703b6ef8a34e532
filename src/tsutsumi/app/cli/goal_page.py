"""The page of saved goals (目標の見通しの画面): what an adviser turns round and shows, Japanese first, English beside."""

from rich.cells import cell_len

PERCENTILES = ("p5", "p25", "p50", "p75", "p95")
HEADS = ("5 %", "25 %", "50 %", "75 %", "95 %")
FAN_ROWS = 8  # at most; a longer fan shows every fifth year and the last one


def goal_page(content: dict) -> list[str]:
    """Return the lines of the page of a file of goals (目標の見通し).

    Parameters
    ----------
    content : what `outlooks` in `goal_file` returns
    """
    who = f"　{content['name']}" if content["name"] else ""
    lines = [f"目標の見通し goals{who}", f"{content['today']} 現在。前提にもとづく計算で、将来を約束するものではありません。"]
    lines += ["Figures of a model on the assumptions given; no promise."]
    for number, goal in enumerate(content["goals"], 1):
        lines += ["", f"{number}. {goal['name']}"]
        if "error" in goal:
            lines += [f"   計算できません cannot be computed: {goal['error']}"]
        elif "budget" in goal:
            lines += _member(goal)
        else:
            lines += _own(goal)
    for budget in content["budgets"]:
        if budget["portfolio"] is not None:
            lines += ["", f"共有予算 shared budget: {budget['name']}"]
            lines += [f"   いま持つポートフォリオ portfolio to hold now    {budget['portfolio']}"]
            lines += [f"   期待効用 expected utility                       {budget['utility']:,.2f}"]
    lines += [f"注意 note: {error}" for error in content["errors"]]
    return lines


def percent(probability: float | None) -> str:
    """Return a probability in whole percent (確率、整数パーセント); 0 and 100 only where it is certain.

    >>> percent(0.7849), percent(0.999), percent(0.0004), percent(1.0), percent(None)
    ('78 %', '99 %', '1 %', '100 %', '―')
    """
    if probability is None:
        return "―"
    if probability in (0.0, 1.0):
        return f"{int(probability) * 100} %"
    return f"{min(max(int(probability * 100 + 0.5), 1), 99)} %"


def yen(amount: int | None) -> str:
    """Return an amount as it is shown; None is out of reach or does not apply.

    >>> yen(1234567), yen(None)
    ('1,234,567 円', '―')
    """
    return "―" if amount is None else f"{amount:,} 円"


def _span(months: int) -> str:
    """Return years and months in both languages."""
    years, rest = divmod(months, 12)
    japanese = " ".join([*([f"{years} 年"] if years else []), *([f"{rest} か月"] if rest or not years else [])])
    return f"{japanese} ({months} month{'' if months == 1 else 's'})"


def _line(japanese: str, english: str, told: str) -> str:
    """Return a line of a label in both languages and a figure, in columns."""
    label = f"{japanese} {english}"
    return f"   {label}{' ' * max(1, 48 - cell_len(label))}{told}"


def _member(goal: dict) -> list[str]:
    """Return the lines of a goal on a budget."""
    lines = [_line("予算", "budget", goal["budget"]), _line("時期", "due in", _span(goal["month"]))]
    lines += [_line("必要額", "price", yen(goal["price_yen"]))]
    lines += [_line("満額の達成確率", "probability", percent(goal["probability"]))]
    if goal["essential_probability"] is not None:
        lines += [_line("必要最低額", "essential price", yen(goal["essential_price_yen"]))]
        lines += [_line("最低額以上の達成確率", "at least essential", percent(goal["essential_probability"]))]
    return lines


def _own(goal: dict) -> list[str]:
    """Return the lines of a goal with a sleeve of its own."""
    lines = [_line("期間", "term", _span(goal["months"])), _line("ポートフォリオ", "portfolio", goal["portfolio"])]
    if goal["target_yen"]:
        lines += [_line("目標額", "target", yen(goal["target_yen"]))]
    wanted = f"（目安 wanted {percent(goal['want'])}）"
    lines += [_line("達成確率", "probability", f"{percent(goal['probability'])} {wanted}")]
    if goal["essential_probability"] is not None:
        lines += [_line("最低額の達成確率", "essential amount", percent(goal["essential_probability"]))]
    lines += [_line("目安に必要な毎月の積立", "monthly saving needed", yen(goal["need_monthly_yen"]))]
    lines += [_line("目安に必要な追加（今日）", "extra needed today", yen(goal["need_now_yen"]))]
    if goal["can_draw_yen"] is not None:
        lines += [_line("目安で取り崩せる月額", "monthly drawing that lasts", yen(goal["can_draw_yen"]))]
    if goal["asset_life_months"] is not None:
        lines += _life(goal["asset_life_months"])
    if goal["buckets_yen"] is not None:
        lines += [_line("バケット：現金", "bucket, cash", yen(goal["buckets_yen"]["cash"]))]
        lines += [_line("バケット：運用", "bucket, invested", yen(goal["buckets_yen"]["invested"]))]
    lines += _ladder(goal)
    if goal["best_dynamic"] is not None:
        now = f"（いま now: {goal['best_dynamic_portfolio']}）"
        lines += [_line("毎年選び直す場合の最高確率", "best yearly choice", f"{percent(goal['best_dynamic'])} {now}")]
    if goal["payments"] is not None:
        lines += ["   毎月の取り崩し額（円） monthly payment by year", *_table(goal["payments"])]
    if goal["fan"] is not None:
        lines += ["   資産の見込み（円） wealth by year", *_table(goal["fan"])]
    return lines


def _life(life: dict) -> list[str]:
    """Return the lines of how long the money lasts."""
    def told(months: int | None) -> str:
        return "100 年以上 (100 years or more)" if months is None else _span(months)

    lines = [_line("資産寿命（平均の運用）", "lasts, mean return", told(life["mean"]))]
    lines += [_line("資産寿命（半数の場合）", "lasts, half of cases", told(life["p50"]))]
    return [*lines, _line("資産寿命（悪い 5 %）", "lasts, worst 5 %", told(life["p5"]))]


def _ladder(goal: dict) -> list[str]:
    """Return the rows of the permitted portfolios."""
    lines = ["   ポートフォリオ別 by portfolio                   確率 / 必要な毎月の積立 probability / monthly saving"]
    for rung in goal["ladder"]:
        mark = "▸" if rung["name"] == goal["portfolio"] else " "
        name = f"{mark} {rung['name']}"
        space = " " * max(1, 47 - cell_len(name))
        lines += [f"    {name}{space}{percent(rung['probability']):>5} / {yen(rung['need_monthly_yen'])}"]
    return lines


def _table(rows: list[dict]) -> list[str]:
    """Return percentiles by year in columns; of many years every fifth and the last one."""
    shown = rows if len(rows) <= FAN_ROWS else [row for row in rows if row["year"] % 5 == 0 or row is rows[-1] or row is rows[0]]
    cells = [("年 year", *HEADS)]
    cells += [(f"{row['year']:g}" if isinstance(row["year"], float) else str(row["year"]), *(f"{row[p]:,}" for p in PERCENTILES))
              for row in shown]
    widths = [max(cell_len(row[i]) for row in cells) for i in range(len(cells[0]))]
    padded = [[" " * (width - cell_len(cell)) + cell for cell, width in zip(row, widths, strict=True)] for row in cells]
    return ["     " + "  ".join(row) for row in padded]
