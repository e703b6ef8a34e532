"""Random instruments and markets for `random_house`: calendars, prices with faults, FX, splits and distributions."""

import random
from datetime import date, timedelta

ONE_DAY = timedelta(days=1)
MILLION = 1_000_000
RECORDED = "2019-01-01T00:00:00Z"


# ---------------------------------------------------------------------------------------------------------- instruments
def make_instruments(rng: random.Random, tables: dict, days: list[date]) -> None:
    """JPY funds per 10,000 or per coarse unit (by amount) or per 1 unit (by units), ETFs with lots, dollars, levies, lags,
    calendars.
    """
    shapes = {
        "fund": {"price_base_units": 10000, "order_mode": "amount", "calendar_ids": rng.choice(["", "US", "US;UK"])},
        "unit fund": {"price_base_units": 1, "order_mode": "units", "price_scale": rng.choice([0, 2])},
        "etf": {"kind": "etf", "price_base_units": 1, "order_mode": "units", "lot_units": rng.choice([1, 10])},
        "dollar": {"kind": "etf", "price_base_units": 1, "order_mode": "units", "currency": "USD", "price_scale": 2,
                   "calendar_ids": "US"},
        "coarse fund": {"price_base_units": 1, "order_mode": "amount", "price_lag_days": rng.randint(1, 2)},
        "dollar fund": {"price_base_units": 10000, "currency": "USD", "price_scale": 2, "calendar_ids": "US;UK"},
    }
    chosen = ["fund", rng.choice(["unit fund", "etf"]), rng.choice(list(shapes))] + rng.choices(list(shapes), k=rng.randint(0, 5))
    fixed = {"asset_class": "domestic-equity", "daily_move_limit_ppm": 350000, "cut_off": "15:30", "data_source": "generated"}
    tables["instruments"], tables["no_order_days"] = [], []
    for no, name in enumerate(chosen, start=1):
        row = {
            "instrument_no": no, "instrument_id": f"I{no}", "name": f"商品{no}", "name_en": f"Instrument {no}", "kind": "fund",
            "currency": "JPY", "price_scale": 0, "price_base_units": 10000, "order_mode": "amount",
            "lot_units": 1, "order_margin_ppm": rng.choice([10000, 50000, 100000]), "price_lag_days": rng.randint(0, 2),
            "buy_settlement_days": rng.randint(1, 6), "sell_settlement_days": rng.randint(1, 6),
            "levy_ppm": rng.choice([0, 0, 1000, 3000]), "calendar_ids": "", **fixed, **shapes[name],
        }
        if name == "fund" and rng.random() < 0.5:
            row["calendar_ids"] = rng.choice(["", "US", "DE"])
        tables["instruments"].append(row)
        if rng.random() < 0.5:
            tables["no_order_days"] += [{"instrument_no": no, "date": day} for day in days if rng.random() < 0.06]
    tables["calendar_holidays"] = [{"calendar_id": name, "date": day, "name": "holiday"}
                                   for name in ("US", "UK", "DE") for day in days if rng.random() < 0.04]


def is_instrument_day(tables: dict, row: dict, day: date) -> bool:
    """A house business day that is no holiday of the instrument's calendars."""
    names = row["calendar_ids"].split(";")
    return not any(one["calendar_id"] in names and one["date"] == day for one in tables["calendar_holidays"])


