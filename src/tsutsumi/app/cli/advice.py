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
from tsutsumi.run import clock
from tsutsumi.run.advice_answers import ACCEPTED, Answered, answer, open_kinds
from tsutsumi.run.advice_list import DECLINED, AdviceBook
from tsutsumi.run.advice_outlook import goal_outlook
from tsutsumi.store.database import HouseError, open_house

Flag = Annotated[bool, Parameter(negative=())]
Kind = Literal["pay_more", "pay_once", "later_date", "change_model", "pay_less"]


def advice(
    house: Path, *, everything: Annotated[bool, Parameter(name="--all", negative=())] = False, goal: str = "", accept: str = "",
    decline: str = "", kind: Kind | None = None, by: str = "", note: str = "", date: str = "", json: Flag = False,
) -> int:
    """List the advice on goals that waits for an answer (改善案); accept or decline it; or show one goal with everything.

    Example: `tsutsumi advice my-house --accept G000012 --kind pay_more --by yamada`

    Accepted advice becomes an instruction that the next close carries out: a dated plan, a change of model, a later date; a
    payment is waited for until its deposit has come. See docs/rules/advice-rows.md.

    Parameters
    ----------
    house
        The folder of the house.
    everything
        All advice of all closed days, whatever became of it.
    goal
        A goal_id: its probability and why it changed, the fan, the permitted models, the best yearly choice, the options now.
    accept
        A goal_id: accept the option --kind of its latest advice.
    decline
        A goal_id: decline the option --kind, or every open option.
    kind
        Which option.
    by
        Who answers.
    note
        What else was said.
    date
        The day of the advice that was read; if there is newer advice, nothing is done.
    json
        Print it as JSON.
    """
    try:
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
            rows = [row for row in book.every() if everything or row.open or row.waiting]
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
    kinds = [kind] if kind else open_kinds(opened, decline)
    return [answer(opened, accept or decline, one, said, by, clock.now(), note, seen) for one in kinds]


def _print(value: object, lines: list[str], json: bool) -> None:
    print(json_text.dumps(value, ensure_ascii=False, indent=1) if json else "\n".join(lines))
