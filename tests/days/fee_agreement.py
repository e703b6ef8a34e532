"""The fees of the two closes as rows to compare: what was charged, to whom it goes, who owes it, when it was collected."""

from tsutsumi.core.calendar import epoch_day
from tsutsumi.core.fee_states import BASE_SUM, CONTRACT, CONTRACT_COLUMNS, DAY, MARK, MONEY, VALUE, fee_state, sleeve_rows

FEE_KINDS = {"charge": 1, "addition": 2, "refund": 3, "performance": 4, "refund at the end": 5, "correction": 6,
             "refund of a correction": 7}
FEE_KEY = ("contract_no", "sleeve_no", "component_no", "kind_code", "start_date")


class RightPast:
    """The fee states of a slow close, as the rows that the columnar one goes on from: what they change in its state of the last
    close.
    """

    def __init__(self, house) -> None:
        self.applied = house.applied

    def rows(self, books, event_nos: list[int]) -> list[tuple]:
        """Return the rows of the events of a day."""
        found = [(event, self.applied[event]) for event in event_nos if event in self.applied]
        return [(event, *row) for event, applied in found for row in right_state(books, applied)]


def right_state(books, applied) -> list[tuple]:
    """Return the state of a contract's fees with what a correction changes in it."""
    kept, number = [], applied.contract_no
    state = fee_state(books, number)
    more = {name: getattr(applied, of) for name, of in (("running_base_yen", "running"), ("uncharged_yen", "uncharged"))}
    more |= {"net_deposit_yen": applied.deposits}
    more |= {f"month_end_{k}_yen": applied.deposits for k, differs in enumerate(applied.month_ends, start=1) if differs}
    last_step = {(row[2], row[3]): row[4] for row in state if row[5] == MARK}
    by_day = any(row[5] == DAY for row in state)
    for *key, kind, start, after, before, yen in state:
        if kind == CONTRACT:
            yen += more.get(CONTRACT_COLUMNS[key[4]], 0)
        elif kind == BASE_SUM:
            yen += applied.base_sums.get(key[2], 0)
        elif kind == MARK and last_step[key[2], key[3]] == key[4]:
            yen += applied.marks
        if kind != DAY:
            kept.append((*key, kind, start, after, before, yen))
    account, last = state[0][0], None
    for day, base in sorted(applied.day_bases.items()) if by_day else ():
        if base != last:
            kept.append((account, number, 0, 0, 0, DAY, epoch_day(day), 0, 0, base))
        last = base
    return kept + sleeve_rows(books, VALUE, applied.values) + sleeve_rows(books, MONEY, applied.money)


def rows(frame: dict, names: tuple[str, ...]) -> list[tuple]:
    """Return the named columns of a frame as rows."""
    return list(zip(*(frame[name].tolist() for name in names), strict=True)) if frame else []


class Charged:
    """Every fee row as it was charged, with the day on which it was collected, its shares, and what was cut at a closing."""

    def __init__(self) -> None:
        self.fees: dict[tuple, tuple] = {}
        self.shares: dict[tuple, int] = {}
        self.cut_of: dict[tuple, int] = {}

    @property
    def cuts(self) -> dict[tuple[int, int], int]:
        """{(contract, charged): yen} by which fees were cut"""
        found: dict[tuple[int, int], int] = {}
        for key, yen in self.cut_of.items():
            if yen:
                found[key[0], self.fees[key][3]] = found.get((key[0], self.fees[key][3]), 0) + yen
        return found

    def remember(self, tables: dict) -> None:
        """Take the fee rows of an evening: new ones with their shares, known ones for what has become of them."""
        values = ("end_date", "base_yen", "fee_yen", "charged_date", "collected_date")
        fresh, charged = set(), tables.get("fees", {})
        for key, (end, base, yen, day, collected) in zip(rows(charged, FEE_KEY), rows(charged, values), strict=True):
            if key not in self.fees:
                fresh.add(key)
                self.fees[key] = end, base, yen, day, collected
                continue
            first = self.fees[key][2]
            self.fees[key] = end, base, first, day, collected
            self.cut_of[key] = first - yen
        for *key, company, yen in rows(tables.get("fee_shares", {}), (*FEE_KEY, "company_no", "share_yen")):
            if yen and tuple(key) in fresh:
                self.shares[*key, company] = yen


def their_cuts(house) -> dict:
    """Return {(contract, charged): yen} that the cash of a closing fell short of what was due."""
    found: dict[tuple[int, int], int] = {}
    for due in house.all_dues:
        cut = sum(due.parts.values()) - due.collected_yen - sum(due.unpaid.values())
        if cut:
            found[due.contract_no, epoch_day(due.charged_date)] = cut
    return found


def key_of(fee) -> tuple:
    """Return what names a fee of the slow close."""
    return fee.contract_no, fee.sleeve_no, fee.component_no, FEE_KINDS[fee.kind], epoch_day(fee.start_date)


def their_fees(house) -> dict:
    """Return {key: (end, base floored, yen, charged, collected or 0)}"""
    return {
        key_of(fee): (epoch_day(fee.end_date), fee.base_yen.numerator // fee.base_yen.denominator, fee.fee_yen,
                      epoch_day(fee.charged_date), epoch_day(fee.collected_date) if fee.collected_date else 0)
        for fee in house.fees
    }


def their_shares(house) -> dict:
    """Return {key and company: yen}"""
    return {(*key_of(fee), company): yen for fee in house.fees for company, yen in fee.shares.items() if yen}


def our_dues(books) -> dict:
    """Return {(contract, sleeve, charged): (due date, yen unpaid)}"""
    names = ("contract_no", "sleeve_no", "charged_date", "due_date", "amount_yen")
    return {tuple(key): (due, yen) for *key, due, yen in rows(books.dues, names) if yen}


def their_dues(day) -> dict:
    """Return the same of the slow close."""
    return {(contract, sleeve, epoch_day(charged)): (epoch_day(due), yen)
            for (contract, sleeve, charged), (due, yen) in day.dues.items()}


def our_credits(books) -> dict:
    """Return {contract: yen} of the credits that are not yet set off."""
    return {contract: yen for contract, yen in rows(books.contracts, ("contract_no", "credit_yen")) if yen}


def their_credits(day) -> dict:
    """Return the same of the slow close."""
    return {contract: yen for contract, yen in day.credits.items() if yen}
