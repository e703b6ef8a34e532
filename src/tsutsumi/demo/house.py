"""Every row of the sample house (見本の家): who, what rules, which funds, which instructions, as the relational schema wants them.

The market comes from outside; the rest is made here from a seed, so that the same market, number of customers, seed and days
give the same rows on every machine.
"""

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from datetime import date, timedelta

from tsutsumi.core.calendar import business_days, epoch_day, from_epoch_day
from tsutsumi.core.timeline import split_calendar_ids
from tsutsumi.demo import models, people, programs
from tsutsumi.demo.calendars import calendar_holidays_rows
from tsutsumi.demo.common_window import ROLES, roles
from tsutsumi.demo.drawing_terms import drawing_term_rows
from tsutsumi.demo.goals import goal_rows
from tsutsumi.demo.life import Chronicle, Contract, Event, Sleeve, month_after, refused_events
from tsutsumi.demo.models import Fund
from tsutsumi.demo.paying import order_rows, shared_withdrawals
from tsutsumi.demo.people import Draws
from tsutsumi.demo.price_series import Series, cut
from tsutsumi.demo.programs import FUNCTIONS, PROGRAMS, Life, Rulebook, recorded
from tsutsumi.demo.surplus import surplus_rows
from tsutsumi.store.tables import metadata

LEAST_FUNDS = 4
HISTORY_DAYS = 14                   # of prices and rates before the first day
LATEST_END_DAYS = 60                # a fund whose prices end earlier before the last day is left out
CALENDAR_AHEAD_DAYS = 400           # holidays known beyond the last day
CRISIS_PPM = -80_000
GENERAL_ACCOUNT_PER_MILLE = 80
CUT_OFF_CHANGED = date(2024, 11, 5)


def build_rows(market, customers: int = 500, seed: int = 20, *, first: date, through: date) -> dict[str, list[dict]]:
    """Return the rows of every table of the relational schema for a plausible house (見本の家の登録データ).

    Parameters
    ----------
    market : object
        `series`: the funds (`Series`); `fx`: the rates (`FxSeries`). At least four funds with prices from the first day on.
    customers : int
        How many customers, 1 or more.
    seed : int
        Another seed gives other people with other lives.
    first, through : date
        The days that the house lives; every instruction lies inside, on a business day.

    Returns
    -------
    dict
        Table name -> rows with every column of the table. Numbers are dense from 1, dates are `datetime.date`. Prices and rates
        go on to the end of the series; plans stay in force, so that the house can be closed further.

    Raises
    ------
    ValueError
        There are no customers, no business days, fewer than four usable funds, or a currency without rates.
    """
    days = business_days(first, through)
    if customers < 1 or not days:
        raise ValueError(f"demo: {customers} customers, {first} to {through}: give one or more, and at least one business day")
    life = Life(days[0], days[-1])
    series = usable_series(market.series, life)
    funds = model_funds(series, life)
    rows: dict[str, list[dict]] = {table.name: [] for table in metadata.sorted_tables}
    rows |= market_rows(series, market.fx, life)
    rows |= models.model_rows(funds, life, seed)
    rows |= {
        "companies": programs.company_rows(), "programs": programs.program_rows(), "program_rules": programs.rule_rows(life),
        "program_functions": programs.function_rows(life), "program_shares": programs.share_rows(life),
        "fee_terms": programs.fee_terms_rows(life),
    }
    persons = people.build_people(customers, seed, life.first)
    wild = [one for one, fund in zip(series, funds, strict=True) if fund.role >= 3] or list(series)
    chronicle = Chronicle(Rulebook(rows["program_rules"], rows["program_models"]), days, crisis_months(wild, life), seed)
    for place, person in enumerate(persons):
        chronicle.live(place, person)
    chronicle.events += refused_events(chronicle.contracts, life.through)
    rows |= {"customers": people.customer_rows(persons), "approvals": approval_rows(rows)}
    rows |= contract_rows(chronicle.contracts, seed)
    sleeves = [sleeve for contract in chronicle.contracts for sleeve in contract.sleeves]
    rows |= goal_rows(sleeves, life, seed)
    rows |= surplus_rows(sleeves, rows, life) | order_rows(chronicle.contracts, life)
    rows["drawing_terms"] = drawing_term_rows(sleeves, life)
    chronicle.events += shared_withdrawals(chronicle.contracts, life)
    rows["events"] = event_rows(chronicle.events, {row["contract_no"]: row["account_no"] for row in rows["contracts"]})
    return rows


