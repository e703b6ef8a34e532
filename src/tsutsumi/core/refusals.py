"""One row that was not taken (拒否行): where, what, why, and what to do about it. A bad row is a row too, never a crash."""

from typing import NamedTuple


class Refusal(NamedTuple):
    """One refused row (拒否行).

    Attributes
    ----------
    line : int
        The line of the file, the header being line 1; 0 = the whole file.
    what, why, cure : str
        What was refused, the cause, and what to do.
    """

    line: int
    what: str
    why: str
    cure: str

    def __str__(self) -> str:
        """Return the refusal as one line of text.

        >>> print(Refusal(3, "price", "0 is not above zero", "give the published price"))
        line 3: price: 0 is not above zero: give the published price
        """
        where = f"line {self.line}: " if self.line else ""
        return f"{where}{self.what}: {self.why}: {self.cure}"


class Refused(Exception):
    """What cannot be done (受け付けられないこと): cause and cure; it changes nothing and becomes an alert."""

    def __init__(self, cause: str, cure: str) -> None:
        super().__init__(cause)
        self.cause, self.cure = cause, cure
