"""The model portfolios of the sample house (見本のモデルポートフォリオ): about twenty, built from whatever funds a market has.

A model is a mix of roles (cash-like, defensive, income, growth, aggressive), filled with the funds of each role; a role
without funds passes its part to the nearest one that has some. Weights are tenths of a percent, so that a model of models
comes out in whole ppm. A later version shifts some tenths between two roles, and at times takes another fund.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date, timedelta

from tsutsumi.demo.people import Draws
from tsutsumi.demo.programs import FUND_WRAP, GOAL_WRAP, MANAGER, PREMIUM, ROBO, SECOND_MANAGER, Life, on_or_after, recorded
from tsutsumi.store.audit import content_hash

ROLE_COUNT = 5                                      # cash-like, defensive, income, growth, aggressive
TENTH_PPM = 1_000
WHOLE = 1_000                                       # tenths of a percent
LEAST_TENTHS = 10                                   # a fund below 1 % joins the largest one
SPLITS = {1: (1000,), 2: (600, 400), 3: (500, 300, 200)}
REVIEW_DAYS, REVIEW_STEP_DAYS = (150, 40), 270      # the first review and its spread over the models, then every nine months
MEMBERS = ("投資委員会 委員長", "投資委員会 副委員長", "最高投資責任者")
PROPOSERS = ("運用部 主任", "運用部 課長", "調査部 研究員")
REASONS = ("定例見直し", "値動きの見直しを反映", "費用の見直しに伴う入替え", "中期見通しの更新", "分散の改善")

LEVELS = {          # risk level: tenths of a percent by role
    1: (350, 450, 150, 50, 0),
    2: (200, 400, 200, 180, 20),
    3: (100, 330, 220, 300, 50),
    4: (50, 230, 220, 400, 100),
    5: (20, 130, 200, 480, 170),
    6: (0, 60, 150, 520, 270),
    7: (0, 0, 100, 500, 400),
    8: (50, 200, 550, 150, 50),                     # income
    9: (0, 0, 0, 650, 350),                         # satellite: growth
    10: (0, 100, 300, 0, 600),                      # satellite: alternatives
}


@dataclass(frozen=True)
class Fund:
    """A fund that a model may hold (組入候補): its number, its role from 0 cash-like to 4 aggressive, how it is bought."""

    instrument_no: int
    role: int
    by_units: bool


@dataclass(frozen=True)
class Plan:
    """How a model is made (モデルの設計): a level filled with funds, or a core and a satellite model."""

    model_id: str
    name: str
    name_en: str
    manager_no: int
    level: int              # 0: a model of models
    cash_tenths: int
    spread: int             # funds per role
    by_units: bool          # may hold what is bought by units (ETF)
    programs: tuple[tuple[int, int, bool], ...]     # (program, per mille of the life, offered)
    core: int = 0           # the place of the core model in PLANS, from 1
    satellite: int = 0
    core_tenths: int = 0
    fund_tenths: int = 0    # held directly, beside core and satellite


def _offer(program_no: int, until: int = 0) -> tuple[tuple[int, int, bool], ...]:
    """Offered by a program from the start, and no longer from a per mille of the life on."""
    return ((program_no, 0, True), (program_no, until, False)) if until else ((program_no, 0, True),)


PLANS = (
    Plan("hibari-1", "ひばり安定", "Hibari Stable", MANAGER, 1, 20, 3, True, _offer(FUND_WRAP)),
    Plan("hibari-2", "ひばり安定成長", "Hibari Stable Growth", MANAGER, 2, 20, 3, True, _offer(FUND_WRAP)),
    Plan("hibari-3", "ひばりバランス", "Hibari Balanced", MANAGER, 3, 20, 3, True, _offer(FUND_WRAP)),
    Plan("hibari-4", "ひばり成長", "Hibari Growth", MANAGER, 5, 20, 3, True, _offer(FUND_WRAP)),
    Plan("hibari-5", "ひばり積極成長", "Hibari Active Growth", MANAGER, 6, 20, 2, True, _offer(FUND_WRAP, 800)),
    Plan("hibari-income", "ひばりインカム", "Hibari Income", MANAGER, 8, 30, 2, True, ((FUND_WRAP, 350, True),)),
    Plan("robo-1", "ロボ かためコース", "Robo Careful", SECOND_MANAGER, 1, 10, 2, False, _offer(ROBO)),
    Plan("robo-2", "ロボ やや安定コース", "Robo Steady", SECOND_MANAGER, 2, 10, 2, False, _offer(ROBO)),
    Plan("robo-3", "ロボ まんなかコース", "Robo Middle", SECOND_MANAGER, 4, 10, 2, False, _offer(ROBO)),
    Plan("robo-4", "ロボ しっかりコース", "Robo Ambitious", SECOND_MANAGER, 6, 10, 2, False, _offer(ROBO)),
    Plan("robo-5", "ロボ いけいけコース", "Robo Bold", SECOND_MANAGER, 7, 10, 2, False, _offer(ROBO)),
    Plan("goal-keep", "ゴール まもる", "Goal Keep", MANAGER, 1, 15, 2, False, _offer(GOAL_WRAP)),
    Plan("goal-use", "ゴール つかう", "Goal Use", MANAGER, 2, 30, 2, False, _offer(GOAL_WRAP)),
    Plan("goal-grow", "ゴール そだてる", "Goal Grow", MANAGER, 4, 15, 2, False, _offer(GOAL_WRAP)),
    Plan("goal-long", "ゴール ながく", "Goal Long", MANAGER, 6, 10, 2, False, _offer(GOAL_WRAP)),
    Plan(
        "satellite-growth", "サテライト成長", "Satellite Growth", SECOND_MANAGER, 9, 10, 2, True, _offer(PREMIUM, 700),
    ),
    Plan("satellite-alternative", "サテライト分散", "Satellite Alternatives", SECOND_MANAGER, 10, 10, 3, True, _offer(PREMIUM)),
    Plan("premium-core-1", "プレミアム守り", "Premium Defensive", SECOND_MANAGER, 0, 0, 1, True, _offer(PREMIUM), 2, 17, 750),
    Plan("premium-core-2", "プレミアム調和", "Premium Balanced", SECOND_MANAGER, 0, 0, 1, True, _offer(PREMIUM), 3, 16, 700),
    Plan("premium-core-3", "プレミアム成長", "Premium Growth", SECOND_MANAGER, 0, 10, 1, True, _offer(PREMIUM), 4, 16, 600, 90),
)


def shared_tenths(total: int, weights: Sequence[int]) -> list[int]:
    """Return a total shared out by weights in whole tenths, the rest to the largest remainders (最大剰余法).

    >>> shared_tenths(10, (1, 1, 1))
    [4, 3, 3]
    """
    whole = sum(weights)
    parts = [total * w // whole for w in weights]
    order = sorted(range(len(weights)), key=lambda i: (-(total * weights[i] % whole), i))
    for i in order[: total - sum(parts)]:
        parts[i] += 1
    return parts


def fill_roles(mix: Sequence[int], funds: Sequence[Fund], spread: int, turn: int) -> dict[int, int]:
    """Return the weight of each fund that a mix of roles takes (役割からの配分).

    Parameters
    ----------
    mix : sequence of int
        The weight of each role.
    funds : sequence of Fund
        At least one.
    spread : int
        At most so many funds for each role, the first with the larger part.
    turn : int
        Which fund of a role comes first, so that models differ.

    Returns
    -------
    dict
        instrument_no -> weight, with the sum of the mix.

    Examples
    --------
    >>> fill_roles((100, 0, 0, 0, 900), [Fund(1, 1, False), Fund(2, 4, False)], 1, 0)
    {1: 100, 2: 900}
    """
    by_role = [[fund for fund in funds if fund.role == role] for role in range(ROLE_COUNT)]
    taken: dict[int, int] = {}
    for role, weight in enumerate(mix):
        if weight == 0:
            continue
        nearest = min((r for r in range(ROLE_COUNT) if by_role[r]), key=lambda r: (abs(r - role), r))
        choice = by_role[nearest]
        count = min(spread, len(choice))
        for place, part in enumerate(shared_tenths(weight, SPLITS[count])):
            number = choice[(turn + place) % len(choice)].instrument_no
            taken[number] = taken.get(number, 0) + part
    return taken


def merge_small(taken: Mapping[int, int], total: int) -> dict[int, int]:
    """Return the weights as tenths that sum to a total, a fund below 1 % joined to the largest one (少額の集約).

    >>> merge_small({1: 5, 2: 600, 3: 395}, 980)
    {2: 593, 3: 387}
    """
    numbers = sorted(taken)
    tenths = dict(zip(numbers, shared_tenths(total, [taken[n] for n in numbers]), strict=True))
    largest = max(numbers, key=lambda n: (tenths[n], -n))
    for number in numbers:
        if number != largest and tenths[number] < LEAST_TENTHS:
            tenths[largest] += tenths.pop(number)
    return tenths


def review_dates(model_no: int, life: Life) -> list[date]:
    """Return the effective dates of a model's versions (版の適用日): the founding, then every nine months, business days.

    >>> review_dates(1, Life(date(2018, 4, 2), date(2019, 12, 30)))
    [datetime.date(2017, 4, 3), datetime.date(2018, 10, 9), datetime.date(2019, 7, 8)]
    """
    day, spread = REVIEW_DAYS
    dates, ahead = [on_or_after(life.founded)], day + spread * (model_no % 7)
    while (effective := on_or_after(life.first + timedelta(days=ahead))) <= life.through:
        dates.append(effective)
        ahead += REVIEW_STEP_DAYS
    return dates


def _tilt(mix: Sequence[int], draws: Draws) -> list[int]:
    """Shift 2 to 5 points from one role that has them to a neighbour."""
    changed = list(mix)
    amount = draws.between(20, 50)
    source = draws.pick([role for role, weight in enumerate(mix) if weight >= amount])
    step = 1 if source == 0 or (source < ROLE_COUNT - 1 and draws.chance(500)) else -1
    changed[source] -= amount
    changed[source + step] += amount
    return changed


def _lines(plan: Plan, mix: Sequence[int], funds: Sequence[Fund], turn: int, core_shift: int) -> list[tuple[str, int, int]]:
    """Return the lines of a version as (column, number, tenths), JPY first."""
    cash = [("instrument_no", 0, plan.cash_tenths)] if plan.cash_tenths else []
    allowed = funds if plan.by_units or all(f.by_units for f in funds) else [f for f in funds if not f.by_units]
    if plan.level:
        held = merge_small(fill_roles(mix, allowed, plan.spread, turn), WHOLE - plan.cash_tenths)
        return cash + [("instrument_no", number, tenths) for number, tenths in sorted(held.items())]
    core = plan.core_tenths + core_shift
    satellite = WHOLE - core - plan.fund_tenths - plan.cash_tenths
    direct = [("instrument_no", allowed[turn % len(allowed)].instrument_no, plan.fund_tenths)] if plan.fund_tenths else []
    return cash + direct + [("child_model_no", plan.core, core), ("child_model_no", plan.satellite, satellite)]


def _version_rows(model_no: int, plan: Plan, funds: Sequence[Fund], life: Life, seed: int) -> tuple[list[dict], list[dict]]:
    draws = Draws(seed, 2, model_no)
    mix = list(LEVELS.get(plan.level, ()))
    turn, core_shift, versions, weights = model_no, 0, [], []
    for version, effective in enumerate(review_dates(model_no, life), 1):
        if version > 1:
            mix = _tilt(mix, draws) if mix else mix
            turn += version % 3 == 0
            core_shift = draws.pick((-50, -30, 30, 50))
        lines = [
            {"model_no": model_no, "version": version, "line": line, "instrument_no": None, "child_model_no": None}
            | {column: number, "weight_ppm": tenths * TENTH_PPM}
            for line, (column, number, tenths) in enumerate(_lines(plan, mix, funds, turn, core_shift), 1)
        ]
        weights += lines
        versions.append(
            {
                "model_no": model_no, "version": version, "effective_date": effective, "proposed_by": draws.pick(PROPOSERS),
                "approved_by": draws.pick(MEMBERS), "note": "初版" if version == 1 else draws.pick(REASONS),
                "content_hash": content_hash([effective.isoformat(), lines]),
                "recorded_at": recorded(effective - timedelta(days=14)),
            }
        )
    return versions, weights


def model_rows(funds: Sequence[Fund], life: Life, seed: int) -> dict[str, list[dict]]:
    """Return the rows of `models`, `model_versions`, `model_weights` and `program_models` (モデル、版、配分、取扱い).

    Weights of a version sum to 1,000,000 ppm; JPY is 1 to 3 % of every model, after the models of models are resolved too.
    """
    models, versions, weights = [], [], []
    for number, plan in enumerate(PLANS, 1):
        row = {"model_no": number, "model_id": plan.model_id, "name": plan.name, "name_en": plan.name_en}
        models.append(row | {"manager_no": plan.manager_no})
        found = _version_rows(number, plan, funds, life, seed)
        versions += found[0]
        weights += found[1]
    offers = [
        {"program_no": program_no, "model_no": number, "valid_from_date": life.moment(per_mille), "offered": offered}
        for number, plan in enumerate(PLANS, 1)
        for program_no, per_mille, offered in plan.programs
    ]
    return {"models": models, "model_versions": versions, "model_weights": weights, "program_models": offers}
