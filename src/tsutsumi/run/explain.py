"""Why a sleeve's value is what it is on a day (説明): yesterday's value plus every effect, line by line, to the yen."""

from dataclasses import dataclass, field
from datetime import date as Date

import numpy as np

from tsutsumi.core.allocation import unit_value
from tsutsumi.core.books import Books
from tsutsumi.core.calendar import from_epoch_day
from tsutsumi.core.dues import FEE_KINDS
from tsutsumi.core.fee_lines import WORDS
from tsutsumi.core.flows import FLOW_KINDS, surplus_of
from tsutsumi.core.ladder import PRICED, PURCHASE
from tsutsumi.core.orders import REASONS
from tsutsumi.core.schema import Frame, empty, take
from tsutsumi.run.explain_drawings import BY_PLAN, drawing_words
from tsutsumi.run.fee_reasons import fee_reasons
from tsutsumi.run.history import ids_of, rows_of
from tsutsumi.store.database import House, HouseError, reading
from tsutsumi.store.day_tables import load_books, load_day, roll
from tsutsumi.store.manifest import closed_days

ROWS = ("sleeves", "contracts", "customers", "programs", "models", "instruments", "events")
FLOW_WORDS = {
    "deposit": "入金 deposit", "instalment": "積立 instalment", "withdrawal": "一部解約 withdrawal",
    "drawing": "定期取り崩し drawing",
    "transfer": "運用口間の振替 transfer", "termination": "解約金 termination", "correction": "訂正 correction",
    "fee": "報酬 fee", "distribution": "分配金 distribution",
}
REASON_WORDS = {
    "strategy": "戦略変更", "model": "モデル改定", "calendar": "定期リバランス", "breach": "乖離", "invest": "資金の組入れ",
    "payout": "払出し資金", "fee": "報酬資金", "closing": "終了",
}


@dataclass(frozen=True)
class Line:
    """One effect on the value (明細行): what, how it was computed, yen."""

    what: str
    how: str
    yen: int


@dataclass(frozen=True)
class Explanation:
    """A day of a sleeve (一日の説明): value before, lines that add up to the value after, and what else is known."""

    sleeve_id: str
    date: Date
    date_before: Date | None
    title: str
    value_before_yen: int
    value_yen: int
    parts: dict[str, int]
    lines: list[Line] = field(default_factory=list)
    notes: list[str] = field(default_factory=list)

    @property
    def difference_yen(self) -> int:
        """What the lines leave unexplained: always 0."""
        return self.value_yen - self.value_before_yen - sum(line.yen for line in self.lines)


def surplus_words(word: str, amount: int, sleeve_ids: dict[int, str], event_no: int) -> str:
    """Return where the money of a surplus rule comes from (余剰の出どころ).

    >>> surplus_words("instalment", 10_000, {1: "S1"}, -12)
    '余剰の振替: 運用口 S1 の積立 surplus: the instalment of S1'
    """
    name = sleeve_ids.get(surplus_of(event_no)[0], "")
    if word == "instalment":
        return f"余剰の振替: 運用口 {name} の積立 surplus: the instalment of {name}"
    if amount < 0:
        return "余剰の振替: 水準を超えた分 surplus: what is above the level"
    return f"余剰の振替: 運用口 {name} の水準を超えた分 surplus: what {name} has above its level"


