"""`tsutsumi bench`: what the product costs on this machine, against another way of doing the same."""

import csv
import json as json_text
import platform
import sys
from pathlib import Path
from typing import Annotated

import cyclopts
from cyclopts import Parameter

from tsutsumi.app.cli.failure import DONE, FELL_SHORT, told
from tsutsumi.run.clock import now

LEAST_CONTRACTS = 100
RECORDED = (
    "contracts", "positions", "rounds", "seconds", "baseline_seconds", "ratio", "differences", "full_day_seconds", "bytes_written",
    "journal_bytes", "snapshot_bytes", "peak_bytes",
)

app = cyclopts.App(name="bench", help="Measure the product (計測) on this machine.", version_flags=[])


@app.command
def close(
    *, contracts: int = 200_000, rounds: int = 7, record: Path | None = None, json: Annotated[bool, Parameter(negative=())] = False,
) -> int:
    """Close a synthetic day of N contracts, and do the same steps as set-based SQL in DuckDB, in turn.

    Example: `tsutsumi bench close --contracts 200000`

    1.3 sleeves per contract with 8 of 40 funds each; about 5 % of them trade. All results are compared row by row. Exit code 1
    if a row differs. Needs DuckDB: `pip install 'tsutsumi[bench]'`.

    Parameters
    ----------
    contracts
        How many contracts the synthetic house has, at least 100.
    rounds
        How often each side closes the day; the median counts.
    record
        A CSV file to which one line of figures is added.
    json
        Print the figures as JSON.
    """
    if contracts < LEAST_CONTRACTS or rounds < 1:
        wrong = f"--contracts {contracts} --rounds {rounds}: give at least {LEAST_CONTRACTS} contracts and 1 round"
        return told("bench close", ValueError(wrong), json)
    from tsutsumi.app.bench.close import measure

    try:
        figures = measure(contracts, rounds, lambda text: None if json else print(f"… {text}", file=sys.stderr))
        if record is not None:
            _record(record, figures)
    except (ModuleNotFoundError, OSError) as error:
        return told("bench close", error, json)
    print(json_text.dumps(figures) if json else "\n".join(_lines(figures)))
    return FELL_SHORT if figures["differences"] else DONE


@app.command
def goals(
    *, goals: int = 1_000_000, rounds: int = 5, sample: int = 300, json: Annotated[bool, Parameter(negative=())] = False,
) -> int:
    """Answer N goals from the tables and from 10,000 shared scenarios, in turn, on one core (達成確率の計測).

    Example: `tsutsumi bench goals --goals 1000000`

    Three portfolios, horizons up to 50 years, half of the goals draw. The error is measured on a sample against the exact law.

    Parameters
    ----------
    goals
        How many goals, at least 3.
    rounds
        How often each side answers them; the median counts.
    sample
        How many goals are checked against the exact law.
    json
        Print the figures as JSON.
    """
    if goals < 3 or rounds < 1 or sample < 1:
        wrong = f"--goals {goals} --rounds {rounds} --sample {sample}: give at least 3 goals, 1 round and a sample of 1"
        return told("bench goals", ValueError(wrong), json)
    from tsutsumi.app.bench.goals import measure as measure_goals

    figures = measure_goals(goals, rounds, sample, lambda text: None if json else print(f"… {text}", file=sys.stderr))
    print(json_text.dumps(figures) if json else "\n".join(_goal_lines(figures)))
    return DONE


def _goal_lines(figures: dict) -> list[str]:
    """Return the figures of the goals as lines, in Japanese with English beside."""
    builds = " ・ ".join(f"{name} {seconds:.4f}" for name, seconds in figures["table_build_seconds"].items())
    return [
        f"目標 goals {figures['goals']:,}（{figures['rounds']} 回 rounds、1 コア one core、CPU 秒）",
        f"表 table      {figures['goals_per_second']:>14,.0f} 件/秒  最大誤差 worst error {figures['worst_error_pp']:.4f} pp",
        f"シナリオ paths {figures['baseline_goals_per_second']:>13,.0f} 件/秒  最大誤差 worst error "
        f"{figures['baseline_worst_error_pp']:.4f} pp（{figures['baseline']}）",
        f"比 ratio {figures['ratio']:.1f}",
        f"共通の表 atlas {figures['atlas_seconds']:.3f} 秒 ・ 表の作成 tables {builds} 秒",
        f"全件一括 whole book {figures['book_seconds']:.2f} 秒 s（表の作成を含む tables included）",
    ]


