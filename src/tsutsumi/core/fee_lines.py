"""The arithmetic of a fee in words and figures (計算過程), so that a clerk can check every yen by hand."""

from fractions import Fraction

from tsutsumi.core.fee_engine import FeeEntry
from tsutsumi.core.fee_periods import day_count
from tsutsumi.core.fee_pricing import Piece, Working
from tsutsumi.core.fee_terms import Terms

RUNS_SHOWN = 6
WORDS = {
    "ja": {
        "charge": "残高報酬",
        "addition": "増額分の報酬",
        "refund": "返戻",
        "performance": "成功報酬",
        "correction": "過去の訂正（追徴）",
        "correction_refund": "過去の訂正（返戻）",
        "base": "計算基準額",
        "average": "平均残高",
        "daily": "日々の残高の平均（報酬は日々の残高で計算）",
        "closing": "期末残高",
        "opening": "期首残高",
        "added": "増額",
        "reduced": "減額",
        "ended": "契約終了時の残高",
        "value": "評価額",
        "balance": "残高報酬",
        "mark": "ハイウォーターマーク",
        "sum": "合計",
        "sum_of_days": "日々の残高の合計",
        "yen": "円",
        "days": "日",
        "down": "切り捨て",
        "up": "切り上げ",
        "half-up": "四捨五入",
        "half-even": "最近接偶数への丸め",
    },
    "en": {
        "charge": "balance fee",
        "addition": "fee on an addition",
        "refund": "refund",
        "performance": "performance fee",
        "correction": "correction of past fees",
        "correction_refund": "past fees given back",
        "base": "base",
        "average": "average balance",
        "daily": "mean of the daily balances (the fee is priced day by day)",
        "closing": "closing balance",
        "opening": "opening balance",
        "added": "added",
        "reduced": "taken out",
        "ended": "balance at the end of the contract",
        "value": "value",
        "balance": "balance fee",
        "mark": "high-water mark",
        "sum": "total",
        "sum_of_days": "sum of the daily balances",
        "yen": " yen",
        "days": " days",
        "down": "rounded down",
        "up": "rounded up",
        "half-up": "half rounded up",
        "half-even": "half rounded to even",
    },
}


def percent(ppm: int) -> str:
    """Return a rate as percent, as short as it is exact.

    >>> percent(13090), percent(10000), percent(250)
    ('1.309 %', '1 %', '0.025 %')
    """
    return f"{ppm // 10_000}.{ppm % 10_000:04d}".rstrip("0").rstrip(".") + " %"


def amount(yen: Fraction) -> str:
    """Return an exact amount: whole yen, or a fraction that can be keyed in.

    >>> amount(Fraction(30_000_000)), amount(Fraction(92231, 3))
    ('30,000,000', '92,231/3')
    """
    return f"{yen.numerator:,}" if yen.denominator == 1 else f"{yen.numerator:,}/{yen.denominator:,}"


def decimals(yen: Fraction) -> str:
    """Return an amount with three decimals, cut, and three dots where more would follow.

    >>> decimals(Fraction(2, 3)), decimals(Fraction(5, 2)), decimals(Fraction(7))
    ('0.666…', '2.5', '7')
    """
    whole, rest = divmod(abs(yen.numerator), yen.denominator)
    thousandths, left = divmod(rest * 1000, yen.denominator)
    text = f"{'-' if yen < 0 else ''}{whole:,}"
    if left:
        return f"{text}.{thousandths:03d}…"
    return f"{text}.{thousandths:03d}".rstrip("0").rstrip(".")


def fee_lines(entry: FeeEntry, terms: Terms, language: str = "ja") -> list[str]:
    """Return the arithmetic of an entry (計算過程) as lines of text: base, each slice, the exact sum, the rounding.

    Parameters
    ----------
    entry : FeeEntry
        From `fee_schedule`; the lines print the pieces that it summed, so they cannot differ from the charge.
    terms : Terms
    language : "ja" | "en"

    Examples
    --------
    The middle of such lines, for 30 million yen and 92 of 365 days:
    `30,000,000 × 1.309 % × 92/365 = 98,981.917… → 98,981 yen (rounded down)`.
    """
    words = WORDS[language]
    days = day_count(entry.start, entry.end)
    lines = [f"{words[entry.kind]} {entry.start} – {entry.end} ({days}{words['days']})"]
    lines.append(f"  {words['base']}: {_basis(entry, terms, words)}")
    for part in entry.workings:
        lines.extend(_working(part, terms, words))
    lines.append(f"  {words['sum']} {entry.total_yen:,}{words['yen']}")
    return lines


def _basis(entry: FeeEntry, terms: Terms, words: dict[str, str]) -> str:
    """Return how the base came about."""
    basis = entry.basis
    if basis.kind == "performance":
        profit = basis.value_yen - basis.charge_yen - basis.mark
        text = (
            f"{words['value']} {basis.value_yen:,} − {words['balance']} {basis.charge_yen:,} "
            f"− {words['mark']} {amount(basis.mark)} = {amount(profit)}"
        )
        return text if profit >= 0 else f"{text} → 0"
    if not basis.runs:
        return f"{words[basis.kind]} ({basis.day}) {amount(entry.base)}"
    count = sum(days for _, days in basis.runs)
    total = sum(yen * days for yen, days in basis.runs)
    if len(basis.runs) > RUNS_SHOWN:
        shown = f"{words['sum_of_days']} {total:,}"
    else:
        shown = "(" + " + ".join(f"{yen:,} × {days}" for yen, days in basis.runs) + ")"
    mean = Fraction(total, count)
    text = f"{words[basis.kind]} = {shown} ÷ {count}{words['days']} = {amount(mean)}"
    if mean.denominator > 1:
        text += f" = {decimals(mean)}"
    return text if mean == entry.base else f"{text} → {amount(entry.base)} ({words[terms.average]})"


def _working(part: Working, terms: Terms, words: dict[str, str]) -> list[str]:
    """Return the slices of a component, one a line, and their rounded sum."""
    pieces = [_piece(piece) for piece in part.pieces] or ["0"]
    lines = [f"  {part.component}: {pieces[0]}"]
    lines.extend(f"    + {piece}" for piece in pieces[1:])
    lines.append(f"    = {decimals(part.exact)} → {part.yen:,}{words['yen']} ({words[terms.rounding]})")
    return lines


def _piece(piece: Piece) -> str:
    text = f"{amount(piece.amount)} × {percent(piece.rate_ppm)}"
    if piece.days:
        text += f" × {piece.days}/{piece.year_days}"
    if piece.tax_percent:
        text += f" × 1.{piece.tax_percent:02d}"
    return text
