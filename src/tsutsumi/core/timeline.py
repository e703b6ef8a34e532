"""Which days an instrument can be ordered and priced (注文可能日・約定日), as dense tables over the house's business days.

Everything that asks "when" of an order is one look-up here: columns are business days by their index in `days`, rows are
instruments by `instrument_no`. The rules are those of docs/close.md §1. Row 0 is JPY: every day is an instrument day of it,
and it is never ordered.
"""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from tsutsumi.core.calendar import business_day_table, from_epoch_day

Frame = dict[str, np.ndarray]
NONE = -1


@dataclass(frozen=True, eq=False)
class Timeline:
    """The days of orders and prices (営業日と注文可能日の表), for I instruments and B business days.

    Attributes
    ----------
    days : int32[B]
        House business days (営業日), ascending, in epoch days.
    instrument_day : bool[I+1, B]
        A house business day that is no holiday of any calendar of the instrument: a price is expected.
    orderable : bool[I+1, B]
        An instrument day that is not one of its no-order days (申込不可日): an order can be placed.
    priced_index : int32[I+1, B]
        For an order placed on day b: the index of its priced day (約定日); -1 if b is not orderable or the table ends before.
    next_instrument_index : int32[I+1, B]
        The first instrument day strictly after b; -1 beyond the table.
    first_orderable_index : int32[I+1, B]
        The first evening e >= b on which an order can be decided: day e + 1 is orderable; -1 beyond the table.
    """

    days: np.ndarray
    instrument_day: np.ndarray
    orderable: np.ndarray
    priced_index: np.ndarray
    next_instrument_index: np.ndarray
    first_orderable_index: np.ndarray

    def index_of(self, day: int) -> int:
        """Return the index of a business day.

        Raises
        ------
        ValueError
            The day is no business day, or lies outside the table.
        """
        index = int(np.searchsorted(self.days, day))
        if index < len(self.days) and self.days[index] == day:
            return index
        span = f"{from_epoch_day(self.days[0])} and {from_epoch_day(self.days[-1])}"
        cure = "close business days only, or build the timeline over a longer span"
        raise ValueError(f"timeline: {from_epoch_day(day)} is not a business day between {span}: {cure}")


def split_calendar_ids(text: str) -> tuple[str, ...]:
    """Return the calendars of an instrument, sorted, from its `calendar_ids`.

    >>> split_calendar_ids("US;UK"), split_calendar_ids("")
    (('UK', 'US'), ())
    """
    return tuple(sorted({part.strip() for part in text.split(";")} - {""}))


def build_timeline(
    first_day: int,
    last_day: int,
    instruments: Frame,
    calendar_holidays: Mapping[str, Collection[int]],
    no_order_days: Collection[tuple[int, int]],
) -> Timeline:
    """Return the table of instrument, orderable and priced days (注文可能日・約定日) of all instruments.

    Parameters
    ----------
    first_day, last_day : int
        Epoch days, both included. Let `last_day` lie some months after the last close, so that every priced day and
        every settlement date that a close asks for is in the table.
    instruments : Frame
        Dense by `instrument_no`, row 0 = JPY: `calendar_ids` (texts such as "US;UK"), `price_lag_days` (int).
    calendar_holidays : mapping
        calendar id -> its holidays in epoch days.
    no_order_days : collection of (instrument_no, epoch day)

    Raises
    ------
    ValueError
        There is no business day between the two days, an instrument names a calendar without holidays, or its lag is
        below 0.

    Notes
    -----
    Cases: tests/core/test_timeline.py (C2 to C5 of the rule book of dates).

    Examples
    --------
    A fund closed on a US holiday, priced one instrument day after the order. 2026-11-26 is Thanksgiving, so an order
    decided on the evening of the 25th is placed on the 27th, and priced on the 30th:

    >>> from datetime import date
    >>> from tsutsumi.core.calendar import epoch_day
    >>> funds = {"calendar_ids": ["", "US"], "price_lag_days": np.array([0, 1])}
    >>> thanksgiving = epoch_day(date(2026, 11, 26))
    >>> table = build_timeline(epoch_day(date(2026, 11, 25)), epoch_day(date(2026, 12, 4)), funds, {"US": {thanksgiving}}, set())
    >>> evening = int(table.first_orderable_index[1, 0])
    >>> [str(from_epoch_day(table.days[b])) for b in (evening, evening + 1, table.priced_index[1, evening + 1])]
    ['2026-11-26', '2026-11-27', '2026-11-30']
    """
    days = business_day_table(from_epoch_day(first_day), from_epoch_day(last_day))
    if len(days) == 0:
        span = f"{from_epoch_day(first_day)} to {from_epoch_day(last_day)}"
        raise ValueError(f"timeline: {span} holds no business day: choose a longer span")
    instrument_day = _instrument_days(days, list(instruments["calendar_ids"]), calendar_holidays)
    orderable = instrument_day.copy()
    orderable[0] = False
    for instrument_no, day in no_order_days:
        if 0 < instrument_no < len(orderable):
            orderable[instrument_no, days == day] = False
    table = Timeline(days, instrument_day, orderable, *_indices(instrument_day, orderable, instruments["price_lag_days"]))
    for array in vars(table).values():
        array.setflags(write=False)
    return table


def _indices(instrument_day: np.ndarray, orderable: np.ndarray, price_lag_days: Sequence[int]) -> tuple[np.ndarray, ...]:
    """Return the priced, the next instrument and the first orderable index of every instrument and day."""
    count = instrument_day.shape[1]
    priced, following, deciding = (np.full(instrument_day.shape, NONE, dtype=np.int32) for _ in range(3))
    for i, lag in enumerate(int(days) for days in price_lag_days):
        if lag < 0:
            raise ValueError(f"timeline: instrument {i} has price_lag_days {lag}: give 0 or more")
        own = np.flatnonzero(instrument_day[i]).astype(np.int32)
        priced[i] = np.where(orderable[i], _nth_from(own, count, lag), NONE)
        following[i, :-1] = _nth_from(own, count, 0)[1:]
        placing = _nth_from(np.flatnonzero(orderable[i]).astype(np.int32), count, 0)[1:]
        deciding[i, :-1] = np.where(placing == NONE, NONE, placing - 1)
    return priced, following, deciding


def _instrument_days(days: np.ndarray, calendar_ids: Sequence[str], calendar_holidays: Mapping[str, Collection[int]]) -> np.ndarray:
    """Return bool[I+1, B]: the days that are no holiday of any calendar of the instrument."""
    closed = {name: np.isin(days, np.array(sorted(dates), dtype=np.int64)) for name, dates in calendar_holidays.items()}
    open_days = np.ones((len(calendar_ids), len(days)), dtype=bool)
    for i, text in enumerate(calendar_ids):
        for name in split_calendar_ids(text):
            if name not in closed:
                cure = "load its holidays (calendar_holidays) or correct calendar_ids"
                raise ValueError(f"timeline: instrument {i} follows calendar {name!r}, of which no holidays are known: {cure}")
            open_days[i] &= ~closed[name]
    return open_days


def _nth_from(indices: np.ndarray, count: int, n: int) -> np.ndarray:
    """Return for each b < count the n-th (0 = first) of the ascending indices that are >= b, or -1."""
    position = np.searchsorted(indices, np.arange(count, dtype=np.int32)) + n
    padded = np.append(indices, np.int32(NONE))
    return padded[np.minimum(position, len(indices))]
