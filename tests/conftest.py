"""The whole suite: the two workers of a cold run begin with other kernels each, so that few are compiled twice."""

import gc
import os
import tempfile
from pathlib import Path


def pytest_sessionstart():
    """Compile, or load, the most costly kernels; what fails here fails in its own test too."""
    first = {"gw0": _close_a_house, "gw1": _tell_goals_and_aim}.get(os.environ.get("PYTEST_XDIST_WORKER", ""))
    if first is not None:
        gc.disable()  # a compiler makes many objects, and few circles
        first()
        gc.enable()


def pytest_collection_finish():
    """Keep what stands for the whole run, every test and module, out of the collections of garbage to come."""
    gc.collect()
    gc.freeze()


def _close_a_house() -> None:
    from tests.days.small_house import FIRST, make_house
    from tsutsumi.run.close_day import close_through
    from tsutsumi.store.database import open_house

    with tempfile.TemporaryDirectory(prefix="tsutsumi-first-") as folder:
        house = open_house(make_house(Path(folder) / "house"))
        close_through(house, FIRST.replace(day=31))
        house.engine.dispose()
    _run_cases("to-band", "tax-aware", "whole-units")


def _tell_goals_and_aim() -> None:
    from tests.core.test_rebalance_aim import test_to_the_edge_sells_just_enough

    _run_cases("goal-probability", "goal-need")
    test_to_the_edge_sells_just_enough()


def _run_cases(*names: str) -> None:
    from tests.test_cases import cases, rows

    for name, row in (parameter.values for parameter in rows()):
        if name in names:
            cases.HANDLERS[name](row)
