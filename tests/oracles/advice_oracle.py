"""A slow, plain reading of the value of advice, to check the command against: exact fractions, one sentence a function.

The rough figures are fractions; the precise ones (betas to four classes plus own risk) are floats, as a root is in them.
`random_household` draws what the tests ask, as a dictionary; `to_toml` writes it as the file that the command reads.
"""

import json
import math
import random
from fractions import Fraction

RISKY = "domestic-equity"
CLASSES = {  # class: return, risk, % a year
    "domestic-equity": (5, 20),
    "foreign-equity": (5, 20),
    "single-stock": (5, 35),
    "domestic-bond": (0, 10),
    "foreign-bond": (0, 10),
    "deposit": (0, 0),
    "government-bond-retail": (0, 0),
}
CORRELATIONS = {  # GPIF 2020
    ("domestic-bond", "foreign-bond"): 0.290,
    ("domestic-bond", "domestic-equity"): -0.158,
    ("domestic-bond", "foreign-equity"): -0.105,
    ("domestic-equity", "foreign-bond"): 0.105,
    ("foreign-bond", "foreign-equity"): 0.585,
    ("domestic-equity", "foreign-equity"): 0.643,
}


# ------------------------------------------------------------------------------------------------------------------ rough
def total_yen(holdings: list[dict]) -> int:
    """What the household has."""
    return sum(one["value_yen"] for one in holdings)


def weights(holdings: list[dict]) -> list[Fraction]:
    """weight = value / total"""
    return [Fraction(one["value_yen"], total_yen(holdings)) for one in holdings]


def expected_return(holdings: list[dict]) -> Fraction:
    """return = Σ weight·(class return − cost)"""
    parts = zip(weights(holdings), holdings, strict=True)
    return sum(weight * (CLASSES[one["class"]][0] - Fraction(one["cost_pct"])) for weight, one in parts)


def rough_risk(holdings: list[dict]) -> Fraction:
    """risk = Σ weight·class risk (no diversification: deliberately too large)"""
    return sum(weight * CLASSES[one["class"]][1] for weight, one in zip(weights(holdings), holdings, strict=True))


def aversion(preference: dict) -> Fraction:
    """λ = R / (2·s·σ²), with R and σ the preferred asset's and s the preferred share (0.5, not 50)"""
    share = Fraction(preference["share_pct"]) / 100
    return Fraction(preference["return_pct"]) / (2 * share * Fraction(preference["risk_pct"]) ** 2)


def utility(holdings: list[dict], preference: dict) -> Fraction:
    """U = return − λ·risk²"""
    return expected_return(holdings) - aversion(preference) * rough_risk(holdings) ** 2


def figures(holdings: list[dict], preference: dict) -> dict[str, Fraction]:
    """The rough figures of a side; worst case = return − 2·risk."""
    expected, risk = expected_return(holdings), rough_risk(holdings)
    return {
        "return_pct": expected,
        "risk_pct": risk,
        "worst_pct": expected - 2 * risk,
        "utility": utility(holdings, preference),
    }


def cut(amount: Fraction) -> int:
    """Cut to whole yen, a negative amount towards zero."""
    return math.floor(amount) if amount >= 0 else -math.floor(-amount)


def advice(household: dict, fee_share: str = "20") -> dict:
    """Every rough figure of a household whose `after` is given, fractions as they are."""
    before, after, preference = household["before"], household["after"], household["preference"]
    gain = utility(after, preference) - utility(before, preference)
    gain_yen = gain / 100 * total_yen(before)
    return {
        "total_yen": total_yen(before),
        "lambda": aversion(preference),
        "before": figures(before, preference),
        "after": figures(after, preference),
        "gain_pct": gain,
        "gain_yen": cut(gain_yen),
        "fee_yen": cut(gain_yen * Fraction(fee_share) / 100) if gain_yen > 0 else 0,
    }


def written(value: Fraction) -> str:
    """A decimal string, "exact where finite, else rounded half-even at 12 decimals"; no zero at its end."""
    rest, digits = value.denominator, 0
    while rest % 10 == 0 or rest % 5 == 0 or rest % 2 == 0:
        rest //= 10 if rest % 10 == 0 else 5 if rest % 5 == 0 else 2
        digits += 1
    digits = digits if rest == 1 else 12
    whole = round(value * 10**digits)
    text = str(abs(whole)).rjust(digits + 1, "0")
    text = f"{text[:-digits]}.{text[-digits:]}".rstrip("0").rstrip(".") if digits else text
    return "-" + text if whole < 0 else text