def usable_series(series: Iterable[Series], life: Life) -> list[Series]:
    """Return the funds that have a price on or before the first day and until near the last one (利用可能なファンド)."""
    first, last = epoch_day(life.first), epoch_day(life.through)
    found = [one for one in series if len(one.dates) and one.dates[0] <= first and one.dates[-1] >= last - LATEST_END_DAYS]
    if len(found) < LEAST_FUNDS:
        raise ValueError(
            f"demo: {len(found)} fund(s) have prices from {life.first} to {life.through}, {LEAST_FUNDS} are needed: "
            "choose a shorter time, or give more price files"
        )
    return found


def model_funds(series: Sequence[Series], life: Life) -> list[Fund]:
    """Return the funds as models may hold them (組入候補), their roles measured over the days of the house."""
    kinds = roles([cut(one, epoch_day(life.first), epoch_day(life.through)) for one in series])
    order = [kind for kind, _ in ROLES]
    return [Fund(n, order.index(kinds[one.code].kind), one.order_mode == "units") for n, one in enumerate(series, 1)]


def market_rows(series: Sequence[Series], fx: Iterable, life: Life) -> dict[str, list[dict]]:
    """Return the rows of the market (銘柄と市場): instruments, prices, rates, distributions, holidays, days without orders."""
    rates = list(fx)
    missing = {one.currency for one in series} - {"JPY"} - {rate.currency for rate in rates}
    if missing:
        raise ValueError(f"demo: no rates for {', '.join(sorted(missing))}: give a file of yen per unit for each currency")
    since, first = epoch_day(life.first) - HISTORY_DAYS, epoch_day(life.first)
    ends = [int(one.dates[-1]) for one in series]
    used = {name for one in series for name in split_calendar_ids(one.calendar_ids)}
    last_holiday = from_epoch_day(max(ends)) + timedelta(days=CALENDAR_AHEAD_DAYS)
    holidays = calendar_holidays_rows(date(life.first.year, 1, 1), last_holiday) if used else []
    return {
        "instruments": [instrument_row(number, one, life) for number, one in enumerate(series, 1)],
        "prices": [row for number, one in enumerate(series, 1) for row in _price_rows(number, one, since)],
        "fx_rates": [row for rate in rates for row in _fx_rows(rate, since)],
        "distributions": [row for number, one in enumerate(series, 1) for row in _distribution_rows(number, one, first)],
        "calendar_holidays": [row for row in holidays if row["calendar_id"] in used],
        "no_order_days": _no_order_days(series, life),
    }


def instrument_row(number: int, one: Series, life: Life) -> dict:
    """Return the row of `instruments` (銘柄) of a price history, with the terms of dealing that it carries."""
    return {
        "instrument_no": number, "instrument_id": one.code, "name": one.name_ja, "name_en": one.name_en, "kind": one.kind,
        "asset_class": one.asset_class, "currency": one.currency, "price_scale": one.price_scale,
        "price_base_units": one.price_base_units, "order_mode": one.order_mode, "lot_units": one.lot_units,
        "order_margin_ppm": 50_000, "price_lag_days": one.price_lag_days, "buy_settlement_days": one.buy_settlement_days,
        "sell_settlement_days": one.sell_settlement_days, "levy_ppm": one.levy_ppm, "daily_move_limit_ppm": 350_000,
        "cut_off": "15:30" if life.first >= CUT_OFF_CHANGED else "15:00", "calendar_ids": one.calendar_ids,
        "data_source": one.provenance,
    }


def _source(text: str) -> str:
    return text.split(":")[0]


def _price_rows(number: int, one: Series, since: int) -> list[dict]:
    source = _source(one.provenance)
    found = []
    for day, price in zip(one.dates.tolist(), one.prices.tolist(), strict=True):
        if day >= since:
            at = from_epoch_day(day)
            found.append({"instrument_no": number, "date": at, "price": price, "source": source, "recorded_at": recorded(at)})
    return found


