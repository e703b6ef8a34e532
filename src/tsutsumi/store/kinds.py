"""What a file of reference data may say (登録ファイルの種類): one kind for each table, its columns, ranges and references.

A column that may be left out has a default here; how a column is read stands in `fields`.
"""

from dataclasses import dataclass

from sqlalchemy import Table

from tsutsumi.core.adjustments import KINDS as KINDS_OF_ADJUSTMENT
from tsutsumi.core.drawing_order import ORDER_KINDS
from tsutsumi.core.drawing_rules import KINDS as DRAWING_KINDS
from tsutsumi.core.drawing_rules import LEAST_RATE_PPM, MOST_RATE_PPM
from tsutsumi.core.units import ROUNDING_MODES
from tsutsumi.store import tables
from tsutsumi.store.fields import (
    EARLIEST_BIRTH,
    MOST_YEN,
    PPM,
    Field,
    as_flag,
    as_registration,
    as_terms,
    choice,
    day,
    day_since,
    ident,
    matching,
    maybe_day,
    reference,
    text,
    whole,
)


@dataclass(frozen=True)
class Kind:
    """One kind of file (種類): its table, its fields, its key, and the date that must lie after the last closed day."""

    table: Table
    fields: tuple[Field, ...]
    key: tuple[str, ...]
    dated: str = ""

    @property
    def header(self) -> tuple[str, ...]:
        """Every column that a file of this kind may have."""
        return tuple(one.name for one in self.fields)

    @property
    def required(self) -> frozenset[str]:
        """The columns that it must have."""
        return frozenset(one.name for one in self.fields if one.required)

    @property
    def numbered(self) -> bool:
        """Whether the store gives each row a number."""
        return self.key == (list(self.table.columns)[1].name,) and self.table.columns[0].name.endswith("_no")


# ---- how a field is read


FUNCTIONS = ("A", "B", "C", "D")  # sales, account keeping, mandate operation, decision
FUNCTION = choice("function", *FUNCTIONS)
CALENDARS = r"([A-Z0-9_-]+(;[A-Z0-9_-]+)*)?"
DAYS = r"((3[01]|[12][0-9]|[1-9])(;(3[01]|[12][0-9]|[1-9]))*)?"
MONTHS = r"((1[0-2]|[1-9])(;(1[0-2]|[1-9]))*)?"
TAX_CLASSES = ("specific", "general", "nisa")
CLASSES = "({0}(;{0})*)?".format(f"({'|'.join(TAX_CLASSES)})")
NAMES, SOURCED = (text("name", None), text("name_en")), (text("source"), text("approved_by"))

