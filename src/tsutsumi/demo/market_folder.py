"""The prices of a folder of NAV files (価格フォルダ): any four funds or more, any dates; `tsutsumi demo --market DIR`.

Every file is read by its header. What cannot be used is named: files that are no price file, rows that are refused, business
days without a price. Nothing is filled in.
"""

from dataclasses import dataclass
from pathlib import Path

import numpy as np

from tsutsumi.core.calendar import business_day_table, epoch_day, from_epoch_day
from tsutsumi.demo.common_window import LEAST_FUNDS
from tsutsumi.demo.price_series import FxSeries, Gap, Series
from tsutsumi.ports.nav_files import read_nav_file


@dataclass(frozen=True)
class RefusedRow:
    """A row of a price file that is not used (不採用の行); line 0 = none in particular."""

    file: str
    line: int
    what: str
    why: str
    cure: str


@dataclass(frozen=True, eq=False)
class MarketFolder:
    """What a folder of price files holds.

    Attributes
    ----------
    series : list of Series
        By code; dates are business days of the house.
    fx : list of FxSeries
    left_out : list of (file name, why)
    refused : list of RefusedRow
    gaps : list of Gap
        One per business day on which a fund has no price although it has earlier and later ones.
    """

    series: list[Series]
    fx: list[FxSeries]
    left_out: list[tuple[str, str]]
    refused: list[RefusedRow]
    gaps: list[Gap]

    def gap_counts(self) -> tuple[int, int]:
        """Return the number of business days that all funds lack, and of those that only some lack."""
        common = sum(gap.common for gap in self.gaps)
        return common, len(self.gaps) - common


def read_market_folder(folder: str | Path) -> MarketFolder:
    """Return the funds and rates of every price file of a folder (価格フォルダの読込み).

    Raises
    ------
    ValueError
        There is no such folder, or its files hold fewer than four funds; the files left out are named.
    """
    folder = Path(folder)
    if not folder.is_dir():
        raise ValueError(f"market folder: {folder} is not a folder: name a folder of NAV files")
    found = _Found()
    for path in sorted(folder.iterdir()):
        if not path.name.startswith("."):
            found.read(path)
    series = [found.series(code) for code in sorted(found.funds)]
    if len(series) < LEAST_FUNDS:
        names = ", ".join(one.code for one in series) or "none"
        left = "; ".join(f"{name}: {why}" for name, why in found.left_out) or "none"
        cure = f"put NAV files of at least {LEAST_FUNDS} funds there"
        raise ValueError(f"market folder: {folder} holds {len(series)} fund(s) ({names}), files left out: {left}; {cure}")
    return MarketFolder(series, found.fx_series(), found.left_out, found.refused, gaps_of(series))


class _Found:
    """What has been read so far, file by file in the order of their names."""

    def __init__(self):
        self.funds: dict[str, dict[int, tuple[int, str]]] = {}
        self.distributions: dict[str, dict[int, int]] = {}
        self.fx: dict[str, dict[int, tuple[int, str]]] = {}
        self.left_out: list[tuple[str, str]] = []
        self.refused: list[RefusedRow] = []

    def read(self, path: Path) -> None:
        if not path.is_file():
            self.left_out.append((path.name, "not a file (folders inside are not read)"))
            return
        try:
            content = read_nav_file(path)
        except (ValueError, OSError) as error:
            self.left_out.append((path.name, f"cannot be read: {error}"))
            return
        if content.kind == "unknown":
            reasons = "; ".join(row.why for row in content.refused) or "it has no header"
            self.left_out.append((path.name, reasons))
            return
        self.refused += [RefusedRow(path.name, row.line, row.what, row.why, row.cure) for row in content.refused]
        if not content.rows and not content.fx:
            self.left_out.append((path.name, f"a {content.kind} file without a usable row"))
        for day, code, price, distribution in content.rows:
            taken = self._take(path.name, self.funds.setdefault(code, {}), epoch_day(day), price, f"the price of {code}")
            if taken and distribution:
                self.distributions.setdefault(code, {})[epoch_day(day)] = distribution
        for day, currency, ppm in content.fx:
            self._take(path.name, self.fx.setdefault(currency, {}), epoch_day(day), ppm, f"the {currency} rate")

    def _take(self, name: str, known: dict[int, tuple[int, str]], day: int, value: int, what: str) -> bool:
        """Keep a figure unless another one is known for its day; the same figure twice is no matter."""
        before, source = known.setdefault(day, (value, name))
        if before == value:
            return True
        why = f"{source} gave {before:,} for {from_epoch_day(day)}, this file {value:,}; the first one is kept"
        self.refused.append(RefusedRow(name, 0, what, why, "keep one figure for each day"))
        return False

    def series(self, code: str) -> Series:
        days = sorted(self.funds[code])
        prices = [self.funds[code][day][0] for day in days]
        files = ", ".join(sorted({self.funds[code][day][1] for day in days}))
        distributions = [(day, amount, 10_000) for day, amount in sorted(self.distributions.get(code, {}).items())]
        return Series(
            code, code, code, code.replace("_", "-"), "JPY", 0, 10_000, "fund", True, f"real: given in {files}",
            np.array(days, dtype=np.int32), np.array(prices, dtype=np.int64), distributions,
        )

    def fx_series(self) -> list[FxSeries]:
        made = []
        for currency, rates in sorted(self.fx.items()):
            days = sorted(rates)
            ppm = np.array([rates[day][0] for day in days], dtype=np.int64)
            files = ", ".join(sorted({rates[day][1] for day in days}))
            made.append(FxSeries(currency, True, f"real: given in {files}", np.array(days, dtype=np.int32), ppm))
        return made


def gaps_of(series: list[Series]) -> list[Gap]:
    """Return the business days inside the span of a fund on which it has no price (欠測), one row per day.

    A day is `common` if every fund whose span holds it lacks it, at least two: rather a holiday than a fault.
    """
    spanning: dict[int, int] = {}
    lacking: dict[int, list[str]] = {}
    for one in series:
        own = set(one.dates.tolist())
        span = from_epoch_day(one.dates[0]), from_epoch_day(one.dates[-1])
        for day in business_day_table(*span).tolist():
            spanning[day] = spanning.get(day, 0) + 1
            if day not in own:
                lacking.setdefault(day, []).append(one.code)
    gaps = []
    for day, codes in sorted(lacking.items()):
        common = len(codes) == spanning[day] >= 2
        note = f"no price of any of {len(codes)} funds" if common else f"no price of {len(codes)} of {spanning[day]} fund(s)"
        gaps.append(Gap(day, tuple(codes), common, note))
    return gaps
