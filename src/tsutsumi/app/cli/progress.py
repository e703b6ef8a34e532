"""A progress bar over the days of a close, on stderr; nothing at all where nobody looks."""

import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager

from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn

from tsutsumi.core.calendar import from_epoch_day
from tsutsumi.run.day_run import DayResult


@contextmanager
def day_progress(hidden: bool = False) -> Iterator[Callable[[int, int, DayResult], None]]:
    """Give a function that is called after each closed day."""
    columns = (TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn(), TimeRemainingColumn())
    console = Console(stderr=True)
    with Progress(*columns, console=console, disable=hidden or not sys.stderr.isatty()) as bar:
        task = bar.add_task("締め close", total=None)

        def closed(number: int, total: int, result: DayResult) -> None:
            bar.update(task, completed=number, total=total, description=str(from_epoch_day(result.books.day)))

        yield closed
