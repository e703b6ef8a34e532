"""`tsutsumi advice`: advice on the goals of a house, one goal with everything, and what the customer answers."""

import json as json_text
from pathlib import Path
from typing import Annotated, Literal

from cyclopts import Parameter

from tsutsumi.app.cli.advice_page import (
    answer_content,
    answer_lines,
    list_content,
    list_lines,
    outlook_content,
    outlook_lines,
)
from tsutsumi.app.cli.failure import DONE, read_date, told
from tsutsumi.app.cli.screen import fitted
from tsutsumi.app.cli.split_page import split_answer_content, split_answer_lines, split_content, split_lines
from tsutsumi.run import clock
from tsutsumi.run.advice_answers import ACCEPTED, Answered, answer
from tsutsumi.run.advice_list import DECLINED, SPLIT, AdviceBook
from tsutsumi.run.advice_outlook import goal_outlook
from tsutsumi.run.customer_split import split_of
from tsutsumi.run.split_answers import answer_split
from tsutsumi.store.database import HouseError, open_house

Flag = Annotated[bool, Parameter(negative=())]
Kind = Literal["pay_more", "pay_once", "later_date", "change_model", "pay_less"]


def advice(
    house: Path, *, everything: Annotated[bool, Parameter(name="--all", negative=())] = False, goal: str = "", customer: str = "",
    accept: str = "", decline: str = "", kind: Kind | None = None, by: str = "", note: str = "", date: str = "", json: Flag = False,
) -> int:
    """List the advice on goals that waits for an answer (改善案); accept or decline it; show one goal, or all of a customer.

    Example: `tsutsumi advice my-house --accept G000012 --kind pay_more --by yamada`

    Accepted advice becomes an instruction that the next close carries out: a dated plan, a change of model, a later date; a
    payment is waited for until its deposit has come. `--customer C` shows all goals of a customer by priority, and what the same
    payments could do; `--customer C --accept split --by yamada` makes plans of it. See docs/rules/advice-rows.md and
    docs/rules/goal-split.md.

    Parameters
    ----------
    house
        The folder of the house.
    everything
        All advice of all closed days, whatever became of it.
    goal
        A goal_id: its probability and why it changed, the permitted models, the best yearly choice, how long a drawing lasts, the
        options now, the fan.
    customer
        A customer_id: all goals with their essential amounts, the best split of the same payments, transfers, one pot.
    accept
        A goal_id: accept the option --kind of its latest advice. With --customer: split.
    decline
        A goal_id: decline the option --kind, or every open option. With --customer: split.
    kind
        Which option.
    by
        Who answers.
    note
        What else was said.
    date
        The day of the advice or split that was read; if there is a newer one, nothing is done. With --customer alone: the closed
        day to look at.
    json
        Print it as JSON.
    """
    try:
        if customer:
            return _customer(house, customer, accept, decline, bool(everything or goal or kind), by, note, date, json)
        if sum(map(bool, (everything, goal, accept, decline))) > 1:
            raise HouseError("--all, --goal, --accept and --decline: give one of them")
        if not (accept or decline) and (kind or by or note or date):
            raise HouseError("--kind, --by, --note and --date belong to --accept GOAL or --decline GOAL")
        opened = open_house(house)
        if accept or decline:
            found = _answers(opened, accept, decline, kind, by, note, date)
            _print([answer_content(one) for one in found], [line for one in found for line in answer_lines(one)], json)
        elif goal:
            outlook = goal_outlook(opened, goal)
            _print(outlook_content(outlook), outlook_lines(outlook), json)
        else:
            book = AdviceBook(opened)
            rows = book.every() if everything else book.waiting()
            _print(list_content(str(book.date), rows), list_lines(str(book.date), rows, str(house), everything), json)
    except HouseError as error:
        return told("advice", error, json)
    return DONE


def _answers(opened, accept: str, decline: str, kind: Kind | None, by: str, note: str, date: str) -> list[Answered]:
    """Return what became of the answer to one option, or to every open one that is declined."""
    if accept and kind is None:
        raise HouseError("--accept: --kind is missing: name the option that is accepted, such as pay_more")
    if not by.strip():
        raise HouseError("--by: nobody is named: give the name of the person who answers")
    seen, said = read_date(date, "--date") if date else None, ACCEPTED if accept else DECLINED
    return answer(opened, accept or decline, kind, said, by, clock.now(), note, seen)


def _customer(
    house: Path, customer: str, accept: str, decline: str, other: bool, by: str, note: str, date: str, json: bool,
) -> int:
    """Show all goals of a customer, or keep the answer to the split of the payments."""
    if other:
        raise HouseError("--all, --goal and --kind do not belong to --customer CUSTOMER")
    said = [answer for answer in (accept, decline) if answer]
    if len(said) > 1 or said not in ([], [SPLIT]):
        raise HouseError("--customer: what is accepted or declined is the split: write --accept split, or --decline split")
    if not said and (by or note):
        raise HouseError("--by and --note belong to --accept split or --decline split")
    if said and not by.strip():
        raise HouseError("--by: nobody is named: give the name of the person who answers")
    day, opened = read_date(date, "--date") if date else None, open_house(house)
    if said:
        found = answer_split(opened, customer, ACCEPTED if accept else DECLINED, by, clock.now(), note, day)
        _print(split_answer_content(found), split_answer_lines(found), json)
    else:
        split = split_of(opened, customer, day)
        _print(split_content(split), split_lines(split, str(house)), json)
    return DONE


def _print(value: object, lines: list[str], json: bool) -> None:
    print(json_text.dumps(value, ensure_ascii=False, indent=1) if json else "\n".join(fitted(lines)))
