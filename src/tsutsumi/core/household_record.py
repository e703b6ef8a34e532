"""The record of advice (助言の記録): plain values, complete enough to be read years later without the tables of the day."""

from fractions import Fraction

from tsutsumi.core.household import Assumption, Correlation, Holding, Movement, Product, Tables, decimal_text, weights
from tsutsumi.core.household_advice import (
    Advice,
    Part,
    Side,
    used_assumptions,
    used_movements,
    used_products,
)
from tsutsumi.core.household_precise import BestShare

METHOD = "rough-and-precise-1"


def as_record(advice: Advice) -> dict:
    """Return the advice with plain values (助言の記録): yen as integers, every other figure as decimal text, dates as text.

    Complete enough to be kept and read without the tables of the day: preference, holdings, options, and every row that was used
    with its date, source and whether the source was read. `promised_against_realised` reads it back.
    """
    household = advice.household
    asked = {key: decimal_text(getattr(household.preference, key)) for key in ("return_pct", "risk_pct", "share_pct")}
    return {
        "name": household.name,
        "method": METHOD,
        "total_yen": advice.total_yen,
        "preference": asked,
        "lambda": decimal_text(advice.aversion),
        "before": _side_record(advice.before, advice.tables),
        "after": _side_record(advice.after, advice.tables),
        "is_proposal": household.after is None,
        "gain_pct": decimal_text(advice.gain_pct),
        "gain_yen": advice.gain_yen,
        "precise_gain_pct": decimal_text(advice.precise_gain_pct),
        "precise_gain_yen": advice.precise_gain_yen,
        "fee_share_pct": decimal_text(advice.fee_share_pct),
        "fee_due": advice.fee_due,
        "fee_yen": advice.fee_yen,
        "cost_threshold_pct": decimal_text(advice.cost_threshold_pct),
        "steps": [_part_record(part) for part in advice.parts],
        "assumptions": [_assumption_record(row) for row in used_assumptions(advice)],
        "movements": [_movement_record(row) for row in used_movements(advice)],
        "correlations": [_correlation_record(row) for row in advice.tables.correlations.values()],
        "products": [_product_record(row) for row in used_products(advice)],
    }


def _side_record(side: Side, tables: Tables) -> dict:
    shares = weights(side.holdings)
    return {
        "return_pct": decimal_text(side.rough.return_pct),
        "risk_pct": decimal_text(side.rough.risk_pct),
        "worst_pct": decimal_text(side.rough.worst_pct),
        "utility": decimal_text(side.rough.utility),
        "precise_risk_pct": decimal_text(side.precise.risk_pct),
        "precise_worst_pct": decimal_text(side.precise.worst_pct),
        "precise_utility": decimal_text(side.precise.utility),
        "diversification_pct": decimal_text(side.rough.risk_pct - side.precise.risk_pct),
        **_best_record("best", side.rough_best),
        **_best_record("precise_best", side.precise_best),
        "holdings": [_holding_record(row, w, tables) for row, w in zip(side.holdings, shares, strict=True)],
    }


def _best_record(name: str, best: BestShare | None) -> dict:
    return {
        f"{name}_share_pct": None if best is None else decimal_text(best.share_pct),
        f"{name}_utility": None if best is None else decimal_text(best.utility),
    }


def _holding_record(row: Holding, weight: Fraction, tables: Tables) -> dict:
    return {
        "name": row.name,
        "class": row.class_name,
        "value_yen": row.value_yen,
        "weight_pct": decimal_text(100 * weight),
        "return_pct": decimal_text(tables.assumptions[row.class_name].return_pct),
        "cost_pct": decimal_text(row.cost_pct),
        "risk_pct": decimal_text(tables.risk_pct(row.class_name)),
    }


def _part_record(part: Part) -> dict:
    record = {
        "kind": part.kind,
        "reason": part.reason_ja,
        "reason_en": part.reason_en,
        "gain_pct": decimal_text(part.gain_pct),
        "gain_yen": part.gain_yen,
    }
    if part.step is not None:
        product = part.step.product
        record |= {"from": part.step.holding.name, "to": product.ja, "to_class": product.class_name}
        record["value_yen"] = part.step.value_yen
    return record


def _origin(row: Assumption | Movement | Correlation | Product) -> dict:
    day = row.valid_from_date
    return {"valid_from_date": day.isoformat() if day else None, "source": row.source, "verified": row.verified}


def _assumption_record(row: Assumption) -> dict:
    figures = {"return_pct": decimal_text(row.return_pct), "risk_pct": decimal_text(row.risk_pct)}
    return {"class": row.class_name, "ja": row.ja, "en": row.en, **figures, **_origin(row)}


def _movement_record(row: Movement) -> dict:
    shares = {market: decimal_text(share) for market, share in row.markets}
    return {"class": row.class_name, "market_pct": shares, "has_own_risk": row.own, **_origin(row)}


def _correlation_record(row: Correlation) -> dict:
    pair = {"class": row.class_name, "other_class": row.other_class}
    return {**pair, "correlation": decimal_text(row.correlation), **_origin(row)}


def _product_record(row: Product) -> dict:
    return {"class": row.class_name, "ja": row.ja, "en": row.en, "cost_pct": decimal_text(row.cost_pct), **_origin(row)}
