"""Cash and promises (資金繰りと払出しの検証): no settled cash below zero, today or on a known day to come; promised dates kept."""

from collections import Counter, defaultdict

import numpy as np

from tsutsumi.core.calendar import epoch_day, from_epoch_day
from tsutsumi.core.delta import KEY_COLUMNS
from tsutsumi.core.events import EVENT_KINDS
from tsutsumi.core.flows import DEPOSIT, DRAWING, INSTALMENT, TERMINATION, TRANSFER, WITHDRAWAL
from tsutsumi.core.ladder import PLACED, PRICED, SALE
from tsutsumi.core.promises import LAPSED, P_SLEEVE_CLOSE, P_TERMINATION, PAID, PAYOUT_KINDS
from tsutsumi.core.schema import length
from tsutsumi.run.verify_check import Bench, Check, Day, Tally, rows_of

OUT_KINDS = (WITHDRAWAL, DRAWING, TRANSFER, TERMINATION)
PAYOUT_EVENTS = ("withdrawal", "transfer", "sleeve_closed", "terminated")


class Ladder:
    """The settled cash of a sleeve is never below zero, on no day and on no known day to come (資金繰り)."""

    def __init__(self, bench: Bench) -> None:
        self.future, self.least = 0, None
        self.tally = Tally(
            "ladder", "資金繰り", "cash ladder",
            "no sleeve's settled cash goes below zero, today or on any known settlement day to come",
            "運用口×日 sleeves × days", "不足 days below zero",
        )

    def add(self, day: Day) -> None:
        """Take in one day."""
        sleeves, tally = day.books.sleeves, self.tally
        cash = sleeves["cash_yen"]
        tally.look(cash.size)
        for row in np.flatnonzero(cash < 0).tolist():
            tally.short(1, f"{day.date}: sleeve {sleeves['sleeve_no'][row]} has {int(cash[row]):,} yen of cash")
        orders = day.books.orders
        live = np.flatnonzero(np.isin(orders["status_code"], (PLACED, PRICED)))
        sale, priced = orders["side_code"][live] == SALE, orders["status_code"][live] == PRICED
        live, sale, priced = (of[priced | ~sale] for of in (live, sale, priced))  # a sale without a price counts nothing
        if not live.size:
            return
        yen = np.where(priced, orders["filled_yen"][live], orders["asked_yen"][live]) * np.where(sale, 1, -1)
        rows = day.books.row_of_sleeve[orders["sleeve_no"][live]]
        self._steps(day, rows, orders["settlement_date"][live], yen)

    def _steps(self, day: Day, rows: np.ndarray, dates: np.ndarray, yen: np.ndarray) -> None:
        """Walk down the settlement days of each sleeve: cash + what has come in − what has gone out by then."""
        order = np.lexsort((dates, rows))
        rows, dates, yen = rows[order], dates[order], yen[order]
        running = np.cumsum(yen)
        first = np.flatnonzero(np.diff(rows, prepend=-1))
        size = np.diff(np.append(first, rows.size))
        running = running - np.repeat(running[first] - yen[first], size)
        last_of_day = np.append((np.diff(rows) != 0) | (np.diff(dates) != 0), True)
        left = day.books.sleeves["cash_yen"][rows] + running
        self.future += int(last_of_day.sum())
        self.tally.look(int(last_of_day.sum()))
        least = int(left[last_of_day].min())
        self.least = least if self.least is None else min(self.least, least)
        for k in np.flatnonzero(last_of_day & (left < 0)).tolist():
            sleeve, then = day.books.sleeves["sleeve_no"][rows[k]], from_epoch_day(dates[k])
            self.tally.short(1, f"{day.date}: sleeve {sleeve} would have {int(left[k]):,} yen on {then}")

    def checks(self) -> list[Check]:
        """Return the check."""
        if self.least is not None:
            self.tally.note(f"先日付 coming settlement days {self.future:,}、最少 least cash on them {self.least:,} 円 yen")
        return [self.tally.check()]


