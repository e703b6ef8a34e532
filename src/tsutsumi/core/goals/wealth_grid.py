"""A grid of ln W for programmes of choices (動的計画の格子): what a plan is worth at every wealth, one month back at a time.

A worth V(W) of several portfolios at once is kept as three things, so that nothing sharp is ever put on the grid: smooth values at
equal steps of ln W, the worth at W = 0 (`nothing`), and jumps (ln W, size) at the edge of ruin, of a target, of an affordable goal.
A month back is E[V(W·R)]: the smooth part times the normal law's characteristic function (exact for values that the grid resolves),
each jump as a normal distribution function. A payment moves the wealth: V(W + c), read with six neighbours.
"""

import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numba import njit

from tsutsumi.core.goals.normal import below
from tsutsumi.core.goals.portfolio import GoalError, Portfolio

NO_RISK = 1e-5  # a yearly risk below it counts as none
FINE = 0.4  # step of the grid in standard deviations of the calmest portfolio's month
MOST_POINTS = 16_384
SHARP = 0.55  # a month narrower than this many steps is applied by weights of neighbours, not by the characteristic function
TAIL = 8.5  # standard deviations of a month that are kept
DUST = 1e-13  # a jump of this size is none

Jumps = list[tuple[float, float]]


@dataclass(eq=False)
class Worth:
    """V(W) of each portfolio (価値関数): float64[K, N] on the grid, float64[K] at W = 0, and K lists of (ln W, size) jumps."""

    values: np.ndarray
    nothing: np.ndarray
    jumps: list[Jumps]


@dataclass(frozen=True)
class Grid:
    """Equal steps of ln W: low, low + step, …, `count` of them (対数格子)."""

    low: float
    step: float
    count: int

    @property
    def points(self) -> np.ndarray:
        """ln W of every node."""
        return self.low + self.step * np.arange(self.count)


@njit(cache=True, inline="always", error_model="numpy")
def _weights(part, weights):
    """Write the six Lagrange weights of the nodes −2 … 3 for a place `part` between node 0 and node 1."""
    for i in range(6):
        weight = 1.0
        for j in range(6):
            if j != i:
                weight *= (part + 2.0 - j) / (i - j)
        weights[i] = weight


@njit(cache=True, error_model="numpy")
def read(row, nothing, place, weights):
    """Return the value of a row at a place in steps from its first node; below it `nothing`, above it the last value."""
    last = row.size - 1
    if place >= last:
        return row[last]
    if place <= -3.0:
        return nothing
    node = int(place + 4.0) - 4
    _weights(place - node, weights)
    total = 0.0
    for i in range(6):
        at = node - 2 + i
        total += weights[i] * (nothing if at < 0 else row[min(at, last)])
    return total


@njit(cache=True, error_model="numpy")
def _moved(values, nothing, low, step, payment):
    """Return V(W + payment) on the grid, without the jump at the edge of ruin, and its value at W = 0."""
    rows, count = values.shape
    moved, least, weights = np.zeros((rows, count)), np.zeros(rows), np.empty(6)
    for j in range(count):
        wealth = math.exp(low + j * step) + payment
        if wealth <= 0.0:
            continue
        place = (math.log(wealth) - low) / step
        for k in range(rows):
            moved[k, j] = read(values[k], nothing[k], place, weights) - (nothing[k] if payment < 0.0 else 0.0)
    if payment > 0.0:
        for k in range(rows):
            least[k] = read(values[k], nothing[k], (math.log(payment) - low) / step, weights)
    return moved, least


def before_payment(grid: Grid, worth: Worth, payment: float) -> Worth:
    """Return the worth before a payment: V(W + c), and 0 where a drawing is more than there is."""
    if payment == 0.0:
        return worth
    moved, least = _moved(worth.values, worth.nothing, grid.low, grid.step, payment)
    jumps: list[Jumps] = []
    for k, held in enumerate(worth.jumps):
        kept = [(math.log(-payment), float(worth.nothing[k]))] if payment < 0.0 and abs(worth.nothing[k]) > DUST else []
        for place, size in held:
            wealth = math.exp(place) - payment
            if wealth > 0.0:
                kept.append((math.log(wealth), size))
            else:  # it lies below W = 0 now: everybody has it
                moved[k] += size
                least[k] += size
        jumps.append(kept)
    return Worth(moved, least, jumps)


