"""The outside (外部) on one page: what the close asks of others, and nothing that it does not ask yet.

A port is a protocol; its paper twin (`paper.py`) ships with the product as the embedded default and the simulator, and a
partner's adapter is one more file in this folder that passes the same tests (`tests/ports/*_body.py`). Today the close
asks a custodian and a bank. Market data comes in as rows (`tsutsumi load`), and nothing is sent or logged in yet, so there
is no protocol for market data, notification or identity: each gets one with its first caller.

A Frame (`core/schema.py`) is `dict[str, np.ndarray]`, all columns of one length; `{}` is a frame without rows. Dates are days since
1970-01-01. `_no` are the house's dense numbers; instrument 0 is yen. Sides: 0 sale (売り), 1 purchase (買い).
"""

from typing import Protocol

import numpy as np

from tsutsumi.core.schema import Frame

SALE, PURCHASE = 0, 1

ORDER_COLUMNS = (
    "sleeve_no", "account_no", "custodian_no", "instrument_no", "side", "placed_date", "priced_date", "settlement_date",
    "asked_yen", "asked_units", "limit_price",
)
FLOW_COLUMNS = ("account_no", "amount_yen", "kind")
ALLOCATION_COLUMNS = ("account_no", "instrument_no", "side", "placed_date", "units")
MARKET_COLUMNS = (
    "instrument_no", "status", "price", "fx_ppm", "price_scale", "price_base_units", "levy_ppm", "lot_units", "amount_mode",
    "buy_settlement_date", "sell_settlement_date", "split_old", "split_new", "distribution", "distribution_per_units",
)
FILL_TYPES = {
    "custodian_no": np.int32, "instrument_no": np.int32, "side": np.int8, "placed_date": np.int32, "priced_date": np.int32,
    "settlement_date": np.int32, "price": np.int64, "fx_ppm": np.int64, "filled_units": np.int64,
}
HOLDING_TYPES = {"account_no": np.int32, "instrument_no": np.int32, "units": np.int64}


class Custodian(Protocol):
    """Who keeps the accounts and executes the orders (口座管理機関): an independent second book of every account.

    Each day is `fills`, then `receive`, then `holdings`; the rules are `docs/close.md` §3 and §4. Every call may be made
    again after a kill and then changes nothing and answers the same.
    """

    def fills(self, day: int, market: Frame) -> Frame:
        """Advance to `day` and return the executions (約定): one row per block whose price is known today.

        In this order: settle what is due, splits, distributions (both on the units at the end of the previous day), then
        every order with `priced_date <= day` whose instrument has status 0 is filled at today's price; all others wait.

        Parameters
        ----------
        day : int
            Later than every day asked before, or one of them: then the stored answer, whatever the market given.
        market : Frame
            One row per instrument: `MARKET_COLUMNS`. `status` 0 is a fresh price; `amount_mode` 1 buys by amount, 0 by
            units; the settlement dates are those of an order priced today; `split_old`, `split_new` are 1, 1 without a
            split; `distribution` is 0 without one, else the amount at `price_scale` for `distribution_per_units` units.

        Returns
        -------
        Frame
            `FILL_TYPES`, one row per block (custodian, instrument, side, placed_date), sorted by these four. `price` is
            the price used (of a sale: after the levy, 信託財産留保額). `filled_units` is -1 for all that was asked, 0 for
            a unit purchase over its limit (the block lapses), else the units of a partly filled block (一部約定), whose
            split to accounts the day's `receive` must bring.

        Raises
        ------
        ValueError
            The day lies before the last one and was never asked, or what the close of the last day told is still missing.
        """
        ...

    def receive(self, day: int, orders: Frame, flows: Frame, allocations: Frame) -> None:
        """Take what the close of `day` decided (発注) and booked (入出金).

        Parameters
        ----------
        day : int
            The day of the last `fills`.
        orders : Frame
            `ORDER_COLUMNS`: placed after `day`. `limit_price` is in price x fx_ppm, 0 for none; the orders of a block share
            their dates and their limit.
        flows : Frame
            `FLOW_COLUMNS`: deposits, instalments, fees, withdrawals: everything but distributions, which the custodian
            books by itself. In positive, out negative.
        allocations : Frame
            `ALLOCATION_COLUMNS`: how the partly filled blocks of `day` were shared out to accounts.

        Raises
        ------
        ValueError
            Another content for a day already received (the same content again is ignored, in whatever order of rows), a
            day that is not the last one, an order that cannot be, allocations that do not add up to the block.
        """
        ...

    def holdings(self, day: int) -> Frame:
        """Return the balances (残高) at the end of `day`, with all that `receive` told for it.

        Answers for the last day and the two before it. `HOLDING_TYPES`, sorted by account and instrument, without zero
        rows: units of each instrument from their priced date on, and settled yen as instrument 0.
        """
        ...


class BankDebit(Protocol):
    """Who collects the instalments from the customers' banks (口座振替)."""

    def collect(self, day: int, due: Frame) -> Frame:
        """Return the result of the debits of `day`: `sleeve_no`, `amount_yen`, `ok` (int8, 1 collected, 0 failed).

        Rows come back as given (`sleeve_no`, `amount_yen`); asked again for the same day, the answer is the same.
        """
        ...
