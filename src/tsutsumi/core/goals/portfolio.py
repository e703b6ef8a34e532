"""What a portfolio is expected to do (期待収益率とリスク): its yearly log-drift and volatility, fees off."""

import math
from dataclasses import dataclass

MONTHS_A_YEAR = 12


class GoalError(ValueError):
    """A goal that cannot be asked (目標の入力の誤り): the text says what, where, why and what to do."""


@dataclass(frozen=True)
class Portfolio:
    """The model of a portfolio (ポートフォリオの前提): lognormal months, independent.

    Attributes
    ----------
    mu : float
        Yearly drift: the expected value after a year is W · e^mu.
    vol : float
        Yearly standard deviation of the log-return, ≥ 0.

    Raises
    ------
    GoalError
        A figure is not a number, or the volatility is negative.

    Examples
    --------
    >>> Portfolio(0.05, 0.15).monthly
    (0.003229166666666667, 0.04330127018922193)
    """

    mu: float
    vol: float

    def __post_init__(self) -> None:
        """Refuse what is no model."""
        for name in ("mu", "vol"):
            value = getattr(self, name)
            if isinstance(value, bool) or not isinstance(value, int | float) or not math.isfinite(value):
                raise GoalError(f"{name} {value!r} is no finite number: give the yearly figure, such as 0.05 for 5 %")
        if self.vol < 0:
            raise GoalError(f"risk {self.vol!r} is negative: give the yearly standard deviation, 0 or more")

    @classmethod
    def from_simple(cls, mean: float, risk: float) -> "Portfolio":
        """Return the model of a yearly simple mean and standard deviation (年率の期待収益率・標準偏差), as assumption tables state.

        mu = ln(1 + mean), vol² = ln(1 + (risk / (1 + mean))²): the lognormal year with that mean and deviation.

        Parameters
        ----------
        mean : float
            Above −1.
        risk : float
            0 or more.

        Raises
        ------
        GoalError
            The mean is −100 % or less, the risk is negative, or one is no finite number.

        Examples
        --------
        >>> Portfolio.from_simple(0.05, 0.15)
        Portfolio(mu=0.04879016416943201, vol=0.1421362280262124)
        """
        for name, value in (("mean", mean), ("risk", risk)):
            if isinstance(value, bool) or not isinstance(value, int | float) or not math.isfinite(value):
                raise GoalError(f"{name} {value!r} is no finite number: give the yearly figure, such as 0.05 for 5 %")
        if mean <= -1:
            raise GoalError(f"mean {mean!r} is −100 % or less: a lognormal model needs more than −1")
        if risk < 0:
            raise GoalError(f"risk {risk!r} is negative: give the yearly standard deviation, 0 or more")
        return cls(math.log1p(mean), math.sqrt(math.log1p((risk / (1 + mean)) ** 2)))

    @property
    def monthly(self) -> tuple[float, float]:
        """Mean and standard deviation of a month's log-return: ν = (mu − vol²/2)/12, σ = vol/√12."""
        return (self.mu - self.vol**2 / 2) / MONTHS_A_YEAR, self.vol / math.sqrt(MONTHS_A_YEAR)
