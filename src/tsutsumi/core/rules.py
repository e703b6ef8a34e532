"""What is in force on the day (適用中の規則): reference data as dense arrays by number, made once, looked up by every step.

Row 0 of every dense array is a dummy (numbers start at 1); instrument 0 is yen. Nothing here is ever changed by a close.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field

import numpy as np

from tsutsumi.core.adjustments import Step
from tsutsumi.core.fee_terms import Terms
from tsutsumi.core.schema import Frame
from tsutsumi.core.timeline import Timeline

INSTALMENT, DRAWING = "instalment", "drawing"


@dataclass(frozen=True, eq=False)
class Registry:
    """Who belongs to what (登録簿): dense columns by number.

    `sleeves`: contract_no, account_no, program_no, model_no; `contracts`: account_no, program_no; `accounts`: custodian_no.
    `names`: "sleeve", "contract", "model", "instrument" → public ids by number, for texts that people read.
    """

    sleeves: Frame
    contracts: Frame
    accounts: Frame
    names: dict[str, list[str]] = field(default_factory=dict)


@dataclass(frozen=True, eq=False)
class Rules:
    """The rules in force for one close.

    Attributes
    ----------
    timeline, day_index : business days, and which of them is being closed
    instruments : dense columns of the instruments table; `amount_mode` 1 = purchases by amount
    weights, weights_before : int32[models, instruments], in force on d and on the day closed before it; column 0 is yen
    programs : dense columns of the program rules in force
    offered : bool[programs, models]
    rebalance_today : bool[programs]: d is the first business day of one of the program's rebalance months
    program_terms : (program_no, day) → (fee_terms_id, fee terms in force)
    contract_terms : (contract_no, program_no, opened day, first day of a period) → the same, of a contract with terms of its own
    own_terms : numbers of the contracts that have terms of their own
    fee_steps : (program_no, first day of a period) → its adjustments;  fee_groups : contract_no → the group whose tiers it shares
    homes : account_no → the account that it is closed with: the first of its fee group, mostly itself (empty: all themselves)
    tax_rate_ppm : int64 by account_no, of the gain of a sale
    shares : program_no → [(company_no, share_ppm)] in force, and `programs["remainder_company_no"]`
    drawings : sleeve_no, amount_yen, date, planned_date: the plan days of the next 100 days, moved to business days
    registry : who belongs to what
    """

    timeline: Timeline
    day_index: int
    instruments: Frame
    weights: np.ndarray
    weights_before: np.ndarray
    programs: Frame
    offered: np.ndarray
    rebalance_today: np.ndarray
    program_terms: Callable[[int, int], tuple[str, Terms]]
    shares: dict[int, list[tuple[int, int]]]
    drawings: Frame
    registry: Registry
    settlement_days: np.ndarray = field(default_factory=lambda: np.zeros((2, 1), np.int64))
    contract_terms: Callable[[int, int, int, int], tuple[str, Terms]] | None = None
    own_terms: frozenset[int] = frozenset()
    fee_steps: Callable[[int, int], tuple[Step, ...]] = lambda program_no, day: ()
    fee_groups: Mapping[int, str] = field(default_factory=dict)
    homes: np.ndarray = field(default_factory=lambda: np.zeros(0, np.int64))
    tax_rate_ppm: np.ndarray = field(default_factory=lambda: np.zeros(0, np.int64))

    @property
    def day(self) -> int:
        """The day that is closed."""
        return int(self.timeline.days[self.day_index])

    @property
    def next_day(self) -> int:
        """n(d): the next business day of the house."""
        return int(self.timeline.days[self.day_index + 1])

    def name(self, kind: str, number: int) -> str:
        """Return what people call a sleeve, contract, model or instrument: its public id."""
        names = self.registry.names.get(kind, ())
        return names[number] if 0 < number < len(names) and names[number] else f"{kind} {number}"

    def business_day(self, day_index: int) -> int:
        """Return the date of a business day by its index."""
        return int(self.timeline.days[day_index])

    def priced_index(self, instrument_no: int, evening: int) -> int:
        """Return the index of the priced day if decided on the first possible evening from `evening` (an index) on."""
        placed = int(self.timeline.first_orderable_index[instrument_no, evening]) + 1
        return int(self.timeline.priced_index[instrument_no, placed])

    def settles_index(self, instrument_no: int, evening: int, side: int) -> int:
        """Return the index of the settlement day if decided on the first possible evening from `evening` on."""
        return self.priced_index(instrument_no, evening) + int(self.settlement_days[side, instrument_no])
