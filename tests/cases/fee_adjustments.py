"""The case tables of docs/rules/fee-adjustments.md."""

import re
from datetime import date
from fractions import Fraction
from importlib.resources import files

from tests.cases import cases
from tests.cases.fees import parts, ppm, whole
from tsutsumi.core.adjustments import Priced, Step, adjusted_fees
from tsutsumi.core.calendar import epoch_day
from tsutsumi.core.fee_terms import parse_terms

NAMES = {"長期": "long_holding", "段階": "deposit_step", "期間": "campaign", "最低": "minimum", "最高": "maximum", "合算": "group"}
TERMS = files("tsutsumi").joinpath("examples/fees/quarterly-arrears-average-four-tiers.toml")


def steps(cell: str) -> tuple[Step, ...]:
    """Return "長期 2年 80% 5年 70%、最低 20,000円" as steps in their order."""
    found = []
    for number, text in enumerate(parts(cell), 1):
        word, *rest = text.split()
        kind = NAMES[word]
        if kind in ("long_holding", "deposit_step"):
            pairs = zip(rest[::2], rest[1::2], strict=True)
            levels = [(whole(re.sub("[年円]", "", level)), ppm(rate)) for level, rate in pairs]
            found += [Step(number, kind, threshold=level, factor_ppm=rate) for level, rate in levels]
        elif kind == "campaign":
            found.append(Step(number, kind, "", 0, ppm(rest[3]), 0, *(epoch_day(date.fromisoformat(day)) for day in rest[:3])))
        else:
            found.append(Step(number, kind, amount_yen=whole(rest[0].removesuffix("円")) if rest else 0))
    return tuple(found)


def fees(balances: list[int], opened: str, span: list[str], cell: str, mean: int) -> list[int]:
    terms = parse_terms(TERMS.read_text(encoding="utf-8"))
    start, end, first = (epoch_day(date.fromisoformat(day)) for day in (*span, opened))
    charges = [Priced(number, first, start, end, mean, Fraction(yen), group="g") for number, yen in enumerate(balances, 1)]
    return adjusted_fees(terms, terms.balance[0], steps(cell), charges)


@cases("fee-adjustment")
def fee_adjustment(row):
    """One charge and its steps."""
    told = fees([whole(row["残高"])], row["契約開始"], row["期間"].split(), row["手順"], whole(row["入金の平均"]))
    assert told == [whole(row["報酬"])]


@cases("fee-group")
def fee_group(row):
    """Several contracts of one group, in the fourth quarter of 2026."""
    balances = [whole(part) for part in parts(row["残高"])]
    told = fees(balances, "2018-05-20", ["2026-10-01", "2026-12-31"], row["手順"], 0)
    assert told == [whole(part) for part in parts(row["報酬"])]
