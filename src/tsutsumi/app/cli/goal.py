"""`tsutsumi goal`: the probability of a goal, what it needs, and what other portfolios would do."""

import json as json_text
from pathlib import Path
from typing import Annotated, Literal

from cyclopts import Parameter

from tsutsumi.app.cli.failure import DONE, told
from tsutsumi.core.goals.inverse import drawable_yen, need_monthly_yen, need_now_yen
from tsutsumi.core.goals.ladder import Rung, ladder, one_probability, shown_percent, stored_ppm
from tsutsumi.core.goals.portfolio import GoalError, Portfolio
from tsutsumi.core.goals.refusal import checked_goal

FIGURES = ("--mean", "--risk", "--target", "--months")


def goal(
    file: Path | None = None, *, mean: float | None = None, risk: float | None = None, now: float = 0, monthly: float = 0,
    target: float | None = None, months: float | None = None, log: Annotated[bool, Parameter(negative=())] = False,
    at_end: Annotated[bool, Parameter(negative=())] = False, want: float | None = None,
    method: Literal["table", "scenarios"] = "table", goals: Path | None = None, to: Path | None = None,
    json: Annotated[bool, Parameter(negative=())] = False,
) -> int:
    """Tell how likely a goal is (目標達成確率), and what a wanted probability needs.

    Example: `tsutsumi goal --mean 0.05 --risk 0.15 --now 1000000 --monthly 30000 --target 10000000 --months 180 --want 0.8`

    Of a saved file of goals: `tsutsumi goal GOALS.toml`. Of many goals, row by row: `tsutsumi goal --goals FILE.csv --to OUT.csv`.
    See docs/rules/goals.md. Exit code 1: some rows of a file are no goal; 2: bad use or bad input, one line says what.

    Parameters
    ----------
    file
        Saved goals, TOML (目標ファイル).
    mean
        Yearly simple return, fees off, such as 0.05 (期待収益率); with --log the drift.
    risk
        Yearly standard deviation, such as 0.15 (標準偏差); with --log the volatility.
    now
        Money now, yen (現在の資産).
    monthly
        Payment a month, yen; below 0 draws (毎月の積立・取崩し).
    target
        What must be there at the end, yen; 0: the money lasts (目標額).
    months
        How many months, 1 to 2400 (期間).
    log
        Mean and risk are drift and volatility of the logarithm.
    at_end
        Pay at the end of each month.
    want
        A wanted probability, such as 0.8: tells what it needs (希望する達成確率).
    method
        table: exact to six digits, from the law of the end value; scenarios: from the shared stored scenarios.
    goals
        Many goals, CSV or Parquet, with the columns now_yen, monthly_yen, target_yen, months, mean, risk.
    to
        Where the same rows go with their probability.
    json
        Print it as JSON.
    """
    figures = (mean, risk, target, months)
    single = any(figure is not None for figure in (*figures, want)) or now or monthly or method != "table"
    try:
        if goals is not None or to is not None:
            if goals is None or to is None or file is not None or single:
                raise GoalError("--goals FILE and --to OUT belong together, without the figures of a single goal")
            from tsutsumi.app.cli.goal_batch import goal_batch

            return goal_batch(goals, to, log, at_end, json)
        if file is not None:
            if single or log or at_end:
                raise GoalError(f"{file}: give a file of goals or the figures and options of one goal, not both")
            from tsutsumi.app.cli.goal_file import goal_file

            return goal_file(file, json)
        missing = [name for name, figure in zip(FIGURES, figures, strict=True) if figure is None]
        if missing:
            raise GoalError(f"{' '.join(missing)} missing: a goal needs {' '.join(FIGURES)} and --now or --monthly")
        answer = answer_of(mean, risk, now, monthly, target, months, log, at_end, want, method)
    except GoalError as error:
        return told("goal", error, json)
    print(json_text.dumps(answer) if json else "\n".join(_lines(answer, want)))
    return DONE


def answer_of(mean, risk, now, monthly, target, months, log, at_end, want, method) -> dict:
    """Return everything told of one goal (一つの目標の答え), as JSON has it.

    Raises
    ------
    GoalError
        The portfolio or the goal cannot be asked.

    Examples
    --------
    >>> answer_of(0.05, 0.15, 5_000_000, 0, 8_000_000, 120, True, False, None, "table")["probability"]
    0.430959
    """
    from tsutsumi.core.goals.scenarios import fan, probability_by_scenarios

    portfolio = Portfolio(mean, risk) if log else Portfolio.from_simple(mean, risk)
    checked = checked_goal(now, monthly, target, months)
    payments, months = [monthly] * checked[3], checked[3]
    if method == "scenarios":
        probability = float(probability_by_scenarios(portfolio.mu, portfolio.vol, now, payments, target, at_end))
    else:
        probability = one_probability(portfolio, *checked, at_end)
    answer = {"probability": six_digits(probability)}
    if want is not None:
        answer["need_monthly_yen"] = int(need_monthly_yen(portfolio, now, target, months, want, at_end)[0])
        answer["need_now_yen"] = int(need_now_yen(portfolio, now, monthly, target, months, want, at_end)[0])
        if monthly < 0:
            answer["most_drawing_yen"] = int(drawable_yen(portfolio, now, target, months, want, at_end)[0])
    answer["fan"] = fan(portfolio.mu, portfolio.vol, now, payments, at_end)
    answer["ladder"] = [_rung(rung, mean, risk) for rung in ladder([portfolio], *checked, at_end, want)]
    answer["best_dynamic"] = answer["probability"]  # one permitted portfolio leaves nothing to choose
    return answer


def six_digits(probability: float) -> float:
    """Return a probability as JSON has it (六桁の確率); 0 and 1 only where it is certain.

    Examples
    --------
    >>> six_digits(0.4309594), six_digits(1 - 1e-12), six_digits(1.0)
    (0.430959, 0.999999, 1.0)
    """
    return stored_ppm(probability) / 1_000_000


def _rung(rung: Rung, mean: float, risk: float) -> dict:
    """Return a rung of the ladder as JSON has it, with the portfolio's figures as they were given."""
    told_rung = {"mean": mean, "risk": risk, "probability": six_digits(rung.probability)}
    return told_rung if rung.need_monthly_yen is None else told_rung | {"need_monthly_yen": rung.need_monthly_yen}


def _yen(amount: int) -> str:
    """Return an amount as it is shown; below 0 there is none."""
    return f"{amount:,} 円" if amount >= 0 else "―"


def _lines(answer: dict, want: float | None) -> list[str]:
    """Return the answer as lines, in Japanese with English beside."""
    lines = [f"目標達成確率 probability  {shown_percent(answer['probability'])} %"]
    if want is not None:
        wanted = f"確率 {100 * want:.10g} %"
        if "most_drawing_yen" in answer:
            lines += [f"{wanted} で取り崩せる月額 can be drawn a month  {_yen(answer['most_drawing_yen'])}"]
        else:
            lines += [f"{wanted} に必要な積立額 needed a month  {_yen(answer['need_monthly_yen'])}"]
        lines += [f"{wanted} に必要な追加入金 needed now besides  {_yen(answer['need_now_yen'])}"]
    lines += ["", f"{'年 year':<6}" + "".join(f"{share:>18}" for share in ("5 %", "25 %", "50 %", "75 %", "95 %"))]
    for row in answer["fan"]:
        lines.append(f"{row['year']:<7.4g}" + "".join(f"{row[key]:>18,}" for key in ("p5", "p25", "p50", "p75", "p95")))
    return lines
