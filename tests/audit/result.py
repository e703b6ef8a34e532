"""What a check yields, and how an audit is printed."""

from dataclasses import dataclass, field

import polars as pl

EXAMPLES = 3


@dataclass(frozen=True)
class Check:
    name: str
    rows: int
    differences: int
    examples: tuple[str, ...] = ()


@dataclass
class Audit:
    folder: str
    date: str
    checks: list[Check] = field(default_factory=list)
    notes: list[str] = field(default_factory=list)

    @property
    def differences(self) -> int:
        return sum(check.differences for check in self.checks)

    def failed(self) -> list[str]:
        return [check.name for check in self.checks if check.differences]

    def as_dict(self) -> dict:
        rows = [{"name": c.name, "rows": c.rows, "differences": c.differences, "examples": list(c.examples)} for c in self.checks]
        return {"folder": self.folder, "date": self.date, "differences": self.differences, "checks": rows, "notes": self.notes}

    def as_text(self) -> str:
        width = max([len(check.name) for check in self.checks], default=5)
        lines = [f"Audit of {self.folder}, exported for {self.date}", f"{'check':<{width}} {'rows':>12} {'differences':>12}"]
        for check in self.checks:
            lines.append(f"{check.name:<{width}} {check.rows:>12,} {check.differences:>12,}")
            lines += [f"    {example}" for example in check.examples]
        lines += [f"note: {note}" for note in self.notes]
        return "\n".join([*lines, f"{len(self.checks)} checks, {self.differences:,} differences"])


def found(name: str, rows: int, bad: pl.DataFrame, export=None) -> Check:
    """A check whose differences are the rows of `bad`; the first of them are shown with public ids and ISO dates."""
    head = bad.head(EXAMPLES)
    if export is not None:
        head = export.readable(head)
    examples = tuple(", ".join(f"{key}={value}" for key, value in row.items()) for row in head.iter_rows(named=True))
    return Check(name, rows, bad.height, examples)


def stopped(name: str, error: Exception) -> Check:
    return Check(name, 0, 1, (f"cannot be checked: {type(error).__name__}: {error}".replace("\n", " ")[:300],))
