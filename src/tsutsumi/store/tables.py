"""The relational schema (関係表): who, what rules, which instructions, which days are closed. One schema for SQLite and PostgreSQL.

Numbers (`*_no`) are dense, start at 1, are given at registration and never reused; ids (`*_id`) are the public texts.
Dates are ISO text columns of type Date; money, units and rates are integers. Rules are dated rows without end dates.
"""

from sqlalchemy import BigInteger, Boolean, Column, Date, Integer, MetaData, String, Table, Text, UniqueConstraint

SCHEMA_VERSION = 6
metadata = MetaData()


def _no(name: str, **keywords) -> Column:
    return Column(name, Integer, nullable=False, **keywords)


def _yen(name: str) -> Column:
    return Column(name, BigInteger, nullable=False, server_default="0")


def _int(name: str, default: int = 0) -> Column:
    return Column(name, Integer, nullable=False, server_default=str(default))


def _text(name: str, default: str = "", **keywords) -> Column:
    return Column(name, String, nullable=False, server_default=default, **keywords)


def _date(name: str, **keywords) -> Column:
    return Column(name, Date, nullable=False, **keywords)


meta = Table("meta", metadata, Column("key", String, primary_key=True), _text("value"))

companies = Table(
    "companies", metadata, _no("company_no", primary_key=True), _text("company_id", unique=True), _text("name"), _text("name_en"),
)
instruments = Table(
    "instruments", metadata,
    _no("instrument_no", primary_key=True), _text("instrument_id", unique=True), _text("name"), _text("name_en"),
    _text("kind", "fund"),                   # fund | etf
    _text("asset_class"),                    # a row of the assumptions: domestic-equity ...
    _text("currency", "JPY"), _int("price_scale"), _int("price_base_units", 10000),
    _text("order_mode", "amount"),           # amount | units (purchases; sales are always by units)
    _int("lot_units", 1), _int("order_margin_ppm", 50000), _int("price_lag_days"),
    _int("buy_settlement_days", 3), _int("sell_settlement_days", 3), _int("levy_ppm"), _int("daily_move_limit_ppm", 350000),
    _text("cut_off", "15:30"), _text("calendar_ids"),   # US;UK — holidays of these are no instrument days
    _text("data_source"),                    # where the prices come from: real (which) or generated (how)
)
calendar_holidays = Table(
    "calendar_holidays", metadata, Column("calendar_id", String, primary_key=True), _date("date", primary_key=True), _text("name"),
)
no_order_days = Table("no_order_days", metadata, _no("instrument_no", primary_key=True), _date("date", primary_key=True))
prices = Table(
    "prices", metadata, _no("instrument_no", primary_key=True), _date("date", primary_key=True),
    Column("price", BigInteger, nullable=False), _text("source"), _text("recorded_at"),
)
fx_rates = Table(
    "fx_rates", metadata, Column("currency", String, primary_key=True), _date("date", primary_key=True),
    Column("fx_ppm", BigInteger, nullable=False), _text("source"), _text("recorded_at"),
)
distributions = Table(
    "distributions", metadata, _no("instrument_no", primary_key=True), _date("date", primary_key=True),
    Column("amount", BigInteger, nullable=False),       # at the instrument's price_scale and currency
    _int("per_units", 10000), _text("recorded_at"),
)
splits = Table(
    "splits", metadata, _no("instrument_no", primary_key=True), _date("date", primary_key=True),
    _int("old_units", 1), _int("new_units", 1), _text("recorded_at"),
)
models = Table(
    "models", metadata, _no("model_no", primary_key=True), _text("model_id", unique=True), _text("name"), _text("name_en"),
    _no("manager_no"),                                   # company of function D
)
model_versions = Table(
    "model_versions", metadata, _no("model_no", primary_key=True), _no("version", primary_key=True), _date("effective_date"),
    _text("proposed_by"), _text("approved_by"), _text("note"), _text("content_hash"), _text("recorded_at"),
)
model_weights = Table(                                   # one of instrument_no (0 = JPY) and child_model_no
    "model_weights", metadata, _no("model_no", primary_key=True), _no("version", primary_key=True),
    _no("line", primary_key=True), Column("instrument_no", Integer), Column("child_model_no", Integer), _no("weight_ppm"),
)
programs = Table(
    "programs", metadata, _no("program_no", primary_key=True), _text("program_id", unique=True), _text("name"), _text("name_en"),
)
program_rules = Table(
    "program_rules", metadata, _no("program_no", primary_key=True), _date("valid_from_date", primary_key=True),
    _int("band_absolute_ppm", 50000), _int("band_relative_ppm"), _int("cooldown_days", 20), _text("rebalance_months"),
    _yen("minimum_trade_yen"), _yen("minimum_deposit_yen"), _yen("minimum_instalment_yen"),
    _int("withdrawal_limit_ppm", 900000), _int("sale_margin_ppm", 50000), _int("collection_days", 1),
    _text("fee_terms_id"), _no("remainder_company_no"), _text("source"), _text("approved_by"), _text("recorded_at"),
    _text("performance_scope", "contract"),              # contract | sleeve: whose profit the performance fee is of
    _text("rebalance_kind", "target"),                   # target | band | tax | flow (never sells for drift)
    _int("rebalance_fraction_ppm"),                      # of a band: how far inside, 0 its edge
    _int("rebalance_stretch_ppm", 10000),                # tax: the distance, of the value, that weighs as much as a cost of 1 %
    _text("lot_rounding", "down"),                       # down | nearest (whole lots nearest to the targets together)
    _text("collection_kind", "cash"),                    # cash (of the sleeves) | deposit (debited from the customer's own account)
    _int("retry_days"), _int("retry_count"),             # a failed debit is tried again so many business days after, so often
)
program_models = Table(                                  # models on offer
    "program_models", metadata, _no("program_no", primary_key=True), _no("model_no", primary_key=True),
    _date("valid_from_date", primary_key=True), Column("offered", Boolean, nullable=False),
)
program_functions = Table(                               # who plays A sales, B account keeping, C mandate operation, D decision
    "program_functions", metadata, _no("program_no", primary_key=True), Column("function", String, primary_key=True),
    _date("valid_from_date", primary_key=True), _no("company_no"),
)
program_shares = Table(                                  # fee split; the remainder goes to remainder_company_no
    "program_shares", metadata, _no("program_no", primary_key=True), _date("valid_from_date", primary_key=True),
    _no("company_no", primary_key=True), _no("share_ppm"),
)
share_tiers = Table(                                     # shares that depend on a balance, settled at the month's end
    "share_tiers", metadata, _no("program_no", primary_key=True), _date("valid_from_date", primary_key=True),
    _no("company_no", primary_key=True), _text("kind", "fee", primary_key=True),   # fee: ppm of the fee | balance: ppm a year of it
    _text("measure", "program", primary_key=True),       # whose balance: program | distributor (each apart) | own
    _text("base", "average", primary_key=True), _text("year_days", "365", primary_key=True),
    _no("paid_by_no", primary_key=True),                 # out of whose part; 0: the remainder company
    Column("floor_yen", BigInteger, primary_key=True, autoincrement=False), _no("rate_ppm"), _text("source"), _text("recorded_at"),
)
share_fixed = Table(                                     # monthly fees between companies, tax included; amount 0 = ended
    "share_fixed", metadata, _no("program_no", primary_key=True), _date("valid_from_date", primary_key=True),
    _no("company_no", primary_key=True), _text("per", "program", primary_key=True),   # program | contract
    _no("paid_by_no", primary_key=True), _yen("amount_yen"), _text("source"), _text("recorded_at"),
)
invoice_issuers = Table(                                 # the registration number of invoices; empty: none (any more)
    "invoice_issuers", metadata, _no("company_no", primary_key=True), _date("valid_from_date", primary_key=True),
    _text("registration_id"), _text("rounding", "down"), _text("recorded_at"),
)
fee_terms = Table(
    "fee_terms", metadata, Column("fee_terms_id", String, primary_key=True), _date("valid_from_date", primary_key=True),
    Column("terms_toml", Text, nullable=False), _text("recorded_at"), _text("source"), _text("approved_by"),
)
customers = Table(
    "customers", metadata, _no("customer_no", primary_key=True), _text("customer_id", unique=True), _text("name"), _text("kana"),
    Column("birth_date", Date), _text("note"),
)
accounts = Table(
    "accounts", metadata, _no("account_no", primary_key=True), _text("account_id", unique=True), _no("customer_no"),
    _no("custodian_no"), _text("tax_class", "specific"),
)
contracts = Table(
    "contracts", metadata, _no("contract_no", primary_key=True), _text("contract_id", unique=True), _no("account_no"),
    _no("customer_no"), _no("program_no"),
)
contract_fee_terms = Table(                              # terms of its own: from the anniversary on or after valid_from_date
    "contract_fee_terms", metadata, _no("contract_no", primary_key=True), _date("valid_from_date", primary_key=True),
    _text("fee_terms_id"),
)
fee_adjustments = Table(                                 # in force: all rows of the program's latest valid_from_date
    "fee_adjustments", metadata, _no("program_no", primary_key=True), _date("valid_from_date", primary_key=True),
    _no("step_no", primary_key=True), _no("row_no", primary_key=True), _text("kind"), _text("component"),
    Column("threshold", BigInteger, nullable=False, server_default="0"),   # years, or yen
    _int("factor_ppm", 1_000_000), _yen("amount_yen"), Column("from_date", Date), Column("to_date", Date),
    Column("until_date", Date), _text("source"),
)
fee_groups = Table(                                      # whose tiers are added together; an empty group: no more
    "fee_groups", metadata, _no("contract_no", primary_key=True), _date("valid_from_date", primary_key=True),
    _text("group_id"), _text("kind", "family"),
)
contract_parties = Table(                                # companies and functions on every contract
    "contract_parties", metadata, _no("contract_no", primary_key=True), Column("function", String, primary_key=True),
    _no("company_no"),
)
sleeves = Table(
    "sleeves", metadata, _no("sleeve_no", primary_key=True), _text("sleeve_id", unique=True), _no("contract_no"), _text("name"),
    _no("model_no"),                                     # the model at opening; changes are events
)
goals = Table(                                           # what the money of a sleeve is for; one goal per sleeve
    "goals", metadata, _no("goal_no", primary_key=True), _text("goal_id", unique=True), _no("sleeve_no"), _text("name"),
    _int("priority", 1),
)
goal_targets = Table(
    "goal_targets", metadata, _no("goal_no", primary_key=True), _date("valid_from_date", primary_key=True), _yen("target_yen"),
    _text("target_kind", "nominal"),                     # nominal: yen of the target date | real: yen of valid_from_date
    _date("target_date"), _int("inflation_ppm"), _int("want_ppm", 800000), _yen("floor_yen"), _text("source"), _text("recorded_at"),
)
model_assumptions = Table(                               # a year's simple return net of costs, and its standard deviation
    "model_assumptions", metadata, _no("model_no", primary_key=True), _date("valid_from_date", primary_key=True),
    _int("mean_ppm"), _int("risk_ppm"), _text("source"), _text("recorded_at"),
)
goal_gates = Table(                                      # when a goal is right, above, below, in alert
    "goal_gates", metadata, _no("program_no", primary_key=True), _date("valid_from_date", primary_key=True),
    _int("contract_ppm", 800000), _int("right_low_ppm", 800000), _int("right_high_ppm", 950000), _int("alert_ppm", 650000),
    _int("hysteresis_ppm", 50000), _text("source"), _text("recorded_at"),
)
advice_answers = Table(                                  # a customer's answer to an option of a day's advice; no row: not answered
    "advice_answers", metadata, _no("goal_no", primary_key=True), _date("date", primary_key=True),
    Column("kind", String, primary_key=True), _text("answer"), _date("effective_date"), _text("made_by"), _text("recorded_at"),
    _text("note"),
)
contract_limits = Table(                                 # what suits the customer: latest valid_from_date; none = no limit
    "contract_limits", metadata, _no("contract_no", primary_key=True), _date("valid_from_date", primary_key=True),
    _int("most_risk_ppm"), _text("source"), _text("recorded_at"),
)
questionnaires = Table(                                  # each version as its file said it; never edited
    "questionnaires", metadata, _text("questionnaire_id", primary_key=True), _date("valid_from_date", primary_key=True),
    Column("content", Text, nullable=False, server_default=""), _text("recorded_by"), _text("approved_by"), _text("recorded_at"),
)
assessments = Table(                                     # what a customer answered and what came of it; never edited
    "assessments", metadata, _no("assessment_no", primary_key=True), _no("contract_no", index=True), _text("questionnaire_id"),
    _date("valid_from_date"),                            # of the version that was answered
    _date("date"), Column("answers", Text, nullable=False, server_default=""),   # JSON by question
    _int("points"), _text("class_id"), _int("most_risk_ppm"), _date("limit_from_date"),   # the row of contract_limits
    _text("made_by"), _text("recorded_at"),
)
proposals = Table(                                       # advice on a household's money as it was given; never edited
    "proposals", metadata, _no("proposal_no", primary_key=True), _no("customer_no"), _date("date"),
    Column("content", Text, nullable=False, server_default=""),   # JSON of household_record.as_record
    _text("content_hash"), _text("made_by"), _text("recorded_at"),
)
plans = Table(                                           # in force: latest valid_from_date; amount 0 = stopped
    "plans", metadata, _no("sleeve_no", primary_key=True), Column("kind", String, primary_key=True),   # instalment | drawing
    _date("valid_from_date", primary_key=True), _yen("amount_yen"), _int("day_of_month", 26),
    _text("days_of_month"), _text("bonus_months"), _yen("bonus_yen"),   # "5;20"; "6;12"
)
drawing_terms = Table(                                   # drawings by a rule; in force until the next row, or until_date
    "drawing_terms", metadata, _no("sleeve_no", primary_key=True), _date("valid_from_date", primary_key=True),
    _text("rule_kind"), _int("day_of_month", 26), Column("until_date", Date), _yen("amount_yen"), _int("rate_ppm"),
    _text("timing", "start"),                            # annuity: at the start | end of each month
    _int("band_ppm", 200000), _int("step_ppm", 100000), _int("rise_ppm"),                              # guardrails
    _int("drift_ppm"), _int("risk_ppm"), _int("safe_ppm"), _int("impatience_ppm"), _int("aversion_ppm"),   # merton
    _text("source"), _text("recorded_at"),
)
surplus_rules = Table(                                   # what a sleeve that has enough passes on; to_sleeve_no 0: nothing any more
    "surplus_rules", metadata, _no("sleeve_no", primary_key=True), _date("valid_from_date", primary_key=True),
    _text("level_kind", "target"),                       # target: of the sleeve's goal | yen: level_yen
    _yen("level_yen"), _int("to_sleeve_no"), _text("surplus_kind", "both"),                            # instalments | excess | both
    _yen("minimum_yen"), _text("source"), _text("recorded_at"),
)
drawing_orders = Table(                                  # which sleeves of a contract pay first; without a row by value
    "drawing_orders", metadata, _no("contract_no", primary_key=True), _date("valid_from_date", primary_key=True),
    _text("order_kind", "proportional"),                 # listed | proportional | above_target | least_tax
    _text("sleeve_ids"),                                 # "S2;S1": first to last; those not named come last, by number
    _text("drawings_kind", "own"),                       # own: each sleeve its drawings | order: all sleeves, by the order
    _text("source"), _text("recorded_at"),
)
account_orders = Table(                                  # which accounts of a customer pay first
    "account_orders", metadata, _no("customer_no", primary_key=True), _date("valid_from_date", primary_key=True),
    _text("tax_classes"),                                # "specific;nisa": first to last; empty: all together
    _text("source"), _text("recorded_at"),
)
events = Table(
    "events", metadata, _no("event_no", primary_key=True), Column("event_id", String, nullable=False), _date("date"), _text("kind"),
    _int("contract_no"), _int("sleeve_no"), _int("target_sleeve_no"), _int("model_no"), _int("instrument_no"),
    _int("account_no"), _int("customer_no"),             # of a withdrawal that names neither contract nor sleeve
    _yen("amount_yen"), Column("units", BigInteger, nullable=False, server_default="0"), _text("note"),
    _text("content_hash"), _text("recorded_at"), Column("processed_date", Date),
    UniqueConstraint("event_id"),
)
days = Table(                                            # the manifest: a row here is what "closed" means
    "days", metadata, _date("date", primary_key=True), Column("previous_date", Date), _text("digest"), _text("chain_hash"),
    _int("partitions", 1), _int("snapshot"), _text("inputs_hash"), _text("closed_at"),
    Column("bytes", BigInteger, server_default="0"),
)
day_files = Table(
    "day_files", metadata, _date("date", primary_key=True), _no("partition", primary_key=True), _text("name"),
    Column("bytes", BigInteger, nullable=False), _text("sha256"),
)
fee_corrections = Table(                                 # what a closed day should have known, for the fees; never edited
    "fee_corrections", metadata, _no("correction_no", primary_key=True), _text("correction_id", unique=True),
    _text("kind"),                                       # nav | flow | start_date
    _date("date"), _int("instrument_no"), _int("contract_no"), _int("sleeve_no"),
    Column("price", BigInteger, nullable=False, server_default="0"),                 # at the instrument's price_scale
    _yen("amount_yen"), Column("new_date", Date), _text("note"), _text("content_hash"),
    _text("batch_hash"), _date("booked_date"),           # which file it came in, and the day whose close books it
    _text("made_by"), _text("recorded_at"),
)
fee_states = Table(                                      # what an event fee_corrected lets a contract's fees go on from
    "fee_states", metadata, _no("event_no", primary_key=True), Column("content", Text, nullable=False),
)
approvals = Table(                                       # a change that two people make: proposed, then approved, bound by its hash
    "approvals", metadata, _no("approval_no", primary_key=True), _text("subject"), _text("content_hash"), _text("proposed_by"),
    _text("approved_by"), _text("recorded_at"), Column("content", Text, nullable=False, server_default=""), _text("approved_at"),
)
audit = Table(
    "audit", metadata, _no("audit_no", primary_key=True), _text("recorded_at"), _text("actor"), _text("action"),
    Column("payload", Text, nullable=False), _text("previous_hash"), _text("hash"),
)
