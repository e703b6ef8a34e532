"""What an event of each kind must and may say (イベントの必須項目); what it does is decided in the close (docs/close.md §5)."""

from sqlalchemy import Connection, select

from tsutsumi.core.refusals import Refusal
from tsutsumi.store.rows import Row, chunks
from tsutsumi.store.tables import sleeves

MONEY = ({"sleeve_id", "amount_yen"}, {"contract_id"})
PAYERS = ("sleeve_id", "contract_id", "account_id", "customer_id")  # who pays a withdrawal: the narrowest that is named
NEEDS: dict[str, tuple[set[str], set[str]]] = {  # kind -> what it must say, what else it may say (a note is always welcome)
    "contract_opened": ({"contract_id"}, set()),
    "sleeve_opened": ({"sleeve_id"}, {"contract_id"}),
    "deposit": MONEY,
    "instalment": MONEY,
    "withdrawal": ({"amount_yen"}, set(PAYERS)),
    "transfer": ({"sleeve_id", "target_sleeve_id", "amount_yen"}, {"contract_id"}),
    "strategy_changed": ({"sleeve_id", "model_id"}, {"contract_id"}),
    "sleeve_closed": ({"sleeve_id"}, {"contract_id", "target_sleeve_id"}),
    "terminated": ({"contract_id"}, set()),
    "correction": ({"sleeve_id", "note"}, {"contract_id", "amount_yen", "instrument_id", "units"}),
    "debit_failed": MONEY,
    "fee_deposit": MONEY,
    "fee_corrected": ({"contract_id", "amount_yen", "note"}, set()),
    "instalment_skipped": ({"sleeve_id"}, {"contract_id"}),
}
SAID = (
    "contract_id", "sleeve_id", "target_sleeve_id", "model_id", "instrument_id", "account_id", "customer_id", "amount_yen", "units",
    "note",
)


def check_events(connection: Connection, rows: list[Row]) -> list[Refusal]:
    """Refuse events that lack what their kind needs, or say what it has no use for (イベントの形式検査)."""
    contracts = _contracts(connection, rows)
    found = (_problem(row, contracts) for row in rows)
    return [refusal for refusal in found if refusal is not None]


def _problem(row: Row, contracts: dict[int, int]) -> Refusal | None:
    kind, values = row.values["kind"], row.values
    if kind not in NEEDS:
        return row.refused("kind", f"{kind!r} is unknown", f"use one of {', '.join(NEEDS)}")
    must, may = NEEDS[kind]
    said = {name for name in SAID if values[name.replace("_id", "_no")]}
    missing = [name for name in SAID if name in must - said]
    if missing:
        given = row.given[missing[0]]
        why = f"{given} is not above zero" if given else f"a {kind} needs it, and it is missing"
        return row.refused(missing[0], why, "fill it in")
    idle = [name for name in SAID if name in said - must - may - {"note"}]
    if idle:
        return row.refused(idle[0], f"{row.given[idle[0]]!r} has no meaning for a {kind}", "leave it empty, or mend the kind")
    if kind == "withdrawal" and len(said & set(PAYERS)) != 1 and said & set(PAYERS) != {"sleeve_id", "contract_id"}:
        why = "it names nobody who pays" if not said & set(PAYERS) else "it names several who pay"
        return row.refused("sleeve_id", why, "name one: a sleeve, a contract, an account, or a customer")
    if kind == "correction":
        if said & {"amount_yen", "instrument_id", "units"} not in ({"amount_yen"}, {"instrument_id", "units"}):
            cure = "give amount_yen, or instrument_id and units"
            return row.refused("correction", "it corrects either yen or the units of one instrument", cure)
    elif values["amount_yen"] < 0 and kind != "fee_corrected":
        cure = "give whole yen above zero; the kind tells the direction"
        return row.refused("amount_yen", f"{values['amount_yen']} is not above zero", cure)
    if {"contract_id", "sleeve_id"} <= said and contracts[values["sleeve_no"]] != values["contract_no"]:
        cure = "name the sleeve's own contract, or leave it empty"
        return row.refused("contract_id", f"{row.given['sleeve_id']} is no sleeve of {row.given['contract_id']}", cure)
    return None


def _contracts(connection: Connection, rows: list[Row]) -> dict[int, int]:
    """Return the contract of every sleeve of the rows."""
    found: dict[int, int] = {}
    for part in chunks({row.values["sleeve_no"] for row in rows if row.values["contract_no"]}):
        query = select(sleeves.c.sleeve_no, sleeves.c.contract_no).where(sleeves.c.sleeve_no.in_(part))
        found.update(tuple(row) for row in connection.execute(query))
    return found
