"""The paper twins (模擬の外部): a custodian and a bank that live in one file and in one hash.

The paper custodian keeps its own book of every account from what it is told and from the market, with plain whole numbers
written from `docs/close.md` §3 and §4 and from nothing else: where the close and this file disagree, one of them is wrong.
"""

import hashlib
from collections.abc import Sequence
from pathlib import Path
from typing import NamedTuple

import numpy as np

from tsutsumi.ports import ALLOCATION_COLUMNS, FLOW_COLUMNS, MARKET_COLUMNS, ORDER_COLUMNS, PURCHASE, SALE, Frame
from tsutsumi.ports.paper_ledger import Block, Deal, Ledger, Order

PPM = 1_000_000
FRESH = 0
Groups = dict[tuple[int, int, int], tuple[int, int, Deal]]  # (account, instrument, side): asked units, asked yen, deal


def splitmix64(numbers: np.ndarray) -> np.ndarray:
    """Return splitmix64's output for each 64-bit input: even, fixed, and without memory (擬似乱数).

    >>> [hex(number) for number in splitmix64(np.array([0, 1], np.uint64)).tolist()]
    ['0xe220a8397b1dcdaf', '0x910a2dec89025cc1']
    """
    z = numbers + np.uint64(0x9E3779B97F4A7C15)
    z = (z ^ (z >> np.uint64(30))) * np.uint64(0xBF58476D1CE4E5B9)
    z = (z ^ (z >> np.uint64(27))) * np.uint64(0x94D049BB133111EB)
    return z ^ (z >> np.uint64(31))


def sale_price(price: int, levy_ppm: int) -> int:
    """Return the price of a sale after the redemption levy (信託財産留保額): floor(price x (10^6 - levy) / 10^6).

    >>> sale_price(15_000, 3_000), sale_price(12_345, 3_000)
    (14955, 12307)
    """
    return price * (PPM - levy_ppm) // PPM


