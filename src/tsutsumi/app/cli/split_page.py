"""How all goals of a customer look together (顧客の配分案の表示): as they stand, the split, transfers, one pot; JSON and lines."""

from collections.abc import Iterable

from tsutsumi.app.cli.advice_page import STATUS_WORDS, again_lines, percent, surplus_lines, written_line
from tsutsumi.core.goals.budget_split import BACK, ENOUGH, ESSENTIAL, KEPT, NO_USE, NOTHING, SHORT, WISH
from tsutsumi.core.goals.options import NO_LIMIT
from tsutsumi.run.customer_goals import ANSWERED, ENDED, LATER_PLAN, UNSUITABLE, UNTOLD, FollowedGoal
from tsutsumi.run.customer_split import CustomerSplit, Given
from tsutsumi.run.split_answers import SplitAnswered

PPM = 1_000_000
FIXED = {
    UNTOLD: ("達成確率が算出できない", "its probability cannot be told"), ENDED: ("目標の日が来た", "its date has come"),
    UNSUITABLE: ("モデルが適合性の上限を超えている", "its model is beyond what suits the customer"),
    LATER_PLAN: ("先の日付の積立計画が登録済み", "a plan that begins later is loaded"),
    ANSWERED: ("受諾した案がまだ実行されていない", "accepted advice is not carried out yet"),
}
REASONS = {
    ESSENTIAL: ("必要額が希望の確率に届く最小の額", "the least with which the essential amount reaches what is wanted"),
    WISH: ("希望額が希望の確率に届く最小の額", "the least with which the wish reaches what is wanted"),
    SHORT: ("先の目標の残りで、いちばん近づく額", "as near to what is wanted as what the goals before it leave brings it"),
    BACK: ("ほかに配った残りを、今日の額まで", "what is left after the others, up to what it has today"),
    ENOUGH: ("これで希望の確率に届く", "with this it reaches what is wanted"),
    NO_USE: ("これより多くしても、ほとんど変わらない", "more would hardly change it"),
    NOTHING: ("先の目標で使い切り、残りがない", "the goals before it leave nothing"),
    KEPT: ("変えない", "it stays"),
}


# ---- JSON


def split_content(of: CustomerSplit) -> dict:
    """Return the goals of a customer and the split as plain values (配分案の JSON)."""
    rows = zip(of.of.goals, of.payments, of.savings, strict=True)
    return {
        "date": str(of.of.date), "customer_id": of.of.customer_id, "customer": of.of.name, "total_yen": of.total_yen,
        "left_yen": of.left_yen, "changed_count": len(of.changed), "goals": [_goal(*row) for row in rows],
        "transfers": [vars(move) for move in of.transfers], "pot": of.pot, "pot_error": of.pot_error,
    }


def _goal(goal: FollowedGoal, paid: Given, saved: Given) -> dict:
    names = ("goal_id", "name", "priority", "sleeve_id", "contract_id", "account_id", "model_id", "status", "want_ppm",
             "probability_ppm", "floor_ppm", "value_yen", "monthly_yen", "drawn_yen", "target_yen", "floor_yen")
    limit = None if goal.most_risk_ppm >= NO_LIMIT else goal.most_risk_ppm
    ja, en = sentence(goal, paid)
    return {name: getattr(goal, name) for name in names} | {
        "stays": goal.stays, "surplus_from": list(goal.surplus_from), "target_date": str(goal.target_date),
        "months": goal.months_ppm / PPM, "most_risk_ppm": limit, "fixed": goal.fixed,
        "payment_yen": goal.payment_yen, "split": vars(paid) | {"ja": ja, "en": en}, "with_transfers": vars(saved),
    }


# ---- lines


