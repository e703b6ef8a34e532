"""Which terms charge a contract: those that its fee rows name, else those that the rules name (docs/close.md §7, "Which terms")."""

from datetime import date
from functools import cache, cached_property

from polars import col

from tests.audit.fee_terms import Terms, last_of_month
from tests.audit.tables import Export


@cache
def read_terms(text: str) -> Terms:
    """The terms of a text, read once."""
    return Terms(text)


def anniversary(opened: date, day: date) -> date:
    """The first anniversary of an opening that is not before a day; the opening itself is one, 29 February's is the 28th."""
    years = (opened.replace(year=year, day=min(opened.day, last_of_month(year, opened.month).day))
             for year in range(opened.year, max(opened.year, day.year) + 2))
    return next(found for found in years if found >= day)


class NamedTerms:
    """The terms of each contract and period. `programs` and `opened` by c; `charged`: fee_terms_id by (c, first day)."""

    def __init__(self, export: Export, programs: dict[int, str], opened: dict[int, date], charged: dict[tuple[int, date], str]):
        self.export, self.programs, self.opened, self.charged = export, programs, opened, charged
        self.found: dict[tuple[int, date], Terms | None] = {}

    def _rows(self, table: str, key: str) -> dict:
        """key → (valid_from_date, fee_terms_id), ascending."""
        rows: dict = {}
        if self.export.has(table, key, "valid_from_date", "fee_terms_id"):
            for of in self.export.tables[table].sort("valid_from_date").select(key, "valid_from_date", "fee_terms_id").iter_rows():
                rows.setdefault(of[0], []).append(of[1:])
        return rows

    @cached_property
    def of_contracts(self) -> dict[int, list[tuple[date, str]]]:
        """c → the rows of its own."""
        return self._rows("contract_fee_terms", "c")

    @cached_property
    def of_programs(self) -> dict[str, list[tuple[date, str]]]:
        """program_id → what its rules name."""
        return self._rows("program_fee_terms", "program_id")

    @cached_property
    def adjusted(self) -> dict[str, date]:
        """program_id → the first day from which a period is adjusted."""
        if not self.export.has("fee_adjustments", "program_id", "valid_from_date"):
            return {}
        rows = self.export.tables["fee_adjustments"].group_by("program_id").agg(col("valid_from_date").min())
        return dict(rows.select("program_id", "valid_from_date").iter_rows())

    def is_adjusted(self, contract: int, start: date) -> bool:
        """Whether what a period costs by the terms is changed by adjustments of the program."""
        since = self.adjusted.get(self.programs.get(contract))
        return since is not None and since <= start

    def name(self, contract: int, start: date) -> str | None:
        """The terms that the rules name for the period that starts on a day."""
        opened = self.opened.get(contract, start)
        own = [name for since, name in self.of_contracts.get(contract, ()) if anniversary(opened, since) <= start]
        named = [name for since, name in self.of_programs.get(self.programs.get(contract), ()) if since <= start]
        return own[-1] if own else named[-1] if named else None

    @cached_property
    def versions(self) -> dict[tuple[str, str | None], list[tuple[date, Terms]]]:
        """("fee_terms_id" or "program_id", its value) → versions, ascending; without these columns all are of None."""
        if not self.export.has("fee_terms", "valid_from_date", "terms_toml"):
            return {}
        versions: dict = {}
        for row in self.export.tables["fee_terms"].sort("valid_from_date").iter_rows(named=True):
            for key in ("fee_terms_id", "program_id"):
                versions.setdefault((key, row.get(key)), []).append((row["valid_from_date"], read_terms(row["terms_toml"])))
        return versions

    def terms(self, contract: int, start: date) -> Terms | None:
        """The version in force on the first day of the period."""
        if (contract, start) not in self.found:
            name = self.charged.get((contract, start)) or self.name(contract, start)
            keys = (("fee_terms_id", name), ("program_id", self.programs.get(contract)), ("program_id", None))
            dated = next((self.versions[key] for key in keys[not name:] if key in self.versions), [])
            self.found[contract, start] = next((terms for since, terms in reversed(dated) if since <= start), None)
        return self.found[contract, start]