def trade_figures(side: int, units: int, yen: int, deal: Deal) -> tuple[int, int]:
    """Return (units, yen) of all orders of one account, instrument, side and priced date (約定数量・約定金額).

    One unit is worth price x fx_ppm / (10^price_scale x price_base_units x 10^6) yen. A sale floors the yen, a purchase
    by amount takes the amount and floors the units, a purchase by units rounds the yen up.

    Parameters
    ----------
    side : 0 sale, 1 purchase
    units, yen : int
        Sum of what was asked: units of a sale or a unit purchase, yen of a purchase by amount.
    deal : Deal
        Its price is the price used (after the levy for a sale).

    Examples
    --------
    A sale of 1,000,000 units at 15,000 with a levy of 0.3 %, and 30,000 yen at 12,345 per 10,000 units:

    >>> trade_figures(0, 1_000_000, 0, Deal(0, 0, sale_price(15_000, 3_000), 1_000_000, 0, 10_000, 1, -1))
    (1000000, 1495500)
    >>> trade_figures(1, 0, 30_000, Deal(0, 0, 12_345, 1_000_000, 0, 10_000, 1, -1))
    (24301, 30000)

    7 units at 33.35 dollars (scale 2, base 1) and 150.123456 yen a dollar: 35,046.32... rounded up:

    >>> trade_figures(1, 7, 0, Deal(0, 0, 3_335, 150_123_456, 2, 1, 0, -1))
    (7, 35047)
    """
    num = deal.price * deal.fx_ppm
    den = 10**deal.price_scale * deal.price_base_units * PPM
    if side == SALE:
        return units, units * num // den
    if deal.amount_mode:  # an amount that buys no unit buys nothing
        units = yen * den // num
        return units, yen if units else 0
    return units, -(-units * num // den)


class Terms(NamedTuple):
    """One instrument's market of one day: the columns of `MARKET_COLUMNS` after the number."""

    status: int
    price: int
    fx_ppm: int
    price_scale: int
    price_base_units: int
    levy_ppm: int
    lot_units: int
    amount_mode: int
    buy_settlement_date: int
    sell_settlement_date: int
    split_old: int
    split_new: int
    distribution: int
    distribution_per_units: int


def _rows(frame: Frame, names: Sequence[str], what: str) -> list[tuple]:
    if not frame:
        return []
    missing = [name for name in names if name not in frame]
    if missing:
        raise ValueError(f"{what}: the frame has no column {', '.join(missing)}; it needs {', '.join(names)}")
    return list(zip(*(np.asarray(frame[name]).tolist() for name in names), strict=True))


class PaperCustodian:
    """A custodian in one SQLite file (模擬カストディアン); keeps the protocol `tsutsumi.ports.Custodian`.

    Parameters
    ----------
    path : Path
        Its file; made if it is not there. One file holds the accounts of all custodian numbers.
    partial_fill_ppm : int
        How many of a million (instrument, day) fill their unit blocks only partly; 0 is always full. Fixed by a hash, so
        that a replay gives the same. A partly filled block gets whole lots, at least one and fewer than were asked.
    """

    def __init__(self, path: Path, partial_fill_ppm: int = 0) -> None:
        self._ledger = Ledger(path)
        self._partial_fill_ppm = partial_fill_ppm

    def close(self) -> None:
        """Close the file; every call so far is in it."""
        self._ledger.close()

    def problems(self) -> Frame:
        """Return what must not be but was (異常), as the custodian saw it.

        Returns
        -------
        Frame
            date, kind, account_no, instrument_no, units: `negative_cash` (after a settlement, or after the day's flows),
            `negative_units` (more was sold than held), with the balance below zero.
        """
        return self._ledger.problems()

    def holdings(self, day: int) -> Frame:
        """Return the balances (残高) at the end of `day`; see `Custodian.holdings`."""
        self._ledger.refresh()
        return self._ledger.holdings(day)

    def fills(self, day: int, market: Frame) -> Frame:
        """Advance to `day` and return its executions (約定); see `Custodian.fills`."""
        ledger, day = self._ledger, int(day)
        with ledger.call():
            if (stored := ledger.answer(day)) is None:
                last = ledger.last_date
                if last is not None and day < last:
                    raise ValueError(f"fills of day {day}: this custodian is at day {last} and was never asked for that day")
                if last is not None and ledger.received(last) is None:
                    raise ValueError(f"fills of day {day}: the close of day {last} was never received; send it first")
                terms = {row[0]: Terms(*row[1:]) for row in _rows(market, MARKET_COLUMNS, f"market of day {day}")}
                ledger.open_day(day)
                self._settle(day)
                self._change_capital(terms)
                ledger.store_fills(self._fill(day, terms))
                stored = ledger.answer(day)
        return stored

    def receive(self, day: int, orders: Frame, flows: Frame, allocations: Frame) -> None:
        """Take what the close of `day` decided and booked (発注・入出金); see `Custodian.receive`."""
        ledger, day = self._ledger, int(day)
        order_rows = _rows(orders, ORDER_COLUMNS, f"orders of day {day}")
        flow_rows = _rows(flows, FLOW_COLUMNS, f"flows of day {day}")
        share_rows = _rows(allocations, ALLOCATION_COLUMNS, f"allocations of day {day}")
        content = repr([sorted(order_rows), sorted(flow_rows), sorted(share_rows)])
        digest = hashlib.sha256(content.encode()).hexdigest()
        with ledger.call():
            known = ledger.received(day)
            if known == digest:
                return
            if known is not None:
                raise ValueError(f"close of day {day}: received before with other content; a closed day is never edited")
            if day != ledger.last_date:
                raise ValueError(f"close of day {day}: this custodian is at day {ledger.last_date}; ask for its fills first")
            self._allocate(share_rows)
            for account_no, amount_yen, _ in flow_rows:
                ledger.add(account_no, 0, amount_yen)
            self._check_cash({account_no for account_no, _, _ in flow_rows})
            for block, placed in self._new_blocks(day, order_rows).items():
                ledger.place(block, placed)
            ledger.store_received(digest)

    # ---- steps of a day

    def _settle(self, day: int) -> None:
        due = self._ledger.take_due(day)
        for account_no, yen in due:
            self._ledger.add(account_no, 0, yen)
        self._check_cash({account_no for account_no, _ in due})

    def _check_cash(self, accounts: set[int]) -> None:
        for account_no in sorted(accounts):
            cash = self._ledger.add(account_no, 0, 0)
            if cash < 0:
                self._ledger.note_problem("negative_cash", account_no, 0, cash)

    def _change_capital(self, terms: dict[int, Terms]) -> None:
        """Splits (分割・併合) and distributions (分配金), both on the units at the end of the previous day."""
        ledger = self._ledger
        for instrument_no, today in terms.items():
            split = today.split_old != today.split_new
            if not split and not today.distribution:
                continue
            den = 10**today.price_scale * today.distribution_per_units * PPM
            for account_no, held in ledger.holders(instrument_no):
                if split:
                    ledger.add(account_no, instrument_no, held * today.split_new // today.split_old - held)
                if held > 0 and (yen := held * today.distribution * today.fx_ppm // den):
                    ledger.add(account_no, 0, yen)
            if split:  # orders that have no price yet are cancelled; the close decides them anew
                ledger.remove([block for block in ledger.blocks if block.instrument_no == instrument_no])

    def _fill(self, day: int, terms: dict[int, Terms]) -> list[tuple]:
        ledger = self._ledger
        waiting = sorted(block for block, orders in ledger.blocks.items() if orders[0].priced_date <= day)
        unknown = sorted({block.instrument_no for block in waiting} - terms.keys())
        if unknown:
            raise ValueError(f"fills of day {day}: orders wait for instruments {unknown}, the market has no row for them")
        deals = {block: self._deal(day, block, terms[block.instrument_no])
                 for block in waiting if terms[block.instrument_no].status == FRESH}
        partial = {(block.instrument_no, block.side) for block, deal in deals.items() if deal.filled_units > 0}
        asked: Groups = {}
        for block, deal in deals.items():
            if deal.filled_units == 0:
                continue
            if (block.instrument_no, block.side) in partial:  # the yen are one sum per account, so all of them wait
                ledger.wait(block, deal)
                continue
            for order in ledger.blocks[block]:
                _gather(asked, block, deal, order.account_no, order.asked_units, order.asked_yen)
        self._book(asked)
        ledger.remove([block for block in deals if block not in ledger.awaiting])
        return [
            (*block, day, deal.settlement_date, deal.price, deal.fx_ppm, deal.filled_units) for block, deal in deals.items()
        ]

    def _deal(self, day: int, block: Block, today: Terms) -> Deal:
        buys = block.side == PURCHASE
        orders = self._ledger.blocks[block]
        limit = orders[0].limit_price
        price = today.price if buys else sale_price(today.price, today.levy_ppm)
        filled = -1 if today.amount_mode else self._filled_units(day, block.instrument_no, orders, today.lot_units)
        if buys and not today.amount_mode and 0 < limit < today.price * today.fx_ppm:
            filled = 0
        settlement_date = today.buy_settlement_date if buys else today.sell_settlement_date
        if settlement_date < day:
            raise ValueError(f"market of day {day}: instrument {block.instrument_no} would settle on {settlement_date}, before it")
        return Deal(day, settlement_date, price, today.fx_ppm, today.price_scale, today.price_base_units,
                    today.amount_mode, filled)

    def _filled_units(self, day: int, instrument_no: int, orders: list[Order], lot_units: int) -> int:
        draw = int(splitmix64(splitmix64(np.array([instrument_no], np.uint64)) + np.uint64(day))[0])
        lots = sum(order.asked_units // lot_units for order in orders)
        if draw % PPM >= self._partial_fill_ppm or lots < 2:
            return -1
        return (1 + (draw >> 32) % (lots - 1)) * lot_units

    def _book(self, asked: Groups) -> None:
        """Units at once, yen at settlement; one trade per account, instrument, side and priced date."""
        ledger, trades = self._ledger, []
        for (account_no, instrument_no, side), (asked_units, asked_yen, deal) in asked.items():
            units, yen = trade_figures(side, asked_units, asked_yen, deal)
            held = ledger.add(account_no, instrument_no, units if side == PURCHASE else -units)
            if held < 0:
                ledger.note_problem("negative_units", account_no, instrument_no, held)
            cash = -yen if side == PURCHASE else yen
            trades.append((deal.settlement_date, account_no, instrument_no, side, deal.priced_date, units, cash))
        ledger.trade(trades)

    # ---- what the close tells

    def _allocate(self, share_rows: list[tuple]) -> None:
        """Book the executed blocks that waited for their split to accounts (配分)."""
        ledger = self._ledger
        shares = {row[:4]: row[4] for row in share_rows}
        if len(shares) < len(share_rows):
            raise ValueError("allocations: two rows for one account, instrument, side and placed date")
        asked: Groups = {}
        for block, deal in ledger.awaiting.items():
            most: dict[int, int] = {}
            for order in ledger.blocks[block]:
                most[order.account_no] = most.get(order.account_no, 0) + order.asked_units
            if deal.filled_units > 0:
                given = {account_no: shares.pop((account_no, *block[1:]), 0) for account_no in most}
                if sum(given.values()) != deal.filled_units or any(not 0 <= given[a] <= most[a] for a in most):
                    raise ValueError(f"allocations: {block} was filled for {deal.filled_units} units, asked {most}, shared {given}")
                most = given
            for account_no, units in most.items():
                if units:
                    _gather(asked, block, deal, account_no, units, 0)
        if shares:
            raise ValueError(f"allocations: no partly filled block for (account, instrument, side, placed) {sorted(shares)}")
        self._book(asked)
        ledger.remove(list(ledger.awaiting))
        ledger.clear_awaiting()

    def _new_blocks(self, day: int, order_rows: list[tuple]) -> dict[Block, list[Order]]:
        blocks: dict[Block, list[Order]] = {}
        seen: set[tuple] = set()
        for row in order_rows:
            sleeve_no, account_no, custodian_no, instrument_no, side, placed, priced, _, asked_yen, asked_units, limit = row
            block = Block(custodian_no, instrument_no, side, placed)
            if side not in (SALE, PURCHASE) or not day < placed <= priced or min(asked_yen, asked_units, limit) < 0:
                raise ValueError(f"orders of day {day}: {dict(zip(ORDER_COLUMNS, row, strict=True))} cannot be: side 0 or 1, "
                                 "placed after the day, priced not before it is placed, nothing below zero")
            if (sleeve_no, block) in seen or block in self._ledger.blocks:
                raise ValueError(f"orders of day {day}: sleeve {sleeve_no} has a second order in {block}")
            seen.add((sleeve_no, block))
            orders = blocks.setdefault(block, [])
            orders.append(Order(sleeve_no, account_no, priced, asked_yen, asked_units, limit))
            if (orders[0].priced_date, orders[0].limit_price) != (priced, limit):
                raise ValueError(f"orders of day {day}: {block} has two priced dates or two limits")
        return blocks


def _gather(asked: Groups, block: Block, deal: Deal, account_no: int, units: int, yen: int) -> None:
    """Add an order to its group: account, instrument, side, priced date, from whatever block."""
    group = account_no, block.instrument_no, block.side
    all_units, all_yen, _ = asked.get(group, (0, 0, deal))
    asked[group] = all_units + units, all_yen + yen, deal


class PaperBank:
    """A bank that collects every instalment but a few (模擬銀行); keeps the protocol `tsutsumi.ports.BankDebit`.

    Whether a debit fails is a pure function of sleeve, day and seed, so that a replay gives the same.

    Parameters
    ----------
    failure_ppm : int
        How many of a million debits fail (振替不能).
    seed : int
        Another seed, other failures; not below 0.
    """

    def __init__(self, failure_ppm: int = 5_000, seed: int = 0) -> None:
        self._failure_ppm, self._seed = failure_ppm, seed

    def collect(self, day: int, due: Frame) -> Frame:
        """Return the result of the debits of `day` (振替結果); see `BankDebit.collect`.

        >>> bank = PaperBank(failure_ppm=500_000)
        >>> bank.collect(20593, {"sleeve_no": np.arange(1, 9), "amount_yen": np.full(8, 10_000)})["ok"].tolist()
        [1, 1, 0, 0, 0, 0, 1, 0]
        """
        sleeve_no, amount_yen = (np.asarray(due[name]) if due else np.zeros(0, np.int64) for name in ("sleeve_no", "amount_yen"))
        start = splitmix64(splitmix64(np.array([self._seed], np.uint64)) + np.uint64(day))
        draws = splitmix64(start + sleeve_no.astype(np.uint64)) % np.uint64(PPM)
        return {"sleeve_no": sleeve_no, "amount_yen": amount_yen, "ok": (draws >= np.uint64(self._failure_ppm)).astype(np.int8)}
