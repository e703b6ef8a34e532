"""The books of the house while the days go by, and what a run gives back."""

from dataclasses import dataclass, field
from datetime import date
from fractions import Fraction

from tests.oracles.day_oracle.dates import Dates

MILLION = 1_000_000


@dataclass
class Order:
    """One order of one sleeve in one instrument, decided on one evening."""

    sleeve_no: int
    account_no: int
    instrument_no: int
    side: str                                # buy | sell
    reason: str
    decided_date: date
    placed_date: date
    priced_date: date
    settlement_date: date
    asked_yen: int = 0                       # purchases: the yen, or the cost at the limit and 1 yen
    asked_units: int = 0                     # sales and purchases by units
    limit_price: int = 0                     # price × fx_ppm, purchases by units
    status: str = "placed"                   # placed | priced | settled | cancelled
    filled_units: int = 0
    filled_yen: int = 0
    waits: int = 0


@dataclass
class Payout:
    """Money that was promised to the customer, or to another sleeve."""

    kind: str                                # withdrawal | drawing | transfer | closing | termination
    sleeve_no: int
    amount: int                              # 0 for closing and termination: all cash
    requested_date: date
    promised_first: date
    promised_date: date
    target_sleeve_no: int = 0
    paid_date: date | None = None
    paid_yen: int = 0
    causes: list[str] = field(default_factory=list)      # one per re-issue: market_data | market_fall
    lapsed_date: date | None = None          # ended without a payment of its own
    event_no: int = 0                        # 0 of a drawing; below 0 of a transfer of surplus
    drawn_no: int = 0                        # whose drawing another sleeve pays


@dataclass
class Due:
    """What a contract owes of one evening, every component and kind, after its credit."""

    contract_no: int
    charged_date: date
    due_date: date
    parts: dict[int, int]                    # {sleeve_no: yen}
    unpaid: dict[int, int]                   # the parts not yet collected
    by_deposit: bool = False                 # the bank was asked for it on its due date
    collected_date: date | None = None
    collected_yen: int = 0
    late: bool = False                       # taken from whichever sleeves could pay


@dataclass
class Fee:
    """One component of one charge, addition, refund or performance fee."""

    contract_no: int
    sleeve_no: int                           # of a performance fee per sleeve, else 0
    component_no: int                        # its place in the terms, from 0
    component: str
    kind: str                                # charge | addition | refund | performance | refund at the end | correction | …
    start_date: date
    end_date: date
    base_yen: Fraction
    fee_yen: int
    charged_date: date
    shares: dict[int, int]                   # {company_no: yen}
    parts: dict[int, int]                    # {sleeve_no: yen} before the credit; none of a refund
    due: Due | None = None                   # none: nothing is to be collected
    final: bool = False                      # charged with the final fee

    @property
    def collected_date(self) -> date | None:
        """A fee of 0 yen, or of an evening of which nothing is left to pay, is collected on the evening itself, and so is a
        refund.
        """
        return self.due.collected_date if self.due else self.charged_date


@dataclass
class Sleeve:
    """One sleeve and its books."""

    number: int
    contract_no: int
    account_no: int
    model_no: int
    opened_date: date | None = None
    closed_date: date | None = None
    closing: Payout | None = None
    payment_date: date | None = None         # of a closing that is ready
    cash: int = 0
    units: dict[int, int] = field(default_factory=dict)
    cost: dict[int, int] = field(default_factory=dict)
    live: list[Order] = field(default_factory=list)      # placed or priced
    payouts: list[Payout] = field(default_factory=list)  # open ones that are not closings
    rebalanced_date: date | None = None
    strategy_date: date | None = None
    pending: str = ""
    index: int = 10**12
    value: int = 0                           # at the last close
    value_before: int = 0                    # at the close of y
    money_in: int = 0                        # of today
    external: int = 0                        # F of today
    waited: bool = False                     # an order had to wait today

    @property
    def is_open(self) -> bool:
        return self.opened_date is not None and self.closed_date is None

    @property
    def is_active(self) -> bool:
        """Open and not closing."""
        return self.is_open and self.closing is None

    def held(self) -> list[int]:
        """The instruments with units > 0."""
        return sorted(number for number, units in self.units.items() if units > 0)

    def unpriced(self, side: str) -> list[Order]:
        """Its live orders that have no price yet."""
        return [order for order in self.live if order.status == "placed" and order.side == side]