def _fx_rows(rate, since: int) -> list[dict]:
    source = _source(rate.provenance)
    found = []
    for day, fx_ppm in zip(rate.dates.tolist(), rate.fx_ppm.tolist(), strict=True):
        if day >= since:
            at = from_epoch_day(day)
            found.append({"currency": rate.currency, "date": at, "fx_ppm": fx_ppm, "source": source, "recorded_at": recorded(at)})
    return found


def _distribution_rows(number: int, one: Series, first: int) -> list[dict]:
    paid = [(from_epoch_day(day), amount, per_units) for day, amount, per_units in one.distributions if day >= first]
    return [
        {"instrument_no": number, "date": day, "amount": amount, "per_units": per_units, "recorded_at": recorded(day)}
        for day, amount, per_units in paid
    ]


def _no_order_days(series: Sequence[Series], life: Life) -> list[dict]:
    """The first fund with a foreign price day takes no orders on the last two business days of each year (申込不可日)."""
    number = next((n for n, one in enumerate(series, 1) if one.price_lag_days and one.order_mode == "amount"), 0)
    years = range(life.first.year, life.through.year + 2) if number else ()
    return [
        {"instrument_no": number, "date": day}
        for year in years
        for day in business_days(date(year, 12, 1), date(year, 12, 31))[-2:]
    ]