class _Explainer:
    def __init__(self, house: House, sleeve_id: str, date: Date) -> None:
        self.house, self.rows = house, rows_of(house, *ROWS)
        self.ids = ids_of(self.rows)
        numbers = {row["sleeve_id"]: row for row in self.rows["sleeves"]}
        if sleeve_id not in numbers:
            raise HouseError(f"{house.folder}: sleeve {sleeve_id!r} is unknown: name one of the sleeve_id of the export")
        self.sleeve, self.date = numbers[sleeve_id], date
        self.number = self.sleeve["sleeve_no"]
        with reading(house) as connection:
            found = closed_days(connection, date, date)
        if not found:
            raise HouseError(f"{house.folder}: {date} is not a closed business day: choose one")
        self.before_date = found[0].previous
        self.tables = load_day(house, date)
        if self.before_date is None:
            self.before, self.after = None, load_books(house, date)
        else:
            self.before = load_books(house, self.before_date)
            self.after = roll(self.before, date, self.tables)
        self.instruments = {row["instrument_no"]: row for row in self.rows["instruments"]}

    def own(self, table: str) -> Frame:
        """Return the sleeve's rows of a table of the day."""
        frame = self.tables.get(table)
        return take(frame, frame["sleeve_no"] == self.number) if frame else {}

    def row(self, books: Books | None) -> int:
        """Return the sleeve's row in the books, or -1."""
        if books is None or self.number >= books.row_of_sleeve.size:
            return -1
        return int(books.row_of_sleeve[self.number])

    def held(self, books: Books | None) -> dict[int, int]:
        """Return instrument → units."""
        row = self.row(books)
        if row < 0:
            return {}
        part = slice(int(books.offsets[row]), int(books.offsets[row + 1]))
        pairs = zip(books.positions["instrument_no"][part].tolist(), books.positions["held_units"][part].tolist(), strict=True)
        return {instrument: units for instrument, units in pairs if units}

    def yen(self, books: Books, instrument: int, units: int) -> int:
        """Return floor(units × price) with the price in force in the books."""
        row = self.instruments[instrument]
        price, fx = int(books.market.price[instrument]), int(books.market.fx_ppm[instrument])
        num, den = unit_value(price, fx, row["price_scale"], row["price_base_units"])
        return units * num // den

    def price(self, books: Books, instrument: int) -> str:
        """Return a price as people write it."""
        row = self.instruments[instrument]
        price, scale = int(books.market.price[instrument]), row["price_scale"]
        text = f"{price // 10**scale:,}" + (f".{price % 10**scale:0{scale}d}" if scale else "")
        fx = int(books.market.fx_ppm[instrument])
        rate = "" if row["currency"] == "JPY" else f" × {fx // 1_000_000}.{fx % 1_000_000:06d}"
        return f"{text} {row['currency']}{rate}/{row['price_base_units']:,}口"

    def market_lines(self) -> list[Line]:
        """Return what prices did to the units held the evening before."""
        lines = []
        for instrument, units in sorted(self.held(self.before).items()):
            effect = self.yen(self.after, instrument, units) - self.yen(self.before, instrument, units)
            how = f"{units:,}口 × ({self.price(self.before, instrument)} → {self.price(self.after, instrument)})"
            if self.after.market.priced_date[instrument] != self.after.day:
                day = from_epoch_day(int(self.after.market.priced_date[instrument]))
                how += f"（{day} の価格を継続 price of that day in force）"
            lines.append(Line(f"価格 price: {self.ids['instruments'][instrument]}", how, effect))
        return lines

    def fill_lines(self) -> list[Line]:
        """Return what the day's fills did: units at today's price against the yen paid or received."""
        orders, lines, running = self.own("orders"), [], self.held(self.before)
        if orders:
            keep = (orders["status_code"] == PRICED) & (orders["priced_date"] == self.after.day)
            orders = take(orders, keep)
            names = ("instrument_no", "side_code", "filled_units", "filled_yen", "decided_date", "reason_code", "settlement_date")
            rows = list(zip(*(orders[name].tolist() for name in names), strict=True))
            for instrument, side, units, yen, decided, reason, settles in sorted(rows, key=lambda row: -row[1]):
                sign = 1 if side == PURCHASE else -1
                old = running.get(instrument, 0)
                running[instrument] = old + sign * units
                effect = self.yen(self.after, instrument, running[instrument]) - self.yen(self.after, instrument, old) - sign * yen
                word = ("買い buy" if side == PURCHASE else "売り sell") + f": {self.ids['instruments'][instrument]}"
                why = REASON_WORDS[REASONS[reason]]
                how = (f"{units:,}口 = {yen:,}円 約定（{from_epoch_day(decided)} 決定・{why} {REASONS[reason]}・受渡 "
                       f"{from_epoch_day(settles)}）: 端数・留保額 rounding and levy")
                lines.append(Line(word, how, effect))
        return lines + self._unit_lines(running)

    def _unit_lines(self, running: dict[int, int]) -> list[Line]:
        """Return units that moved without an order: splits and corrections."""
        lines = []
        now = self.held(self.after)
        for instrument in sorted(set(now) | set(running)):
            old, new = running.get(instrument, 0), now.get(instrument, 0)
            if old != new:
                effect = self.yen(self.after, instrument, new) - self.yen(self.after, instrument, old)
                name = self.ids["instruments"][instrument]
                lines.append(Line(f"分割・訂正 split or correction: {name}", f"{old:,}口 → {new:,}口", effect))
        return lines

    def flow_lines(self) -> list[Line]:
        """Return the day's money in and out."""
        flows, lines = self.own("flows"), []
        if not flows:
            return lines
        rows = zip(*(flows[name].tolist() for name in ("kind_code", "amount_yen", "event_no", "instrument_no")), strict=True)
        payouts, ids = self.tables.get("payouts", empty("payouts")), self.ids["sleeves"]
        drawn = drawing_words(self.house, payouts, self.number, ids, self.date)
        for kind, amount, event, instrument in rows:
            word = FLOW_KINDS[kind]
            how = self.ids["events"].get(event, "")
            if word == "distribution":
                how = self.ids["instruments"][instrument]
            elif word == "fee":
                how = self._fee_words()
            elif event < 0:
                how = surplus_words(word, amount, self.ids["sleeves"], event)
            elif word == "drawing":
                place = next((place for place, (yen, _) in enumerate(drawn) if yen == -amount), None)
                how = BY_PLAN if place is None else drawn.pop(place)[1]
            elif not how:
                how = BY_PLAN
            lines.append(Line(FLOW_WORDS[word], how, amount))
        return lines

    def _fee_words(self) -> str:
        fees = self.tables.get("fees", {})
        words = []
        if fees:
            mine = take(fees, (fees["contract_no"] == self.sleeve["contract_no"]) & (fees["collected_date"] == self.after.day))
            names = ("kind_code", "start_date", "end_date", "base_yen", "fee_yen")
            for kind, start, end, base, fee in zip(*(mine[name].tolist() for name in names), strict=True):
                span = f"{from_epoch_day(start)}〜{from_epoch_day(end)}、{end - start + 1}日"
                words.append(f"契約の{WORDS['ja'][FEE_KINDS[kind]]} {fee:,}円（基準額 {base:,}円、{span}）の当運用口分")
        return " ・ ".join(words) or "契約の報酬の当運用口分 this sleeve's part of the contract's fee"

    def fee_arithmetic(self) -> list[str]:
        """Return how the contract's fees that were charged or collected today were computed, line by line."""
        fees, contract = self.tables.get("fees", {}), self.sleeve["contract_no"]
        if not fees or not (fees["contract_no"] == contract).any():
            return []
        charged = set(fees["charged_date"][fees["contract_no"] == contract].tolist())
        owner = np.zeros(1 + max(row["sleeve_no"] for row in self.rows["sleeves"]), np.int64)
        for row in self.rows["sleeves"]:
            owner[row["sleeve_no"]] = row["contract_no"]
        return fee_reasons(self.house, contract, charged, self.date, owner)

    def passed_on(self) -> list[str]:
        """Return the sleeve's own instalments that came into another one (渡した積立)."""
        events = self.tables.get("inputs.events", empty("events"))
        mine = take(events, (-events["event_no"].astype(np.int64) // 12 == self.number) & (events["sleeve_no"] != self.number))
        pairs = zip(mine["amount_yen"].tolist(), mine["sleeve_no"].tolist(), strict=True)
        return [f"余剰の振替 surplus: この運用口の積立 {yen:,}円 は {self.ids['sleeves'][to]} へ the instalment went there"
                for yen, to in pairs]

    def notes(self) -> list[str]:
        """Return live orders, promises, fees charged today and alerts that concern the sleeve."""
        notes = []
        orders = take(self.after.orders, self.after.orders["sleeve_no"] == self.number)
        names = (
            "instrument_no", "side_code", "asked_yen", "asked_units", "decided_date", "priced_date", "reason_code", "status_code",
        )
        rows = zip(*(orders[n].tolist() for n in names), strict=True)
        for instrument, side, yen, units, decided, priced, reason, status in rows:
            asked = f"{yen:,}円" if side == PURCHASE and not units else f"{units:,}口"
            state = "約定済・受渡待ち priced" if status == PRICED else "発注 placed"
            what = f"{'買い' if side == PURCHASE else '売り'} {self.ids['instruments'][instrument]} {asked}"
            dates = f"{from_epoch_day(decided)} 決定・{REASON_WORDS[REASONS[reason]]}・約定日 {from_epoch_day(priced)}"
            notes.append(f"注文 order: {what}（{dates}・{state}）")
        payouts = take(self.after.payouts, self.after.payouts["sleeve_no"] == self.number)
        names = ("amount_yen", "promised_date", "kind_code")
        for amount, promised, closing in zip(*(payouts[n].tolist() for n in names), strict=True):
            what = "全額 all" if closing >= 4 else f"{amount:,}円"
            notes.append(f"約束 promise: {what} を {from_epoch_day(promised)} に支払 to be paid")
        notes += self.passed_on() + [f"報酬の計算 fee: {line}" for line in self.fee_arithmetic()]
        alerts = self.tables.get("alerts", {})
        if alerts:
            own = {("sleeve", self.number), ("contract", self.sleeve["contract_no"])}
            names = ("kind", "subject_kind", "subject_no", "cause")
            for kind, subject, number, cause in zip(*(alerts[n].tolist() for n in names), strict=True):
                if (subject, number) in own:
                    notes.append(f"警告 alert: {kind}: {cause}")
        return notes

    def explain(self) -> Explanation:
        """Return the explanation of the day."""
        row, row_before = self.row(self.after), self.row(self.before)
        if row < 0 and row_before < 0:
            raise HouseError(f"sleeve {self.sleeve['sleeve_id']} was not open on {self.date}: choose a day of its life")
        contract = next(c for c in self.rows["contracts"] if c["contract_no"] == self.sleeve["contract_no"])
        customer = next(c for c in self.rows["customers"] if c["customer_no"] == contract["customer_no"])
        model_no = int(self.after.sleeves["model_no"][row]) if row >= 0 else self.sleeve["model_no"]
        title = (f"{self.sleeve['sleeve_id']} {self.sleeve['name']} ・ {customer['name']} 様 ・ 契約 {contract['contract_id']} ・ "
                 f"{self._name('programs', contract['program_no'])} ・ モデル {self._name('models', model_no)}")
        names = ("positions_yen", "cash_yen", "receivable_yen", "payable_yen")
        parts = {name: int(self.after.sleeves[name][row]) if row >= 0 else 0 for name in names}
        before = int(self.before.sleeves["value_yen"][row_before]) if row_before >= 0 else 0
        value = int(self.after.sleeves["value_yen"][row]) if row >= 0 else 0
        lines = self.market_lines() + self.fill_lines() + self.flow_lines()
        return Explanation(self.sleeve["sleeve_id"], self.date, self.before_date, title, before, value, parts, lines, self.notes())

    def _name(self, table: str, number: int) -> str:
        key = {"programs": "program_no", "models": "model_no"}[table]
        return next(row["name"] for row in self.rows[table] if row[key] == number)


def explain(house: House, sleeve_id: str, date: Date) -> Explanation:
    """Return how a sleeve's value on a day came to be (評価額の説明).

    value = value of the day before + effect of prices on the units held then + rounding and levy of the day's fills
    + money in and out (fees negative, distributions positive). The lines add up to the yen.

    Raises
    ------
    HouseError
        The sleeve is unknown or not open, or the day is not closed.
    """
    return _Explainer(house, sleeve_id, date).explain()


def as_json(explanation: Explanation) -> dict:
    """Return the explanation as plain values."""
    return {
        "sleeve_id": explanation.sleeve_id, "date": str(explanation.date),
        "date_before": str(explanation.date_before) if explanation.date_before else None,
        "value_before_yen": explanation.value_before_yen, "value_yen": explanation.value_yen, **explanation.parts,
        "lines": [{"what": line.what, "how": line.how, "yen": line.yen} for line in explanation.lines],
        "difference_yen": explanation.difference_yen, "notes": explanation.notes,
    }

