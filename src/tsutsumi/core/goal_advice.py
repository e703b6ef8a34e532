"""Advice on the goals of an evening (改善案): options for the goals whose status has just changed, and what they say."""

from collections.abc import Callable, Mapping

import numpy as np

from tsutsumi.core.books import Books
from tsutsumi.core.calendar import epoch_day, from_epoch_day
from tsutsumi.core.goal_dates import moved_date
from tsutsumi.core.goal_status import ABOVE, months_left
from tsutsumi.core.goals.options import COLUMNS, KINDS, PAY_LESS, PAY_MORE, Columns, Later, Offer, options
from tsutsumi.core.goals.within import odds
from tsutsumi.core.rules import Rules
from tsutsumi.core.schema import Frame, empty
from tsutsumi.core.units import whole_percent

NO_ADVICE = 0  # a goal that has never been advised
MOST_NAMED = 3  # options that an alert's cure names


def plans_after(kind: str, yen: int, instalment_yen: int, drawing_yen: int) -> tuple[int, int] | None:
    """Return what is saved and drawn a month after an option is accepted (受諾後の積立額と取り崩し額); None: below zero.

    Drawings are cut before instalments are raised.

    Examples
    --------
    >>> plans_after("pay_more", 20_000, 0, 15_000), plans_after("pay_less", 20_000, 15_000, 0)
    ((5000, 0), None)
    """
    if kind == KINDS[PAY_MORE]:
        cut = min(yen, drawing_yen)
        return instalment_yen + yen - cut, drawing_yen - cut
    if kind == KINDS[PAY_LESS]:
        return None if yen > instalment_yen else (instalment_yen - yen, drawing_yen)
    return instalment_yen, drawing_yen


def option_words(kind: str, yen: int, model: str, months: int, cut_yen: int = 0) -> str:
    """Return what an option asks for (案の文), in English; `cut_yen` of the yen a month would be drawn less.

    Examples
    --------
    >>> option_words("pay_more", 12_000, "", 0), option_words("later_date", 0, "", 1)
    ('pay 12,000 yen a month more', 'move the date 1 month later')
    >>> option_words("pay_more", 20_000, "", 0, 15_000)
    'draw 15,000 yen a month less and pay 5,000 yen a month more'
    """
    less = f"draw {cut_yen:,} yen a month less" if cut_yen else ""
    more = f"pay {yen - cut_yen:,} yen a month more" if yen > cut_yen else ""
    return {
        "pay_more": " and ".join(filter(None, (less, more))), "pay_once": f"pay {yen:,} yen once",
        "later_date": f"move the date {months} month{'s' if months != 1 else ''} later", "change_model": f"change to model {model}",
        "pay_less": f"pay {yen:,} yen a month less",
    }[kind]


def standing(books: Books, rules: Rules, rows: np.ndarray) -> Columns:
    """Return what the options of goals are worked out from (改善案の前提); `rows` of `books.goals`.

    Returns
    -------
    the columns that `options` wants, with `account_no`, `sleeve_no`, `goal_no`, `target_date`
    """
    goals, sleeves, of = books.goals, books.sleeves, rules.goals
    names = "account_no sleeve_no goal_no monthly_yen target_yen target_date mean_ppm risk_ppm probability_ppm"
    told = {name: goals[name][rows].astype(np.int64) for name in names.split()}
    sleeve = books.row_of_sleeve[told["sleeve_no"]]
    program = sleeves["program_no"][sleeve].astype(np.int64)
    by_number = np.argsort(of.goals["goal_no"], kind="stable")
    together = [number for number, order in rules.drawing_orders.items() if order.by_contract]
    fixed = of.on_terms[told["sleeve_no"]] | np.isin(sleeves["contract_no"][sleeve], together)  # answers change own plans
    least_yen = rules.programs["minimum_instalment_yen"][program] * of.payment_days[told["sleeve_no"]]
    place = by_number[np.searchsorted(of.goals["goal_no"][by_number], told["goal_no"])]
    return told | {
        "now_yen": np.maximum(goals["value_yen"][rows], 0), "months_ppm": months_left(books.day, goals["target_date"][rows]),
        "above": goals["status_code"][rows] == ABOVE, "want_ppm": of.goals["want_ppm"][place], "program_no": program,
        "model_no": sleeves["model_no"][sleeve].astype(np.int64), "instalment_yen": of.instalment_yen[told["sleeve_no"]],
        "drawing_yen": np.where(fixed, 0, of.drawing_yen[told["sleeve_no"]]),
        "most_risk_ppm": of.most_risk_ppm[sleeves["contract_no"][sleeve]],
        "least_instalment_yen": least_yen + of.bonus_yen[told["sleeve_no"]],  # on each day; the bonuses stay as they are
        "least_deposit_yen": rules.programs["minimum_deposit_yen"][program],
    }