class Promises:
    """A withdrawal is paid on the day that was promised (約束日): kept, re-issued and kept, or broken; none is lost."""

    def __init__(self, bench: Bench) -> None:
        self.last: dict[tuple, tuple] = {}
        self.standing: set[tuple] = set()
        self.alerts: Counter[str] = Counter()
        self.day = self.cut = 0
        self.tally = Tally(
            "promises", "払出しの約束日", "promised cash dates",
            "a payout is paid on its promised date; a date moved by market data or by a fall is told, kept, and counted apart",
            "期日の来た払出し payouts due", "守られなかった約束 broken promises",
        )

    KEY = KEY_COLUMNS["payouts"]
    REST = ("contract_no", "amount_yen", "requested_date", "promised_date", "paid_date", "reissue_count", "status_code")

    def add(self, day: Day) -> None:
        """Take in one day."""
        told = day.table("payouts")
        rows = rows_of(day.books.payouts, *self.KEY, *self.REST)
        self.standing = {row[: len(self.KEY)] for row in rows}
        self.last |= {row[: len(self.KEY)]: row[len(self.KEY) :] for row in rows}
        paid = [] if told is None else [row for row in rows_of(told, *self.KEY, *self.REST) if row[-1] in (PAID, LAPSED)]
        self.last |= {row[: len(self.KEY)]: row[len(self.KEY) :] for row in paid}
        self._flows(day, [row for row in paid if row[-1] == PAID])
        alerts = day.table("alerts")
        for kind, cause in [] if alerts is None else zip(alerts["kind"], alerts["cause"], strict=True):
            if kind == "promise_reissued":
                self.alerts[str(cause).split(":")[0]] += 1
            self.cut += kind == "payout_cut"
        self.day = day.books.day

    def _flows(self, day: Day, paid: list[tuple]) -> None:
        """What was paid out today left the sleeves as a flow, once."""
        out: dict[int, int] = defaultdict(int)
        for row in paid:
            out[row[0]] += row[len(self.KEY) + 1]
        flows = day.table("flows")
        for sleeve, kind, yen in [] if flows is None else rows_of(flows, "sleeve_no", "kind_code", "amount_yen"):
            if kind in OUT_KINDS and yen < 0:
                out[sleeve] += yen
        for sleeve, left in out.items():
            if left:
                self.tally.short(1, f"{day.date}: sleeve {sleeve}: payouts and money out differ by {left:,} yen")

    def _verdict(self, key: tuple, row: tuple, terminated: set[int]) -> str:
        contract, _, _, promised, paid, reissues, status = row
        if status == PAID:
            if paid > promised:
                return "broken"
            return "reissued" if reissues else "kept"
        if status == LAPSED:
            return "lapsed"
        if key not in self.standing:
            return "replaced" if key[1] == P_SLEEVE_CLOSE and contract in terminated else "lost"
        return "broken" if promised <= self.day else "open"

    def checks(self) -> list[Check]:
        """Return the check."""
        terminated = {row[0] for key, row in self.last.items() if key[1] == P_TERMINATION}
        found: Counter[str] = Counter()
        kinds: Counter[str] = Counter()
        for key, row in self.last.items():
            verdict = self._verdict(key, row, terminated)
            found[verdict] += 1
            kinds[PAYOUT_KINDS[key[1]]] += 1
            if verdict in ("broken", "lost"):
                promised, paid = from_epoch_day(row[3]), from_epoch_day(row[4]) if row[4] else "not yet"
                self.tally.short(1, f"sleeve {key[0]}, {PAYOUT_KINDS[key[1]]}: promised {promised}, paid {paid} ({verdict})")
        self.tally.look(sum(found.values()) - found["open"])
        self.tally.note(
            f"最初の約束どおり kept {found['kept']:,}、改めた約束どおり re-issued and kept {found['reissued']:,}、"
            f"守られず broken {found['broken'] + found['lost']:,}、未到来 open {found['open']:,}、"
            f"解約に置換 replaced by a termination {found['replaced']:,}、終了金に含む lapsed into a closing {found['lapsed']:,}"
        )
        self.tally.note("種別 kinds: " + "、".join(f"{name} {count:,}" for name, count in sorted(kinds.items())))
        causes = "、".join(f"{name} {count:,}" for name, count in sorted(self.alerts.items())) or "0"
        self.tally.note(f"再約束の原因 causes of re-issues: {causes}、残高までの減額 cut to what was left {self.cut:,}")
        return [self.tally.check()]


