"""§7, "Who pays", "Collection" and "Parties": from a fee to what a sleeve owes of an evening, and the bank's debit."""

from collections import Counter
from datetime import date

from tests.oracles.day_oracle.money import largest_remainder
from tests.oracles.day_oracle.state import MILLION, Contract, Due, Fee, House, Sleeve


def shares(house: House, contract: Contract, fee: int, day: date) -> dict[int, int]:
    """The `share_ppm` rows of the latest `valid_from_date` not after `charged_date`, floor each, remainder to the program's
    `remainder_company`; refunds likewise.
    """
    rows = [row for row in house.tables.get("program_shares", [])
            if row["program_no"] == contract.program_no and row["valid_from_date"] <= day]
    latest = max((row["valid_from_date"] for row in rows), default=None)
    found = {row["company_no"]: fee * row["share_ppm"] // MILLION for row in rows if row["valid_from_date"] == latest}
    rest = house.rules(contract.program_no, day)["remainder_company_no"]
    found[rest] = found.get(rest, 0) + fee - sum(found.values())
    return found


def payers(house: House, contract: Contract) -> list[int]:
    """The contract's sleeves (open at charging; those that are closing only if all are)."""
    sleeves = house.contract_sleeves(contract.number)
    return [sleeve.number for sleeve in sleeves if sleeve.is_active] or [sleeve.number for sleeve in sleeves]


def split(house: House, contract: Contract, fee: int, weights: dict[int, int], day: date) -> dict[int, int]:
    """By largest remainder (`instrument_no` 0 in the tie; the tie's day is `d`). All zero: the first sleeve."""
    numbers = payers(house, contract)
    if not numbers or fee == 0:
        return {}
    weighed = [(weights.get(number, 0), number, None) for number in numbers]
    if not any(weight for weight, _, _ in weighed):
        return {numbers[0]: fee}
    return {number: part for number, part in zip(numbers, largest_remainder(fee, weighed, 0, day), strict=True) if part}


def set_off(parts: dict[int, int], credit: int, day: date) -> dict[int, int]:
    """A credit `c` is set off first: of the parts Σ = T, `min(T, c)` is taken off by largest remainder with weights = the
    parts. -> what is left of each part
    """
    numbers = sorted(parts)
    if not numbers:
        return {}
    off = largest_remainder(min(sum(parts.values()), credit), [(parts[number], number, None) for number in numbers], 0, day)
    left = {number: parts[number] - less for number, less in zip(numbers, off, strict=True)}
    return {number: part for number, part in left.items() if part}


def owe(house: House, contract: Contract, made: list[Fee], day: date) -> None:
    """What a sleeve owes of one evening is one due. A refund is a credit of the contract: it is set off against what the
    contract owes next, on the same evening already (the dues of an evening fall by it, the fees themselves do not).
    `due_date` = the `collection_days`-th business day after `d`; of a final fee `n(d)`.
    """
    contract.credit += sum(fee.fee_yen for fee in made if fee.kind.startswith("refund"))
    parts = Counter()
    for fee in made:
        parts.update(fee.parts)
    owed = sum(parts.values())
    left = set_off(parts, contract.credit, day)
    contract.credit -= owed - sum(left.values())
    if left:
        rules = house.rules(contract.program_no, day)
        wait = 1 if contract.final_date == day else rules["collection_days"]
        due = Due(contract.number, day, house.dates.after(day, wait), left, dict(left))
        house.all_dues.append(due)
        for fee in made:
            if fee.fee_yen and not fee.kind.startswith("refund"):
                fee.due = due
    house.fees += made


def is_debited(house: House, sleeve: Sleeve, day: date) -> bool:
    """`collection_kind = deposit`, by the rules in force on the day."""
    return house.rules_of(sleeve, day).get("collection_kind", "cash") == "deposit"


def debit(house: House, day: date) -> None:
    """`deposit`: on the due date the bank debits each sleeve's part of the dues of that date from the customer's own
    account; collected, it comes into the sleeve as an event `fee_deposit` (flow kind `deposit`, no minimum; a closing sleeve
    takes it too). A failed debit is a `debit_failed` event; the due then is paid like any other.
    """
    for sleeve in house.open_sleeves():
        today = [due for due in house.dues(sleeve) if due.due_date == day and is_debited(house, sleeve, day)]
        amount = sum(due.unpaid[sleeve.number] for due in today)
        if not amount:
            continue
        for due in today:
            due.by_deposit = True
        if (sleeve.number, day) in house.bank_failures:
            house.alert("debit_failed", sleeve.number)
        else:
            house.move_cash(day, sleeve, "deposit", amount)


def pressing(house: House, sleeve: Sleeve, day: date) -> list[Due]:
    """The dues that are a need of the decision: until the evening before the due date one to be debited is none."""
    return [due for due in house.dues(sleeve) if not (is_debited(house, sleeve, day) and due.due_date > day)]
