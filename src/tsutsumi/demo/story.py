"""One customer's story (ある顧客の歩み): whom to tell about, and what happened in dated lines, from the rows of the house."""

from collections import defaultdict
from datetime import date

from tsutsumi.demo.life import REFUSED_NOTES
from tsutsumi.demo.programs import GOAL_WRAP

LINES = 14
GONE = ("terminated", "sleeve_closed")
WORTH = {"strategy_changed": 4, "withdrawal": 1, "transfer": 2}
TEXTS = {           # kind: Japanese, English; {yen} is written with thousands separators
    "contract_opened": ("「{program}」を契約", "signed up for {program_en}"),
    "sleeve_opened": ("運用口「{sleeve}」を「{model}」で開始", "sleeve {sleeve_id} started with {model_en}"),
    "deposit": ("「{sleeve}」に {yen} 円を入金（{note}）", "paid {yen} yen into {sleeve_id}"),
    "withdrawal": ("「{sleeve}」から {yen} 円の払戻しを依頼（{note}）", "asked for {yen} yen from {sleeve_id}"),
    "transfer": ("「{sleeve}」から「{target}」へ {yen} 円を振替", "moved {yen} yen from {sleeve_id} to {target_id}"),
    "strategy_changed": ("「{sleeve}」を「{model}」に変更（{note}）", "{sleeve_id} changed to {model_en}"),
    "sleeve_closed": ("「{sleeve}」を終了（{note}）", "closed {sleeve_id}"),
    "terminated": ("「{program}」を解約（{note}）", "terminated {program_en}"),
    "instalment": ("「{sleeve}」の積立を毎月 {yen} 円に", "instalment of {sleeve_id}: {yen} yen a month"),
    "drawing": ("「{sleeve}」の定期受取を毎月 {yen} 円に", "drawing from {sleeve_id}: {yen} yen a month"),
}


def pick_story(rows: dict[str, list[dict]]) -> int:
    """Return the customer_no to tell about (紹介する顧客): still open, several sleeves, a plan, a strategy change.

    A customer whose instructions were refused, or who left, is told about only if there is nobody else.

    Parameters
    ----------
    rows : dict
        As `build_rows` returns them: customers, contracts, sleeves, plans and events are read.
    """
    owner = {row["contract_no"]: row["customer_no"] for row in rows["contracts"]}
    owner_of_sleeve = {row["sleeve_no"]: owner[row["contract_no"]] for row in rows["sleeves"]}
    with_goals = {row["customer_no"] for row in rows["contracts"] if row["program_no"] == GOAL_WRAP}
    sleeves, plans, points = defaultdict(int), set(), defaultdict(int)
    kinds: dict[int, set[str]] = defaultdict(set)
    for customer_no in owner_of_sleeve.values():
        sleeves[customer_no] += 1
    for row in rows["plans"]:
        if row["amount_yen"]:
            plans.add(owner_of_sleeve[row["sleeve_no"]])
    for row in rows["events"]:
        if row["contract_no"]:
            kinds[owner[row["contract_no"]]].add("refused" if row["note"] in REFUSED_NOTES else row["kind"])
    for row in rows["customers"]:
        number = row["customer_no"]
        points[number] = 4 * (sleeves[number] > 1) + 4 * (number in plans) + sum(WORTH.get(kind, 0) for kind in kinds[number])
        points[number] += 3 * (number in with_goals) - 20 * bool(kinds[number] & {*GONE, "refused"})
    return max(points, key=lambda number: (points[number], -number))


def story_lines(rows: dict[str, list[dict]], customer_no: int, through: date | None = None, limit: int = LINES) -> list[dict]:
    """Return what happened to a customer (顧客の出来事): `{"date", "text", "text_en"}`, by date, instructions and plans.

    With more than `limit` lines, those in the middle give way to one line that counts them.
    """
    words = _words(rows, customer_no)
    found = []
    for row in rows["events"]:
        if row["contract_no"] in words["contracts"] and row["note"] not in REFUSED_NOTES:
            found.append((row["date"], row["event_no"], row["kind"], row))
    for row in rows["plans"]:
        if row["sleeve_no"] in words["sleeves"]:
            contract_no = words["sleeves"][row["sleeve_no"]]["contract_no"]
            as_event = {"contract_no": contract_no, "target_sleeve_no": 0, "model_no": 0, "note": ""} | row
            found.append((row["valid_from_date"], 0, row["kind"], as_event))
    found = sorted((line for line in found if through is None or line[0] <= through), key=lambda line: line[:3])
    lines = [_line(day, kind, row, words) for day, _, kind, row in found]
    if len(lines) <= limit:
        return lines
    head, tail = limit // 2, limit - limit // 2 - 1
    left = len(lines) - head - tail
    return [*lines[:head], {"date": "…", "text": f"ほか {left} 件", "text_en": f"{left} more"}, *lines[-tail:]]


def _words(rows: dict[str, list[dict]], customer_no: int) -> dict[str, dict]:
    contracts = {row["contract_no"]: row for row in rows["contracts"] if row["customer_no"] == customer_no}
    return {
        "contracts": contracts,
        "sleeves": {row["sleeve_no"]: row for row in rows["sleeves"] if row["contract_no"] in contracts},
        "models": {row["model_no"]: row for row in rows["models"]},
        "programs": {row["program_no"]: row for row in rows["programs"]},
    }


def _line(day: date, kind: str, row: dict, words: dict[str, dict]) -> dict:
    program = words["programs"][words["contracts"][row["contract_no"]]["program_no"]]
    sleeve, target = words["sleeves"].get(row["sleeve_no"], {}), words["sleeves"].get(row["target_sleeve_no"], {})
    model = words["models"].get(row["model_no"], {})
    values = {
        "program": program["name"], "program_en": program["name_en"], "sleeve": sleeve.get("name", "契約全体"),
        "sleeve_id": sleeve.get("sleeve_id", "the whole contract"),
        "target": target.get("name"), "target_id": target.get("sleeve_id"),
        "model": model.get("name"), "model_en": model.get("name_en"), "note": row["note"], "yen": f"{row['amount_yen']:,}",
    }
    text, text_en = TEXTS[kind]
    return {"date": day.isoformat(), "text": text.format(**values), "text_en": text_en.format(**values)}
