"""Which columns each frame (表) has, its key and the range of every column; `check` runs at every boundary, in production too.

A frame is a dict of numpy columns of one length. Types and ranges of a column stand once, in `vocabulary.csv`.
"""

import csv
from dataclasses import dataclass
from functools import cache
from importlib.resources import files

import numpy as np

from tsutsumi.core.picking import pick
from tsutsumi.core.sorting import sorted_order

Frame = dict[str, np.ndarray]


@dataclass(frozen=True)
class Word:
    """One line of the vocabulary (用語): the column, its labels, type, range and meaning."""

    column: str
    ja: str
    en: str
    dtype: np.dtype
    low: int
    high: int
    meaning: str


@cache
def vocabulary() -> dict[str, Word]:
    """Return every word of `vocabulary.csv` by column name."""
    text = files("tsutsumi").joinpath("vocabulary.csv").read_text(encoding="utf-8")
    return {
        row["column"]: Word(
            row["column"], row["ja"], row["en"], np.dtype(row["dtype"]), int(row["min"]), int(row["max"]), row["meaning"]
        )
        for row in csv.DictReader(text.splitlines())
    }


COLUMNS: dict[str, str] = {
    "sleeves": "account_no contract_no sleeve_no program_no model_no status_code opened_date rebalanced_date pending_code"
    " cash_yen receivable_yen payable_yen positions_yen value_yen base_sum_yen net_flow_yen twr_index",
    "positions": "sleeve_no instrument_no held_units cost_yen",
    "account_positions": "account_no instrument_no held_units tax_cost_yen",
    "contracts": "account_no contract_no program_no status_code opened_date period_start_date period_end_date period_count"
    " closed_base_sum_yen running_base_yen uncharged_yen credit_yen net_deposit_yen month_end_count month_end_1_yen month_end_2_yen"
    " month_end_3_yen mean_deposit_yen",
    "orders": "account_no sleeve_no instrument_no decided_date side_code reason_code custodian_no placed_date priced_date"
    " settlement_date asked_yen asked_units limit_price filled_units filled_yen fill_price fx_ppm status_code wait_count",
    "payouts": "account_no contract_no sleeve_no event_no kind_code amount_yen requested_date promised_date first_promised_date"
    " pay_date target_sleeve_no reissue_count status_code paid_date drawn_sleeve_no",
    "dues": "account_no contract_no sleeve_no charged_date due_date amount_yen",
    "fees": "account_no contract_no sleeve_no component_no kind_code start_date end_date base_yen fee_yen charged_date"
    " collected_date program_no",
    "fee_days": "account_no contract_no start_date base_yen",
    "fee_marks": "account_no contract_no sleeve_no component_no step_no start_date after_yen before_yen amount_yen",
    "fee_states": "event_no account_no contract_no sleeve_no component_no step_no kind_code start_date after_yen before_yen"
    " amount_yen",
    "ended": "account_no contract_no sleeve_no closed_date",
    "drawing_states": "account_no sleeve_no last_yen review_date",
    "debit_states": "account_no sleeve_no kind_code amount_yen due_date try_count",
    "fee_shares": "contract_no sleeve_no component_no kind_code start_date company_no share_yen",
    "flows": "account_no sleeve_no kind_code amount_yen event_no instrument_no",
    "journal": "entry_no account_no entry_sleeve_no sleeve_no ledger_code instrument_no quantity cause_code cause_no",
    "blocks": "custodian_no instrument_no side_code placed_date asked_units asked_yen",
    "block_fills": "custodian_no instrument_no side_code placed_date priced_date settlement_date price fx_ppm filled_units",
    "events": "event_no kind_code account_no contract_no sleeve_no target_sleeve_no model_no instrument_no amount_yen units"
    " note_count",
    "holdings": "account_no instrument_no units",
    "prices": "instrument_no price fx_ppm",
    "goals": "account_no sleeve_no goal_no status_code probability_ppm value_yen monthly_yen target_yen target_date mean_ppm"
    " risk_ppm floor_ppm floor_code",
    "goal_facts": "account_no sleeve_no goal_no status_code probability_ppm value_yen monthly_yen target_yen target_date mean_ppm"
    " risk_ppm floor_ppm floor_code months_ppm market_ppm payment_ppm time_ppm assumption_ppm floor_yen"
    " asset_life_months",
    "advice": "account_no sleeve_no goal_no rank_no kind_code amount_yen model_no months_count probability_ppm monthly_cost_yen",
}
KEYS: dict[str, tuple[str, ...]] = {
    "sleeves": ("account_no", "contract_no", "sleeve_no"),
    "account_positions": ("account_no", "instrument_no"),
    "contracts": ("account_no", "contract_no"),
}


