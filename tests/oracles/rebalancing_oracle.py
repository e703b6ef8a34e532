"""What public solvers find for a rebalance: HiGHS for turnover and whole lots, Clarabel for distance and tax; and by trying all."""

from itertools import product

import clarabel
import numpy as np
from scipy import sparse
from scipy.optimize import Bounds, LinearConstraint, linprog, milp


def least_turnover(held, low, high, flow) -> int | None:
    """Return the least Σ |trade| with low ≤ held + trade ≤ high and Σ trade = flow (HiGHS), None if there is no such trade."""
    n = len(held)
    both = np.hstack([np.eye(n), -np.eye(n)])  # purchases, sales
    found = linprog(
        np.ones(2 * n), A_ub=np.vstack([both, -both]), b_ub=np.concatenate([np.subtract(high, held), np.subtract(held, low)]),
        A_eq=np.concatenate([np.ones(n), -np.ones(n)])[None, :], b_eq=[flow], method="highs",
    )
    return round(found.fun) if found.status == 0 else None


def every_trade(least, most, flow):
    """Yield every whole-yen trade within the bounds that adds up to the flow."""
    for trade in product(*(range(a, b + 1) for a, b in zip(least, most, strict=True))):
        if sum(trade) == flow:
            yield trade


def distance_and_cost(trade, gap, sale_ppm, purchase_ppm, stretch) -> float:
    """Return Σ (trade − gap)² × 1 % / (2 × stretch) + costs, in yen."""
    x = np.asarray(trade, float)
    cost = np.where(x > 0, np.asarray(purchase_ppm) * x, -np.asarray(sale_ppm) * x) / 1_000_000
    return float(((x - gap) ** 2 * 0.005 / np.asarray(stretch)).sum() + cost.sum())


def nearest_after_tax(held, target, low, high, flow, sale_ppm, purchase_ppm, stretch) -> float:
    """Return the least `distance_and_cost` that Clarabel finds, in yen; solved in parts of the largest amount."""
    n, unit = len(held), float(max(abs(np.concatenate([held, target]))))
    high = np.minimum(high, held + np.abs(held).sum() + np.abs(target).sum() + abs(flow))  # never reached: a better scale
    q, gap = 0.01 * unit / np.asarray(stretch, float), np.subtract(target, held) / unit
    both = sparse.hstack([sparse.eye(n), -sparse.eye(n)])  # purchases, sales
    square = sparse.triu(sparse.bmat([[sparse.diags(q), -sparse.diags(q)], [-sparse.diags(q), sparse.diags(q)]])).tocsc()
    linear = np.concatenate([np.divide(purchase_ppm, 1e6) - q * gap, np.divide(sale_ppm, 1e6) + q * gap])
    rows = sparse.vstack([
        sparse.csc_matrix(np.concatenate([np.ones(n), -np.ones(n)])[None, :]), -sparse.eye(2 * n), both, -both,
    ]).tocsc()
    bounds = np.concatenate([
        [flow / unit], np.zeros(2 * n), np.subtract(high, held) / unit, np.subtract(held, low) / unit,
    ])
    settings = clarabel.DefaultSettings()
    settings.verbose = False
    settings.tol_gap_abs = settings.tol_gap_rel = settings.tol_feas = 1e-10
    solver = clarabel.DefaultSolver(
        square, linear, rows, bounds, [clarabel.ZeroConeT(1), clarabel.NonnegativeConeT(4 * n)], settings,
    )
    found = solver.solve()
    assert str(found.status) in ("Solved", "AlmostSolved"), found.status
    return (found.obj_val + float((q * gap**2).sum()) / 2) * unit


def nearest_lots(lot, held, target, budget, minimum=0) -> int | None:
    """Return the least Σ |lots × lot − target| within the budget (HiGHS, mixed integers), None if no lots keep within it."""
    n = len(lot)
    lot, held, target = (np.asarray(column, np.int64) for column in (lot, held, target))
    step = np.maximum(-(-minimum // lot), 1)
    reach = np.maximum(budget // lot, held) + step + 1
    one, none = np.eye(n), np.zeros((n, n))
    line = np.diag(lot)  # columns: lots, distance, whether bought, sold, sold out
    rows = np.vstack([
        np.hstack([-line, one, none, none, none]), np.hstack([line, one, none, none, none]),
        np.hstack([-one, none, np.diag(reach), np.diag(-step), np.diag(-held)]),
        np.hstack([one, none, np.diag(-step), np.diag(held), np.diag(held)]),
        np.hstack([none, none, -one, -one, -one]), np.concatenate([-lot, np.zeros(4 * n)])[None, :],
    ])
    least = np.concatenate([-target, target, -held, held, -np.ones(n), [-budget]])
    switches = np.zeros(n) if minimum == 0 else np.ones(n)
    if minimum == 0:  # every lot may be traded: the two rows of a minimum trade are let go
        least[2 * n : 4 * n] = -np.inf
    most = np.concatenate([reach + held, np.full(n, np.inf), switches, switches, switches * (target == 0)])
    found = milp(
        np.concatenate([np.zeros(n), np.ones(n), np.zeros(3 * n)]), constraints=LinearConstraint(rows, least, np.inf),
        bounds=Bounds(0, most), integrality=np.repeat([1, 0, 1, 1, 1], n), options={"mip_rel_gap": 0},
    )
    if found.x is None:
        return None
    lots = np.rint(found.x[:n]).astype(np.int64)
    assert (lots * lot).sum() <= budget
    return int(abs(lots * lot - target).sum())


def tried_lots(lot, held, target, budget, minimum, lowest, highest) -> int | None:
    """Return the same by trying all lots, for few and small ones."""
    choices = []
    for p, have, aim, low, high in zip(lot, held, target, lowest, highest, strict=True):
        lots = range(low, min(high, budget // p) + 1)
        choices.append([k for k in lots if k == have or abs(k - have) * p >= minimum or (k == 0 and aim == 0)])
    found = [
        sum(abs(k * p - aim) for k, p, aim in zip(lots, lot, target, strict=True))
        for lots in product(*choices)
        if sum(k * p for k, p in zip(lots, lot, strict=True)) <= budget
    ]
    return min(found, default=None)
