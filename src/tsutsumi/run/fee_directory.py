"""What the papers about fees read from a house (報酬書類の材料): who is who, and the exported tables on two evenings."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import date as Date

import polars as pl

from tsutsumi.core.fee_rows import FeeRow, fee_row, merged
from tsutsumi.core.fee_split import in_force
from tsutsumi.core.fee_terms import Terms, parse_terms
from tsutsumi.run.export_fees import fees_table
from tsutsumi.run.export_tables import flows_table, sleeves_table, values_table
from tsutsumi.run.gathering import Gathering
from tsutsumi.run.history import rows_of, walk
from tsutsumi.store.database import House, HouseError, reading
from tsutsumi.store.manifest import closed_days

REFERENCE = (
    "companies", "programs", "customers", "contracts", "contract_parties", "program_functions", "program_rules", "fee_terms",
    "share_tiers", "share_fixed", "invoice_issuers",
)
NUMBERED = {"companies": "company", "programs": "program", "customers": "customer", "contracts": "contract"}
NEEDED = ("fees", "fee_shares", "flows")
SALES = "A"
Tables = dict[str, pl.DataFrame]


class Directory:
    """Who is who in the papers (名簿): names, programs and distributors of contracts, dated agreements between companies.

    Everything by public id. `tiers` and `fixed` hold the rows of `share_tiers` and `share_fixed` by program, `issuers` those of
    `invoice_issuers`, `own` the distributors of contracts that have one of their own.
    """

    def __init__(self, rows: Mapping[str, list[dict]]) -> None:
        self._id = {name: {row[f"{word}_no"]: row[f"{word}_id"] for row in rows[name]} for name, word in NUMBERED.items()}
        company, program, contract = (self._id[name] for name in ("companies", "programs", "contracts"))
        self.companies = {row["company_id"]: row for row in rows["companies"]}
        self.programs = {row["program_id"]: row for row in rows["programs"]}
        self.customers = {row["customer_id"]: row for row in rows["customers"]}
        self.program_of = {row["contract_id"]: program[row["program_no"]] for row in rows["contracts"]}
        self.customer_of = {row["contract_id"]: self._id["customers"][row["customer_no"]] for row in rows["contracts"]}
        self.own = {
            contract[row["contract_no"]]: company[row["company_no"]] for row in rows["contract_parties"] if row["function"] == SALES
        }
        self._sales = self._by_program(row for row in rows["program_functions"] if row["function"] == SALES)
        self._rules = self._by_program(row | {"company_no": row["remainder_company_no"]} for row in rows["program_rules"])
        self.tiers, self.fixed = self._by_program(rows["share_tiers"]), self._by_program(rows["share_fixed"])
        self.issuers = [row | {"company_id": company[row["company_no"]]} for row in rows["invoice_issuers"]]
        self._terms = sorted(rows["fee_terms"], key=lambda row: row["valid_from_date"])
        self._parsed: dict[str, Terms] = {}

    def _by_program(self, rows: Iterable[dict]) -> dict[str, list[dict]]:
        company, found = self._id["companies"], {}
        for row in rows:
            ids = {"company_id": company.get(row["company_no"], ""), "paid_by_id": company.get(row.get("paid_by_no", 0), "")}
            found.setdefault(self._id["programs"][row["program_no"]], []).append(row | ids)
        return found

    def remainder(self, program_id: str, day: Date) -> str:
        """Return the company that gets what the shares leave (残余の会社) on a day; empty before the program's first rules."""
        found = in_force(self._rules.get(program_id, ()), day)
        return found[0]["company_id"] if found else ""

    def sales(self, program_id: str, day: Date) -> str:
        """Return the program's distributor (販売会社, function A) on a day; empty where none is registered."""
        found = in_force(self._sales.get(program_id, ()), day)
        return found[0]["company_id"] if found else ""

    def distributor(self, contract_id: str, day: Date) -> str:
        """Return who sells a contract and collects its fees: its own function A, the program's, else the remainder company."""
        program = self.program_of[contract_id]
        return self.own.get(contract_id) or self.sales(program, day) or self.remainder(program, day)

    def terms(self, fee_terms_id: str | None, day: Date) -> Terms | None:
        """Return the fee terms of an id in their version of a day (報酬条件)."""
        known = [row for row in self._terms if row["fee_terms_id"] == fee_terms_id and row["valid_from_date"] <= day]
        if not known:
            return None
        text = known[-1]["terms_toml"]
        if text not in self._parsed:
            self._parsed[text] = parse_terms(text)
        return self._parsed[text]

    def fee_rows(self, fees: pl.DataFrame) -> list[FeeRow]:
        """Return the rows of the exported fees table (報酬の行), with program, distributor and tax rates."""
        found = []
        for record in fees.iter_rows(named=True):
            contract, day = record["contract_id"], record["charged_date"]
            terms = self.terms(record.get("fee_terms_id"), min(record["start_date"], day))
            found.append(fee_row(record, self.program_of[contract], self.distributor(contract, day), terms))
        return merged(found)


