"""A very small house in plain Python loops, to make exports by hand: scripted flows and orders in, the tables of an export out."""

from collections import defaultdict
from dataclasses import dataclass, field
from datetime import date, timedelta
from fractions import Fraction

YEN = "JPY"


@dataclass
class Fund:
    name: str
    scale: int = 0
    base: int = 10000
    currency: str = YEN
    lag: int = 1
    settle: int = 3
    levy: int = 0


@dataclass
class Order:
    sleeve: str
    fund: str
    side: str
    decided: date
    yen: int | None = None
    units: int | None = None
    reason: str = "invest"
    placed: date | None = None
    priced: date | None = None
    settles: date | None = None
    filled_units: int | None = None
    filled_yen: int | None = None
    status: str = "placed"
    number: int = 0
    block: str = ""


def shared(total: int, weights: list[int]) -> list[int]:
    """Largest remainder; ties go to the first."""
    whole = sum(weights)
    parts = [total * weight // whole for weight in weights]
    order = sorted(range(len(weights)), key=lambda index: (-(total * weights[index] % whole), index))
    for index in order[: total - sum(parts)]:
        parts[index] += 1
    return parts


@dataclass
class House:
    days: list[date]
    funds: dict[str, Fund]
    prices: dict[tuple[str, date], tuple[int, int]]  # (price, fx_ppm)
    sleeves: dict[str, dict]  # sleeve_id: columns of the table
    orders: list[Order]
    flows: list[tuple[date, str, str, int | None]]  # None: all the cash
    distributions: list[tuple[date, str, int, int]] = field(default_factory=list)
    splits: list[tuple[date, str, int, int]] = field(default_factory=list)
    fee_terms: str = ""
    fee_rules: dict[str, list[tuple[int, int]]] = field(default_factory=dict)  # component: tiers
    fee_ends: dict[str, list[date]] = field(default_factory=dict)  # contract: last days of its periods
    share_ppm: int = 400_000

    def __post_init__(self):
        self.units, self.cost, self.tax = defaultdict(int), defaultdict(int), defaultdict(int)
        self.cash, self.owed, self.debt = defaultdict(int), defaultdict(int), defaultdict(int)
        self.tables = {name: [] for name in ("values", "flows", "journal", "fees", "goals", "alerts")}
        self.blocks: dict[str, dict] = {}
        self.last: dict[str, tuple[int, int]] = {}
        self.worth: dict[str, list[tuple[date, int]]] = defaultdict(list)
        self.dues: list[tuple[date, dict]] = []
        self.entry = 0
        self.order_days = defaultdict(list)
        self.at = {day: index for index, day in enumerate(self.days)}
        for number, order in enumerate(self.orders, 1):
            order.number = number
            self._date(order)
        self.trading_days = {fund: [day for day in self.days if (fund, day) in self.prices] for fund in self.funds}

    def _date(self, order: Order) -> None:
        fund, at = self.funds[order.fund], self.at
        order.placed = self.days[at[order.decided] + 1]
        priced = [day for day in self.days[at[order.placed] :] if (fund.name, day) in self.prices][fund.lag]
        order.priced, order.settles = priced, self.days[at[priced] + fund.settle]
        custodian = self.sleeves[order.sleeve]["custodian_id"]
        order.block = f"{custodian}-{order.fund}-{order.side}-{order.placed}"
        self.order_days[priced].append(order)
        self.order_days[order.settles].append(order)

    def value_of(self, fund: str, units: int) -> int:
        (price, fx), rules = self.last[fund], self.funds[fund]
        return units * price * fx // (10**rules.scale * rules.base * 10**6)

    def account(self, sleeve: str) -> str:
        return self.sleeves[sleeve]["account_id"]

    def post(self, day: date, event: str, *lines: tuple) -> None:
        """Lines: (sleeve, ledger, asset, quantity)."""
        self.entry += 1
        for sleeve, ledger, asset, quantity in lines:
            if quantity:
                row = {"entry_id": f"E{self.entry}", "date": day, "sleeve_id": sleeve, "ledger_account": ledger, "asset": asset}
                self.tables["journal"].append(row | {"quantity": quantity, "event_id": event})

    def flow(self, day: date, sleeve: str, kind: str, amount: int) -> None:
        self.cash[sleeve] += amount
        self.tables["flows"].append({"date": day, "sleeve_id": sleeve, "kind": kind, "amount_yen": amount})
        self.post(day, kind, (sleeve, "cash", YEN, amount), (sleeve, kind, YEN, -amount))

    def settle(self, day: date) -> None:
        for order in self.order_days[day]:
            if order.settles == day and order.filled_yen is not None:
                y, s = order.filled_yen, order.sleeve
                order.status = "settled"
                if order.side == "sell":
                    self.owed[s] -= y
                    self.cash[s] += y
                    self.post(day, "settle", (s, "cash", YEN, y), (s, "receivable", YEN, -y))
                else:
                    self.debt[s] -= y
                    self.cash[s] -= y
                    self.post(day, "settle", (s, "cash", YEN, -y), (s, "payable", YEN, y))

    def holders(self, fund: str) -> dict[str, list[str]]:
        by_account = defaultdict(list)
        for (sleeve, name), units in sorted(self.units.items()):
            if name == fund and units:
                by_account[self.account(sleeve)].append(sleeve)
        return by_account

    def split(self, day: date, fund: str, old: int, new: int) -> None:
        for sleeves in self.holders(fund).values():
            have = [self.units[sleeve, fund] for sleeve in sleeves]
            for sleeve, before, after in zip(sleeves, have, shared(sum(have) * new // old, have), strict=True):
                self.units[sleeve, fund] = after
                self.post(day, "split", (sleeve, "units", fund, after - before), (sleeve, "split", fund, before - after))
        for order in self.orders:
            if order.fund == fund and order.status == "placed" and order.decided < day <= order.priced:
                order.status, order.priced, order.settles = "cancelled", None, None

    def distribute(self, day: date, fund: str, amount: int, per: int) -> None:
        fx = self.prices[fund, day][1]
        for sleeves in self.holders(fund).values():
            have = [self.units[sleeve, fund] for sleeve in sleeves]
            total = sum(have) * amount * fx // (10 ** self.funds[fund].scale * per * 10**6)
            for sleeve, yen in zip(sleeves, shared(total, have), strict=True):
                if yen:
                    self.flow(day, sleeve, "distribution", yen)

    def fill(self, day: date) -> None:
        groups = defaultdict(list)
        for order in self.order_days[day]:
            if order.priced == day:
                groups[order.side, self.account(order.sleeve), order.fund].append(order)
        for (side, account, fund), orders in sorted(groups.items()):
            (price, fx), rules = self.prices[fund, day], self.funds[fund]
            if side == "sell":
                price = price * (10**6 - rules.levy) // 10**6
            unit = Fraction(price * fx, 10**rules.scale * rules.base * 10**6)
            if side == "buy" and orders[0].units is None:
                yen = [order.yen for order in orders]
                units = shared(int(sum(yen) / unit), yen)
            else:
                units = [order.units for order in orders]
                yen = shared(int(sum(units) * unit) if side == "sell" else -int(-sum(units) * unit // 1), units)
            self._tax_book(account, fund, side, sum(units), sum(yen))
            for order, u, y in zip(orders, units, yen, strict=True):
                self._book(day, order, u, y, price)

    def _tax_book(self, account: str, fund: str, side: str, units: int, yen: int) -> None:
        key, base = (account, fund), self.funds[fund].base
        held = sum(units for (sleeve, name), units in self.units.items() if name == fund and self.account(sleeve) == account)
        if side == "buy":
            self.tax[key] += yen
        else:
            average = -(-self.tax[key] * base // held)
            self.tax[key] = -(-average * (held - units) // base)

    def _book(self, day: date, order: Order, u: int, y: int, price: int) -> None:
        s, key = order.sleeve, (order.sleeve, order.fund)
        order.filled_units, order.filled_yen, order.status = u, y, "priced"
        block = self.blocks.setdefault(order.block, {"units": 0, "yen": 0})
        block["units"], block["yen"], block["price"] = block["units"] + u, block["yen"] + y, price
        if order.side == "buy":
            self.units[key] += u
            self.cost[key] += y
            self.debt[s] += y
            lines = (
                (s, "units", order.fund, u),
                (None, "market", order.fund, -u),
                (s, "payable", YEN, -y),
                (None, "market", YEN, y),
            )
        else:
            self.cost[key] -= self.cost[key] * u // self.units[key]
            self.units[key] -= u
            self.owed[s] += y
            lines = (
                (s, "units", order.fund, -u),
                (None, "market", order.fund, u),
                (s, "receivable", YEN, y),
                (None, "market", YEN, -y),
            )
        self.post(day, order.block, *lines)

    def collect(self, day: date) -> None:
        for due, fee in [item for item in self.dues if item[0] <= day]:
            for sleeve, yen in fee.pop("_parts").items():
                if yen:
                    self.flow(day, sleeve, "fee", -yen)
            fee["collected_date"] = day
            self.dues.remove((due, fee))

    def value(self, day: date) -> None:
        held = defaultdict(int)
        for (sleeve, fund), units in self.units.items():
            if units:
                held[sleeve] += self.value_of(fund, units)
        for sleeve, row in self.sleeves.items():
            if row["opened_date"] <= day and (row["closed_date"] is None or day <= row["closed_date"]):
                value = held[sleeve] + self.cash[sleeve] + self.owed[sleeve] - self.debt[sleeve]
                self.worth[sleeve].append((day, value))
                self.tables["values"].append(
                    {
                        "date": day,
                        "sleeve_id": sleeve,
                        "positions_yen": held[sleeve],
                        "cash_yen": self.cash[sleeve],
                        "receivable_yen": self.owed[sleeve],
                        "payable_yen": self.debt[sleeve],
                        "value_yen": value,
                    }
                )

    def charge(self, day: date) -> None:
        for contract, ends in self.fee_ends.items():
            members = [sleeve for sleeve, row in self.sleeves.items() if row["contract_id"] == contract]
            start = min(self.sleeves[sleeve]["opened_date"] for sleeve in members)
            for end in ends:
                if end <= day and (day == self.days[0] or end > self.days[self.at[day] - 1]):
                    for component, tiers in self.fee_rules.items():
                        self._charge(day, contract, component, tiers, start, end, members)
                start = end + timedelta(1)

    def _charge(self, day: date, contract: str, component: str, tiers: list, start: date, end: date, members: list[str]) -> None:
        days = [start + timedelta(index) for index in range((end - start).days + 1)]
        base_of = {
            sleeve: sum(next((yen for when, yen in reversed(self.worth[sleeve]) if when <= one), 0) for one in days)
            for sleeve in members
        }
        base, yearly = Fraction(sum(base_of.values()), len(days)), Fraction(0)
        for index, (floor, rate) in enumerate(tiers):
            top = min(base, tiers[index + 1][0]) if index + 1 < len(tiers) else base
            yearly += max(top - floor, 0) * Fraction(rate, 10**6)
        fee = int(yearly * len(days) / 365)
        open_now = [sleeve for sleeve in members if self.sleeves[sleeve]["opened_date"] <= day]
        first = fee * self.share_ppm // 10**6
        row = {
            "contract_id": contract,
            "component": component,
            "kind": "charge",
            "start_date": start,
            "end_date": end,
            "base_yen": int(base),
            "fee_yen": fee,
            "charged_date": day,
            "collected_date": None,
            "share_bank_yen": first,
            "share_manager_yen": fee - first,
            "_parts": dict(zip(open_now, shared(fee, [base_of[sleeve] for sleeve in open_now]), strict=True)),
        }
        self.tables["fees"].append(row)
        self.dues.append((self.days[self.at[day] + 1], row))

    def run(self, last: date) -> dict[str, list[dict]]:
        for day in [day for day in self.days if day <= last]:
            self.last |= {fund: self.prices[fund, day] for fund in self.funds if (fund, day) in self.prices}
            self.settle(day)
            for _, fund, old, new in [row for row in self.splits if row[0] == day]:
                self.split(day, fund, old, new)
            for _, fund, amount, per in [row for row in self.distributions if row[0] == day]:
                self.distribute(day, fund, amount, per)
            self.fill(day)
            self.collect(day)
            for _, sleeve, kind, amount in [row for row in self.flows if row[0] == day]:
                self.flow(day, sleeve, kind, -self.cash[sleeve] if amount is None else amount)
            self.value(day)
            self.charge(day)
        return self.export(last)

    def export(self, last: date) -> dict[str, list[dict]]:
        tables, seen = self.tables, [order for order in self.orders if order.decided <= last]
        tables["sleeves"] = [{"sleeve_id": sleeve, **row} for sleeve, row in self.sleeves.items()]
        tables["prices"] = [
            {
                "date": day,
                "instrument_id": fund,
                "price": price,
                "price_scale": self.funds[fund].scale,
                "currency": self.funds[fund].currency,
                "price_base_units": self.funds[fund].base,
                "fx_ppm": fx,
            }
            for (fund, day), (price, fx) in sorted(self.prices.items())
            if day <= last
        ]
        tables["orders"] = [
            {
                "order_id": f"O{o.number}",
                "block_id": o.block,
                "sleeve_id": o.sleeve,
                "instrument_id": o.fund,
                "side": o.side,
                "reason": o.reason,
                "decided_date": o.decided,
                "placed_date": o.placed,
                "priced_date": o.priced,
                "settlement_date": o.settles,
                "asked_yen": o.yen,
                "asked_units": o.units,
                "filled_units": o.filled_units,
                "filled_yen": o.filled_yen,
                "status": o.status,
            }
            for o in seen
        ]
        tables["blocks"] = [
            {
                "block_id": block,
                "instrument_id": one.fund,
                "side": one.side,
                "placed_date": one.placed,
                "units": self.blocks.get(block, {}).get("units"),
                "yen": self.blocks.get(block, {}).get("yen"),
                "fill_price": self.blocks.get(block, {}).get("price"),
            }
            for block, one in sorted({o.block: o for o in seen}.items())
        ]
        tables["fees"] = [{key: value for key, value in row.items() if key != "_parts"} for row in tables["fees"]]
        tables["splits"] = [dict(zip(("date", "instrument_id", "old_units", "new_units"), row, strict=True)) for row in self.splits]
        tables["distributions"] = [
            dict(zip(("date", "instrument_id", "amount", "per_units"), row, strict=True)) for row in self.distributions
        ]
        tables["fee_terms"] = [{"program_id": "P1", "valid_from_date": date(2020, 1, 1), "terms_toml": self.fee_terms}]
        return tables | self.state(last)

    def state(self, last: date) -> dict[str, list[dict]]:
        """The two tables of the exported date."""
        tables = {}
        tables["positions"] = [
            {
                "date": last,
                "sleeve_id": sleeve,
                "instrument_id": fund,
                "held_units": units,
                "value_yen": self.value_of(fund, units),
                "cost_yen": self.cost[sleeve, fund],
            }
            for (sleeve, fund), units in sorted(self.units.items())
            if units
        ]
        sums = defaultdict(int)
        for (sleeve, fund), units in self.units.items():
            sums[self.account(sleeve), fund] += units
        tables["account_positions"] = [
            {
                "date": last,
                "account_id": account,
                "instrument_id": fund,
                "held_units": units,
                "tax_cost_yen": self.tax[account, fund],
            }
            for (account, fund), units in sorted(sums.items())
            if units
        ]
        return tables