@dataclass
class Mark:
    """The mark of one performance component, of the contract or of one sleeve."""

    start_date: date                         # whose value it began with
    since_date: date                         # the first day for which it has not fallen due
    value: Fraction


@dataclass
class Period:
    """The fee period that is not yet charged to its end."""

    terms_id: str
    terms: dict
    terms_date: date                         # the first day of the first period of the terms named
    number: int                              # since the terms named began
    start_date: date
    end_date: date
    begun: bool = False                      # a close on or after its first day has been
    running: Fraction = Fraction(0)          # in advance: the running base
    uncharged: int = 0                       # in advance: additions that nobody has charged


@dataclass
class Contract:
    """One contract, its fee period and the daily values that its fee is made of."""

    number: int
    account_no: int
    program_no: int
    opened_date: date | None = None
    closed_date: date | None = None
    terminated_date: date | None = None
    period: Period | None = None
    final_date: date | None = None           # the evening of the final fee
    credit: int = 0
    scope: str = ""                          # contract | sleeve: whose profit the performance fee is of, tonight
    scope_date: date = date.min              # the evening on which that changed
    marks: dict[tuple[int, int], Mark] = field(default_factory=dict)      # {(component_no, sleeve_no or 0): mark}
    closes: list[tuple[date, dict[int, tuple[int, int]]]] = field(default_factory=list)  # [(close, {sleeve: (value, cash)})]
    deposits: list[tuple[date, int]] = field(default_factory=list)        # [(close, Σ flows since the opening)]


@dataclass
class Quote:
    """The price in force of an instrument."""

    price: int | None = None                 # the last accepted price
    fx: int = 0
    refused: int | None = None               # the last received price, if it was refused for its move
    status: str = "holiday"                  # fresh | holiday | missing | refused


@dataclass
class Day:
    """What one close leaves behind."""

    values: dict[int, tuple[int, int, int, int, int]] = field(default_factory=dict)
    positions: dict[tuple[int, int], tuple[int, int]] = field(default_factory=dict)
    account_positions: dict[tuple[int, int], tuple[int, int]] = field(default_factory=dict)
    indices: dict[int, int] = field(default_factory=dict)
    alerts: list[tuple[str, int]] = field(default_factory=list)
    statuses: dict[int, str] = field(default_factory=dict)
    dues: dict[tuple[int, int, date], tuple[date, int]] = field(default_factory=dict)  # {(contract, sleeve, charged): (due, yen)}
    credits: dict[int, int] = field(default_factory=dict)        # {contract: yen} of the open contracts
    ladder_low: dict[int, int] = field(default_factory=dict)     # payable_now of every open sleeve at the end of the evening
    stopped: set[int] = field(default_factory=set)
    retries: dict[int, tuple[date, int, int]] = field(default_factory=dict)      # {sleeve: (day, yen, number)} that stand
    skips: set[int] = field(default_factory=set)                                 # the sleeves whose skip waits
    drawing_states: dict[int, tuple[int, date]] = field(default_factory=dict)    # {sleeve: (last_yen, review_date)}
    goals: dict[int, tuple[int, int, str]] = field(default_factory=dict)         # {sleeve: (target_yen, monthly_yen, status)}
    payouts: list[tuple] = field(default_factory=list)           # the open ones that are not closings
    passed: list[tuple[int, int, int]] = field(default_factory=list)     # [(whose instalment, into which sleeve, yen)]
    stays: dict[int, str] = field(default_factory=dict)          # {sleeve: why its surplus stays, as told last}
    corrected: dict[int, int] = field(default_factory=dict)      # {contract: yen} that past fees were wrong by
    states: dict[int, tuple[int, dict]] = field(default_factory=dict)    # {contract: (event, fee state)}
    money: dict[int, int] = field(default_factory=dict)          # {sleeve: yen} of flows that only the fees see


