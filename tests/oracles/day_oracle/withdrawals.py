"""§5, "Who pays first": withdrawals that name a contract, an account or a customer, judged before the close."""

from dataclasses import dataclass
from datetime import date

from tests.oracles.day_oracle.paying import Payer, payer, shared
from tests.oracles.day_oracle.promises import needs
from tests.oracles.day_oracle.state import MILLION, House, Sleeve


@dataclass
class Standing:
    """A sleeve by the books of `y`, and what the events of `d` before an event make of it."""

    there: int                               # value − open payouts that are not closings − dues
    gone: int = 0                            # withdrawals and transfers of the events before it
    money_in: int = 0                        # deposits and instalments of the events before it
    shut: bool = False                       # an event before it closes it, or terminates its contract


def waiting(house: House, day: date) -> list[dict]:
    """The events of `d`, in the order of their number; one dated on a day without a close comes at the next close."""
    rows = [event for event in house.tables["events"] if event["date"] <= day and event["event_no"] not in house.done_events]
    return sorted(rows, key=lambda event: event["event_no"])


def events_of(house: House, surplus: list[dict], day: date) -> list[dict]:
    """The events of `d`, transfers of surplus first; in the place of a withdrawal that names no sleeve one of each sleeve that
    pays, by sleeve number, each with the number of the event. `A > Σ most`: the event stays whole.

    Judged before the close, by the books of `y`, at their prices and values, with the rules in force on `d`.
    """
    standings = {sleeve.number: Standing(sleeve.value - needs(house, sleeve)) for sleeve in house.open_sleeves()}
    found: list[dict] = []
    for event in [*surplus, *waiting(house, day)]:
        parts = {} if event["kind"] != "withdrawal" or event["sleeve_no"] else parts_of(house, event, standings, day)
        mine = [{**event, "sleeve_no": number, "contract_no": 0, "amount_yen": part} for number, part in sorted(parts.items())]
        for one in mine or [event]:
            go_on(house, one, standings, day)
            found.append(one)
    return found


def go_on(house: House, event: dict, standings: dict[int, Standing], day: date) -> None:
    """What an event changes for the withdrawals after it: from `D` go the withdrawals and transfers of the sleeve, each that is at
    most the limit of (the same at `y`, below 0 too, + deposits and instalments of the events before it); a sleeve that an event
    before it closes, or whose contract it terminates, does not pay, even if that event is refused.

    Reading: "the same at `y`" is not less those that went before; amounts of 0 and below do not count, others do even if the event
    will be refused.
    """
    if event["kind"] == "terminated":
        for number, standing in standings.items():
            standing.shut |= house.sleeves[number].contract_no == event["contract_no"]
    standing = standings.get(event["sleeve_no"])
    if standing is None:
        return
    amount = event["amount_yen"]
    if event["kind"] == "sleeve_closed":
        standing.shut = True
    elif event["kind"] in ("deposit", "instalment"):
        standing.money_in += max(amount, 0)
    elif event["kind"] in ("withdrawal", "transfer") and amount > 0:
        limit = house.rules_of(house.sleeves[event["sleeve_no"]], day)["withdrawal_limit_ppm"]
        if amount * MILLION <= limit * (standing.there + standing.money_in):
            standing.gone += amount


def parts_of(house: House, event: dict, standings: dict[int, Standing], day: date) -> dict[int, int]:
    """{sleeve: yen} of a withdrawal that names a contract, an account or a customer; nothing if `A > Σ most`."""
    payers = {contract_no: paying(house, contract_no, standings, day) for contract_no in named(house, event)}
    if not 0 < event["amount_yen"] <= sum(most_of(of) for of in payers.values()):
        return {}
    rest, parts = event["amount_yen"], {}
    for together in tiers(house, event, sorted(payers), day):
        amount = min(rest, sum(most_of(payers[number]) for number in together))
        rest -= amount
        for contract_no, part in over_contracts(amount, {number: most_of(payers[number]) for number in together}).items():
            parts |= shared(house, payers[contract_no], part, day)
    return parts


def named(house: House, event: dict) -> list[int]:
    """One that names an account is paid by all contracts of the account, one that names a customer by all of the customer's."""
    for name in ("contract_no", "account_no", "customer_no"):
        if event.get(name, 0):
            return [row["contract_no"] for row in house.tables["contracts"] if row[name] == event[name]]
    return []


def paying(house: House, contract_no: int, standings: dict[int, Standing], day: date) -> list[Payer]:
    """The sleeves of a contract that pay, by the books of `y`."""
    sleeves: list[Sleeve] = [one for one in house.contract_sleeves(contract_no) if one.is_active and not standings[one.number].shut]
    return [payer(house, one, standings[one.number].there - standings[one.number].gone, day) for one in sleeves]


def most_of(payers: list[Payer]) -> int:
    """Σ most."""
    return sum(one.most for one in payers)


def tiers(house: House, event: dict, contracts: list[int], day: date) -> list[list[int]]:
    """The row of `account_orders` in force on `d` orders the contracts by the tax class of their account, `tax_classes` first to
    last, classes that it does not name last and together; without a row (or an empty one) all are together.
    """
    accounts = {row["account_no"]: row for row in house.tables["accounts"]}
    account_of = {number: accounts[house.contracts[number].account_no] for number in contracts}
    customers = {account["customer_no"] for account in account_of.values()}
    rows = [row for row in house.tables.get("account_orders", [])
            if row["customer_no"] in customers and row["valid_from_date"] <= day]
    row = max(rows, key=lambda row: row["valid_from_date"]) if rows else {"tax_classes": ""}
    classes = [name for name in row["tax_classes"].split(";") if name]
    found: dict[int, list[int]] = {}
    for number in contracts:
        name = account_of[number]["tax_class"]
        found.setdefault(classes.index(name) if name in classes else len(classes), []).append(number)
    return [found[place] for place in sorted(found)]


def over_contracts(amount: int, most: dict[int, int]) -> dict[int, int]:
    """By largest remainder with weights Σ `most` of a contract (ties to the lower contract number)."""
    whole = sum(most.values())
    if amount <= 0 or whole == 0:
        return {}
    parts = {number: amount * one // whole for number, one in most.items()}
    ranked = sorted(most, key=lambda number: (-(amount * most[number] % whole), number))
    for number in ranked[: amount - sum(parts.values())]:
        parts[number] += 1
    return parts
