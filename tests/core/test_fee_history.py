"""Values and flows of a contract: repeated where a day has no row, refused where a row cannot be right."""

from datetime import date

import pytest

from tsutsumi.core.fee_history import (
    FeeInputError,
    FlowRow,
    ValueRow,
    contract_history,
    decode,
    read_date,
    read_flows,
    read_values,
)

START, THROUGH = date(2026, 10, 1), date(2026, 12, 31)
VALUES = [ValueRow(date(2026, 10, 5), 12, 3), ValueRow(START, 10), ValueRow(date(2027, 1, 1), 99)]


def test_a_day_without_a_row_repeats_the_last_one_and_later_rows_are_ignored():
    history = contract_history(VALUES, [], START, THROUGH)
    assert [history.value(date(2026, 10, day)) for day in (1, 4, 5, 6)] == [10, 10, 12, 12]
    assert history.value(THROUGH) == 12 and len(history.values) == 92


def test_a_row_before_the_start_does_not_fill_the_first_day():
    with pytest.raises(FeeInputError, match="2026-10-02 is missing"):
        contract_history(VALUES, [], date(2026, 10, 2), THROUGH)


def test_the_base_without_cash_needs_the_cash_of_each_row_and_no_more_of_it_than_the_value():
    history = contract_history([*VALUES, ValueRow(date(2026, 10, 6), 2, 3)], [], START, THROUGH)
    assert history.base(date(2026, 10, 5), "excluded") == 9
    assert history.base(date(2026, 10, 6), "included") == 2
    with pytest.raises(FeeInputError, match="left out"):
        history.base(START, "excluded")
    with pytest.raises(FeeInputError, match="above value_yen"):
        history.base(date(2026, 10, 6), "excluded")


def test_flows_are_sorted_and_those_of_the_first_day_and_after_the_last_known_day_do_not_count():
    flows = [FlowRow(date(2026, 11, d), n) for d, n in ((3, 5), (2, -4), (1, 0))]
    flows += [FlowRow(START, 7), FlowRow(date(2027, 1, 1), 8)]
    history = contract_history(VALUES, iter(flows), START, THROUGH)
    assert [flow.amount_yen for flow in history.flows] == [-4, 5]


@pytest.mark.parametrize(
    ("flow", "terminated"), [("2026-09-30", None), ("2026-11-16", "2026-11-15"), ("2027-01-01", "2026-12-31")]
)
def test_a_flow_outside_the_contract_is_refused(flow, terminated):
    ended = terminated and date.fromisoformat(terminated)
    with pytest.raises(FeeInputError, match="outside the contract"):
        contract_history(VALUES, [FlowRow(date.fromisoformat(flow), 1)], START, THROUGH, ended)


def test_an_end_that_is_not_known_yet_or_lies_before_the_start_is_refused():
    with pytest.raises(FeeInputError, match="later than --through"):
        contract_history(VALUES, [], START, THROUGH, date(2027, 1, 1))
    with pytest.raises(FeeInputError, match="before --start"):
        contract_history(VALUES, [], START, THROUGH, date(2026, 9, 30))


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ("", "empty"),
        (" \n\n", "empty"),
        ("day,value_yen\n2026-10-01,1\n", "column date is missing"),
        ("date\n2026-10-01\n", "column value_yen is missing"),
        ("date,value_yen,price\n2026-10-01,1,1\n", "'price' is unknown"),
        ("date,value_yen,value_yen\n2026-10-01,1,1\n", "stands twice"),
        ("date,value_yen\n2026-10-01\n", "1 cells for 2 columns"),
        ("date,value_yen\n2026-10-01,1,2\n", "3 cells for 2 columns"),
        ("date,value_yen\n2026-10-01,1.0\n", "no whole yen"),
        ("date,value_yen\n2026-10-01,\n", "no whole yen"),
        ("date,value_yen\n2026-10-01,1e7\n", "no whole yen"),
        ("date,value_yen\n2026-10-01,１００\n", "no whole yen"),
        ('date,value_yen\n2026-10-01,"1,000"\n', "no whole yen"),
        ("date,value_yen\n2026-10-01,-1\n", "negative"),
        ("date,value_yen,cash_yen\n2026-10-01,1,-1\n", "cash_yen.*negative"),
        ("date,value_yen,cash_yen\n2026-10-01,1,x\n", "cash_yen.*no whole yen"),
        ("date,value_yen\n2026-10-01,10000000000001\n", "above 10,000,000,000,000"),
        ("date,value_yen\n2026-10-01,1000000000000000\n", "above"),
        ("date,value_yen\n2026-10-01,1" + "0" * 5000 + "\n", "no whole yen"),
        ("date,value_yen\n2026-10-01,1\n2026-10-02,2\n2026-10-01,1\n", "line 4: 2026-10-01 stands twice"),
        ("date,value_yen\n2026-02-30,1\n", "no date"),
        ("date,value_yen\n20261001,1\n", "no date"),
        ("date,value_yen\n2026/10/01,1\n", "no date"),
        ("date,value_yen\n1890-10-01,1\n", "no known calendar"),
        ('date,value_yen\n"2026-10-01,1\n', "no CSV"),
    ],
)
def test_a_values_file_that_cannot_be_right_is_refused_in_one_line(text, says):
    with pytest.raises(FeeInputError, match=says) as refused:
        read_values(text)
    assert "\n" not in str(refused.value)


@pytest.mark.parametrize(
    ("amount", "says"), [("-10000000000001", "above"), ("5.5", "no whole yen"), ("", "no whole yen")]
)
def test_a_flows_file_that_cannot_be_right_is_refused(amount, says):
    with pytest.raises(FeeInputError, match=says):
        read_flows(f"date,amount_yen\n2026-10-01,{amount}\n")
    with pytest.raises(FeeInputError, match="stands twice"):
        read_flows("date,amount_yen\n2026-10-01,1\n2026-10-01,2\n")


def test_columns_in_any_order_spaces_blank_lines_and_windows_line_ends_are_read():
    assert read_values("value_yen, date\r\n\r\n 5 ,2026-10-01\r\n") == [ValueRow(START, 5)]
    assert read_values("date,value_yen,cash_yen\n2026-10-01,10000000000000,\n") == [ValueRow(START, 10**13)]
    assert read_flows("date,amount_yen\n2026-10-01,+5\n") == [FlowRow(START, 5)]
    assert read_flows("date,amount_yen\n") == []


def test_utf_8_with_a_mark_is_read_and_other_encodings_are_refused():
    assert decode("日付".encode("utf-8-sig"), "values") == "日付"
    for encoding in ("cp932", "euc-jp", "utf-16"):
        with pytest.raises(FeeInputError, match="values: this is no UTF-8"):
            decode("日付,値".encode(encoding), "values")


def test_a_date_argument_is_read_strictly():
    assert read_date("2026-10-01", "--start") == START
    for text in ("2026-13-01", "2026-10-1", "", "2026-10-01T00:00", "2100-01-01"):
        with pytest.raises(FeeInputError, match="--start"):
            read_date(text, "--start")
