"""Which prices are in force this evening (基準価額・時価の採否), and the yen of a unit that follows from them.

A price row is accepted, refused or missing by the rules of docs/close.md §2; what is not fresh keeps the last accepted price
with its FX rate. Nothing here stops the day: what is wrong comes back as a status of the instrument and as an alert.

How this file reads the page where it leaves room:
- Before its first price an instrument is `missing` on every day, without an alert: nobody can hold it, and since it is missing
  nobody can order it. A first row that is refused does raise its alert.
- A row on a day that is a holiday of the instrument's calendars is not looked at: the last accepted price stays in force.
- A refused price is confirmed by the next *received* row, however many days later; a row of zero or below wipes it. A split
  scales the last accepted price only.
- A row whose currency has no rate counts as received (its calendar is not silent) but changes nothing: missing, `fx_missing`.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from math import gcd

import numpy as np

from tsutsumi.core.calendar import from_epoch_day
from tsutsumi.core.timeline import Timeline, split_calendar_ids
from tsutsumi.core.units import PPM

Frame = dict[str, np.ndarray]
FRESH, HOLIDAY, MISSING, REFUSED = range(4)
STATUS_NAMES = ("fresh", "holiday", "missing", "refused")
YEN = "JPY"
FX_CARRY_DAYS = 7
NEVER_CONFIRMED_TIMES = 20
INT64_MAX = 2**63 - 1


@dataclass(frozen=True, eq=False)
class MarketState:
    """The prices in force after a close (採用価格), dense by `instrument_no`; row 0 (JPY) stays 1 yen.

    Attributes
    ----------
    price : int64[I+1]
        The last accepted price, scaled by the splits since; 0 = never priced.
    fx_ppm : int64[I+1]
        Yen per unit of currency x 10^6 that was in force with that price.
    priced_date : int32[I+1]
        The day of that price; 0 = never.
    refused_price : int64[I+1]
        The last received price, if it was refused for its move; else 0.
    fx : dict
        currency -> (fx_ppm, epoch day) of the last rate received.
    """

    price: np.ndarray
    fx_ppm: np.ndarray
    priced_date: np.ndarray
    refused_price: np.ndarray
    fx: dict[str, tuple[int, int]]


@dataclass(frozen=True, eq=False)
class MarketDay:
    """The market of one close (当日の市場): the new state, and per instrument what a unit is worth.

    Attributes
    ----------
    state : MarketState
        To be handed to the next close.
    status : int8[I+1]
        0 fresh, 1 holiday, 2 missing, 3 refused (`STATUS_NAMES`); JPY is fresh.
    num, den : int64[I+1]
        yen(units) = floor(units x num / den) with the price in force; 0 / 1 before the first price.
    sell_num, sell_den : int64[I+1]
        The same with the price of a sale, after the redemption levy (信託財産留保額).
    price, fx_ppm : int64[I+1]
        In force.
    alerts : list of dict
        kind, subject_kind, subject_no, cause, cure. The subject of a `calendar_holiday` is the lowest instrument_no of the
        calendar's instruments.
    price_rows : list of (instrument_no, price, fx_ppm)
        Accepted today.
    """

    state: MarketState
    status: np.ndarray
    num: np.ndarray
    den: np.ndarray
    sell_num: np.ndarray
    sell_den: np.ndarray
    price: np.ndarray
    fx_ppm: np.ndarray
    alerts: list[dict]
    price_rows: list[tuple[int, int, int]]


def initial_market(instruments: Frame) -> MarketState:
    """Return the state before the first close: nothing is priced but the yen."""
    count = len(instruments["currency"])
    price = np.zeros(count, dtype=np.int64)
    fx_ppm = np.zeros(count, dtype=np.int64)
    price[0], fx_ppm[0] = 1, PPM
    return MarketState(price, fx_ppm, np.zeros(count, dtype=np.int32), np.zeros(count, dtype=np.int64), {})


def within_limit(price: int, reference: int, limit_ppm: int) -> bool:
    """Tell whether a price lies within its daily limit (値幅制限) of a reference: |p - r| x 10^6 <= r x limit.

    No price above 0 lies near a reference of 0.

    >>> [within_limit(price, 10_000, 350_000) for price in (13_500, 13_501, 6_500, 6_499)]
    [True, False, True, False]
    """
    return abs(price - reference) * PPM <= reference * limit_ppm


def market_of_day(
    day: int,
    day_index: int,
    timeline: Timeline,
    instruments: Frame,
    state: MarketState,
    prices: Mapping[int, int],
    fx: Mapping[str, int],
    splits: Mapping[int, tuple[int, int]],
    fx_between: Mapping[str, tuple[int, int]] | None = None,
) -> MarketDay:
    """Return the prices in force on the evening of a day (採用価格), the status of each instrument, and the alerts.

    Formula: num / den = price x fx_ppm / (10^price_scale x price_base_units x 10^6), reduced. The one rounding: the
    scaling of a price by a split, and the price of a sale after its levy, are floored.

    Parameters
    ----------
    day, day_index : int
        The business day that is closed, and its index in the timeline.
    instruments : Frame
        Dense, row 0 = JPY: `currency`, `calendar_ids` (texts), `price_scale`, `price_base_units`, `levy_ppm`,
        `daily_move_limit_ppm`; `instrument_id` (texts, optional) is named in alerts.
    prices : mapping
        instrument_no -> price received for the day.
    fx : mapping
        currency -> fx_ppm received for the day.
    splits : mapping
        instrument_no -> (old_units, new_units) effective on the day.
    fx_between : mapping, optional
        currency -> (fx_ppm, epoch day) of the latest rate before the day, if no close has seen it; an older one is ignored.

    Raises
    ------
    ValueError
        The index does not belong to the day, a split has no units, or a unit value does not fit 64 bits.

    Notes
    -----
    Cases: tests/core/test_market.py.
    """
    if int(timeline.days[day_index]) != day:
        wrong = from_epoch_day(timeline.days[day_index])
        raise ValueError(f"market: index {day_index} is {wrong}, not {from_epoch_day(day)}: use timeline.index_of(day)")
    judge = _Judge(day, instruments, state, splits)
    judge.read_fx(fx, fx_between or {})
    is_instrument_day = timeline.instrument_day[:, day_index].tolist()
    absent = []
    for i in range(1, judge.count):
        if is_instrument_day[i] and i in prices:
            judge.receive(i, int(prices[i]))
        elif judge.dates[i] == 0:
            judge.status[i] = MISSING
        elif not is_instrument_day[i]:
            judge.status[i] = HOLIDAY
        else:
            absent.append(i)
    judge.explain_absent(absent, prices)
    judge.explain_unknown(prices)
    return judge.finish()


class _Judge:
    """The lists of one close while its rows are judged, instrument by instrument."""

    def __init__(self, day: int, instruments: Frame, state: MarketState, splits: Mapping[int, tuple[int, int]]):
        self.day, self.instruments = day, instruments
        self.last = state.price.tolist()
        self.fx_ppm = state.fx_ppm.tolist()
        self.dates = state.priced_date.tolist()
        self.refused = state.refused_price.tolist()
        self.fx = dict(state.fx)
        self.count = len(self.last)
        self.currency = _texts(instruments["currency"])
        self.scale = np.asarray(instruments["price_scale"]).tolist()
        self.limit = np.asarray(instruments["daily_move_limit_ppm"]).tolist()
        self.status = [FRESH] * self.count
        self.alerts: list[dict] = []
        self.rows: list[tuple[int, int, int]] = []
        for i, (old, new) in splits.items():
            if old <= 0 or new <= 0:
                raise ValueError(f"market: the split of instrument {i} is {old}:{new}: both numbers of units must be above 0")
            self.last[i] = self.last[i] * old // new

    def alert(self, kind: str, subject_no: int, cause: str, cure: str, subject_kind: str = "instrument") -> None:
        self.alerts.append({"kind": kind, "subject_kind": subject_kind, "subject_no": subject_no, "cause": cause, "cure": cure})

    def name(self, i: int) -> str:
        ids = self.instruments.get("instrument_id")
        return f"instrument {i}" if ids is None else f"{ids[i]} (instrument {i})"

    def money(self, i: int, price: int) -> str:
        """Return a price as people write it: 1234567 at scale 2 in USD is 12,345.67 USD."""
        scale = self.scale[i]
        sign, whole = "-" if price < 0 else "", abs(price)
        fraction = f".{whole % 10**scale:0{scale}d}" if scale else ""
        return f"{sign}{whole // 10**scale:,}{fraction} {self.currency[i]}"

    def in_force(self, i: int) -> str:
        if self.dates[i] == 0:
            return "it has no price yet"
        return f"the price {self.money(i, self.last[i])} of {from_epoch_day(self.dates[i])} stays in force"

    def read_fx(self, fx: Mapping[str, int], fx_between: Mapping[str, tuple[int, int]]) -> None:
        """Take in the rates since the last close; one of zero or below is told and left out."""
        received = [(currency, int(ppm), int(date)) for currency, (ppm, date) in fx_between.items()]
        received += [(currency, int(ppm), self.day) for currency, ppm in fx.items()]
        for currency, ppm, date in received:
            if date < self.fx.get(currency, (0, 0))[1]:
                continue
            if ppm > 0:
                self.fx[currency] = (ppm, date)
                continue
            users = [i for i in range(1, self.count) if self.currency[i] == currency]
            cause = f"the {currency} rate of {from_epoch_day(date)} is {ppm} ppm, not above 0, and is left out"
            self.alert("fx_missing", users[0] if users else 0, cause, "load the right rate", "currency")

    def rate(self, currency: str) -> int:
        """Return yen per unit of currency in ppm: the last rate of at most 7 days ago; 0 = none."""
        if currency == YEN:
            return PPM
        ppm, date = self.fx.get(currency, (0, 0))
        return ppm if self.day - date <= FX_CARRY_DAYS else 0

    def receive(self, i: int, price: int) -> None:
        """Accept or refuse a price received on an instrument day."""
        last, limit = self.last[i], self.limit[i]
        ppm = self.rate(self.currency[i])
        if ppm == 0:
            self.status[i] = MISSING
            self._no_rate(i, price)
        elif price <= 0:
            self.refused[i], self.status[i] = 0, REFUSED
            cause = f"{self.name(i)}: the price received is {self.money(i, price)}, not above 0; {self.in_force(i)}"
            self.alert("price_refused", i, cause, "load the right price of the day")
        elif self.dates[i] == 0 or within_limit(price, last, limit) or self._confirms(i, price):
            self.last[i], self.fx_ppm[i], self.dates[i], self.refused[i] = price, ppm, self.day, 0
            self.rows.append((i, price, ppm))
        else:
            self.refused[i], self.status[i] = price, REFUSED
            moved = f"a move of {_percent(price - last, last)}, beyond its limit of {_percent(limit, PPM)}"
            cause = f"{self.name(i)}: the price received is {self.money(i, price)}, {moved}; {self.in_force(i)}"
            cure = "load the right price; if it is right, register the split, or let the next day's price confirm it"
            self.alert("price_refused", i, cause, cure)

    def _no_rate(self, i: int, price: int) -> None:
        currency = self.currency[i]
        ppm, date = self.fx.get(currency, (0, 0))
        known = f"the last is {ppm} ppm of {from_epoch_day(date)}, {self.day - date} days ago" if ppm else "there never was one"
        need = f"the price received, {self.money(i, price)}, needs a {currency} rate of at most {FX_CARRY_DAYS} days ago"
        self.alert("fx_missing", i, f"{self.name(i)}: {need}; {known}; {self.in_force(i)}", f"load the {currency} rate of the day")

    def _confirms(self, i: int, price: int) -> bool:
        """Tell whether a price confirms the one refused before it; a move of 20 times or more is never confirmed by itself."""
        last = self.last[i]
        possible = price < last * NEVER_CONFIRMED_TIMES and price * NEVER_CONFIRMED_TIMES > last
        return possible and within_limit(price, self.refused[i], self.limit[i])

    def explain_absent(self, absent: list[int], prices: Mapping[int, int]) -> None:
        """Tell a silent calendar (a holiday, one alert) from a missing price (one alert each)."""
        if not absent:
            return
        groups: dict[tuple[str, ...], list[int]] = {}
        for i, text in enumerate(_texts(self.instruments["calendar_ids"])):
            if i:
                groups.setdefault(split_calendar_ids(text), []).append(i)
        waiting = set(absent)
        for calendars, members in groups.items():
            missed = [i for i in members if i in waiting]
            if not missed:
                continue
            enough = len(members) >= 2 or self.count == 2
            silent = enough and not any(i in prices for i in members)
            for i in missed:
                self.status[i] = HOLIDAY if silent else MISSING
            if silent:
                self._silent_calendar(calendars, members)
                continue
            for i in missed:
                cause = f"{self.name(i)}: no price came for {from_epoch_day(self.day)}; {self.in_force(i)}"
                self.alert("price_missing", i, cause, "load the price of the day, or add the day to its calendar's holidays")

    def explain_unknown(self, prices: Mapping[int, int]) -> None:
        """Tell of prices of instruments that nobody registered."""
        for i in sorted(number for number in prices if not 0 < number < self.count):
            cause = f"a price of {prices[i]} came for instrument {i}, which is not registered"
            self.alert("price_refused", i, cause, "register the instrument, or correct the row's number")

    def _silent_calendar(self, calendars: tuple[str, ...], members: list[int]) -> None:
        name = ";".join(calendars) or "Japan only"
        none = f"no price came for {from_epoch_day(self.day)} for any of its instruments ({len(members)})"
        cause = f"calendar {name}: {none}; the day is taken as a holiday and the last prices stay in force"
        self.alert("calendar_holiday", members[0], cause, "add the day to the calendar's holidays, or load the prices", "calendar")

    def finish(self) -> MarketDay:
        """Return the day with the unit values of the prices in force."""
        base = np.asarray(self.instruments["price_base_units"]).tolist()
        levy = np.asarray(self.instruments["levy_ppm"]).tolist()
        self.last[0], self.fx_ppm[0] = 1, PPM
        values = [[1], [1], [1], [1]]
        for i in range(1, self.count):
            whole = 10 ** self.scale[i] * base[i] * PPM
            price, ppm = self.last[i], self.fx_ppm[i]
            sold = price * (PPM - levy[i]) // PPM if levy[i] else price
            for column, value in zip((0, 2), (price * ppm, sold * ppm), strict=True):
                shared = gcd(value, whole)
                values[column].append(value // shared)
                values[column + 1].append(whole // shared)
        self._check_fits(values)
        num, den, sell_num, sell_den = (np.array(column, dtype=np.int64) for column in values)
        price, fx_ppm = np.array(self.last, dtype=np.int64), np.array(self.fx_ppm, dtype=np.int64)
        dates, refused = np.array(self.dates, dtype=np.int32), np.array(self.refused, dtype=np.int64)
        state = MarketState(price, fx_ppm, dates, refused, self.fx)
        status = np.array(self.status, dtype=np.int8)
        return MarketDay(state, status, num, den, sell_num, sell_den, price, fx_ppm, self.alerts, self.rows)

    def _check_fits(self, values: list[list[int]]) -> None:
        for i, figures in enumerate(zip(*values, strict=True)):
            if max(*figures, self.last[i]) > INT64_MAX:
                ratio = f"price {self.last[i]} x fx {self.fx_ppm[i]} ppm gives {figures[0]} / {figures[1]}"
                cure = "correct the price or rate, or give the instrument a smaller price_scale"
                raise ValueError(f"market: the unit value of {self.name(i)} does not fit 64 bits: {ratio}: {cure}")


def _texts(column) -> list[str]:
    return column.tolist() if isinstance(column, np.ndarray) else list(column)


def _percent(part: int, whole: int) -> str:
    """Return part / whole in percent with one digit, floored: -20.0 %."""
    if whole == 0:
        return "any size (the last price is 0)"
    tenths = abs(part) * 1000 // whole
    return f"{'-' if part < 0 else ''}{tenths // 10:,}.{tenths % 10} %"
