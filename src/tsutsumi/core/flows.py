"""Money in and out of sleeves (入出金): the kinds, and the rows of a day."""

import numpy as np

from tsutsumi.core.schema import Frame, empty, frame, stack

DEPOSIT, INSTALMENT, WITHDRAWAL, DRAWING, TRANSFER, TERMINATION, CORRECTION, FEE, DISTRIBUTION = range(1, 10)
FLOW_KINDS = (
    "", "deposit", "instalment", "withdrawal", "drawing", "transfer", "termination", "correction", "fee", "distribution",
)
EXTERNAL_LAST = CORRECTION


def surplus_no(sleeve_no, month: int):
    """Return the number of what a surplus rule moves in a month, 1 to 12 (余剰の振替の番号): −(12 × sleeve + month − 1), below 0.

    >>> surplus_no(123, 11), surplus_of(surplus_no(123, 11))
    (-1486, (123, 11))
    """
    return -(12 * sleeve_no + month - 1)


def surplus_of(event_no: int) -> tuple[int, int]:
    """Return the sleeve whose surplus it is, and the month, of a number below 0 (余剰の出どころ); see `surplus_no`."""
    sleeve_no, month = divmod(-event_no, 12)
    return sleeve_no, month + 1


class Flows:
    """The flows of one day, gathered row by row or column by column."""

    def __init__(self) -> None:
        self.rows: list[tuple] = []
        self.parts: list[Frame] = []

    def add(self, account_no: int, sleeve_no: int, kind_code: int, amount_yen: int, event_no: int = 0) -> None:
        """Add one flow: money in positive, out negative."""
        self.rows.append((account_no, sleeve_no, kind_code, amount_yen, event_no, 0))

    def add_columns(self, account_no, sleeve_no, kind_code: int, amount_yen, instrument_no: int = 0) -> None:
        """Add one flow per element of the columns; zero amounts are left out."""
        keep = amount_yen != 0
        part = empty("flows", int(keep.sum()))
        part["account_no"][:], part["sleeve_no"][:], part["amount_yen"][:] = account_no[keep], sleeve_no[keep], amount_yen[keep]
        part["kind_code"][:], part["instrument_no"][:] = kind_code, instrument_no
        self.parts.append(part)

    def frame(self) -> Frame:
        """Return all flows of the day so far."""
        return stack(empty("flows"), frame("flows", self.rows), *self.parts)


def external_flow(flows: Frame, row_of_sleeve: np.ndarray, rows: int) -> np.ndarray:
    """Return per sleeve row the day's money from and to outside the sleeve (fees and distributions are profit).

    Flows of sleeves that closed today, which have no row any more, are left out.
    """
    outside = (flows["kind_code"] <= EXTERNAL_LAST) & (flows["sleeve_no"] < row_of_sleeve.size)
    at, amount = row_of_sleeve[flows["sleeve_no"][outside]], flows["amount_yen"][outside]
    total = np.zeros(rows, np.int64)
    np.add.at(total, at[at >= 0], amount[at >= 0])
    return total
