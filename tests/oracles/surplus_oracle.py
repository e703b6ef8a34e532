"""Surplus rules written slowly (余剰の振替の遅い実装), from docs/close.md §5 alone: dicts and loops, one sleeve at a time."""

from dataclasses import dataclass, field


@dataclass
class Pot:
    """A sleeve of the oracle at y, with its rule in force on d."""

    number: int
    account: int
    value: int
    open: bool = True
    least: int = 0                           # of an instalment, by its program
    limit_ppm: int = 1_000_000
    owed: list[int] = field(default_factory=list)
    to: int = 0                              # 0: no rule
    level: int | None = None                 # None: a target without an amount
    goal_date: int | None = None             # None: the level is in yen
    kind: str = "both"
    minimum: int = 1


def spare(pot: Pot) -> int:
    """value − open payouts − dues."""
    return pot.value - sum(pot.owed)


def has_level(pot: Pot) -> bool:
    """Whether the level is reached, whatever the date."""
    return pot.open and pot.to != 0 and pot.level is not None and spare(pot) >= pot.level


def over(pot: Pot, day: int) -> bool:
    """Whether the goal's date has come."""
    return pot.goal_date is not None and pot.goal_date <= day


def end_of(pots: dict[int, Pot], start: Pot, day: int) -> int | None:
    """The end of a rule; None if the chain comes back to a sleeve that it met."""
    met, at = {start.number}, start.to
    while at in pots and has_level(pots[at]) and not over(pots[at], day):
        if at in met:
            return None
        met.add(at)
        at = pots[at].to
    return None if at in met else at


def reason(pots: dict[int, Pot], pot: Pot, day: int, instalment: int | None = None) -> str:
    """Why surplus stays; empty if it goes."""
    if pot.level is None:
        return "no level"
    if over(pot, day):
        return "past"
    end = end_of(pots, pot, day)
    if end is None:
        return "circle"
    if end not in pots or not pots[end].open or pots[end].account != pot.account:
        return "not open"
    return "too small" if instalment is not None and instalment < pots[end].least else ""


def instalment(pots: dict[int, Pot], number: int, amount: int, day: int) -> tuple[int, str]:
    """Where a collected instalment comes in, and why it stays if a rule wanted it elsewhere."""
    pot = pots[number]
    if pot.to == 0 or pot.kind == "excess" or not (has_level(pot) or (pot.open and pot.level is None)):
        return number, ""
    why = reason(pots, pot, day, amount)
    return (number if why else end_of(pots, pot, day)), why


def excess(pots: dict[int, Pot], number: int, day: int) -> tuple[int, int, str]:
    """Target and yen of a sleeve's transfer of the month, 0 and 0 if there is none, and why it stays."""
    pot = pots[number]
    if pot.to == 0 or pot.kind == "instalments" or not pot.open:
        return 0, 0, ""
    if pot.level is None:
        return 0, 0, "no level"
    above = spare(pot) - pot.level
    amount = min(above, spare(pot) * pot.limit_ppm // 1_000_000)
    if not has_level(pot) or above < max(pot.minimum, 1) or amount <= 0:
        return 0, 0, ""
    why = reason(pots, pot, day)
    return (0, 0, why) if why else (end_of(pots, pot, day), amount, "")
