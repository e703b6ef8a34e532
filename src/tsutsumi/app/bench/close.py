"""What the close costs (締めの計測): our steps and the same steps as SQL, in turn, then the product's whole day.

Timed are the steps that `core.day.close` runs, in their order, on the books of `book.py`; not timed are
compilation, the warm-up round, the comparison, and the making of the book. Seconds are of the wall clock; of all rounds the
median counts, and of the ratios the median of the ratios of each round.
"""

import json
import subprocess
import sys
import tempfile
from collections.abc import Callable
from os import cpu_count
from pathlib import Path
from statistics import median
from time import perf_counter

import numpy as np

from tsutsumi.app.bench.baseline import RESULTS, SqlClose, load_duckdb
from tsutsumi.app.bench.book import Book, build_book
from tsutsumi.core.allocation import form_blocks
from tsutsumi.core.deciding import decide
from tsutsumi.core.delta import market_table, snapshot
from tsutsumi.core.evening import Evening
from tsutsumi.core.filling import fill
from tsutsumi.core.reconciliation import holdings_of, reconcile
from tsutsumi.core.schema import Frame, length
from tsutsumi.core.sorting import sorted_order
from tsutsumi.run.day_run import DayResult, Gathered, run_day
from tsutsumi.run.memory import keep_memory
from tsutsumi.store.day_file import day_digest, write_day_file

FULL_DAY_ROUNDS = 3
Seconds = dict[str, float]


def close_steps(book: Book) -> tuple[dict[str, Frame], Seconds]:
    """Run the compared steps as the product does; return the tables that SQL makes too, and the seconds of each step."""
    laps, seconds = [("", perf_counter())], {}

    def lap(name: str) -> None:
        laps.append((name, perf_counter()))
        seconds[name] = laps[-1][1] - laps[-2][1]

    evening = Evening(book.arrived, book.rules, book.inputs)
    lap("copy")
    evening.settle()
    lap("settle")
    fill(evening)
    lap("fills")
    look = evening.value()
    lap("valuation")
    evening.charge()
    lap("accrual")
    decide(evening, look)
    lap("decision")
    blocks = form_blocks(evening.new_orders)
    lap("blocks")
    tables = {table: getattr(evening.books, table) for table in RESULTS if table != "blocks"}
    return tables | {"blocks": blocks}, seconds


def differences(ours: dict[str, Frame], theirs: Callable[[str], Frame]) -> int:
    """Return the number of rows that differ (差異の行数): a row that only one side has, or one with another value in any column."""
    count = 0
    for table, (_source, key, columns) in RESULTS.items():
        names = key.split() + columns.split()
        order = sorted_order(*(ours[table][name] for name in key.split()))
        mine, other = {name: ours[table][name][order] for name in names}, theirs(table)
        rows, other_rows = order.size, length(other)
        both = min(rows, other_rows)
        unequal = np.zeros(both, bool)
        for name in names:
            unequal |= mine[name][:both] != other[name][:both]
        count += int(unequal.sum()) + abs(rows - other_rows)
    return count


def gathered_of(book: Book) -> Gathered:
    """Return the inputs of the timed day as a close gets them from the store, the bank and the custodian."""
    return Gathered(book.rules, book.inputs, {"inputs.events": book.inputs.events, "inputs.fills": book.inputs.fills})


def full_day(book: Book, folder: Path, holdings: Frame | None) -> tuple[DayResult, Seconds, int]:
    """Close the day as the product does and write its file; return the result, the seconds of each part, the bytes.

    Parameters
    ----------
    holdings : the custodian's statement of that evening, to reconcile with; None leaves that out
    """
    gathered, seconds = gathered_of(book), {}
    begun = perf_counter()
    result = run_day(book.before, gathered, {})
    seconds["close"] = perf_counter() - begun
    begun = perf_counter()
    day_digest(result.tables)
    seconds["digest"] = perf_counter() - begun
    begun = perf_counter()
    size, _ = write_day_file(folder / "day", result.tables)
    seconds["file"] = perf_counter() - begun
    if holdings is not None:
        begun = perf_counter()
        reconcile(result.books, holdings, None)
        seconds["reconciliation"] = perf_counter() - begun
    return result, seconds, size