def sentence(goal: FollowedGoal, paid: Given) -> tuple[str, str]:
    """Return what would change for a goal, why, and what follows (配分の文), in Japanese and in English."""
    before, after = goal.payment_yen, paid.yen
    why = FIXED[goal.fixed] if goal.fixed else REASONS[KEPT if after == before else paid.reason]
    if after == before:
        return f"毎月 {before:,} 円のまま（{why[0]}）", f"{before:,} yen a month as before: {why[1]}"
    moved = after - before
    ja = f"毎月 {before:,} 円を {after:,} 円に（{moved:+,} 円）。{why[0]}。"
    en = f"{after:,} yen a month instead of {before:,} ({moved:+,}): {why[1]}; "
    told = f"{percent(goal.probability_ppm)} → {percent(paid.probability_ppm)}"
    if goal.floor_ppm is None:
        return f"{ja}希望額 {told}", f"{en}wish {told}"
    floor = f"{percent(goal.floor_ppm)} → {percent(paid.floor_ppm)}"
    return f"{ja}必要額 {floor}、希望額 {told}", f"{en}essential {floor}, wish {told}"


def split_lines(of: CustomerSplit, house: str) -> list[str]:
    """Return the goals of a customer and the split as lines of text (顧客の配分案)."""
    of_day = of.of
    lines = [f"顧客の目標 goals of a customer  {of_day.customer_id} {of_day.name} 様  {of_day.date} の締め at the close"]
    if not of_day.goals:
        return [*lines, "", "追っている目標はありません。 No goal is followed."]
    lines += ["", "■ いまの姿 as they stand", *_standing(of_day.goals), "", *_payments(of)]
    if of.transfers:
        lines += ["", *_transfers(of)]
    if of.pot or of.pot_error:
        lines += ["", *_pot(of)]
    if of.changed and of_day.last:
        lines += ["", "受諾 accept", f"  tsutsumi advice {house} --customer {of_day.customer_id} --accept split --by NAME"]
    return lines


def _standing(goals: Iterable[FollowedGoal]) -> list[str]:
    """Return how each goal stands, in three lines, with what its probability leaves out."""
    lines = []
    for one in goals:
        drawn = f"（うち取り崩し drawn {one.drawn_yen:,}）" if one.drawn_yen else ""
        floor = f"必要額 essential {one.floor_yen:,} 円 {percent(one.floor_ppm)} ・ " if one.floor_yen else ""
        wish = f"希望額 wish {one.target_yen:,} 円" if one.target_yen else "最後までもつこと the money lasts"
        lines += [
            f"  {one.priority}  {one.goal_id} {one.name}  {STATUS_WORDS[one.status]} ・ 期日 date {one.target_date}",
            f"     評価額 value {one.value_yen:,} 円 ・ 毎月 a month {one.monthly_yen:,} 円{drawn}",
            f"     達成確率 probability: {floor}{wish} {percent(one.probability_ppm)}（望む wanted {percent(one.want_ppm)}）",
            *(["     取り崩す額が残高で変わるので、残高は振替案で動かしません。",
               "     Its savings are not moved: what is drawn follows from them."] if one.stays else []),
            *(f"     {line}" for line in surplus_lines(one.surplus_from)),
        ]
    return lines


def _payments(of: CustomerSplit) -> list[str]:
    lines = [f"■ 同じ毎月 {of.total_yen:,} 円の配分（優先順位の順に、必要額、つぎに希望額）",
             "  the same money a month by priority, essential amounts first"]
    if not of.total_yen:
        lines = ["■ 毎月の積立の配分：いま動かせる積立はありません payments a month: none may be moved now"]
    if not any(goal.payment_yen for goal in of.of.goals):
        return [*lines, "  積立がないので、配分するものはありません。 Nothing is paid a month: there is nothing to split."]
    for goal, paid in zip(of.of.goals, of.payments, strict=True):
        ja, en = sentence(goal, paid)
        lines += [f"  {goal.goal_id} {goal.name}: {ja}", f"      {en}"]
    if of.left_yen:
        lines.append(f"  割り切れない {of.left_yen:,} 円は引き落としません。 {of.left_yen:,} yen do not divide and are not paid.")
    if not of.changed:
        lines.append("  いまの配分より良いものはありません。 No other split is better.")
    return lines


