"""Double entry (複式仕訳): everything that moves cash or units, as lines that sum to zero per entry and asset.

The asset of a line is an instrument number; 0 is yen. What a sleeve has is debit (positive); where it came from is credit.
"""

import numpy as np

from tsutsumi.core.schema import Frame, columns, frame, length, sort, stack, take

CASH, RECEIVABLE, PAYABLE, UNITS, TRADES, FEE, DISTRIBUTION, SPLIT, CORRECTION = range(9)
DEPOSIT, INSTALMENT, WITHDRAWAL, DRAWING, TERMINATION = range(9, 14)
LEDGERS = (
    "cash", "receivable", "payable", "units", "trades", "fee", "distribution", "split", "correction", "deposit", "instalment",
    "withdrawal", "drawing", "termination",
)
BY_EVENT, BY_ORDER, BY_SETTLEMENT, BY_DISTRIBUTION, BY_FEE, BY_PAYOUT, BY_SPLIT = range(1, 8)
CAUSES = ("", "event", "order", "settlement", "distribution", "fee", "payout", "split")
YEN = 0
POSTED = (
    "account_no", "entry_sleeve_no", "sleeve_no", "ledger_code", "instrument_no", "quantity", "cause_code", "cause_no",
)


class Journal:
    """The lines of one day, gathered as they come, made into one frame at the end, numbered once all partitions are there."""

    def __init__(self) -> None:
        self.posts: list[tuple] = []
        self.rows: list[tuple] = []

    def post(self, cause_code: int, account_no, sleeve_no, cause_no, lines, entry_sleeve_no=None) -> None:
        """Add one entry per row: `lines` are (ledger, instrument_no, quantity) with a scalar or a column each.

        Parameters
        ----------
        cause_code : what caused it (`CAUSES`)
        account_no, sleeve_no, cause_no : numbers, or columns of n rows that nobody writes to afterwards
        lines : list of (ledger code, asset, quantity)
        entry_sleeve_no : the sleeve that the entry belongs to, if it is another than that of the lines
        """
        entry = sleeve_no if entry_sleeve_no is None else entry_sleeve_no
        if np.ndim(sleeve_no) == 0:
            for ledger, instrument, quantity in lines:
                self.rows.append((0, account_no, entry, sleeve_no, ledger, instrument, quantity, cause_code, cause_no))
        else:
            self.posts += [(account_no, entry, sleeve_no, *line, cause_code, cause_no) for line in lines]

    def lines(self) -> Frame:
        """Return all lines so far, zero lines left out, not yet numbered."""
        rows = sum(post[2].size for post in self.posts)
        lines = {word.column: np.empty(rows, word.dtype) for word in columns("journal")}
        lines["entry_no"][:] = 0
        first = 0
        for post in self.posts:
            last = first + post[2].size
            for name, value in zip(POSTED, post, strict=True):
                lines[name][first:last] = value
            first = last
        lines = stack(lines, frame("journal", self.rows))
        keep = lines["quantity"] != 0
        return lines if keep.all() else take(lines, keep)


def number_entries(lines: Frame) -> Frame:
    """Return the lines of the whole house in their order, `entry_no` 1, 2, 3 …: the same for any number of partitions.

    Raises
    ------
    ValueError
        An entry does not sum to zero per asset: a bug, and the day stops before anything is saved.
    """
    keys = ("cause_code", "account_no", "entry_sleeve_no", "cause_no")
    lines = sort(lines, *keys, "instrument_no", "ledger_code", "sleeve_no", "quantity")
    rows = length(lines)
    if rows == 0:
        return lines
    change = np.zeros(rows, bool)
    change[0] = True
    for name in keys:
        change[1:] |= lines[name][1:] != lines[name][:-1]
    lines["entry_no"] = np.cumsum(change).astype(np.int64)
    asset = change.copy()
    asset[1:] |= lines["instrument_no"][1:] != lines["instrument_no"][:-1]
    sums = np.add.reduceat(lines["quantity"], np.flatnonzero(asset))
    if sums.any():
        row = int(np.flatnonzero(asset)[np.flatnonzero(sums)[0]])
        raise ValueError(f"journal: entry {lines['entry_no'][row]} of sleeve {lines['sleeve_no'][row]} does not sum to zero")
    return lines