# ---------------------------------------------------------------------------------------------------------------- precise
def correlation(one: str, other: str) -> float:
    """Of two of the four classes."""
    return 1.0 if one == other else CORRELATIONS.get((one, other), CORRELATIONS.get((other, one)))


def precise_risk(holdings: list[dict]) -> float:
    """sigma² = e'Σe + Σ (w·own)²; a single stock is the market's risk and 28.7 % of its own"""
    exposures: dict[str, float] = {}
    own = 0.0
    for weight, one in zip(weights(holdings), holdings, strict=True):
        kind, risk = one["class"], CLASSES[one["class"]][1]
        if kind == "single-stock":
            market = CLASSES[RISKY][1]
            own += float(weight) ** 2 * (risk**2 - market**2)
            kind, risk = RISKY, market
        if risk:
            exposures[kind] = exposures.get(kind, 0.0) + float(weight) * risk
    pairs = ((one, other) for one in exposures for other in exposures)
    return math.sqrt(own + sum(exposures[one] * exposures[other] * correlation(one, other) for one, other in pairs))


def precise_utility(holdings: list[dict], preference: dict) -> float:
    """U with the precise risk and the household's own returns."""
    return float(expected_return(holdings)) - float(aversion(preference)) * precise_risk(holdings) ** 2


# ----------------------------------------------------------------------------------------------------- what may be asked
def random_holdings(rng: random.Random, total: int) -> list[dict]:
    """One to eight holdings of a total; some without money, some of a few yen."""
    count = rng.choice([1, 2, 3, 4, 6, 8])
    cuts = sorted(rng.choice([rng.randint(0, total), rng.choice([0, min(7, total), total])]) for _ in range(count - 1))
    if total % 100 == 0 and rng.random() < 0.5:
        cuts = sorted(total // 100 * rng.randint(0, 100) for _ in range(count - 1))
    values = [high - low for low, high in zip([0, *cuts], [*cuts, total], strict=True)]
    costs = ["0", "0", "0.2", "0.5", "0.51", "1.65", "3", "0.0938", f"{rng.randint(0, 2500) / 1000}"]
    return [
        {"name": f"Holding {n}", "class": rng.choice(list(CLASSES)), "value_yen": value, "cost_pct": rng.choice(costs)}
        for n, value in enumerate(values)
    ]


def random_household(rng: random.Random) -> dict:
    """A household with both sides; in half of them λ and the weights are finite decimals, in the others nearly never."""
    tidy = rng.random() < 0.5
    total = rng.choice([10**6, 10**8, 5 * 10**9]) if tidy else rng.choice([rng.randint(1, 99), rng.randint(1, 10**10)])
    preference = {
        "return_pct": rng.choice(["5", "4", "2.5", "5.0", f"{rng.randint(1, 1200) / 100}"]),
        "risk_pct": rng.choice(["20", "10", "25"] if tidy else ["20", "35", f"{rng.randint(1, 4000) / 100}"]),
        "share_pct": rng.choice(["50", "20", "40", "100", "12.5"] if tidy else ["30", "60", "0.5", "100", "33.3", "7"]),
    }
    before, after = random_holdings(rng, total), random_holdings(rng, total)
    name = rng.choice(["Retired employee", "山田家", 'The "old" house'])
    return {"name": name, "preference": preference, "before": before, "after": after}


def to_toml(household: dict) -> str:
    """A household as a file; text is quoted, as in the format's own example."""
    lines = [f"name = {json.dumps(household['name'], ensure_ascii=False)}", "", "[preference]"]
    lines += [f"{key} = {json.dumps(value)}" for key, value in household.get("preference", {}).items()]
    for side in ("before", "after"):
        for one in household.get(side) or []:
            lines += ["", f"[[{side}]]", *(f"{key} = {json.dumps(value, ensure_ascii=False)}" for key, value in one.items())]
    return "\n".join(lines) + "\n"