class Months:
    """One month of several portfolios on a grid (一か月の推移): backward for a worth, forward for masses."""

    def __init__(self, grid: Grid, portfolios: Sequence[Portfolio], years: float):
        """Prepare characteristic functions and weights for a month that lasts `years`."""
        self.grid = grid
        calm = [portfolio.vol < NO_RISK for portfolio in portfolios]
        self.drift = np.array([(p.mu - p.vol**2 / 2 * (not c)) * years for p, c in zip(portfolios, calm, strict=True)])
        self.sd = np.array([0.0 if c else p.vol * math.sqrt(years) for p, c in zip(portfolios, calm, strict=True)])
        self.smooth = np.flatnonzero(self.sd >= SHARP * grid.step)
        self.sharp = np.flatnonzero(self.sd < SHARP * grid.step)
        self.pad = int((TAIL * self.sd.max() + np.abs(self.drift).max()) / grid.step) + 8
        self.size = fast_length(grid.count + 2 * self.pad)
        waves = 2 * math.pi * np.fft.rfftfreq(self.size) / grid.step
        narrowed = np.outer(self.drift[self.smooth], 1j * waves) - 0.5 * np.outer(self.sd[self.smooth] ** 2, waves**2)
        self.law = np.exp(narrowed)
        self.taps = [_taps(self.drift[k] / grid.step, self.sd[k] / grid.step) for k in self.sharp]

    def back(self, worth: Worth) -> Worth:
        """Return the worth a month earlier, E[V(W·R)], of each portfolio by its own law."""
        pad, count = self.pad, self.grid.count
        wide = np.empty((worth.values.shape[0], self.size))
        wide[:, pad : pad + count] = worth.values
        wide[:, :pad] = worth.nothing[:, None]
        wide[:, pad + count :] = worth.values[:, -1:]
        values = np.empty_like(worth.values)
        if self.smooth.size:
            turned = np.fft.irfft(np.fft.rfft(wide[self.smooth]) * self.law, n=self.size)
            values[self.smooth] = turned[:, pad : pad + count]
        for k, (first, taps) in zip(self.sharp, self.taps, strict=True):
            values[k] = np.correlate(wide[k, pad + first : pad + first + count + taps.size - 1], taps, "valid")
        jumps = [self._softened(values[k], k, held) if held else [] for k, held in enumerate(worth.jumps)]
        return Worth(values, worth.nothing.copy(), jumps)

    def _softened(self, row: np.ndarray, k: int, held: Jumps) -> Jumps:
        """Add each jump as a distribution function to the row; without risk it only moves."""
        if self.sd[k] == 0.0:
            return [(place - float(self.drift[k]), size) for place, size in held]
        for place, size in held:
            _add_step(row, self.grid.low, self.grid.step, place - self.drift[k], self.sd[k], size)
        return []

    def forth(self, masses: np.ndarray, atoms: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """Return masses[K, N] on the grid and atoms[K] at W = 0 a month later: the transpose of `back`."""
        pad, count = self.pad, self.grid.count
        wide = np.zeros((masses.shape[0], self.size))
        wide[:, pad : pad + count] = masses
        later = np.empty_like(wide)
        if self.smooth.size:
            later[self.smooth] = np.fft.irfft(np.fft.rfft(wide[self.smooth]) * self.law.conj(), n=self.size)
        for k, (first, taps) in zip(self.sharp, self.taps, strict=True):
            later[k] = 0.0
            spread = np.convolve(masses[k], taps)
            later[k, pad + first : pad + first + spread.size] = spread
        moved = later[:, pad : pad + count].copy()
        moved[:, -1] += later[:, pad + count :].sum(axis=1)
        return moved, atoms + later[:, :pad].sum(axis=1)


def fast_length(least: int) -> int:
    """Return the smallest length at or above `least` that has no prime factor above 5: such transforms are fast."""
    best = 1 << (least - 1).bit_length()
    for fives in (1, 5, 25, 125):
        for threes in (1, 3, 9, 27):
            length = fives * threes
            while length < least:
                length *= 2
            best = min(best, length)
    return best


def _taps(drift: float, sd: float) -> tuple[int, np.ndarray]:
    """Return (first node, weights) of a month narrower than the grid: E of the six-neighbour reading at drift + sd·shock."""
    shocks = np.linspace(-TAIL, TAIL, 81) if sd > 0.0 else np.zeros(1)
    chances = np.exp(-0.5 * shocks**2)
    nodes, weights = {}, np.empty(6)
    for place, chance in zip(drift + sd * shocks, chances / chances.sum(), strict=True):
        node = int(place + 1e6) - 1_000_000
        _weights(place - node, weights)
        for i in range(6):
            nodes[node - 2 + i] = nodes.get(node - 2 + i, 0.0) + float(chance * weights[i])
    first = min(nodes)
    return first, np.array([nodes.get(first + i, 0.0) for i in range(max(nodes) - first + 1)])


@njit(cache=True, error_model="numpy")
def _add_step(row, low, step, place, sd, size):
    """Add size·Φ((x − place) / sd) at every node x."""
    for j in range(row.size):
        row[j] += size * below((low + j * step - place) / sd)


def full(grid: Grid, worth: Worth) -> np.ndarray:
    """Return V at every node with its jumps, float64[K, N]."""
    values = worth.values.copy()
    points = grid.points
    for k, held in enumerate(worth.jumps):
        for place, size in held:
            values[k] += size * (points >= place)
    return values


def sides(grid: Grid, worth: Worth, place: float) -> tuple[np.ndarray, np.ndarray]:
    """Return V just below and just above a place ln W, float64[K] each."""
    weights = np.empty(6)
    steps = (place - grid.low) / grid.step
    smooth = np.array([read(row, least, steps, weights) for row, least in zip(worth.values, worth.nothing, strict=True)])
    under = np.array([sum(size for at, size in held if at < place) for held in worth.jumps])
    over = np.array([sum(size for at, size in held if at <= place) for held in worth.jumps])
    return smooth + under, smooth + over


def best_of(grid: Grid, worth: Worth, scale: float = 1.0) -> tuple[Worth, np.ndarray, int]:
    """Return the worth of choosing the best portfolio, and which it is at every node and at W = 0.

    Of portfolios that differ by less than a millionth of `scale` the first is chosen: put the calmest first.
    """
    every = full(grid, worth)
    best, alike = every.max(axis=0), 1e-6 * scale
    choice = (every >= best - alike).argmax(axis=0)
    jumps: Jumps = []
    for place in sorted({place for held in worth.jumps for place, _ in held}):
        under, over = sides(grid, worth, place)
        size = float(over.max() - under.max())
        if abs(size) > DUST:
            jumps.append((place, size))
            best = best - size * (grid.points >= place)
    least = worth.nothing.max()
    at_nothing = int((worth.nothing >= least - alike).argmax())
    return Worth(best[None, :], np.array([least]), [jumps]), choice, at_nothing


def repeated(worth: Worth, times: int) -> Worth:
    """Return one worth for each of several portfolios."""
    values = np.repeat(worth.values, times, axis=0)
    return Worth(values, np.repeat(worth.nothing, times), [list(worth.jumps[0]) for _ in range(times)])


def grid_over(
    portfolios: Sequence[Portfolio], low: float, high: float, years: float, node: float | None, fine: float = FINE
) -> Grid:
    """Return a grid from ln W = low to high that the calmest month resolves; `node`, if within, falls on a node.

    Raises
    ------
    GoalError
        There is no portfolio.
    """
    if not portfolios:
        raise GoalError("no portfolio to choose from: permit at least one")
    sds = [portfolio.vol * math.sqrt(years) for portfolio in portfolios if portfolio.vol >= NO_RISK]
    high = max(high, low + 1e-3)
    finest = (high - low) / (MOST_POINTS - 16)
    step = max(fine * min(sds), finest) if len(sds) == len(portfolios) else finest  # what is certain has an edge at every month
    if node is not None and low <= node <= high:
        low = node - (int((node - low) / step) + 1) * step
    return Grid(low, step, int((high - low) / step) + 3)