@app.command
def fees(
    *, contracts: int = 200_000, rounds: int = 5, json: Annotated[bool, Parameter(negative=())] = False,
) -> int:
    """Charge a synthetic quarter end of N contracts under 64 terms files, on one core (報酬計算の計測).

    Example: `tsutsumi bench fees --contracts 2000000`

    In arrears and in advance, every base, rounding and tax, flows, ends and high-water marks. A sample of every terms file is
    charged anew in exact fractions and compared entry by entry. Exit code 1 if an entry differs.

    Parameters
    ----------
    contracts
        How many contracts the synthetic house has, at least 100.
    rounds
        How often the whole house is charged; the median counts.
    json
        Print the figures as JSON.
    """
    if contracts < LEAST_CONTRACTS or rounds < 1:
        wrong = f"--contracts {contracts} --rounds {rounds}: give at least {LEAST_CONTRACTS} contracts and 1 round"
        return told("bench fees", ValueError(wrong), json)
    from tsutsumi.app.bench.fees import measure as measure_fees

    figures = measure_fees(contracts, rounds, lambda text: None if json else print(f"… {text}", file=sys.stderr))
    print(json_text.dumps(figures) if json else "\n".join(_fee_lines(figures)))
    return FELL_SHORT if figures["differences"] else DONE


def _fee_lines(figures: dict) -> list[str]:
    """Return the figures of the fees as lines, in Japanese with English beside."""
    kinds = " ・ ".join(f"{kind} {count:,}" for kind, count in figures["kinds"].items())
    return [
        f"契約 contracts {figures['contracts']:,} ・ 報酬条件 terms files {figures['terms']} ・ "
        f"残高の行 value rows {figures['value_rows']:,} ・ 入出金 flows {figures['flows']:,}",
        f"明細 entries {figures['fees_charged']:,}（{kinds}）",
        f"一括 whole book {figures['seconds']:.3f} CPU 秒 s（{figures['rounds']} 回 rounds、1 コア one core）",
        f"一件ずつ one by one {figures['baseline_seconds']:,.0f} CPU 秒 s"
        f"（標本 sample {figures['sample_contracts']:,} からの推計 extrapolated）",
        f"比 ratio {figures['ratio']:.0f} ・ 差異 differences {figures['differences']:,}",
    ]


def _record(path: Path, figures: dict) -> None:
    """Add one line of figures to a CSV file; its header is written if the file is new."""
    new = not path.exists()
    row = {"date": now()[:10], "machine": f"{platform.machine()}, {figures['cores']} cores", "baseline": figures["baseline"]}
    row |= {name: _shown(figures[name]) for name in RECORDED}
    with open(path, "a", encoding="utf-8", newline="") as file:
        writer = csv.DictWriter(file, list(row), lineterminator="\n")
        if new:
            writer.writeheader()
        writer.writerow(row)


def _shown(value: float) -> str:
    return f"{value:.4g}" if isinstance(value, float) else str(value)


def _lines(figures: dict) -> list[str]:
    """Return the figures as lines, in Japanese with English beside."""
    steps, theirs = figures["steps"], figures["baseline_steps"]
    lines = [
        f"契約 contracts {figures['contracts']:,} ・ 運用口 sleeves {figures['sleeves']:,} ・ "
        f"保有 positions {figures['positions']:,}",
        f"今夜の注文 new orders {figures['new_orders']:,}（運用口の {figures['trading_ppm'] / 10_000:.1f} % of sleeves trade）",
        "",
        f"{'工程 step':<14}{'秒 s':>10}{'SQL s':>10}",
    ]
    for name in steps:
        other = f"{theirs[name]:>10.4f}" if name in theirs else f"{'':>10}"
        lines.append(f"{name:<14}  {steps[name]:>10.4f}{other}")
    lines += [
        f"{'total':<14}  {figures['seconds']:>10.4f}{figures['baseline_seconds']:>10.4f}",
        "",
        f"比 ratio {figures['ratio']:.1f}（{figures['baseline']}、{figures['rounds']} 回 rounds）"
        f" ・ 差異 differences {figures['differences']:,} ・ {figures['rows_per_second']:,} 行 rows/s",
        f"一日の全工程 full day {figures['full_day_seconds']:.2f} 秒 s: "
        + " ・ ".join(f"{name} {seconds:.2f}" for name, seconds in figures["full_day_steps"].items()),
        f"書込 bytes {figures['bytes_written']:,}（全件 snapshot {figures['snapshot_bytes']:,} の {figures['bytes_ratio']:.1%}）",
        f"仕訳 journal bytes {figures['journal_bytes']:,} ・ 最大メモリ peak bytes {figures['peak_bytes']:,}",
    ]
    return lines
