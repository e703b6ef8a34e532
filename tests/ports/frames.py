"""Small frames for the tests of the ports: rows with defaults in, columns out."""

import numpy as np

from tsutsumi.ports import ALLOCATION_COLUMNS, FLOW_COLUMNS, Frame

MARKET_DEFAULTS = dict(
    instrument_no=1, status=0, price=10_000, fx_ppm=1_000_000, price_scale=0, price_base_units=10_000, levy_ppm=0, lot_units=1,
    amount_mode=1, buy_settlement_date=0, sell_settlement_date=0, split_old=1, split_new=1, distribution=0,
    distribution_per_units=10_000,
)
ORDER_DEFAULTS = dict(
    sleeve_no=1, account_no=1, custodian_no=1, instrument_no=1, side=1, placed_date=0, priced_date=0, settlement_date=0,
    asked_yen=0, asked_units=0, limit_price=0,
)
NOTHING = ({}, {}, {})


def columns(rows: list[dict], defaults: dict) -> Frame:
    """Return rows as a frame, missing fields from the defaults."""
    unknown = {name for row in rows for name in row} - defaults.keys()
    assert not unknown, f"no such column: {unknown}"
    return {name: np.array([row.get(name, default) for row in rows], np.int64) for name, default in defaults.items()}


def market(day: int, *rows: dict) -> Frame:
    """Return a market that settles three days later; a fund at 10,000 unless the row says otherwise."""
    return columns(list(rows), MARKET_DEFAULTS | {"buy_settlement_date": day + 3, "sell_settlement_date": day + 3})


def orders(day: int, *rows: dict) -> Frame:
    """Return orders decided on `day`, placed and priced on the next one, unless the row says otherwise."""
    return columns(list(rows), ORDER_DEFAULTS | {"placed_date": day + 1, "priced_date": day + 1, "settlement_date": day + 4})


def flows(*rows: tuple[int, int, str]) -> Frame:
    """Return flows from (account_no, amount_yen, kind)."""
    return {name: np.array([row[k] for row in rows]) for k, name in enumerate(FLOW_COLUMNS)}


def allocations(*rows: tuple[int, int, int, int, int]) -> Frame:
    """Return allocations from (account_no, instrument_no, side, placed_date, units)."""
    return {name: np.array([row[k] for row in rows], np.int64) for k, name in enumerate(ALLOCATION_COLUMNS)}


def same(one: Frame, other: Frame) -> bool:
    """Return whether two frames have the same bytes."""
    return list(one) == list(other) and all(
        one[name].dtype == other[name].dtype and one[name].tobytes() == other[name].tobytes() for name in one
    )


def balances(holdings: Frame) -> dict[tuple[int, int], int]:
    """Return holdings as {(account_no, instrument_no): units}."""
    keys = zip(holdings["account_no"].tolist(), holdings["instrument_no"].tolist(), strict=True)
    return dict(zip(keys, holdings["units"].tolist(), strict=True))


def rows(frame: Frame, *names: str) -> list[tuple]:
    """Return the named columns as rows."""
    return list(zip(*(frame[name].tolist() for name in names), strict=True))
