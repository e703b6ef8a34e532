"""The law of a shared pot under its policy (共有予算の資産分布), month by month forward: how often each goal is fulfilled.

The transpose of the backward programme on the same grid, so that both agree. The mass of a region of a decision is taken from the
normal law of the month before, not from the nodes; what a cut leaves of a node's cell moves from the middle of what is left.
"""

import math
from dataclasses import dataclass

import numpy as np
from numba import njit

from tsutsumi.core.goals.normal import below
from tsutsumi.core.goals.wealth_grid import Grid, Months, Worth, _weights, full


@dataclass(frozen=True, eq=False)
class Decision:
    """What is fulfilled at which wealth on a day (目標の判断): ascending edges ln W, the way between them, the way at W = 0."""

    edges: np.ndarray
    way_index: np.ndarray
    way_at_nothing: int
    ways: list[tuple[float, float, dict[int, int]]]


def regions(grid: Grid, worth: Worth, choice: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Return (edges, ways): where a choice changes, found between two nodes; edges start at −∞ and end at +∞."""
    points, every = grid.points, full(grid, worth)
    jumps = sorted({place for held in worth.jumps for place, _ in held})
    edges, ways = [-math.inf], [int(choice[0])]
    for node in np.flatnonzero(np.diff(choice)):
        low, high = points[node], points[node + 1]
        before, after = int(choice[node]), int(choice[node + 1])
        inside = [place for place in jumps if low < place <= high]
        if inside:
            edges.append(inside[-1])
        else:
            gain_low, gain_high = every[after, node] - every[before, node], every[after, node + 1] - every[before, node + 1]
            share = gain_low / (gain_low - gain_high) if gain_low < 0.0 < gain_high else 0.5
            edges.append(low + share * (high - low))
        ways.append(after)
    return np.array([*edges, math.inf]), np.array(ways)


@njit(cache=True)
def _scattered(masses, low, step, change, moved):
    """Add every node's mass at ln(W + change) to `moved`, shared among six nodes; return the mass that falls to 0."""
    weights, last, fallen = np.empty(6), moved.size - 1, 0.0
    for j in range(masses.size):
        if masses[j] == 0.0:
            continue
        wealth = math.exp(low + j * step) + change
        if wealth <= 0.0:
            continue
        fallen += deposit(moved, last, (math.log(wealth) - low) / step, masses[j], weights)
    return fallen


@njit(cache=True)
def deposit(moved, last, place, mass, weights):
    """Add a mass at a place in steps, shared among six nodes; return what falls below the grid."""
    if place <= -3.0:
        return mass
    if place >= last:
        moved[last] += mass
        return 0.0
    node = int(place + 4.0) - 4
    _weights(place - node, weights)
    fallen = 0.0
    for i in range(6):
        at = node - 2 + i
        if at < 0:
            fallen += mass * weights[i]
        else:
            moved[min(at, last)] += mass * weights[i]
    return fallen


@njit(cache=True)
def _cut(masses, low, step, start, end, cost, wanted, moved):
    """Move the masses between two edges to ln(W − cost), scaled to the wanted total; return what falls to 0."""
    weights, last, fallen, total = np.empty(6), moved.size - 1, 0.0, 0.0
    for j in range(masses.size):
        left, right = max(low + (j - 0.5) * step, start), min(low + (j + 0.5) * step, end)
        if right > left:
            total += masses[j] * (right - left) / step
    if abs(total) < 1e-14:
        return max(wanted, 0.0)
    scale = wanted / total
    for j in range(masses.size):
        left, right = max(low + (j - 0.5) * step, start), min(low + (j + 0.5) * step, end)
        if right <= left or masses[j] == 0.0:
            continue
        mass = scale * masses[j] * (right - left) / step
        wealth = math.exp(0.5 * (left + right)) - cost
        if wealth <= 0.0:
            fallen += mass
        else:
            fallen += deposit(moved, last, (math.log(wealth) - low) / step, mass, weights)
    return fallen


@njit(cache=True)
def _mass_below(masses, low, step, drift, sd, place):
    """Return the mass below a place a month later: Σ m Φ((place − x − drift) / sd)."""
    total = 0.0
    for j in range(masses.size):
        x = low + j * step + drift
        if sd > 0.0:
            total += masses[j] * below((place - x) / sd)
        elif x < place:
            total += masses[j]
    return total


class Pot:
    """A pot of money on a grid with its months and payments (共有予算)."""

    def __init__(self, grid: Grid, ordinary: Months, first: Months, paid: np.ndarray, at_end: bool):
        """Keep what a month needs."""
        self.grid, self.ordinary, self.first, self.paid, self.at_end = grid, ordinary, first, paid, at_end

    def month(self, number: int) -> Months:
        """Return the law of a month: the first may be shorter."""
        return self.first if number == 0 else self.ordinary

    def fulfilled(self, now, rows, decisions, picked, levels) -> tuple[tuple[float, ...], ...]:
        """Return for each goal and level the probability that it is fulfilled at that level or a higher one.

        Parameters
        ----------
        now : wealth today;  rows : number of portfolios
        decisions : month → Decision of each portfolio held (one, if the choice comes after)
        picked : month → (portfolio at each node, portfolio at W = 0)
        levels : number of levels of each goal
        """
        grid, months = self.grid, self.paid.size - 1
        counted = [[0.0] * count for count in levels]
        masses, atoms, before = np.zeros((rows, grid.count)), np.zeros(rows), None
        if now > 0:
            deposit(masses[0], grid.count - 1, (math.log(now) - grid.low) / grid.step, 1.0, np.empty(6))
        else:
            atoms[0] = 1.0
        for month in range(months + 1):
            lifted = np.zeros(rows)
            if self.at_end:
                lifted = atoms if self.paid[month] > 0.0 else lifted
                masses, atoms = self._pay(masses, atoms, self.paid[month])
            if month in decisions:
                masses, atoms = self._decide(masses, atoms, before, lifted, decisions[month], counted, month)
            if not self.at_end:
                masses, atoms = self._pay(masses, atoms, self.paid[month])
            if month == months:
                break
            if month in picked:
                masses, atoms = _picked(masses, atoms, *picked[month])
            before = masses
            masses, atoms = self.month(month).forth(masses, atoms)
        return tuple(tuple(min(max(sum(row[level:]), 0.0), 1.0) for level in range(len(row))) for row in counted)

    def _pay(self, masses, atoms, payment):
        """Return the law after a payment; who is ruined leaves it."""
        if payment == 0.0:
            return masses, atoms
        later, left = np.zeros_like(masses), np.zeros_like(atoms)
        for k in range(atoms.size):
            left[k] += _scattered(masses[k], self.grid.low, self.grid.step, payment, later[k])
            if payment > 0.0 and atoms[k]:
                place = (math.log(payment) - self.grid.low) / self.grid.step
                left[k] += deposit(later[k], self.grid.count - 1, place, atoms[k], np.empty(6))
        return later, left

    def _decide(self, masses, atoms, before, lifted, decisions, counted, month):
        """Return the law after the goals of a day and count what is fulfilled; `lifted` had nothing before today's payment."""
        later, left = np.zeros_like(masses), np.zeros_like(atoms)
        for k in range(atoms.size):
            decision = decisions[k if len(decisions) > 1 else 0]
            if atoms[k]:
                _count(counted, decision.ways[decision.way_at_nothing], atoms[k])
                left[k] += atoms[k]
            shares = self._shares(masses[k], None if before is None else before[k], lifted[k], decision.edges, k, month)
            for place, mass in enumerate(shares):
                way = decision.ways[decision.way_index[place]]
                if mass == 0.0:
                    continue
                _count(counted, way, mass)
                start, end = decision.edges[place], decision.edges[place + 1]
                left[k] += _cut(masses[k], self.grid.low, self.grid.step, start, end, way[0], mass, later[k])
        return later, left

    def _shares(self, masses, before, lifted, edges, k, month):
        """Return the mass of each region between edges ln W: by the law of the month before, payments of today included."""
        if before is None:  # today: one known wealth, on a node
            total = float(masses.sum())
            nodes = self.grid.points[np.abs(masses) > 0.5 * max(total, 1e-300)]
            place = nodes[0] + 1e-9 if nodes.size else 0.0
            return [total if start <= place < end else 0.0 for start, end in zip(edges[:-1], edges[1:], strict=True)]
        law, moved, under = self.month(month - 1), self.paid[month] if self.at_end else 0.0, []
        for edge in edges:
            wealth = math.exp(edge) - moved if edge < math.inf else math.inf
            place = math.log(wealth) if wealth > 0.0 else -math.inf
            mass = float(_mass_below(before, self.grid.low, self.grid.step, law.drift[k], law.sd[k], place))
            under.append(mass + (lifted if lifted and math.exp(min(edge, 700.0)) > moved else 0.0))
        return np.diff(under).tolist()


def _count(counted, way, mass) -> None:
    """Add a mass to the goals that a way fulfils."""
    for goal, level in way[2].items():
        counted[goal][level] += mass


def _picked(masses, atoms, choice, at_nothing):
    """Return everybody's money in the portfolio that the table holds at its wealth."""
    together, everywhere = masses.sum(axis=0), np.zeros_like(masses)
    everywhere[choice, np.arange(choice.size)] = together
    at_zero = np.zeros_like(atoms)
    at_zero[at_nothing] = atoms.sum()
    return everywhere, at_zero