def offer_of(rules: Rules) -> Offer:
    """Return the models that may be offered (提示できるモデル): those with assumptions in force, by program."""
    models = np.flatnonzero(rules.goals.risk_ppm >= 0)
    return Offer(models, rules.goals.mean_ppm[models], rules.goals.risk_ppm[models], rules.offered[:, models])


def later_of(goals: Columns, rules: Rules) -> Later:
    """Return what moving the date of goals means (期日の変更): the months left then, and the target in the yen of that date."""
    def later(rows: np.ndarray, months: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        dates = [
            epoch_day(moved_date(from_epoch_day(date), count))
            for date, count in zip(goals["target_date"][rows].tolist(), months.tolist(), strict=True)
        ]
        return months_left(rules.day, np.array(dates, np.int64)), rules.goals.moved_targets(goals["goal_no"][rows], dates)

    return later


def option_table(goals: Columns, offer: Offer, later: Later) -> Columns:
    """Return the options of goals (改善案), ranked; empty columns where there are no goals."""
    if goals["goal_no"].size == 0:
        return {name: np.zeros(0, np.int64) for name in COLUMNS}
    return options(goals, offer, odds, later)


def advise(books: Books, rules: Rules, rows: np.ndarray) -> tuple[Frame, dict[int, str]]:
    """Return tonight's advice on the goals at `rows` of `books.goals` (今夜の改善案), and the sentence for each goal's alert."""
    if rows.size == 0:
        return empty("advice"), {}
    goals = standing(books, rules, rows)
    advice = advice_frame(goals, option_table(goals, offer_of(rules), later_of(goals, rules)))
    drawing = dict(zip(goals["goal_no"].tolist(), goals["drawing_yen"].tolist(), strict=True))
    return advice, cures(advice, lambda model: rules.name("model", model), drawing)


def advice_frame(goals: Columns, found: Columns) -> Frame:
    """Return options as rows of the day's advice (改善案の表), by goal and rank.

    Parameters
    ----------
    goals : the goals that `found` was worked out for, with `account_no`, `sleeve_no`, `goal_no`
    found : what `options` returned
    """
    rows, advice = found["row"], empty("advice", found["row"].size)
    for name in ("account_no", "sleeve_no", "goal_no"):
        advice[name][:] = goals[name][rows]
    for name, column in (("rank_no", "rank_no"), ("kind_code", "kind_code"), ("amount_yen", "yen"), ("model_no", "model_no"),
                         ("months_count", "months"), ("probability_ppm", "probability_ppm"), ("monthly_cost_yen", "cost_yen")):
        advice[name][:] = found[column]
    return advice


def cures(advice: Frame, model_name: Callable[[int], str], drawing: Mapping[int, int]) -> dict[int, str]:
    """Return for each goal the sentence that names its first options (対処の文), with what each would make of the probability.

    Parameters
    ----------
    drawing : goal_no → what its sleeve's drawing plan draws a month: paying more cuts that first

    Examples
    --------
    >>> advice = empty("advice", 2)
    >>> advice["goal_no"][:], advice["rank_no"][:], advice["probability_ppm"][:] = 7, [1, 2], [801_841, 808_946]
    >>> advice["kind_code"][:], advice["months_count"][:], advice["amount_yen"][:] = [2, 0], [76, 0], [0, 16_000]
    >>> cures(advice, str, {7: 0})
    {7: 'move the date 76 months later (80 %), or pay 16,000 yen a month more (81 %)'}
    """
    names = ("goal_no", "rank_no", "kind_code", "amount_yen", "model_no", "months_count", "probability_ppm")
    said: dict[int, list[str]] = {}
    for goal, rank, kind, yen, model, months, ppm in zip(*(advice[name].tolist() for name in names), strict=True):
        if rank <= MOST_NAMED:
            cut = min(yen, drawing[goal]) if kind == PAY_MORE else 0
            words = option_words(KINDS[kind], yen, model_name(model) if model else "", months, cut)
            said.setdefault(goal, []).append(f"{words} ({whole_percent(ppm)} %)")
    return {goal: ", or ".join(words) for goal, words in said.items()}
