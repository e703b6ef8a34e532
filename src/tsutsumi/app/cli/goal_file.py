"""`tsutsumi goal GOALS.toml`: every saved goal of a customer, as JSON or as a page that an adviser can show (目標の見通し)."""

import json as json_text
import sys
from pathlib import Path

from tsutsumi.app.cli.failure import DONE, FELL_SHORT, told
from tsutsumi.app.cli.goal_page import goal_page
from tsutsumi.app.cli.goal_toml import BadGoal, GoalFile, parse_goals
from tsutsumi.app.cli.screen import fitted
from tsutsumi.app.cli.toml_keys import document
from tsutsumi.core.goals.outlook import SavedGoal, outlook
from tsutsumi.core.goals.portfolio import GoalError
from tsutsumi.core.goals.priorities import utility_rows
from tsutsumi.core.goals.shared_budget import budget_outlook


def goal_file(path: Path, json: bool = False) -> int:
    """Print what every goal of a GOALS.toml comes to; return the exit code.

    0: every goal is done. 1: a goal is wrong; it keeps its place with its `error`, one line on stderr says why, the others are
    done. 2: the file cannot be read, holds no goal, or what concerns every goal is wrong.
    """
    try:
        read = parse_goals(document(Path(path)), utility_rows())
    except GoalError as error:
        return told("goal", error, json)
    content = outlooks(read)
    if json:
        print(json_text.dumps(content, ensure_ascii=False, indent=2))
    else:
        print("\n".join(fitted(goal_page(content))))
    errors = [*content["errors"], *(row["error"] for row in content["goals"] if "error" in row)]
    for line in dict.fromkeys(errors):
        print(f"tsutsumi goal: {line}", file=sys.stderr)
    return FELL_SHORT if errors else DONE


def outlooks(read: GoalFile) -> dict:
    """Return the JSON content of a file of goals: name, today, want, goals in the order of the file, budgets, errors."""
    budgets, shared = [], {}
    for name, budget in read.budgets.items():
        members = [goal[1] for goal in read.goals if isinstance(goal, tuple) and goal[0] == name]
        if members:
            content = budget_outlook(budget, members, read.timeline, read.portfolios.__getitem__)
            shared |= {row["name"]: _named(row) for row in content.pop("goals")}
            budgets.append(content)
    rows = []
    for goal in read.goals:
        if isinstance(goal, BadGoal):
            rows.append({"name": goal.name, "error": goal.error})
        elif isinstance(goal, tuple):
            rows.append(shared[goal[1].goal.name])
        else:
            rows.append(_outlook_or_error(goal, read))
    return {
        "name": read.name,
        "today": read.timeline.today.isoformat(),
        "want": read.want,
        "goals": rows,
        "budgets": budgets,
        "errors": list(read.errors),
    }


def _named(row: dict) -> dict:
    """Return the row of a goal on a budget, its error beginning with its name as those of other goals do."""
    return row | {"error": f"goal {row['name']!r}: {row['error']}"} if "error" in row else row


def _outlook_or_error(goal: SavedGoal, read: GoalFile) -> dict:
    """Return what a goal comes to, or why it cannot be computed."""
    try:
        return outlook(goal, read.timeline, read.portfolios.__getitem__)
    except GoalError as error:
        return {"name": goal.name, "error": f"goal {goal.name!r}: {error}"}
