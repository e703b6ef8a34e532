"""What was promised against what came (約束と実績): a kept record of advice beside the values that its holdings had later."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from fractions import Fraction

from tsutsumi.core.household import PER_CENT, HouseholdError, decimal_text, whole_yen

YEAR_DAYS = 365
SIDES = ("before", "after")


@dataclass(frozen=True)
class LaterValues:
    """What the holdings were worth later (その後の評価額), had each side been kept: yen in the order of the record's holdings.

    `days` after the advice; what was paid out on the way (分配金, 利子) belongs into the value, money added or taken out does not.
    None for a side of which it is not known: that side is told as promised only.
    """

    days: int
    before_yen: Sequence[int] | None
    after_yen: Sequence[int] | None


def promised_against_realised(proposal: Mapping, later: LaterValues) -> dict:
    """Return what a proposal promised beside what came of it (約束と実績の比較), for both sides and their difference.

    Promised for d days: return_pct · d/365 of the total. Realised: the later values less the total. A side is `within_two_risks`
    (想定の範囲) where (realised − promised)² ≤ 4 · risk² · d/365, by the rough and by the precise risk; a year outside the rough
    one is a reason to look again at the assumptions, one year inside it proves nothing.
    The gain of the advice is utility: its return part can be compared with yen that came, its risk part was calm that was had on
    the way and never shows as yen, so it is told as promised only.

    Parameters
    ----------
    proposal : mapping
        What `household_record.as_record` returned, or the JSON that `tsutsumi advise --json` printed.
    later : LaterValues

    Returns
    -------
    dict
        Plain values: yen as integers cut toward zero, percent as decimal text, of the total over these days (not a year); None
        for what follows from values that are not known.

    Raises
    ------
    HouseholdError
        No day has passed, a value is missing, is negative or is no whole yen.

    Examples
    --------
    Promised 1.66 % and 1.92 % of 100 million; a year later the old holdings would be worth 98, the new ones are worth 103 million:

    >>> def side(gained, risk, precise):
    ...     return {"return_pct": gained, "risk_pct": risk, "precise_risk_pct": precise, "holdings": [{"value_yen": 100_000_000}]}
    >>> record = {"total_yen": 100_000_000, "gain_pct": "1.113125", "before": side("1.66", "11.5", "8.71"),
    ...           "after": side("1.92", "8", "7.25")}
    >>> told = promised_against_realised(record, LaterValues(365, [98_000_000], [103_000_000]))
    >>> told["promised_difference_yen"], told["realised_difference_yen"], told["promised_risk_part_yen"]
    (260000, 5000000, 853125)
    >>> told["after"]["realised_pct"], told["after"]["within_two_risks"]
    ('3', True)
    """
    if type(later.days) is not int or later.days < 1:
        raise HouseholdError(f"later values: {later.days!r} is no number of days after the advice; write 1 or more")
    total, years = proposal["total_yen"], Fraction(later.days, YEAR_DAYS)
    values = {"before": later.before_yen, "after": later.after_yen}
    told = {side: _side(proposal[side], values[side], total, years, side) for side in SIDES}
    returns = [Fraction(proposal[side]["return_pct"]) for side in SIDES]
    promised = (returns[1] - returns[0]) * years
    came = [told[side]["realised_yen"] for side in SIDES]
    return {
        "days": later.days,
        "total_yen": total,
        **told,
        "promised_difference_yen": whole_yen(total, promised),
        "realised_difference_yen": None if None in came else came[1] - came[0],
        "promised_gain_yen": whole_yen(total, Fraction(proposal["gain_pct"]) * years),
        "promised_risk_part_yen": whole_yen(total, Fraction(proposal["gain_pct"]) * years - promised),
    }


def _side(record: Mapping, values: Sequence[int] | None, total: int, years: Fraction, side: str) -> dict:
    """Return the comparison of one side."""
    promised = Fraction(record["return_pct"]) * years
    told = {"promised_pct": decimal_text(promised), "promised_yen": whole_yen(total, promised)}
    if values is None:
        return told | dict.fromkeys(("realised_pct", "realised_yen", "within_two_risks", "within_two_precise_risks"))
    if len(values) != len(record["holdings"]):
        raise HouseholdError(
            f"later values: {side}: {len(values)} values for {len(record['holdings'])} holdings; write one for each, in their order"
        )
    for place, value in enumerate(values, 1):
        if type(value) is not int or value < 0:
            raise HouseholdError(f"later values: {side} {place}: {value!r} is no whole yen of 0 or more; correct it")
    realised_yen = sum(values) - total
    realised = Fraction(realised_yen, total) / PER_CENT
    away = (realised - promised) ** 2
    return told | {
        "realised_pct": decimal_text(realised),
        "realised_yen": realised_yen,
        "within_two_risks": away <= 4 * Fraction(record["risk_pct"]) ** 2 * years,
        "within_two_precise_risks": away <= 4 * Fraction(record["precise_risk_pct"]) ** 2 * years,
    }