class Events:
    """Every event is done once, or refused with an alert; none is dropped, none is doubled (指図の処理)."""

    def __init__(self, bench: Bench) -> None:
        self.bench, self.refused = bench, 0
        self.contract_of = {row["sleeve_no"]: row["contract_no"] for row in bench.reference.tables["sleeves"]}
        self.seen: dict[int | tuple[int, int], int] = {}
        self.tally = Tally(
            "events", "指図は一度だけ", "every event once",
            "an event is booked once on its day, or refused with cause and cure; nothing is lost or doubled", "指図 events",
        )

    def add(self, day: Day) -> None:
        """Take in one day."""
        events = day.table("inputs.events")
        if events is None:
            return
        self.tally.look(length(events))
        refused = self._refusals(day)
        flows, payouts = _numbers(day, "flows", (DEPOSIT,)), _requested(day)
        rows = rows_of(events, "event_no", "kind_code", "contract_no", "sleeve_no")
        ending = {contract for _, kind, contract, _ in rows if EVENT_KINDS[kind] == "terminated"}
        shares = Counter(number for number, kind, *_ in rows if EVENT_KINDS[kind] == "withdrawal")
        parts: dict[int, set[int]] = defaultdict(set)  # event → the sleeves that pay a part of it
        ended = set(day.before.contracts["contract_no"].tolist()) - set(day.books.contracts["contract_no"].tolist())
        for number, kind, contract, sleeve in rows:
            name, no = EVENT_KINDS[kind], number in refused
            if number == 0 or (number < 0 and name == "instalment"):
                continue
            key = number if number > 0 else (number, day.date.year)  # surplus: once a month of a sleeve
            another = name == "withdrawal" and number in parts and sleeve not in parts[number]
            parts[number].add(sleeve)
            if another:
                continue
            if key in self.seen:
                self.tally.short(1, f"{day.date}: event {number} was taken before")
            self.seen[key] = day.books.day
            done = {"deposit": flows[number], **dict.fromkeys(PAYOUT_EVENTS, payouts[number])}.get(name)
            closing = name == "sleeve_closed" and self.contract_of.get(sleeve) in ending
            if closing or (name == "terminated" and contract in ended):
                continue  # a termination of the same day took its place; a contract without a sleeve ended at once
            if done is not None and ((done == 0) != no or (name in ("deposit", "transfer") and done > 1)
                                     or (name == "withdrawal" and done not in (0, shares[number]))):
                self.tally.short(1, f"{day.date}: event {number} ({name}) was booked {done} times, refused: {no}")
        self._instalments(day, events)

    def _refusals(self, day: Day) -> set[int]:
        alerts = day.table("alerts")
        if alerts is None:
            return set()
        mine = [no for kind, no in zip(alerts["kind"], alerts["subject_no"].tolist(), strict=True) if kind == "event_refused"]
        self.refused += len(mine)
        return set(mine)

    def _instalments(self, day: Day, events) -> None:
        wanted = int((events["kind_code"] == EVENT_KINDS.index("instalment")).sum())
        flows, alerts = day.table("flows"), day.table("alerts")
        booked = 0 if flows is None else int((flows["kind_code"] == INSTALMENT).sum())
        pairs = [] if alerts is None else zip(alerts["kind"], alerts["cause"], strict=True)
        refused = sum(kind == "event_refused" and str(cause).startswith("instalment:") for kind, cause in pairs)
        if wanted != booked + refused:
            self.tally.short(1, f"{day.date}: {wanted} instalments came in, {booked} were booked, {refused} refused")

    def checks(self) -> list[Check]:
        """Return the check."""
        last = self.bench.days[-1].date
        for row in self.bench.events:
            number, done = row["event_no"], row["processed_date"]
            if done is None and row["date"] <= last:
                self.tally.short(1, f"event {number} of {row['date']} was never taken")
            if done is not None and self.seen.get(number) != epoch_day(done):
                self.tally.short(1, f"event {number} is marked as done on {done}, the day does not say so")
        self.tally.note(f"拒否 refused with an alert {self.refused:,}")
        return [self.tally.check()]


def _numbers(day: Day, table: str, kinds: tuple[int, ...]) -> Counter:
    of = day.table(table)
    rows = [] if of is None else rows_of(of, "event_no", "kind_code")
    return Counter(number for number, kind in rows if kind in kinds)


def _requested(day: Day) -> Counter:
    """Return how many payouts of each event were made today, by the books or paid on the same day."""
    of = day.books.payouts
    mine = of["requested_date"] == day.books.day
    return Counter(of["event_no"][mine].tolist())