def directory_of(house: House) -> Directory:
    """Return who is who in a house (名簿)."""
    return Directory(rows_of(house, *REFERENCE))


@dataclass(frozen=True)
class Evenings:
    """The exported tables on two evenings (二つの時点の表): the one before a first day, and the last closed one up to a last day.

    `before` and `after` hold `fees`, `flows` and `sleeves`; `values` are those from the last close before the first day on.
    """

    before: Tables
    after: Tables
    values: pl.DataFrame
    last_closed: Date


def read_evenings(house: House, first: Date, last: Date) -> Evenings:
    """Return the tables of a house on the evening before a day, and on the last closed evening up to another (表の読み出し).

    Raises
    ------
    HouseError
        No day up to `last` is closed.
    """
    with reading(house) as connection:
        days = [row.date for row in closed_days(connection, last=last)]
    if not days:
        raise HouseError(f"{house.folder}: no day up to {last} is closed: close it first (tsutsumi close HOUSE --through DATE)")
    gathering, before = Gathering(house), None
    for day, tables, books in walk(house, days[-1]):
        if day >= first and before is None:
            before = _standing(gathering)
        gathering.add(day, {name: tables[name] for name in NEEDED if name in tables}, books)
        if day < first:
            del gathering.values[:-1]
    after = _standing(gathering)
    return Evenings(before or after, after, values_table(gathering), days[-1])


def _standing(gathering: Gathering) -> Tables:
    return {"fees": fees_table(gathering), "flows": flows_table(gathering), "sleeves": sleeves_table(gathering)}


def paid_by_contract(tables: Tables, day: Date) -> dict[str, int]:
    """Return what each contract paid as fees up to a day (契約ごとの支払額): Σ of its sleeves' `fee` flows, the sign turned."""
    owner = tables["sleeves"].select("sleeve_id", "contract_id")
    flows = tables["flows"].filter((pl.col("kind") == "fee") & (pl.col("date") <= day)).join(owner, on="sleeve_id")
    return dict(flows.group_by("contract_id").agg(-pl.col("amount_yen").sum()).iter_rows())


def distributor_balances(evenings: Evenings, directory: Directory) -> dict[str, list[tuple[Date, dict[str, int]]]]:
    """Return by program the balance of each distributor at every close (販売会社ごとの残高); no sleeve counts below zero."""
    sleeves = evenings.after["sleeves"].select("sleeve_id", "contract_id", "program_id")
    own = pl.col("contract_id").replace_strict(directory.own, default=None, return_dtype=pl.String).alias("own")
    sums = (
        evenings.values.join(sleeves, on="sleeve_id").with_columns(own).group_by("date", "program_id", "own")
        .agg(pl.col("value_yen").clip(lower_bound=0).sum()).sort("date")
    )
    found: dict[str, dict[Date, dict[str, int]]] = {}
    for day, program, distributor, yen in sums.iter_rows():
        name = distributor or directory.sales(program, day) or directory.remainder(program, day)
        of = found.setdefault(program, {}).setdefault(day, {})
        of[name] = of.get(name, 0) + yen
    return {program: sorted(days.items()) for program, days in found.items()}


def contract_counts(sleeves: pl.DataFrame, first: Date, last: Date) -> dict[str, int]:
    """Return by program the contracts with an open sleeve on at least one day (期間中に開いていた契約の数)."""
    closed = pl.col("closed_date")
    open_then = sleeves.filter((pl.col("opened_date") <= last) & (closed.is_null() | (closed >= first)))
    return dict(open_then.group_by("program_id").agg(pl.col("contract_id").n_unique()).iter_rows())
