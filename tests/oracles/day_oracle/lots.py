"""§8, "lots" and docs/rules/rebalancing.md: the whole lots that are nearest to the targets together."""

from dataclasses import dataclass

from tests.oracles.day_oracle.money import ceiling


@dataclass
class Line:
    """One instrument bought by units: the yen of a lot, the lots held, the target, and the fewest lots."""

    lot_yen: int
    held: int
    target: int
    fewest: int


def may_be(line: Line, lots: int, minimum: int) -> bool:
    """No trade, or one of the least trade at least; a target of 0 may be sold out whatever it is worth."""
    traded = abs(lots - line.held) * line.lot_yen
    return lots >= line.fewest and (traded == 0 or traded >= minimum or (lots == 0 and line.target == 0))


def choices(line: Line, minimum: int, worst: int) -> list[tuple[int, int, int]]:
    """[(distance, yen, lots)] of the lots that lie no farther from the target than `worst`, the nearest first."""
    first = max(0, ceiling(line.target - worst, line.lot_yen))
    last = max(0, (line.target + worst) // line.lot_yen)
    found = [(abs(lots * line.lot_yen - line.target), lots * line.lot_yen, lots)
             for lots in range(first, last + 1) if may_be(line, lots, minimum)]
    return sorted(found)


def cheapest(line: Line, minimum: int) -> int:
    """The fewest lots that may be."""
    return next(lots for lots in (0, *range(line.fewest, line.held + 1)) if may_be(line, lots, minimum))


def nearest(lines: list[Line], budget: int, minimum: int) -> list[list[int]]:
    """Every choice of lots whose yen keep within the budget and whose distance Σ |lots × lot − target| is least; none within the
    budget: none. Looked for within a distance that doubles until some are found.
    """
    fewest = [cheapest(line, minimum) for line in lines]
    if sum(lots * line.lot_yen for lots, line in zip(fewest, lines, strict=True)) > budget:
        return []
    worst = sum(line.lot_yen for line in lines)
    while not (found := within(lines, budget, minimum, worst)):
        worst *= 2
    return found


def within(lines: list[Line], budget: int, minimum: int, worst: int) -> list[list[int]]:
    """The same of a distance of at most `worst`. Line by line the ways are kept that no other way beats in distance and yen."""
    ways: dict[tuple[int, int], list[list[int]]] = {(0, 0): [[]]}                 # {(distance, yen): the lots}
    options = [choices(line, minimum, worst) for line in lines]
    if not all(options):
        return []
    for place, mine in enumerate(options):
        wider: dict[tuple[int, int], list[list[int]]] = {}
        rest = sum(others[0][0] for others in options[place + 1 :])
        for (distance, yen), known in ways.items():
            for more, cost, lots in mine:
                if distance + more + rest > worst:
                    break
                if yen + cost <= budget:
                    wider.setdefault((distance + more, yen + cost), []).extend([*way, lots] for way in known)
        ways = undominated(wider)
    least = min((distance for distance, _ in ways), default=None)
    return [way for (distance, _), known in ways.items() if distance == least for way in known]


def undominated(ways: dict[tuple[int, int], list[list[int]]]) -> dict[tuple[int, int], list[list[int]]]:
    """The ways that no other beats with a lesser distance and no more yen."""
    kept, lowest, pending = {}, None, []
    for distance, yen in sorted(ways):
        if pending and pending[0][0] < distance:
            lowest = min([one for _, one in pending] + ([] if lowest is None else [lowest]))
            pending = []
        pending.append((distance, yen))
        if lowest is None or yen < lowest:
            kept[distance, yen] = ways[distance, yen]
    return kept
