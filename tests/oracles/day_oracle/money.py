"""Values, largest remainders, the weights in force and the cash ladder."""

from datetime import date
from fractions import Fraction

from tests.oracles.day_oracle.state import MILLION, House, Sleeve

WRAP = 1 << 64


def denominator(house: House, number: int) -> int:
    """`den = 10^price_scale × price_base_units × 10^6` (dividing by the gcd changes no floor, so it is left out)."""
    row = house.instruments[number]
    return 10 ** row["price_scale"] * row["price_base_units"] * MILLION


def numerator(house: House, number: int) -> int:
    """`num = price × fx_ppm` of the price in force."""
    quote = house.quotes[number]
    return quote.price * quote.fx


def yen(house: House, number: int, units: int) -> int:
    """`yen(u) = floor(u × num / den)`. Reading: units corrected into the books before the first price are worth nothing."""
    return units * numerator(house, number) // denominator(house, number) if house.quotes[number].price is not None else 0


def ceiling(over: int, under: int) -> int:
    """Rounded up."""
    return -(-over // under)


def splitmix64(seed: int) -> int:
    """splitmix64's output for a 64-bit input, as an unsigned number (all mod 2^64)."""
    mixed = (seed + 0x9E3779B97F4A7C15) % WRAP
    mixed = (mixed ^ (mixed >> 30)) * 0xBF58476D1CE4E5B9 % WRAP
    mixed = (mixed ^ (mixed >> 27)) * 0x94D049BB133111EB % WRAP
    return mixed ^ (mixed >> 31)


def tie(sleeve_no: int, instrument_no: int, day: date) -> int:
    """The input is `(sleeve_no × 1,000,003 + instrument_no) × 1,000,003 + d`, `d` in days since 1970-01-01."""
    days = (day - date(1970, 1, 1)).days
    return splitmix64(((sleeve_no * 1_000_003 + instrument_no) * 1_000_003 + days) % WRAP)


def largest_remainder(total: int, weights: list[tuple[int, int, date | None]], instrument_no: int, day: date) -> list[int]:
    """Shares of a total; `weights` are (weight, sleeve_no, decided_date).

    `q_i = floor(T × w_i / Σw)`; the `T − Σ q_i` left go one each by remainder `T × w_i mod Σw` descending, ties by
    `tie(sleeve_no, instrument_no, d)` ascending, then sleeve_no, then decided_date.
    """
    whole = sum(weight for weight, _, _ in weights)
    shares = [total * weight // whole for weight, _, _ in weights]

    def rank(place: int) -> tuple:
        weight, sleeve_no, decided = weights[place]
        return -(total * weight % whole), tie(sleeve_no, instrument_no, day), sleeve_no, decided or date.min

    for place in sorted(range(len(weights)), key=rank)[: total - sum(shares)]:
        shares[place] += 1
    return shares


def model_version(house: House, model_no: int, day: date) -> int | None:
    """The approved version with the latest `effective_date ≤ d` (highest version of one date)."""
    rows = [row for row in house.tables["model_versions"]
            if row["model_no"] == model_no and row["effective_date"] <= day and row["approved_by"]]
    return max(rows, key=lambda row: (row["effective_date"], row["version"]))["version"] if rows else None


def exact_weights(house: House, model_no: int, day: date) -> dict[int, Fraction]:
    """A line holds an instrument, cash (instrument 0), or another model; weights multiply along the way down, exactly, each
    child by its own version in force on d.
    """
    version = model_version(house, model_no, day)
    found: dict[int, Fraction] = {}
    for row in house.tables["model_weights"]:
        if (row["model_no"], row["version"]) != (model_no, version):
            continue
        inner = {row["instrument_no"]: Fraction(1)}
        if row["child_model_no"] is not None:
            inner = exact_weights(house, row["child_model_no"], day)
        for number, weight in inner.items():
            found[number] = found.get(number, Fraction(0)) + Fraction(row["weight_ppm"], MILLION) * weight
    return found


def weights(house: House, model_no: int, day: date) -> dict[int, int]:
    """The weights in force by instrument, 0 = JPY. The sum per instrument is floored to whole ppm and what is left of
    1,000,000 goes one each to the largest fractions, ties to the lower instrument number.
    """
    if (model_no, day) not in house.weight_memory:
        exact = {number: weight * MILLION for number, weight in exact_weights(house, model_no, day).items()}
        found = {number: weight.numerator // weight.denominator for number, weight in exact.items()}
        ranked = sorted(exact, key=lambda number: (found[number] - exact[number], number))
        for number in ranked[: MILLION - sum(found.values())]:
            found[number] += 1
        house.weight_memory[model_no, day] = {number: weight for number, weight in sorted(found.items()) if weight}
    return house.weight_memory[model_no, day]


def receivable(sleeve: Sleeve) -> int:
    """`filled_yen` of sales priced and not settled."""
    return sum(order.filled_yen for order in sleeve.live if order.status == "priced" and order.side == "sell")


def payable(sleeve: Sleeve) -> int:
    """`filled_yen` of purchases priced and not settled."""
    return sum(order.filled_yen for order in sleeve.live if order.status == "priced" and order.side == "buy")


def ladder(sleeve: Sleeve, day: date) -> int:
    """`L(t) = cash + Σ receivables settling ≤ t − Σ payables settling ≤ t − Σ asked_yen of unpriced purchases settling ≤ t`."""
    level = sleeve.cash
    for order in sleeve.live:
        if order.settlement_date <= day:
            if order.status == "priced":
                level += order.filled_yen if order.side == "sell" else -order.filled_yen
            elif order.side == "buy":
                level -= order.asked_yen
    return level


def lowest(sleeve: Sleeve, since: date) -> int:
    """`min over t ≥ since of L(t)`: the ladder moves only on settlement dates."""
    steps = [since] + [order.settlement_date for order in sleeve.live if order.settlement_date > since]
    return min(ladder(sleeve, day) for day in steps)