class House:
    """All books, and the result: `days` {date: Day} and the lists over the whole run."""

    def __init__(self, tables: dict[str, list[dict]], bank_failures=frozenset()) -> None:
        self.tables = tables
        self.bank_failures = bank_failures
        self.dates = Dates(tables)
        self.instruments = self.dates.instruments
        self.quotes = {number: Quote() for number in sorted(self.instruments)}
        contracts = {row["contract_no"]: row for row in tables["contracts"]}
        self.contracts = {number: Contract(number, contracts[number]["account_no"], contracts[number]["program_no"])
                          for number in sorted(contracts)}
        self.sleeves = {row["sleeve_no"]: Sleeve(row["sleeve_no"], row["contract_no"],
                                                 contracts[row["contract_no"]]["account_no"], row["model_no"])
                        for row in sorted(tables["sleeves"], key=lambda row: row["sleeve_no"])}
        self.account_units: dict[tuple[int, int], int] = {}
        self.account_cost: dict[tuple[int, int], int] = {}
        self.previous: date | None = None
        self.done_events: set[int] = set()
        self.done_drawings: set[tuple[int, date]] = set()
        self.retries: dict[int, tuple[date, int, int]] = {}         # {sleeve: (day, yen, number)}
        self.skips: set[int] = set()                                # the sleeves whose next instalment is skipped
        self.drawing_states: dict[int, tuple[int, date]] = {}       # {sleeve: (last_yen, review_date)}
        self.applied: dict[int, object] = {}                        # {event: what its fee state changed}
        self.goal_rows: dict[int, tuple[int, str]] = {}             # {sleeve: (target_yen, status)} of the last close
        self.verdicts: dict[int, object] = {}                       # {sleeve: what is judged of its surplus} before a close
        self.excess_stays: list[tuple[int, str]] = []               # [(sleeve, why)] of the month's surplus
        self.stays: dict[int, tuple[str, date]] = {}                # {sleeve: (why, the rule since when)} as told last
        self.saving: set[int] = set()                               # the sleeves that were open and not closing at y
        self.waiting: list[dict] = []                               # the events of a day, as judged before the close
        self.days: dict[date, Day] = {}
        self.today = Day()
        self.orders: list[Order] = []
        self.flows: list[tuple[date, int, str, int]] = []
        self.fees: list[Fee] = []
        self.all_dues: list[Due] = []
        self.tonight: list[tuple[Contract, Period, date]] = []      # the periods that end tonight, with their last days
        self.payouts: list[Payout] = []
        self.prices = {(row["instrument_no"], row["date"]): row["price"] for row in tables.get("prices", [])}
        self.fx_rates = {(row["currency"], row["date"]): row["fx_ppm"] for row in tables.get("fx_rates", [])}
        self.weight_memory: dict[tuple[int, date], dict[int, int]] = {}

    @property
    def alerts(self) -> list[tuple[date, str, int]]:
        """All alerts of all days."""
        return [(day, kind, number) for day, record in self.days.items() for kind, number in record.alerts]

    def alert(self, kind: str, number: int) -> None:
        """One row of §9: kind and subject number."""
        self.today.alerts.append((kind, number))

    def open_sleeves(self) -> list[Sleeve]:
        """The open sleeves by number."""
        return [sleeve for sleeve in self.sleeves.values() if sleeve.is_open]

    def contract_sleeves(self, contract_no: int) -> list[Sleeve]:
        """The open sleeves of a contract."""
        return [sleeve for sleeve in self.open_sleeves() if sleeve.contract_no == contract_no]

    def move_cash(self, day: date, sleeve: Sleeve, kind: str, amount: int) -> None:
        """Cash and its flow. External flow F: deposit, instalment, withdrawal, drawing, transfer, termination, correction."""
        if amount == 0:
            return
        sleeve.cash += amount
        self.flows.append((day, sleeve.number, kind, amount))
        if kind not in ("distribution", "fee"):
            sleeve.external += amount

    def dues(self, sleeve: Sleeve) -> list[Due]:
        """The unpaid dues in which a sleeve has a part, oldest first."""
        return [due for due in self.all_dues if due.unpaid.get(sleeve.number, 0) > 0]

    def rules(self, program_no: int, day: date) -> dict:
        """The rules of a program in force on a day."""
        rows = [row for row in self.tables["program_rules"] if row["program_no"] == program_no and row["valid_from_date"] <= day]
        return max(rows, key=lambda row: row["valid_from_date"])

    def rules_of(self, sleeve: Sleeve, day: date) -> dict:
        """The rules of a sleeve's program in force on a day."""
        return self.rules(self.contracts[sleeve.contract_no].program_no, day)