def measure(contracts: int, rounds: int, tell: Callable[[str], None] = lambda text: None) -> dict:
    """Return the figures of `tsutsumi bench close` (計測結果); see `docs/decisions/0003-kernels-and-sql.md`.

    Parameters
    ----------
    contracts, rounds : int
    tell : called with what is being done
    """
    duckdb = load_duckdb()
    keep_memory()
    tell("peak memory, in a process of its own")
    peak = peak_bytes(contracts)
    tell(f"a book of {contracts:,} contracts")
    book = build_book(contracts)
    sql = SqlClose(duckdb, book)
    tell("a round to warm up, and the comparison row by row")
    ours, _ = close_steps(book)
    sql.run()
    differing = differences(ours, sql.result)
    figures = _counts(book, ours["orders"])
    tell(f"{rounds} rounds in turn")
    timed = [(close_steps(book)[1], sql.run()) for _ in range(rounds)]
    sql.connection.close()
    tell("the whole day of the product, with its file")
    figures |= {
        "rounds": rounds, "cores": cpu_count(), "baseline": f"DuckDB {sql.version}, {sql.threads} threads, in memory",
        **_medians(timed), "differences": differing, "peak_bytes": peak, **_whole_day(book, ours, differing),
    }
    figures["rows_per_second"] = round(figures["positions"] / figures["seconds"])
    return figures


def _counts(book: Book, orders: Frame) -> dict:
    day, sleeves = book.rules.day, length(book.before.sleeves)
    new = orders["decided_date"] == day
    trading = np.unique(orders["sleeve_no"][new]).size
    return {
        "contracts": book.contracts, "sleeves": sleeves, "positions": length(book.before.positions),
        "account_positions": length(book.before.account_positions), "live_orders": length(book.before.orders),
        "new_orders": int(new.sum()), "trading_sleeves": trading, "trading_ppm": trading * 1_000_000 // sleeves,
    }


def _medians(timed: list[tuple[Seconds, Seconds]]) -> dict:
    ours, theirs = ([sum(steps.values()) for steps in side] for side in zip(*timed, strict=True))
    return {
        "seconds": median(ours), "baseline_seconds": median(theirs),
        "ratio": median(b / a for a, b in zip(ours, theirs, strict=True)),
        "steps": {name: median(steps[name] for steps, _ in timed) for name in timed[0][0]},
        "baseline_steps": {name: median(steps[name] for _, steps in timed) for name in timed[0][1]},
    }


def _whole_day(book: Book, ours: dict[str, Frame], differing: int) -> dict:
    """Return the figures of the whole day; its books must be those of the compared steps."""
    with tempfile.TemporaryDirectory(prefix="tsutsumi-bench-") as name:
        folder = Path(name)
        result, _, size = full_day(book, folder, None)
        whole = {table: getattr(result.books, table) for table in RESULTS if table != "blocks"}
        differing += differences(whole | {"blocks": result.tables["blocks"]}, lambda table: _sorted(ours[table], RESULTS[table][1]))
        holdings = holdings_of(result.books)
        journal, _ = write_day_file(folder / "journal", {"journal": result.tables["journal"]}, durable=False)
        everything = snapshot(result.books) | market_table(result.books.market)
        whole_bytes, _ = write_day_file(folder / "snapshot", {k: v for k, v in everything.items() if length(v)}, durable=False)
        del result, whole, everything
        days = [full_day(book, folder, holdings)[1] for _ in range(FULL_DAY_ROUNDS)]
    return {
        "differences": differing, "full_day_seconds": median(sum(day.values()) for day in days),
        "full_day_steps": {name: median(day[name] for day in days) for name in days[0]},
        "bytes_written": size - journal, "journal_bytes": journal, "snapshot_bytes": whole_bytes,
        "bytes_ratio": (size - journal) / whole_bytes,
    }


def _sorted(table: Frame, key: str) -> Frame:
    order = sorted_order(*(table[name] for name in key.split()))
    return {name: column[order] for name, column in table.items()}


# ---- peak memory


def peak_bytes(contracts: int) -> int:
    """Return the most memory that a process held while it closed the whole day (最大メモリ), its book and the code included."""
    command = [sys.executable, "-m", "tsutsumi.app.bench.close", str(contracts)]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    if done.returncode:
        raise RuntimeError(f"the process that measures memory failed: {done.stderr.strip()[-500:]}")
    return json.loads(done.stdout)["peak_bytes"]


def _forget_peak() -> None:
    """Let the system's record of the peak begin anew, where it can (Linux)."""
    try:
        Path("/proc/self/clear_refs").write_text("5")
    except OSError:
        pass


def _own_peak() -> int:
    """Return the peak of this process since `_forget_peak`, or since its start where the system knows no other."""
    try:
        lines = Path("/proc/self/status").read_text().splitlines()
        return next(int(line.split()[1]) * 1024 for line in lines if line.startswith("VmHWM:"))
    except (OSError, StopIteration):
        import resource

        peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
        return peak if sys.platform == "darwin" else peak * 1024


def main() -> None:
    """Close a synthetic day once and print the peak of memory."""
    keep_memory()
    book = build_book(int(sys.argv[1]))
    _forget_peak()
    with tempfile.TemporaryDirectory(prefix="tsutsumi-bench-") as folder:
        full_day(book, Path(folder), None)
    print(json.dumps({"peak_bytes": _own_peak()}))


if __name__ == "__main__":
    main()
