"""Which fee terms charge whom (報酬条件の台帳): those that a program's rules name, or a contract's own, in today's version."""

from calendar import isleap
from collections import defaultdict
from collections.abc import Mapping
from datetime import date as Date

from tsutsumi.core.adjustments import Step
from tsutsumi.core.calendar import epoch_day, from_epoch_day
from tsutsumi.core.fee_terms import FeeTermsError, Terms, parse_terms

Rows = list[dict]


class UnsupportedTerms(ValueError):
    """Fee terms that cannot be read, or that are not in force on a day that they should charge."""


def anniversary(opened: int, day: int) -> int:
    """Return the first anniversary of a day that is not before another (応当日): the day itself is the first.

    >>> leap_day = epoch_day(Date(2024, 2, 29))
    >>> [str(from_epoch_day(anniversary(leap_day, epoch_day(Date(2024, *day))))) for day in ((2, 1), (3, 1))]
    ['2024-02-29', '2025-02-28']
    """
    first, number = from_epoch_day(opened), 0
    while True:
        year = first.year + number
        last = 28 if first.month == 2 and first.day == 29 and not isleap(year) else first.day
        found = epoch_day(Date(year, first.month, last))
        if found >= day:
            return found
        number += 1


class FeeTermsBook:
    """The dated terms of a house, looked up by program or contract; each text is read once, each answer kept."""

    def __init__(self, tables: Mapping[str, Rows]) -> None:
        self.tables = tables
        self.own: dict[int, list[tuple[int, str]]] = defaultdict(list)
        for row in tables.get("contract_fee_terms", ()):
            self.own[row["contract_no"]].append((epoch_day(row["valid_from_date"]), row["fee_terms_id"]))
        self.own = {contract: sorted(rows) for contract, rows in self.own.items()}
        self._parsed: dict[str, Terms] = {}
        self._steps: dict[tuple[int, int], tuple[Step, ...]] = {}
        self._of_program: dict[tuple[int, int], tuple[str, Terms]] = {}

    def read(self, text: str) -> Terms:
        """Return the terms of a text."""
        if text not in self._parsed:
            try:
                self._parsed[text] = parse_terms(text)
            except FeeTermsError as error:
                raise UnsupportedTerms(str(error)) from error
        return self._parsed[text]

    def version(self, fee_terms_id: str, day: int) -> Terms | None:
        """Return the version of some terms that is in force on a day; None before the first."""
        rows = [row for row in self.tables["fee_terms"] if row["fee_terms_id"] == fee_terms_id]
        rows = [row for row in rows if epoch_day(row["valid_from_date"]) <= day]
        return self.read(max(rows, key=lambda row: row["valid_from_date"])["terms_toml"]) if rows else None

    def program_terms(self, program_no: int, day: int) -> tuple[str, Terms]:
        """Return (fee_terms_id, terms) that a program's rules name on a day (プログラムの報酬条件).

        Raises
        ------
        UnsupportedTerms
            The program has none on that day.
        """
        if (program_no, day) not in self._of_program:
            rules = [row for row in self.tables["program_rules"] if row["program_no"] == program_no]
            rules = [row for row in rules if epoch_day(row["valid_from_date"]) <= day]
            name = max(rules, key=lambda row: row["valid_from_date"])["fee_terms_id"] if rules else ""
            terms = self.version(name, day)
            if terms is None:
                program = next(row["program_id"] for row in self.tables["programs"] if row["program_no"] == program_no)
                what = f"program {program} has no fee terms in force on {from_epoch_day(day)}"
                raise UnsupportedTerms(f"{what}: load fee_terms from that day")
            self._of_program[program_no, day] = name, terms
        return self._of_program[program_no, day]

    def contract_terms(self, contract_no: int, program_no: int, opened: int, day: int) -> tuple[str, Terms]:
        """Return (fee_terms_id, terms) of a contract for the period that begins on a day (契約の報酬条件).

        A row of its own takes effect with the first period that begins on or after the anniversary of the opening that is not
        before the row's date; before that, and without a row, the program's terms hold.
        """
        names = [name for since, name in self.own.get(contract_no, ()) if anniversary(opened, since) <= day]
        if not names:
            return self.program_terms(program_no, day)
        terms = self.version(names[-1], day)
        if terms is None:
            raise UnsupportedTerms(f"fee terms {names[-1]} are not in force on {from_epoch_day(day)}: load fee_terms from that day")
        return names[-1], terms

    def steps(self, program_no: int, day: int) -> tuple[Step, ...]:
        """Return the adjustments of a program that are in force on a day (適用中の調整): all rows of its latest date."""
        if (program_no, day) not in self._steps:
            rows = [row for row in self.tables.get("fee_adjustments", ()) if row["program_no"] == program_no]
            rows = [row for row in rows if epoch_day(row["valid_from_date"]) <= day]
            latest = max((row["valid_from_date"] for row in rows), default=None)
            numbers = ("step_no", "kind", "component", "threshold", "factor_ppm", "amount_yen")
            dates = ("from_date", "to_date", "until_date")
            self._steps[program_no, day] = tuple(
                Step(*(row[name] for name in numbers), *(epoch_day(row[name]) if row[name] else 0 for name in dates))
                for row in sorted(rows, key=lambda row: (row["step_no"], row["row_no"])) if row["valid_from_date"] == latest
            )
        return self._steps[program_no, day]