_INSTRUMENT = (
    ident("instrument_id"), *NAMES, choice("kind", "fund", "etf", default="fund"), text("asset_class"),
    matching("currency", "[A-Z]{3}", "JPY", "JPY"), whole("price_scale", 0, 6, 0), whole("price_base_units", 1, PPM, 10000),
    choice("order_mode", "amount", "units", default="amount"), whole("lot_units", 1, PPM, 1),
    whole("order_margin_ppm", 0, PPM, 50000), whole("price_lag_days", 0, 20, 0), whole("buy_settlement_days", 0, 30, 3),
    whole("sell_settlement_days", 0, 30, 3), whole("levy_ppm", 0, PPM // 2, 0), whole("daily_move_limit_ppm", 1, 100 * PPM, 350000),
    matching("cut_off", "([01][0-9]|2[0-3]):[0-5][0-9]", "15:30", "15:30"), matching("calendar_ids", CALENDARS, "US;UK"),
    text("data_source"),
)
_RULE = (
    reference("program_id", tables.programs), day("valid_from_date"), whole("band_absolute_ppm", 1, PPM, 50000),
    whole("band_relative_ppm", 0, PPM, 0), whole("cooldown_days", 0, 3660, 20), matching("rebalance_months", MONTHS, "1;4;7;10"),
    *(whole(f"minimum_{what}_yen", 1, MOST_YEN) for what in ("trade", "deposit", "instalment")),
    whole("withdrawal_limit_ppm", 1, PPM, 900000), whole("sale_margin_ppm", 0, PPM // 2, 50000), whole("collection_days", 1, 60, 1),
    ident("fee_terms_id"), reference("remainder_company_id", tables.companies),
    choice("rebalance_kind", "target", "band", "tax", "flow", default="target"), whole("rebalance_fraction_ppm", 0, PPM, 0),
    whole("rebalance_stretch_ppm", 1, PPM, 10000), choice("lot_rounding", "down", "nearest", default="down"),
    choice("performance_scope", "contract", "sleeve", default="contract"),
    choice("collection_kind", "cash", "deposit", default="cash"), whole("retry_days", 0, 60, 0), whole("retry_count", 0, 10, 0),
    *SOURCED,
)
_EVENT = (
    ident("event_id"), day("date"), text("kind", None), reference("contract_id", tables.contracts, ""),
    reference("sleeve_id", tables.sleeves, ""), reference("target_sleeve_id", tables.sleeves, ""),
    reference("model_id", tables.models, ""), reference("instrument_id", tables.instruments, ""),
    reference("account_id", tables.accounts, ""), reference("customer_id", tables.customers, ""),
    whole("amount_yen", -MOST_YEN, MOST_YEN, 0), whole("units", -(10**15), 10**15, 0), text("note"),
)

# in the order in which they are loaded, whatever the order of the files: a reference needs its row first
KINDS: dict[str, Kind] = {
    "companies": Kind(tables.companies, (ident("company_id"), *NAMES), ("company_id",)),
    "calendar_holidays": Kind(
        tables.calendar_holidays, (matching("calendar_id", "[A-Z0-9_-]+", "US", None), day("date"), text("name")),
        ("calendar_id", "date"), "date",
    ),
    "instruments": Kind(tables.instruments, _INSTRUMENT, ("instrument_id",)),
    "no_order_days": Kind(
        tables.no_order_days, (reference("instrument_id", tables.instruments), day("date")), ("instrument_no", "date"), "date",
    ),
    "splits": Kind(
        tables.splits,
        (reference("instrument_id", tables.instruments), day("date"), whole("old_units", 1, PPM), whole("new_units", 1, PPM)),
        ("instrument_no", "date"), "date",
    ),
    "distributions": Kind(
        tables.distributions,
        (
            reference("instrument_id", tables.instruments), day("date"), whole("amount", 1, 10**15),
            whole("per_units", 1, PPM, 10000),
        ),
        ("instrument_no", "date"), "date",
    ),
    "models": Kind(tables.models, (ident("model_id"), *NAMES, reference("manager_id", tables.companies)), ("model_id",)),
    "model_versions": Kind(
        tables.model_versions,
        (
            reference("model_id", tables.models), whole("version", 1, PPM), day("effective_date"), text("proposed_by", None),
            text("approved_by", None), text("note"),
        ),
        ("model_no", "version"), "effective_date",
    ),
    "model_weights": Kind(
        tables.model_weights,
        (
            reference("model_id", tables.models), whole("version", 1, PPM), reference("instrument_id", tables.instruments, ""),
            reference("child_model_id", tables.models, ""), whole("weight_ppm", 0, PPM),
        ),
        ("model_no", "version", "instrument_no", "child_model_no"),
    ),
    "programs": Kind(tables.programs, (ident("program_id"), *NAMES), ("program_id",)),
    "fee_terms": Kind(
        tables.fee_terms,
        (ident("fee_terms_id"), day("valid_from_date"), Field("terms_toml", "terms_toml", as_terms), *SOURCED),
        ("fee_terms_id", "valid_from_date"), "valid_from_date",
    ),
    "program_rules": Kind(tables.program_rules, _RULE, ("program_no", "valid_from_date"), "valid_from_date"),
    "program_models": Kind(
        tables.program_models,
        (
            reference("program_id", tables.programs), reference("model_id", tables.models), day("valid_from_date"),
            Field("offered", "offered", as_flag),
        ),
        ("program_no", "model_no", "valid_from_date"), "valid_from_date",
    ),
    "program_functions": Kind(
        tables.program_functions,
        (reference("program_id", tables.programs), FUNCTION, day("valid_from_date"), reference("company_id", tables.companies)),
        ("program_no", "function", "valid_from_date"), "valid_from_date",
    ),
    "program_shares": Kind(
        tables.program_shares,
        (
            reference("program_id", tables.programs), day("valid_from_date"), reference("company_id", tables.companies),
            whole("share_ppm", 0, PPM),
        ),
        ("program_no", "valid_from_date", "company_no"), "valid_from_date",
    ),
    "share_tiers": Kind(
        tables.share_tiers,
        (
            reference("program_id", tables.programs), day("valid_from_date"), reference("company_id", tables.companies),
            choice("kind", "fee", "balance"), choice("measure", "program", "distributor", "own", default="program"),
            choice("base", "average", "closing", default="average"), choice("year_days", "365", "366", "actual", default="365"),
            reference("paid_by_id", tables.companies, ""), whole("floor_yen", 0, 10**15, 0), whole("rate_ppm", 0, PPM),
            text("source"),
        ),
        ("program_no", "valid_from_date", "company_no", "kind", "measure", "base", "year_days", "paid_by_no", "floor_yen"),
        "valid_from_date",
    ),
    "share_fixed": Kind(
        tables.share_fixed,
        (
            reference("program_id", tables.programs), day("valid_from_date"), reference("company_id", tables.companies),
            choice("per", "program", "contract"), whole("amount_yen", 0, MOST_YEN), reference("paid_by_id", tables.companies, ""),
            text("source"),
        ),
        ("program_no", "valid_from_date", "company_no", "per", "paid_by_no"), "valid_from_date",
    ),
    "invoice_issuers": Kind(
        tables.invoice_issuers,
        (
            reference("company_id", tables.companies), day("valid_from_date"),
            Field("registration_id", "registration_id", as_registration, ""), choice("rounding", *ROUNDING_MODES, default="down"),
        ),
        ("company_no", "valid_from_date"),
    ),
    "customers": Kind(
        tables.customers,
        (
            ident("customer_id"), text("name", None), text("kana"),
            Field("birth_date", "birth_date", lambda given: day_since(EARLIEST_BIRTH)(given) if given else None, ""), text("note"),
        ),
        ("customer_id",),
    ),
    "accounts": Kind(
        tables.accounts,
        (
            ident("account_id"), reference("customer_id", tables.customers), reference("custodian_id", tables.companies),
            choice("tax_class", *TAX_CLASSES, default="specific"),
        ),
        ("account_id",),
    ),
    "contracts": Kind(
        tables.contracts,
        (
            ident("contract_id"), reference("account_id", tables.accounts), reference("customer_id", tables.customers),
            reference("program_id", tables.programs),
        ),
        ("contract_id",),
    ),
    "contract_fee_terms": Kind(
        tables.contract_fee_terms, (reference("contract_id", tables.contracts), day("valid_from_date"), ident("fee_terms_id")),
        ("contract_no", "valid_from_date"), "valid_from_date",
    ),
    "fee_adjustments": Kind(
        tables.fee_adjustments,
        (
            reference("program_id", tables.programs), day("valid_from_date"), whole("step_no", 1, 99), whole("row_no", 1, 999, 1),
            choice("kind", *KINDS_OF_ADJUSTMENT), text("component"), whole("threshold", 0, MOST_YEN, 0),
            whole("factor_ppm", 0, 10 * PPM, PPM), whole("amount_yen", 0, MOST_YEN, 0),
            *(maybe_day(name) for name in ("from_date", "to_date", "until_date")), text("source"),
        ),
        ("program_no", "valid_from_date", "step_no", "row_no"), "valid_from_date",
    ),
    "fee_groups": Kind(
        tables.fee_groups,
        (
            reference("contract_id", tables.contracts), day("valid_from_date"), text("group_id"),
            choice("kind", "family", "company", default="family"),
        ),
        ("contract_no", "valid_from_date"), "valid_from_date",
    ),
    "sleeves": Kind(
        tables.sleeves,
        (ident("sleeve_id"), reference("contract_id", tables.contracts), text("name"), reference("model_id", tables.models)),
        ("sleeve_id",),
    ),
    "goals": Kind(
        tables.goals,
        (ident("goal_id"), reference("sleeve_id", tables.sleeves), text("name"), whole("priority", 1, 99, 1)),
        ("goal_id",),
    ),
    "goal_targets": Kind(
        tables.goal_targets,
        (
            reference("goal_id", tables.goals), day("valid_from_date"), whole("target_yen", 0, MOST_YEN),
            choice("target_kind", "nominal", "real", default="nominal"), day("target_date"),
            whole("inflation_ppm", -PPM // 2, PPM, 0), whole("want_ppm", 1, PPM - 1, 800000),
            whole("floor_yen", 0, MOST_YEN, 0), text("source"),
        ),
        ("goal_no", "valid_from_date"), "valid_from_date",
    ),
    "model_assumptions": Kind(
        tables.model_assumptions,
        (
            reference("model_id", tables.models), day("valid_from_date"), whole("mean_ppm", 1 - PPM, 10 * PPM),
            whole("risk_ppm", 0, 10 * PPM), text("source"),
        ),
        ("model_no", "valid_from_date"), "valid_from_date",
    ),
    "goal_gates": Kind(
        tables.goal_gates,
        (
            reference("program_id", tables.programs), day("valid_from_date"), whole("contract_ppm", 0, PPM, 800000),
            whole("right_low_ppm", 0, PPM, 800000), whole("right_high_ppm", 0, PPM, 950000), whole("alert_ppm", 0, PPM, 650000),
            whole("hysteresis_ppm", 0, PPM, 50000), text("source"),
        ),
        ("program_no", "valid_from_date"), "valid_from_date",
    ),
    "contract_limits": Kind(
        tables.contract_limits,
        (reference("contract_id", tables.contracts), day("valid_from_date"), whole("most_risk_ppm", 0, PPM), text("source")),
        ("contract_no", "valid_from_date"), "valid_from_date",
    ),
    "contract_parties": Kind(
        tables.contract_parties, (reference("contract_id", tables.contracts), FUNCTION, reference("company_id", tables.companies)),
        ("contract_no", "function"),
    ),
    "plans": Kind(
        tables.plans,
        (
            reference("sleeve_id", tables.sleeves), choice("kind", "instalment", "drawing"), day("valid_from_date"),
            whole("amount_yen", 0, MOST_YEN), whole("day_of_month", 1, 31, 26),
            matching("days_of_month", DAYS, "5;20"), matching("bonus_months", MONTHS, "6;12"), whole("bonus_yen", 0, MOST_YEN, 0),
        ),
        ("sleeve_no", "kind", "valid_from_date"), "valid_from_date",
    ),
    "drawing_terms": Kind(
        tables.drawing_terms,
        (
            reference("sleeve_id", tables.sleeves), day("valid_from_date"), choice("rule_kind", *DRAWING_KINDS),
            whole("day_of_month", 1, 31, 26), maybe_day("until_date"), whole("amount_yen", 0, MOST_YEN, 0),
            whole("rate_ppm", LEAST_RATE_PPM, MOST_RATE_PPM, 0), choice("timing", "start", "end", default="start"),
            whole("band_ppm", 0, PPM - 1, 200000), whole("step_ppm", 0, PPM - 1, 100000), whole("rise_ppm", 1 - PPM, PPM, 0),
            whole("drift_ppm", -PPM, PPM, 0), whole("risk_ppm", 0, 10 * PPM, 0), whole("safe_ppm", -PPM, PPM, 0),
            whole("impatience_ppm", -PPM, PPM, 0), whole("aversion_ppm", 0, 1000 * PPM, 0), text("source"),
        ),
        ("sleeve_no", "valid_from_date"), "valid_from_date",
    ),
    "surplus_rules": Kind(
        tables.surplus_rules,
        (
            reference("sleeve_id", tables.sleeves), day("valid_from_date"), choice("level_kind", "target", "yen"),
            whole("level_yen", 0, MOST_YEN, 0), reference("to_sleeve_id", tables.sleeves, ""),
            choice("surplus_kind", "instalments", "excess", "both"), whole("minimum_yen", 1, MOST_YEN, 10000), text("source"),
        ),
        ("sleeve_no", "valid_from_date"), "valid_from_date",
    ),
    "drawing_orders": Kind(
        tables.drawing_orders,
        (
            reference("contract_id", tables.contracts), day("valid_from_date"), choice("order_kind", *ORDER_KINDS),
            text("sleeve_ids"), choice("drawings_kind", "own", "order", default="own"), text("source"),
        ),
        ("contract_no", "valid_from_date"), "valid_from_date",
    ),
    "account_orders": Kind(
        tables.account_orders,
        (
            reference("customer_id", tables.customers), day("valid_from_date"),
            matching("tax_classes", CLASSES, "specific;nisa", None), text("source"),
        ),
        ("customer_no", "valid_from_date"), "valid_from_date",
    ),
    "events": Kind(tables.events, _EVENT, ("event_id",), "date"),
}


def kind_of(header: tuple[str, ...]) -> str | None:
    """Return the kind of reference data that a header is (種類の判定): all that it must have, nothing that it may not have.

    >>> kind_of(("instrument_id", "date")), kind_of(("company_id", "name")), kind_of(("a", "b"))
    ('no_order_days', 'companies', None)
    """
    given = frozenset(header)
    fitting = [name for name, kind in KINDS.items() if kind.required <= given <= set(kind.header)]
    return max(fitting, key=lambda name: len(KINDS[name].required)) if fitting and len(given) == len(header) else None