@cache
def columns(table: str) -> tuple[Word, ...]:
    """Return the words of the columns of a frame, in their order."""
    return tuple(vocabulary()[name] for name in COLUMNS[table].split())


def empty(table: str, rows: int = 0) -> Frame:
    """Return a frame of `rows` zero rows with every column of `table`."""
    return {word.column: np.zeros(rows, word.dtype) for word in columns(table)}


def frame(table: str, rows: list[tuple]) -> Frame:
    """Return a frame from rows in the order of the table's columns."""
    words = columns(table)
    if not rows:
        return empty(table)
    return {word.column: np.array(values, word.dtype) for word, values in zip(words, zip(*rows, strict=True), strict=True)}


def length(of: Frame) -> int:
    """Return the number of rows of a frame."""
    return next(iter(of.values())).shape[0]


def take(of: Frame, index: np.ndarray) -> Frame:
    """Return the rows at `index` (numbers or a mask), every column copied."""
    if index.dtype == np.bool_:
        index = np.flatnonzero(index)
    return pick(of, index)


def own(of: Frame, *names: str) -> None:
    """Give a frame copies of some of its columns (書き込みのための複写), which it may write to."""
    for name in names:
        of[name] = of[name].copy()


def stack(*frames: Frame) -> Frame:
    """Return the rows of all frames, one after the other; all have the columns of the first."""
    filled = [part for part in frames if length(part)] or [frames[0]]
    if len(filled) == 1:
        return filled[0]
    return {name: np.concatenate([part[name] for part in filled]) for name in frames[0]}


def sort(of: Frame, *names: str) -> Frame:
    """Return the rows ordered by the named columns; equal rows keep their order."""
    if length(of) < 2:
        return of
    return take(of, sorted_order(*(of[name] for name in names)))


def row_in(old: Frame, new: Frame, key: tuple[str, ...]) -> np.ndarray:
    """Return for each row of `new` the row of `old` with the same key, -1 if there is none; keys stand once in each."""
    rows, both = length(old), [np.concatenate([old[name], new[name]]) for name in key]
    order = sorted_order(*both)
    same = np.ones(max(order.size - 1, 0), bool)
    for column in both:
        ordered = column[order]
        same &= ordered[1:] == ordered[:-1]
    pairs = np.flatnonzero(same)
    place = np.full(length(new), -1)
    place[order[pairs + 1] - rows] = order[pairs]
    return place


def records(kind: np.dtype, rows: int, columns) -> np.ndarray:
    """Return columns as rows of one kind: a kernel reads and hands on a row as it would a number."""
    made = np.zeros(rows, kind)
    for name in kind.names:
        made[name] = columns[name]
    return made


def check(table: str, of: Frame) -> Frame:
    """Return the frame itself if its columns, types, lengths, ranges and key are those of `table`.

    Raises
    ------
    ValueError
        Says which column, which row and what was found: a broken frame is a bug and stops the day before anything is saved.
    """
    words = columns(table)
    rows = length(of)
    if len(of) != len(words):
        raise ValueError(f"{table}: columns {sorted(of)} where {[word.column for word in words]} are expected")
    for word in words:
        column = of[word.column]
        if column.dtype != word.dtype or column.shape != (rows,):
            raise ValueError(f"{table}.{word.column}: {column.dtype}{column.shape} where {word.dtype}({rows},) is expected")
        if rows and (column.min() < word.low or column.max() > word.high):
            row = int(np.flatnonzero((column < word.low) | (column > word.high))[0])
            raise ValueError(f"{table}.{word.column}: {column[row]} in row {row} is outside {word.low}..{word.high}")
    _check_key(table, of)
    return of


def _check_key(table: str, of: Frame) -> None:
    if table not in KEYS or length(of) < 2:
        return
    smaller = np.zeros(length(of) - 1, bool)
    equal = np.ones(length(of) - 1, bool)
    for name in KEYS[table]:
        step = np.diff(of[name].astype(np.int64))
        smaller |= equal & (step > 0)
        equal &= step == 0
    if not smaller.all():
        row = int(np.flatnonzero(~smaller)[0]) + 1
        raise ValueError(f"{table}: row {row} is not after the row before it in the order of {KEYS[table]}")