def crisis_months(series: Sequence[Series], life: Life) -> list[date]:
    """Return the first days of the months that follow a crisis (急落の翌月): the middle fund's lowest price of a month lies 8 %
    or more below its last price of the month before."""
    months = [_months(cut(one, epoch_day(life.first), epoch_day(life.through))) for one in series]
    found = []
    month = life.first.replace(day=1)
    while (month := month_after(month)) <= life.through:
        before = month_after(month, -1)
        pairs = [(own[before][1], own[month][0]) for own in months if month in own and before in own]
        falls = sorted((low - close) * 1_000_000 // close for close, low in pairs if close > 0)
        if falls and falls[len(falls) // 2] <= CRISIS_PPM:
            found.append(month_after(month))
    return found


def _months(one: Series) -> dict[date, tuple[int, int]]:
    """Return the first day of each month -> the lowest and the last price of the month."""
    found: dict[date, tuple[int, int]] = {}
    for day, price in zip(one.dates.tolist(), one.prices.tolist(), strict=True):
        month = from_epoch_day(day).replace(day=1)
        found[month] = (min(price, found[month][0]) if month in found else price, price)
    return found


def approval_rows(rows: dict[str, list[dict]]) -> list[dict]:
    """Return the rows of `approvals` (承認): one for every version of a model, bound to its content."""
    ids = {row["model_no"]: row["model_id"] for row in rows["models"]}
    keys = ("content_hash", "proposed_by", "approved_by", "recorded_at")
    versions = sorted(rows["model_versions"], key=lambda row: (row["effective_date"], row["model_no"]))
    found = []
    for number, row in enumerate(versions, 1):
        subject = f"model {ids[row['model_no']]} version {row['version']}"
        told = {"approval_no": number, "subject": subject, "content": "", "approved_at": row["recorded_at"]}
        found.append(told | {key: row[key] for key in keys})
    return found


def contract_rows(contracts: Sequence[Contract], seed: int) -> dict[str, list[dict]]:
    """Return the rows of `accounts`, `contracts`, their parties and fee terms, `sleeves` and `plans`, in the order of opening."""
    draws = Draws(seed, 4)
    accounts: dict[tuple[int, int], dict] = {}
    rows: dict[str, list[dict]] = {"contracts": [], "contract_parties": [], "contract_fee_terms": []}
    for number, contract in enumerate(sorted(contracts, key=lambda contract: contract.opened), 1):
        contract.number = number
        key = (contract.person, contract.custodian_no)
        if key not in accounts:
            accounts[key] = {
                "account_no": len(accounts) + 1, "account_id": f"A{len(accounts) + 1:06d}", "customer_no": contract.person + 1,
                "custodian_no": contract.custodian_no,
                "tax_class": "general" if draws.chance(GENERAL_ACCOUNT_PER_MILLE) else "specific",
            }
        rows["contracts"].append(
            {
                "contract_no": number, "contract_id": f"K{number:06d}", "account_no": accounts[key]["account_no"],
                "customer_no": contract.person + 1, "program_no": contract.program_no,
            }
        )
        parties = zip(FUNCTIONS, PROGRAMS[contract.program_no - 1].companies, strict=True)
        if contract.program_no == programs.PREMIUM and number % 3 == 0:  # chosen at the opening
            rows["contract_fee_terms"].append(
                {"contract_no": number, "valid_from_date": contract.opened, "fee_terms_id": programs.WITH_PERFORMANCE}
            )
        rows["contract_parties"] += [{"contract_no": number, "function": name, "company_no": no} for name, no in parties]
    all_sleeves = [sleeve for contract in contracts for sleeve in contract.sleeves]
    sleeves = sorted(all_sleeves, key=lambda sleeve: (sleeve.opened, sleeve.contract.number))
    for number, sleeve in enumerate(sleeves, 1):
        sleeve.number = number
    return rows | {"accounts": list(accounts.values())} | {"sleeves": _sleeve_rows(sleeves), "plans": _plan_rows(sleeves)}


def _sleeve_rows(sleeves: Sequence[Sleeve]) -> list[dict]:
    return [
        {
            "sleeve_no": sleeve.number, "sleeve_id": f"S{sleeve.number:06d}", "contract_no": sleeve.contract.number,
            "name": sleeve.name, "model_no": sleeve.first_model_no,
        }
        for sleeve in sleeves
    ]


def _plan_rows(sleeves: Sequence[Sleeve]) -> list[dict]:
    return [
        {"sleeve_no": sleeve.number, "kind": kind, "valid_from_date": day, "amount_yen": amount, "day_of_month": day_of_month}
        | _plan_days(sleeve.number, kind, amount)
        for sleeve in sleeves
        for kind, plan in sorted(sleeve.plans.items())
        for day, (amount, day_of_month) in sorted(plan.items())
    ]


def _plan_days(number: int, kind: str, amount: int) -> dict:
    """Return what some savers have besides: twice their instalment in the bonus months, or two days a month."""
    bonus = kind == "instalment" and amount > 0 and number % 9 == 4
    days = "5;20" if kind == "instalment" and number % 13 == 6 else ""
    return {"days_of_month": days, "bonus_months": "6;12" if bonus else "", "bonus_yen": 2 * amount if bonus else 0}


def event_rows(events: Sequence[Event], accounts: Mapping[int, int]) -> list[dict]:
    """Return the rows of `events` (指図), numbered by date; the id is the idempotency key, such as deposit-S000123-2018-05-10.

    Parameters
    ----------
    accounts : contract_no → account_no
    """
    seen: Counter[str] = Counter()
    found = []
    for number, event in enumerate(sorted(events, key=lambda event: event.day), 1):
        sleeve_no = event.sleeve.number if event.sleeve else 0
        account_no = accounts[event.contract.number] if event.payer == "account" else 0
        customer_no = event.contract.person + 1 if event.payer == "customer" else 0
        of_payer = f"A{account_no:06d}" if account_no else f"C{customer_no:06d}" if customer_no else f"K{event.contract.number:06d}"
        subject = f"S{sleeve_no:06d}" if sleeve_no else of_payer
        event_id = f"{event.kind}-{subject}-{event.day}"
        seen[event_id] += 1
        again = f"-{seen[event_id]}" if seen[event_id] > 1 else ""
        found.append(
            {
                "event_no": number, "event_id": event_id + again, "date": event.day, "kind": event.kind,
                "contract_no": 0 if event.payer else event.contract.number, "sleeve_no": sleeve_no,
                "target_sleeve_no": event.target.number if event.target else 0, "model_no": event.model_no, "instrument_no": 0,
                "account_no": account_no, "customer_no": customer_no,
                "amount_yen": event.amount_yen, "units": 0, "note": event.note, "content_hash": "",
                "recorded_at": recorded(event.day), "processed_date": None,
            }
        )
    return found