def _transfers(of: CustomerSplit) -> list[str]:
    """Return what transfers within an account could do besides."""
    names = {one.goal_id: one.name for one in of.of.goals}
    lines = ["■ さらに、口座の中の振替ができるなら（売却の費用・税は見ていません）",
             "  with transfers within an account besides (costs and tax of sales not counted)"]
    for move in of.transfers:
        lines.append(f"  口座 account {move.account_id}: {move.from_goal_id} {names[move.from_goal_id]} → "
                     f"{move.to_goal_id} {names[move.to_goal_id]} {move.yen:,} 円")
    for goal, paid, saved in zip(of.of.goals, of.payments, of.savings, strict=True):
        if (saved.probability_ppm, saved.floor_ppm) == (paid.probability_ppm, paid.floor_ppm):
            continue
        told = f"希望額 wish {percent(paid.probability_ppm)} → {percent(saved.probability_ppm)}"
        floor = "" if saved.floor_ppm is None else f"必要額 essential {percent(paid.floor_ppm)} → {percent(saved.floor_ppm)}、"
        lines.append(f"  {goal.goal_id} {goal.name}: {floor}{told}")
    return [*lines, "  振替は指図として登録します（tsutsumi load、種類 transfer）。 Load them as events of kind transfer."]


def _pot(of: CustomerSplit) -> list[str]:
    title = ["■ ひとつの財布で、毎年モデルを選び直すなら（効用の和が最大。参考）",
             "  as one pot with a yearly choice of model (greatest sum of utilities; for comparison)"]
    if of.pot is None:
        return [*title, f"  示せません not told: {of.pot_error}"]
    names = {one.goal_id: one.name for one in of.of.goals}
    lines = title
    if of.pot["portfolio"]:
        lines.append(f"  いま持つモデル model to hold now: {of.pot['portfolio']}")
    for row in of.pot["goals"]:
        name = f"  {row['name']} {names[row['name']]}: "
        if "error" in row:
            lines.append(f"{name}示せません not told: {row['error']}")
            continue
        told = f"希望額 wish {_share(row['probability'])}"
        floor = row["essential_probability"]
        lines.append(name + ("" if floor is None else f"必要額 essential {_share(floor)}、") + told)
    return lines


def _share(probability: float) -> str:
    return percent(int(probability * PPM + 0.5))


# ---- an answer


def split_answer_content(of: SplitAnswered) -> dict:
    """Return what became of an answer to a split as plain values (配分案への回答の JSON)."""
    changes = [{"goal_id": goal.goal_id, "sleeve_id": goal.sleeve_id, "before_yen": goal.payment_yen, "after_yen": given.yen,
                "probability_ppm": given.probability_ppm, "floor_ppm": given.floor_ppm} for goal, given in of.split.changed]
    return {
        "customer_id": of.split.of.customer_id, "date": str(of.split.of.date), "kind": "split", "answer": of.answer, "new": of.new,
        "made_by": of.made_by, "recorded_at": of.recorded_at, "effective_date": str(of.effective_date),
        "changes": changes if of.new else [],
    }


def split_answer_lines(of: SplitAnswered) -> list[str]:
    """Return what became of an answer to a split as lines (配分案への回答)."""
    word = {"accepted": "受諾 accepted", "declined": "辞退 declined"}[of.answer]
    lines = [f"{of.split.of.customer_id} {of.split.of.name} 様 {of.split.of.date} の配分案 split: {word}（{of.made_by}）"]
    if not of.new:
        return [*lines, *again_lines(of.recorded_at)]
    for goal, given in of.split.changed if of.answer == "accepted" else ():
        ja, en = sentence(goal, given)
        lines += [f"  {goal.goal_id} {goal.name}: {ja}", f"      {en}"]
    return [*lines, written_line(of.effective_date, ["plans"])] if of.answer == "accepted" else lines