# --------------------------------------------------------------------------------------------------------------- market
def moved(price: int, ppm: int) -> int:
    """A price after a move, at least 1."""
    return max(1, price * (MILLION + ppm) // MILLION)


def make_market(rng: random.Random, tables: dict, days: list[date]) -> date | None:
    """Random walks with crashes, missing and refused prices (also two days in a row), suspensions for weeks, silences of a
    calendar, FX with gaps, splits (often while the first orders are in flight), distributions. -> the day of the crash
    """
    for name in ("prices", "fx_rates", "splits", "distributions"):
        tables[name] = []
    silent = {(rng.choice(["US", "US;UK", "DE", ""]), rng.choice(days)) for _ in range(rng.randint(1, 4))}
    crash = rng.choice(days[10:]) if rng.random() < 0.7 else None
    for row in tables["instruments"]:
        late = rng.randint(3, 15) if row["instrument_no"] > 2 and rng.random() < 0.15 else 0      # launched inside the window
        open_days = [day for day in days[late:] if is_instrument_day(tables, row, day)]
        walk(rng, tables, row, open_days, silent, crash)
    rate, gap = rng.randint(100, 160) * MILLION, rng.choice(days[5:]) if rng.random() < 0.25 else None
    for day in days:
        rate = moved(rate, rng.randint(-8000, 8000))
        in_gap = gap is not None and gap <= day < gap + 11 * ONE_DAY
        if day == days[0] or (rng.random() < 0.93 and not in_gap):
            row = {"currency": "USD", "date": day, "fx_ppm": rate, "source": "generated", "recorded_at": RECORDED}
            tables["fx_rates"].append(row)
    return crash


def first_price(rng: random.Random, row: dict) -> int:
    """Where a walk begins."""
    if row["currency"] != "JPY":
        return rng.randint(20, 150) * 10 ** row["price_scale"]
    if row["price_base_units"] == 10000:
        return rng.randint(6_000, 30_000)
    high = rng.choice([9_000, 9_000, 60_000]) if row["order_mode"] == "units" else 90_000
    return rng.randint(400, high) * 10 ** row["price_scale"]


def faults(rng: random.Random, days: list[date]) -> tuple[dict[date, int], set[date]]:
    """Wrong prices of two days in a row, and the days of a suspension. -> ({day: factor, negative: divisor}, missing days)"""
    wrong: dict[date, int] = {}
    for _ in range(rng.choice([0, 0, 0, 1, 2])):
        place, factor = rng.randint(1, len(days) - 3), rng.choice([100, -100, 19, 20, 21, -10, -20, -25])
        wrong |= {days[place]: factor, days[place + 1]: rng.choice([factor, factor, 1])}
    missing: set[date] = set()
    if rng.random() < 0.14:
        place = rng.randint(3, len(days) - 3)
        missing = set(days[place : place + rng.randint(4, 40)])
    return wrong, missing


def split_days(rng: random.Random, days: list[date]) -> set[date]:
    """None, one or two; half of them in the first weeks, when the first orders are in flight."""
    count = rng.choice([0, 0, 0, 1, 1, 2])
    return {rng.choice(days[3:20] if rng.random() < 0.5 else days[3:]) for _ in range(count)}


def walk(rng: random.Random, tables: dict, row: dict, days: list[date], silent: set, crash: date | None) -> None:
    """The prices of one instrument, its splits and its distributions."""
    no, price = row["instrument_no"], first_price(rng, row)
    splitting = split_days(rng, days)
    paying = set(rng.sample(days[3:], rng.choice([0, 1, 3])))
    wild, rough = rng.choice([6000, 12000, 25000]), rng.random() < 0.6
    confirmed = rng.choice(days[5:]) if rng.random() < 0.15 else None
    wrong, missing = faults(rng, days)
    for day in days:
        price = moved(price, rng.randint(-wild, wild))
        if day == crash:
            price = moved(price, -rng.randint(250_000, 320_000))
        if day == confirmed:
            price = moved(price, -420_000)
        if day in splitting:
            old, new = rng.choice([(1, 2), (1, 3), (2, 3), (5, 9), (2, 1), (10, 1)])
            price = max(1, price * old // new)
            tables["splits"].append({"instrument_no": no, "date": day, "old_units": old, "new_units": new, "recorded_at": RECORDED})
        if day in paying:
            tables["distributions"].append({"instrument_no": no, "date": day, "amount": max(1, price * rng.randint(1, 30) // 1000),
                                            "per_units": row["price_base_units"], "recorded_at": RECORDED})
        factor, chance = wrong.get(day, 1), rng.random()
        shown = price * factor if factor > 0 else max(1, price // -factor)
        if day in missing or (rough and day != days[0] and ((row["calendar_ids"], day) in silent or chance < 0.015)):
            continue
        if rough and day != days[0] and chance > 0.99:
            shown = rng.choice([0, price * 100, max(1, price // 100)])
        tables["prices"].append({"instrument_no": no, "date": day, "price": shown, "source": "generated", "recorded_at": RECORDED})
    if not rough:
        drop = {day for name, day in silent if name == row["calendar_ids"]} - {days[0]}
        tables["prices"] = [one for one in tables["prices"] if one["instrument_no"] != no or one["date"] not in drop]
