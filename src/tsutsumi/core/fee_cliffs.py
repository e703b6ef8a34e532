"""Where a fee falls as the balance rises (段階の崖): floors of a `whole` table above which the whole base pays a lower rate.

A base equal to a floor still pays the rate below it (docs/rules/balance-fee.md), so one yen more can cost less for the whole base.
"""

from dataclasses import dataclass
from datetime import date
from fractions import Fraction

from tsutsumi.core.fee_terms import Terms, rates_in_force
from tsutsumi.core.units import PPM, round_yen


@dataclass(frozen=True)
class Cliff:
    """One fall of a fee (崖): the yearly fee of `before_yen`, the floor itself, and of `after_yen`, one yen more.

    `again_yen` is the least balance whose yearly fee, exact, is not below that of the floor; None where the rate above is 0.
    """

    component: str
    before_yen: int
    after_yen: int
    fee_before_yen: int
    fee_after_yen: int
    again_yen: int | None

    @property
    def fall_yen(self) -> int:
        """What the yearly fee falls by."""
        return self.fee_before_yen - self.fee_after_yen

    def within(self, base_yen: int) -> bool:
        """Tell whether a balance lies in the gap: above the floor, and charged less than the floor itself."""
        return base_yen >= self.after_yen and (self.again_yen is None or base_yen < self.again_yen)

    def near(self, base_yen: int) -> bool:
        """Tell whether a balance lies in the gap or at most a tenth of the floor below it: a little more, and the fee falls."""
        return self.within(base_yen) or self.before_yen * 9 <= base_yen * 10 <= self.before_yen * 10


def cliffs(terms: Terms, day: date) -> list[Cliff]:
    """Return every fall of the yearly fee in the tables of a day (崖の一覧), without tax and adjustments, by component and floor.

    Yearly fee = base × rate / 10^6, rounded as the terms say; `marginal` tables never fall.

    Examples
    --------
    Tiers of 1.1 % and, above 10 million yen, 0.9 %: at the floor 110,000 yen, one yen above it 90,000; as much again from
    10,000,000 × 1.1 / 0.9 = 12,222,222.2 on:

    >>> from types import SimpleNamespace
    >>> rates = SimpleNamespace(from_date=date(2020, 1, 1), tiers=((0, 11_000), (10_000_000, 9_000)))
    >>> fee = SimpleNamespace(name="fee", kind="balance", tiering="whole", rates=(rates,))
    >>> cliffs(SimpleNamespace(balance=(fee,), rounding="down"), date(2026, 1, 1))[0]  # doctest: +NORMALIZE_WHITESPACE
    Cliff(component='fee', before_yen=10000000, after_yen=10000001, fee_before_yen=110000, fee_after_yen=90000,
          again_yen=12222223)
    """
    found = []
    for component in terms.balance:
        if component.tiering != "whole":
            continue
        tiers = rates_in_force(component, day).tiers
        for (_, low), (floor, high) in zip(tiers, tiers[1:], strict=False):
            before, after = (Fraction(base * rate, PPM) for base, rate in ((floor, low), (floor + 1, high)))
            if after < before:
                again = -(-floor * low // high) if high else None
                found.append(Cliff(component.name, floor, floor + 1, round_yen(before, terms.rounding),
                                   round_yen(after, terms.rounding), again))
    return found
