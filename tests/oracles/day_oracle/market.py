"""§2: which prices are accepted, and what state each instrument is in."""

from datetime import date, timedelta

from tests.oracles.day_oracle.state import MILLION, House, Quote


def fx_of(house: House, number: int, day: date) -> int | None:
    """FX: the row of `d`, else the last one of at most 7 days ago; none = price missing. Yen: 1,000,000."""
    currency = house.instruments[number]["currency"]
    if currency == "JPY":
        return MILLION
    for back in range(8):
        found = house.fx_rates.get((currency, day - timedelta(days=back)))
        if found is not None:
            return found
    return None


def since_last_close(house: House, table: str, day: date) -> list[dict]:
    """The rows of a table that have come since the last close, in the order of their dates.

    Splits and distributions "of `d` (and of days without a close since `y`)".
    """
    rows = [row for row in house.tables.get(table, []) if row["date"] <= day]
    rows = [row for row in rows if row["date"] == day or (house.previous is not None and row["date"] > house.previous)]
    return sorted(rows, key=lambda row: (row["date"], row["instrument_no"]))


def within(price: int, reference: int, limit_ppm: int) -> bool:
    """`|p − last| × 10^6 ≤ last × limit`."""
    return abs(price - reference) * MILLION <= reference * limit_ppm


def far_away(price: int, last: int) -> bool:
    """A price of 20 times the last accepted one or more, or a twentieth or less."""
    return price >= 20 * last or price * 20 <= last


def silent_calendar(house: House, number: int, day: date) -> bool:
    """An instrument day on which no instrument with the same `calendar_ids` has any row, if they are at least two, or
    alone in the house.
    """
    same = [other for other, row in house.instruments.items() if row["calendar_ids"] == house.instruments[number]["calendar_ids"]]
    if any((other, day) in house.prices for other in same):
        return False
    return len(same) >= 2 or len(house.instruments) == 1


def judge(quote: Quote, price: int, fx: int, limit_ppm: int) -> str:
    """Accepted if it is positive and differs from the last accepted price by at most the limit, or if the last
    *received* (refused) price was refused for its move and this one is within the limit of that one (the second day
    confirms; a price of 20 times the last accepted one or more, or a twentieth or less, is never confirmed by itself).
    The first price of an instrument is accepted.
    """
    moved = quote.price is not None and price > 0 and not within(price, quote.price, limit_ppm)
    confirmed = moved and quote.refused is not None and within(price, quote.refused, limit_ppm)
    confirmed = confirmed and not far_away(price, quote.price)
    if price <= 0 or (moved and not confirmed):
        quote.refused = price if moved else None
        return "refused"
    quote.price, quote.fx, quote.refused = price, fx, None
    return "fresh"


def status(house: House, number: int, day: date) -> str:
    """`fresh`, or not: `holiday`, `missing`, `refused`. Not fresh = the last accepted price stays in force with its fx.

    Before its first price an instrument is `missing`, without an alert; it stops nobody.

    Reading: a row on a day that is no instrument day is not looked at; before the first price there is no alert for a
    missing rate either, and every day is `missing`, holidays too.
    """
    quote = house.quotes[number]
    unpriced = quote.price is None
    if unpriced and (number, day) not in house.prices:
        return "missing"
    if not house.dates.is_instrument_day(number, day):
        return "missing" if unpriced else "holiday"
    if (number, day) not in house.prices:
        if silent_calendar(house, number, day):
            same = [other for other, row in house.instruments.items()
                    if row["calendar_ids"] == house.instruments[number]["calendar_ids"]]
            if number == min(other for other in same if house.quotes[other].price is not None):     # one alert per calendar
                house.alert("calendar_holiday", number)
            return "holiday"
        house.alert("price_missing", number)
        return "missing"
    fx = fx_of(house, number, day)
    if fx is None:
        if not unpriced:
            house.alert("fx_missing", number)
        return "missing"
    found = judge(quote, house.prices[number, day], fx, house.instruments[number]["daily_move_limit_ppm"])
    if found == "refused":
        house.alert("price_refused", number)
    return found


def accept_prices(house: House, day: date) -> None:
    """After a split the last price is scaled first (`last × old_units / new_units`, floored).

    Reading: the last accepted price, not a refused one.
    """
    for row in since_last_close(house, "splits", day):
        quote = house.quotes[row["instrument_no"]]
        if quote.price is not None:
            quote.price = quote.price * row["old_units"] // row["new_units"]
    for number in sorted(house.instruments):
        house.quotes[number].status = status(house, number, day)
        house.today.statuses[number] = house.quotes[number].status
