"""What is in force on the day (適用中の規則): reference data as dense arrays by number, made once, looked up by every step.

Row 0 of every dense array is a dummy (numbers start at 1); instrument 0 is yen. Nothing here is ever changed by a close.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import NamedTuple

import numpy as np

from tsutsumi.core.adjustments import Step
from tsutsumi.core.drawing_rules import DrawingRule
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
class GoalRules:
    """What goals and suitability need to know on a day (目標と適合性の規則).

    Attributes
    ----------
    goals : goal_no, sleeve_no, target_yen and floor_yen (in yen of the target date), target_date, want_ppm: every goal with a
        target in force
    instalment_yen, drawing_yen : int64 by sleeve_no, the plans in force, a month; no drawing where terms pause it
    mean_ppm, risk_ppm : int64 by model_no, of a year; risk −1 where a model has no assumptions
    gates : columns of `goal_gates` by program_no
    most_risk_ppm : int64 by contract_no, what suits the customer
    risk_before_ppm, most_risk_before_ppm : the same on the business day before
    moved_targets : goal numbers, target dates → the target in yen of those dates
    payment_days, bonus_yen : int64 by sleeve_no, of the instalment plan in force: on how many days of a month it pays, and what
        its bonuses bring a month
    on_terms : bool by sleeve_no, terms of drawing are in force or to come, a pause among them
    """

    goals: Frame
    instalment_yen: np.ndarray
    drawing_yen: np.ndarray
    mean_ppm: np.ndarray
    risk_ppm: np.ndarray
    gates: Frame
    most_risk_ppm: np.ndarray
    risk_before_ppm: np.ndarray
    most_risk_before_ppm: np.ndarray
    moved_targets: Callable[[np.ndarray, list[int]], np.ndarray]
    payment_days: np.ndarray
    bonus_yen: np.ndarray
    on_terms: np.ndarray


class TermDrawing(NamedTuple):
    """A coming drawing whose amount follows from the value of the evening (取り崩し条件による取り崩し).

    Attributes
    ----------
    date, planned_date : the business day on which it pays, and its day before it is moved
    since_date : from when the row of terms is valid
    months_left : the drawings until the row's last day, this one counted; 0 without a last day
    """

    date: int
    sleeve_no: int
    planned_date: int
    since_date: int
    months_left: int
    rule: DrawingRule


class DrawingOrder(NamedTuple):
    """Which sleeves of a contract pay first (払出しの順序).

    Attributes
    ----------
    kind : listed, proportional, above_target or least_tax
    sleeves : the sleeve numbers that are named, first to last
    by_contract : whether the drawings of its sleeves are paid by the whole contract
    """

    kind: str
    sleeves: tuple[int, ...] = ()
    by_contract: bool = False


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
    goals : of goals and suitability; None in a house without any
    drawing_terms : the drawings by terms of the next 100 days
    drawing_orders : contract_no → which of its sleeves pay first, of contracts with a row in force
    surplus : the surplus rules, int64 by sleeve_no, ascending: to_sleeve_no, level_yen (−1: no amount is known), until_date (the
        goal's date), instalments and excess (1: they are passed on), minimum_yen, since_date; None in a house without any
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
    goals: GoalRules | None = None
    drawing_terms: Sequence[TermDrawing] = ()
    surplus: Frame | None = None
    drawing_orders: Mapping[int, DrawingOrder] = field(default_factory=dict)

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
