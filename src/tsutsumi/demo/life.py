"""What the customers of the sample house do (見本の顧客の行動): contracts, strategies, plans, and every instruction with its date.

Each contract is lived in the order of its dates, so that what is asked fits what is open. Nothing here knows a result of a
close: amounts follow what was paid in. Instalments and drawings are plans; the bank decides which debit fails.
"""

from bisect import bisect_left
from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import date, timedelta

from tsutsumi.demo.people import Draws, Person, stage_of
from tsutsumi.demo.profiles import PROFILES, PROGRAM_BY_STAGE, Profile
from tsutsumi.demo.programs import PROGRAMS, ROBO, Rulebook, on_or_after

FIRST_DAY_PER_MILLE, SECOND_CONTRACT_PER_MILLE, TROUBLED_PER_MILLE = 600, 180, 15
QUIET_DAYS, TRANSFER_DAYS, QUARTER_DAYS = 75, 60, 91
DRAWING_AGE, LAST_INSTALMENT_AGE = 65, 75
LEAST_WITHDRAWN_YEN = 10_000
INTENTS = (         # per mille of a contract's quarters
    (45, "top_up"), (40, "withdraw"), (22, "change"), (8, "add"), (22, "transfer"), (7, "close"), (10, "terminate"),
    (28, "replan"), (818, "nothing"),
)
INTENTS_IN_CRISIS = ((45, "withdraw"), (14, "terminate"), (35, "top_up"), (30, "calm"), (876, "nothing"))
PURPOSES = ("住宅の頭金", "自動車の買替え", "教育費", "医療費", "自宅の修繕", "旅行", "納税資金", "生活費")
REFUSED_NOTES = ("解約後の払戻依頼", "桁違いの払戻依頼", "取扱いのないモデル", "他人の口座への振替")
TROUBLES = ("生活費の不足", "事業資金の立替え", "急な入院")


@dataclass(eq=False)
class Sleeve:
    """One strategy or goal of a contract (運用口) with what was paid in so far and its dated plans."""

    contract: "Contract"
    name: str
    first_model_no: int
    model_no: int
    opened: date
    paid_in_yen: int = 0
    first_paid_yen: int = 0             # the first deposit
    closed: date | None = None          # the day on which the closing was asked
    busy_until: date = date.min         # money is on its way
    plans: dict[str, dict[date, tuple[int, int]]] = field(default_factory=dict)   # kind -> valid from -> (amount, day of month)
    number: int = 0


@dataclass(eq=False)
class Contract:
    """One discretionary contract (投資一任契約)."""

    person: int                         # place of the customer, from 0
    program_no: int
    opened: date
    sleeves: list[Sleeve] = field(default_factory=list)
    ended: date | None = None
    number: int = 0

    @property
    def custodian_no(self) -> int:
        """The company that keeps the account (function B)."""
        return PROGRAMS[self.program_no - 1].companies[1]

    def open_sleeves(self) -> list[Sleeve]:
        """The sleeves that nobody has asked to close (開いている運用口)."""
        return [sleeve for sleeve in self.sleeves if sleeve.closed is None]


@dataclass(eq=False)
class Event:
    """One instruction (指図) before it is numbered."""

    day: date
    kind: str
    contract: Contract
    sleeve: Sleeve | None = None
    target: Sleeve | None = None
    model_no: int = 0
    amount_yen: int = 0
    note: str = ""
    payer: str = ""                     # account or customer: whom it names, where that is neither contract nor sleeve


