"""What rows of a file must be to one another (整合性): contracts, dated rules, fee shares, days of a close."""

from collections import defaultdict
from collections.abc import Iterator
from datetime import date as Date

from sqlalchemy import Connection, func, select

from tsutsumi.core.adjustments import FACTORS, MOST_FACTORS
from tsutsumi.core.calendar import is_business_day
from tsutsumi.core.refusals import Refusal
from tsutsumi.store.rows import Row, chunks
from tsutsumi.store.tables import accounts, fee_terms, program_shares

PPM = 1_000_000


def check_business_day(connection: Connection, rows: list[Row]) -> list[Refusal]:
    """Refuse what is dated on a day without a close (営業日でない日付)."""
    cure = "give the business day on which it takes effect"
    return [
        row.refused("date", f"{row.values['date']} is no business day: no close on that day", cure)
        for row in rows if not is_business_day(row.values["date"])
    ]


def check_contracts(connection: Connection, rows: list[Row]) -> list[Refusal]:
    """Refuse a contract on the account of another customer (口座名義の不一致)."""
    owners: dict[int, int] = {}
    for part in chunks({row.values["account_no"] for row in rows}):
        query = select(accounts.c.account_no, accounts.c.customer_no).where(accounts.c.account_no.in_(part))
        owners.update(tuple(row) for row in connection.execute(query))
    cure = "name the customer's own account"
    return [
        row.refused("account_id", f"{row.given['account_id']} is not an account of {row.given['customer_id']}", cure)
        for row in rows if owners[row.values["account_no"]] != row.values["customer_no"]
    ]


def check_plans(connection: Connection, rows: list[Row]) -> list[Refusal]:
    """Refuse a plan that names a day or a month twice, or a bonus without its months (積立計画の矛盾)."""
    refused = []
    for row in rows:
        for name in ("days_of_month", "bonus_months"):
            named = row.values[name].split(";")
            if len(set(named)) < len(named):
                why = f"{row.values[name]} names one of them twice"
                refused.append(row.refused(name, why, "name each once, or raise the amount"))
        if bool(row.values["bonus_months"]) != bool(row.values["bonus_yen"]):
            cure = "give both, or neither"
            refused.append(row.refused("bonus_yen", "bonus_months and bonus_yen belong together, one is missing", cure))
    return refused


def check_rules(connection: Connection, rows: list[Row]) -> list[Refusal]:
    """Refuse a rule whose fee terms are unknown or start later (報酬条件のない規則)."""
    query = select(fee_terms.c.fee_terms_id, func.min(fee_terms.c.valid_from_date)).group_by(fee_terms.c.fee_terms_id)
    starts = dict(tuple(row) for row in connection.execute(query))
    refused = []
    for row in rows:
        terms, since = row.values["fee_terms_id"], row.values["valid_from_date"]
        if terms not in starts:
            cure = "load fee_terms first, or mend the id"
            refused.append(row.refused("fee_terms_id", f"{terms!r} is unknown in fee_terms", cure))
        elif starts[terms] > since:
            why = f"{terms} start on {starts[terms]}, the rule on {since}"
            refused.append(row.refused("fee_terms_id", why, "load terms that start no later"))
        if bool(row.values["retry_days"]) != bool(row.values["retry_count"]):
            why = "retry_days and retry_count belong together, one is 0"
            refused.append(row.refused("retry_count", why, "give both above 0, or neither"))
    return refused


def check_adjustments(connection: Connection, rows: list[Row]) -> list[Refusal]:
    """Refuse adjustments that cannot be worked out one after the other (報酬の調整の矛盾); all of a program's date together."""
    sets: dict[tuple[int, Date], list[Row]] = defaultdict(list)
    for row in rows:
        sets[row.values["program_no"], row.values["valid_from_date"]].append(row)
    return [refusal for of in sets.values() for refusal in _check_steps(of)]


def _check_steps(rows: list[Row]) -> Iterator[Refusal]:
    kinds: dict[int, str] = {}
    for row in sorted(rows, key=lambda row: row.values["step_no"]):
        step, kind = row.values["step_no"], row.values["kind"]
        if kinds.setdefault(step, kind) != kind:
            yield row.refused("step_no", f"step {step} is {kinds[step]} and {kind}", "give each kind a step of its own")
        elif kind == "group" and step != min(kinds):
            yield row.refused("step_no", f"group is step {step}, not the first", "let group come first: it shares what tiers save")
        elif kind == "campaign" and not all(row.values[name] for name in ("from_date", "to_date", "until_date")):
            yield row.refused("until_date", "a campaign needs from_date, to_date and until_date", "fill in the three dates")
        elif sum(of in FACTORS for of in kinds.values()) > MOST_FACTORS and kind in FACTORS:
            yield row.refused("step_no", f"more than {MOST_FACTORS} steps multiply the fee", "join steps into one")


def check_shares(connection: Connection, rows: list[Row]) -> list[Refusal]:
    """Refuse shares of a fee that would sum to more than the whole on some day (報酬分配率の超過); the rest has its own party."""
    known: dict[int, dict[tuple[Date, int], int]] = defaultdict(dict)
    for part in chunks({row.values["program_no"] for row in rows}):
        for share in connection.execute(select(program_shares).where(program_shares.c.program_no.in_(part))):
            known[share.program_no][share.valid_from_date, share.company_no] = share.share_ppm
    groups: dict[tuple[int, Date], list[Row]] = defaultdict(list)
    for row in rows:
        groups[row.values["program_no"], row.values["valid_from_date"]].append(row)
    refused = []
    for (program, since), group in sorted(groups.items()):
        tried = known[program] | {(since, row.values["company_no"]): row.values["share_ppm"] for row in group}
        over = next(((day, total) for day, total in _totals(tried) if day >= since and total > PPM), None)
        if over is None:
            known[program] = tried
            continue
        why = f"the shares in force on {over[0]} would sum to {over[1]:,} ppm, more than {PPM:,}"
        cure = "lower a share; what is left goes to the remainder company"
        refused += [row.refused(f"share_ppm of {row.given['program_id']}", why, cure) for row in group]
    return refused


def _totals(shares: dict[tuple[Date, int], int]) -> Iterator[tuple[Date, int]]:
    """Yield for each day on which a share starts the sum of those in force."""
    in_force: dict[int, int] = {}
    ordered = sorted(shares.items())
    for index, ((day, company), share) in enumerate(ordered):
        in_force[company] = share
        if index + 1 == len(ordered) or ordered[index + 1][0][0] != day:
            yield day, sum(in_force.values())
