"""The words, signs and columns that the audit expects in an export. Every guess of the auditor about vocabulary is in this file."""

# A column is a date if it is `date` or ends with `_date`, a text if it ends with one of TEXT_ENDS or stands in TEXTS,
# else a whole number.
# `?` = may be empty.
TABLES = {
    "sleeves": "sleeve_id contract_id account_id customer_id program_id model_id opened_date? closed_date?",
    "prices": "date instrument_id price price_scale price_base_units currency fx_ppm",
    "values": "date sleeve_id positions_yen cash_yen receivable_yen payable_yen value_yen",
    "positions": "date sleeve_id instrument_id held_units value_yen cost_yen",
    "account_positions": "date account_id instrument_id held_units tax_cost_yen",
    "flows": "date sleeve_id kind amount_yen",
    "orders": "order_id block_id sleeve_id instrument_id side reason decided_date placed_date priced_date? settlement_date?"
              " asked_yen? asked_units? filled_units? filled_yen? status",
    "blocks": "block_id instrument_id side placed_date units? yen? fill_price?",
    "fees": "contract_id component kind start_date end_date base_yen fee_yen charged_date collected_date?",
    "journal": "entry_id date sleeve_id? ledger_account asset quantity event_id?",
    "goals": "date goal_id sleeve_id probability_ppm?",
    "alerts": "date kind cause cure status",
}
# Tables and columns that are not in the specification's list; what they allow is checked when they are there.
OPTIONAL_TABLES = {
    "splits": "date instrument_id old_units new_units",
    "distributions": "date instrument_id amount per_units",
    "fee_terms": "valid_from_date terms_toml",
    "contract_fee_terms": "contract_id valid_from_date fee_terms_id",
    "program_fee_terms": "program_id valid_from_date fee_terms_id",
    "fee_adjustments": "program_id valid_from_date kind",
    "fee_corrections": "kind date booked_date contract_ids?",
    "instruments": "instrument_id order_mode lot_units price_scale price_base_units currency price_lag_days"
                   " buy_settlement_days sell_settlement_days levy_ppm",
    "payouts": "sleeve_id kind amount_yen? requested_date first_promised_date promised_date paid_date? reissue_count",
}
OPTIONAL_COLUMNS = {
    "sleeves": "custodian_id?",
    "values": "profit_yen?",
    "blocks": "custodian_id? asked_units? asked_yen? orders?",
    "flows": "instrument_id?",
    "fees": "collected_yen?",
    "goals": "target_yen? floor_yen? floor_ppm? floor_status? value_yen? monthly_yen? mean_ppm? risk_ppm? asset_life_months?",
    "payouts": "drawn_sleeve_id?",
    "distributions": "fx_ppm?",
    "fee_terms": "program_id? fee_terms_id?",
}
TEXT_ENDS = ("_id", "_toml")
TEXTS = {"currency", "order_mode", "kind", "side", "reason", "status", "component", "ledger_account", "asset", "cause", "cure",
         "floor_status",
         "contract_ids"}

# Dates that need not be a business day, and dates that may lie after the exported one.
RULES = {f"{table}.valid_from_date" for table in ("fee_terms", "contract_fee_terms", "program_fee_terms", "fee_adjustments")} | {
    f"fee_adjustments.{name}_date" for name in ("from", "to", "until")}
ANY_DAY = {"fees.start_date", "fees.end_date", "splits.date", "distributions.date",
           "fee_corrections.date", "goals.target_date"} | RULES
FUTURE = {"orders.placed_date", "orders.priced_date", "orders.settlement_date", "blocks.placed_date", "fees.start_date",
          "fees.end_date", "splits.date", "distributions.date",
          "payouts.first_promised_date", "payouts.promised_date", "goals.target_date"} | RULES

YEN = "JPY"
BUY, SELL = "buy", "sell"
UNFILLED = ("decided", "placed")          # orders that wait for their price
PRICED, SETTLED, CANCELLED = "priced", "settled", "cancelled"

MONEY_IN = ("deposit", "instalment")                       # amounts > 0
MONEY_OUT = ("withdrawal", "drawing", "termination")       # amounts < 0
EXTERNAL = (*MONEY_IN, *MONEY_OUT, "transfer", "correction")
INTERNAL = ("fee", "distribution", "tax")                  # inside profit
FLOW_KINDS = EXTERNAL + INTERNAL

# Ledger accounts of a sleeve's own books; all others are the other side. A debt is negative: Σ payable lines = −payable_yen.
CASH, RECEIVABLE, PAYABLE, UNITS = "cash", "receivable", "payable", "units"
UNIT_CHANGES = ("split", "correction")    # the other side of units that move without an order

REFUNDS, CHARGE = ("refund", "correction_refund"), "charge"   # kinds of a fee row; a refund is positive and flows in
FIRST_DAY = "start_date"                  # kind of a correction: the contract began on another day
SHARE_COLUMN = r"^share_.+_yen$"

FILL_MISSING = "fill_missing"             # alert: the custodian sent no fill on the price day, the order waits
FEE_SHORTFALL = "fee_shortfall"           # alert: a last fee was cut to the cash
PAYOUT_CUT = "payout_cut"                 # alert: a payout was cut to what the sleeve had
SHARED_ANEW_AFTER = 20                    # calendar days after which an unpaid fee is shared by what each sleeve can pay
REBALANCE = ("strategy", "model", "calendar", "breach")    # reasons of purchases and sales
ONLY_BUYS, ONLY_SALES = ("invest",), ("closing", "payout", "fee")
CLOSING = "closing"                       # reason of the orders of a sleeve that closes
BY_AMOUNT, BY_UNITS = "amount", "units"   # order_mode of an instrument
TERMINATION, SLEEVE_CLOSE = "termination", "sleeve_close"  # kinds of payouts: of a contract that ends, of a sleeve alone
PAID_IN_PART = ("withdrawal", "drawing", "transfer")       # payouts of an amount; all others pay the whole cash of a closing