def month_after(day: date, months: int = 1) -> date:
    """Return the first of the month so many months later.

    >>> month_after(date(2019, 12, 15)), month_after(date(2019, 12, 1), 3)
    (datetime.date(2020, 1, 1), datetime.date(2020, 3, 1))
    """
    at = day.year * 12 + day.month - 1 + months
    return date(at // 12, at % 12 + 1, 1)


def planned_yen(plans: dict[date, tuple[int, int]], day: date) -> int:
    """Return what a plan moved before a day (計画の累計): its amount for every month that began while it was in force.

    >>> planned_yen({date(2019, 1, 1): (10_000, 26), date(2019, 4, 1): (0, 26)}, date(2020, 1, 1))
    30000
    """
    starts = sorted(plans)
    total = 0
    for at, start in enumerate(starts):
        end = min(starts[at + 1], day) if at + 1 < len(starts) else day
        months = max(0, (end.year - start.year) * 12 + end.month - start.month)
        total += plans[start][0] * months
    return total


class Chronicle:
    """All contracts and instructions of a house (年代記), written customer by customer."""

    def __init__(self, rulebook: Rulebook, days: Sequence[date], crises: Sequence[date], seed: int) -> None:
        self._rules, self._days, self._crises = rulebook, days, crises
        self._draws = Draws(seed, 3)
        self.contracts: list[Contract] = []
        self.events: list[Event] = []

    def live(self, place: int, person: Person) -> None:
        """Write the contracts of one customer and all that happens to them."""
        draws, stage = self._draws, stage_of(person.age)
        from_start = draws.chance(FIRST_DAY_PER_MILLE)
        opened = self._days[0 if from_start else draws.below(len(self._days) * 85 // 100 + 1)]
        _, program_no = draws.weighted(PROGRAM_BY_STAGE[stage])
        contracts = [self._open_contract(place, person, program_no, opened)]
        if draws.chance(SECOND_CONTRACT_PER_MILLE):
            others = [row for row in PROGRAM_BY_STAGE[stage] if row[1] != program_no]
            later = opened if draws.chance(500) else self._business_day(opened + timedelta(days=draws.between(30, 500)))
            if later:
                contracts.append(self._open_contract(place, person, draws.weighted(others)[1], later))
        for contract in contracts:
            self._play(contract, person, [other for other in contracts if other is not contract])

    def _business_day(self, day: date) -> date | None:
        at = bisect_left(self._days, day)
        return self._days[at] if at < len(self._days) else None

    def _record(self, day: date, kind: str, contract: Contract, sleeve: Sleeve | None = None, **more) -> None:
        self.events.append(Event(day, kind, contract, sleeve, **more))

    def _open_contract(self, place: int, person: Person, program_no: int, day: date) -> Contract:
        draws, profile = self._draws, PROFILES[program_no]
        contract = Contract(place, program_no, day)
        self.contracts.append(contract)
        self._record(day, "contract_opened", contract)
        least = self._rules.rule(program_no, day)["minimum_deposit_yen"]
        total = max(least, profile.rounded(draws.lognormal(profile.median_yen[stage_of(person.age)])))
        lump = draws.chance(profile.lump_per_mille)
        count = draws.weighted(profile.sleeve_counts)[1]
        count = max(1, min(count, total // least)) if lump else count
        turn = draws.below(len(profile.sleeve_names))
        for at in range(count):
            name = profile.sleeve_names[(turn + at) % len(profile.sleeve_names)]
            sleeve = self._open_sleeve(contract, person, name, day)
            if lump:
                most = total - least * (count - 1 - at)
                share = total if at == count - 1 else max(least, min(profile.rounded(total * 6 // 10), most))
                total -= share
                self._deposit(sleeve, day, share, "当初契約金")
            self._first_plan(sleeve, person, profile, lump)
        return contract

    def _open_sleeve(self, contract: Contract, person: Person, name: str, day: date) -> Sleeve:
        model_no = self._choose_model(contract, person, day)
        sleeve = Sleeve(contract, name, model_no, model_no, day)
        contract.sleeves.append(sleeve)
        self._record(day, "sleeve_opened", contract, sleeve, model_no=model_no, note=name)
        return sleeve

    def _choose_model(self, contract: Contract, person: Person, day: date) -> int:
        """Choose among the models on offer that the contract does not hold; the young lean to later ones, the old to earlier."""
        held = {sleeve.model_no for sleeve in contract.open_sleeves()}
        offered = self._rules.offered(contract.program_no, day)
        choice = [model_no for model_no in offered if model_no not in held] or offered
        one, other = self._draws.pick(choice), self._draws.pick(choice)
        stage = stage_of(person.age)
        return max(one, other) if stage == "young" else min(one, other) if stage == "old" else one

    def _deposit(self, sleeve: Sleeve, day: date, amount_yen: int, note: str) -> None:
        sleeve.paid_in_yen += amount_yen
        sleeve.first_paid_yen = sleeve.first_paid_yen or amount_yen
        self._record(day, "deposit", sleeve.contract, sleeve, amount_yen=amount_yen, note=note)

    def _first_plan(self, sleeve: Sleeve, person: Person, profile: Profile, lump: bool) -> None:
        draws = self._draws
        young_enough = person.age < LAST_INSTALMENT_AGE and draws.chance(profile.instalment_per_mille)
        if not lump or young_enough:
            amount = draws.weighted(profile.instalments_yen)[1]
            sleeve.plans["instalment"] = {month_after(sleeve.opened): (amount, draws.pick((10, 20, 26, 26, 27)))}
        elif person.age >= DRAWING_AGE and sleeve.paid_in_yen >= 3_000_000 and draws.chance(profile.drawing_per_mille):
            amount = sleeve.paid_in_yen * draws.between(2, 5) // 1000 // 10_000 * 10_000
            sleeve.plans["drawing"] = {month_after(sleeve.opened, 3): (max(10_000, amount), 15)}

    def _intents(self, contract: Contract) -> list[tuple[date, str]]:
        draws, found = self._draws, []
        start, last = contract.opened + timedelta(days=QUIET_DAYS), self._days[-1]
        while start < last:
            kind = draws.weighted(INTENTS)[1]
            found.append((start + timedelta(days=draws.below(QUARTER_DAYS)), kind))
            start += timedelta(days=QUARTER_DAYS)
        for month in self._crises:
            found.append((month + timedelta(days=draws.below(30)), draws.weighted(INTENTS_IN_CRISIS)[1]))
        if draws.chance(TROUBLED_PER_MILLE):
            begin = contract.opened + timedelta(days=QUIET_DAYS + draws.below(max(1, (last - contract.opened).days)))
            found += [(begin + timedelta(days=35 * at), "struggle") for at in range(3)]
        earliest = contract.opened + timedelta(days=QUIET_DAYS)
        return sorted((day, kind) for day, kind in found if kind != "nothing" and day >= earliest)

    def _play(self, contract: Contract, person: Person, others: Sequence[Contract]) -> None:
        before = contract.opened
        acts = {"top_up": self._top_up, "withdraw": self._withdraw, "struggle": self._struggle}
        acts |= {"close": self._close, "replan": self._replan}
        for wished, kind in self._intents(contract):
            day = self._business_day(wished)
            if contract.ended or day is None or day <= before:
                continue
            sleeve = self._draws.pick(contract.open_sleeves())
            if kind == "add":
                self._add(contract, person, day)
            elif kind == "terminate":
                self._terminate(contract, day)
            elif kind == "transfer":
                self._transfer(sleeve, day, others)
            elif kind in ("change", "calm"):
                self._change(sleeve, day, calmer=kind == "calm")
            else:
                acts[kind](sleeve, day)
            before = day

    def _worth(self, sleeve: Sleeve, day: date) -> int:
        """What was paid in and not taken out, four fifths of the instalments counted: debits may fail."""
        paid = planned_yen(sleeve.plans.get("instalment", {}), day) * 4 // 5 - planned_yen(sleeve.plans.get("drawing", {}), day)
        return max(0, sleeve.paid_in_yen + paid)

    def _top_up(self, sleeve: Sleeve, day: date) -> None:
        profile = PROFILES[sleeve.contract.program_no]
        least = self._rules.rule(sleeve.contract.program_no, day)["minimum_deposit_yen"]
        amount = max(least, profile.rounded(self._worth(sleeve, day) * self._draws.between(5, 30) // 100))
        if amount <= 2 * self._worth(sleeve, day):
            self._deposit(sleeve, day, amount, "追加入金")

    def _withdraw(self, sleeve: Sleeve, day: date, percent: tuple[int, int] = (5, 25), notes: Sequence[str] = PURPOSES) -> None:
        amount = self._worth(sleeve, day) * self._draws.between(*percent) // 100
        amount = PROFILES[sleeve.contract.program_no].rounded(amount)
        if amount >= LEAST_WITHDRAWN_YEN and day > sleeve.busy_until:
            sleeve.paid_in_yen -= amount
            self._record(day, "withdrawal", sleeve.contract, sleeve, amount_yen=amount, note=self._draws.pick(notes))

    def _struggle(self, sleeve: Sleeve, day: date) -> None:
        """Take money out in a hurry and stop paying in (生活に困った顧客)."""
        self._withdraw(sleeve, day, (15, 25), TROUBLES)
        self._set_plan(sleeve, "instalment", month_after(day), 0)

    def _change(self, sleeve: Sleeve, day: date, calmer: bool) -> None:
        offered = [no for no in self._rules.offered(sleeve.contract.program_no, day) if no != sleeve.model_no]
        offered = [no for no in offered if no < sleeve.model_no] if calmer else offered
        if offered:
            sleeve.model_no = offered[-1] if calmer else self._draws.pick(offered)
            note = "値動きを抑えたい" if calmer else "目的・方針の見直し"
            self._record(day, "strategy_changed", sleeve.contract, sleeve, model_no=sleeve.model_no, note=note)

    def _add(self, contract: Contract, person: Person, day: date) -> None:
        """Add a strategy, paid from a sleeve of the contract or with new money (戦略の追加)."""
        profile = PROFILES[contract.program_no]
        source = max(contract.open_sleeves(), key=lambda sleeve: self._worth(sleeve, day))
        worth = self._worth(source, day)
        least = self._rules.rule(contract.program_no, day)["minimum_deposit_yen"]
        if len(contract.sleeves) >= len(profile.sleeve_names) or worth < 100_000:
            return
        used = {sleeve.name for sleeve in contract.sleeves}
        name = next(name for name in profile.sleeve_names if name not in used)
        if day > source.busy_until and self._draws.chance(400):
            self._move(source, self._open_sleeve(contract, person, name, day), day, profile.rounded(worth * 3 // 10))
        elif least <= 2 * worth:
            self._deposit(self._open_sleeve(contract, person, name, day), day, max(least, profile.rounded(worth // 4)), "戦略追加")

    def _move(self, source: Sleeve, target: Sleeve, day: date, amount_yen: int) -> None:
        source.paid_in_yen -= amount_yen
        target.paid_in_yen += amount_yen * 9 // 10
        target.busy_until = day + timedelta(days=TRANSFER_DAYS)
        self._record(day, "transfer", source.contract, source, target=target, amount_yen=amount_yen, note="運用口間の振替")

    def _transfer(self, source: Sleeve, day: date, others: Sequence[Contract]) -> None:
        until = day + timedelta(days=TRANSFER_DAYS)
        targets = [sleeve for sleeve in source.contract.open_sleeves() if sleeve is not source]
        for other in others:
            same_account = other.custodian_no == source.contract.custodian_no
            targets += [s for s in other.sleeves if same_account and s.opened < day and (s.closed is None or s.closed > until)]
        amount = PROFILES[source.contract.program_no].rounded(self._worth(source, day) * self._draws.between(5, 20) // 100)
        if targets and amount >= LEAST_WITHDRAWN_YEN and day > source.busy_until:
            self._move(source, self._draws.pick(targets), day, amount)

    def _close(self, sleeve: Sleeve, day: date) -> None:
        rest = [other for other in sleeve.contract.open_sleeves() if other is not sleeve]
        if not rest or day <= sleeve.busy_until:
            return
        target = self._draws.pick(rest) if self._draws.chance(500) else None
        if target:
            target.paid_in_yen += self._worth(sleeve, day) // 2
            target.busy_until = day + timedelta(days=TRANSFER_DAYS)
        self._record(day, "sleeve_closed", sleeve.contract, sleeve, target=target, note="目的達成" if target else "運用口の終了")
        self._end(sleeve, day)

    def _terminate(self, contract: Contract, day: date) -> None:
        if any(day <= sleeve.busy_until for sleeve in contract.open_sleeves()):
            return
        for sleeve in contract.open_sleeves():
            self._end(sleeve, day)
        contract.ended = day
        self._record(day, "terminated", contract, note=self._draws.pick(("資金需要", "他社へ移管", "方針の変更", "ご家族と相談")))

    def _end(self, sleeve: Sleeve, day: date) -> None:
        sleeve.closed = day
        for kind in list(sleeve.plans):
            self._set_plan(sleeve, kind, day, 0)

    def _replan(self, sleeve: Sleeve, day: date) -> None:
        """Raise, lower, pause or resume the instalment (積立額の変更)."""
        if "instalment" in sleeve.plans:
            amount = self._draws.weighted(PROFILES[sleeve.contract.program_no].instalments_yen)[1]
            self._set_plan(sleeve, "instalment", month_after(day), 0 if self._draws.chance(200) else amount)

    def _set_plan(self, sleeve: Sleeve, kind: str, day: date, amount_yen: int) -> None:
        """Put a dated plan row; rows from that day on give way; stopping a plan that has not begun removes it."""
        rows = sleeve.plans.get(kind)
        if not rows:
            return
        day_of_month = next(iter(rows.values()))[1]
        kept = {start: row for start, row in rows.items() if start < day}
        if kept or amount_yen:
            kept[day] = (amount_yen, day_of_month)
        sleeve.plans[kind] = kept


def refused_events(contracts: Sequence[Contract], through: date) -> list[Event]:
    """Return a handful of instructions that a close must refuse (受け付けられない指図), so that its alerts can be seen.

    For a closed sleeve (two), above the value (two), for a model that the program does not offer, to another customer's account.
    """
    late, events = through - timedelta(days=90), []
    ended = [s for c in contracts for s in c.sleeves if s.closed and s.closed < late and c.ended]
    for sleeve in ended[:2]:
        day = on_or_after(sleeve.closed + timedelta(days=70))
        events.append(Event(day, "withdrawal", sleeve.contract, sleeve, amount_yen=100_000, note=REFUSED_NOTES[0]))
    open_ones = [c.sleeves[0] for c in contracts if not c.ended and c.opened < late]
    alive = [sleeve for sleeve in open_ones if sleeve.closed is None and sleeve.paid_in_yen > 0]
    for sleeve in alive[1:3]:
        amount = 20 * max(sleeve.paid_in_yen, 10_000_000)
        events.append(Event(on_or_after(late), "withdrawal", sleeve.contract, sleeve, amount_yen=amount, note=REFUSED_NOTES[1]))
    if len(alive) > 4:
        wrong = 1 if alive[3].contract.program_no == ROBO else 7
        more = {"model_no": wrong, "note": REFUSED_NOTES[2]}
        events.append(Event(on_or_after(late), "strategy_changed", alive[3].contract, alive[3], **more))
        target = next((s for s in alive if s.contract.person != alive[4].contract.person), None)
        if target:
            more = {"target": target, "amount_yen": 10_000, "note": REFUSED_NOTES[3]}
            events.append(Event(on_or_after(late), "transfer", alive[4].contract, alive[4], **more))
    return events
