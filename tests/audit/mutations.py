"""What an audit must find: damage to single cells and rows, and houses that break a rule with tables that agree."""

from datetime import date


def row(rows: list[dict], **wanted) -> dict:
    """The first row with these cells."""
    return next(one for one in rows if all(one[key] == value for key, value in wanted.items()))


def add(name: str, change: dict[str, int], **wanted):
    """A mutation: amounts added to the first row with these cells."""

    def mutate(made):
        found = row(made[name], **wanted)
        for column, amount in change.items():
            found[column] += amount

    return mutate


def put(name: str, change: dict, **wanted):
    return lambda made: row(made[name], **wanted).update(change)


def drop(name: str, **wanted):
    return lambda made: made[name].remove(row(made[name], **wanted))


def both(*mutations):
    def mutate(made):
        for mutation in mutations:
            mutation(made)

    return mutate


def without_entry(made):
    """All lines of one deposit: what is left still sums to zero."""
    gone = row(made["journal"], ledger_account="instalment")["entry_id"]
    made["journal"] = [line for line in made["journal"] if line["entry_id"] != gone]


def swapped_dates(made):
    order = row(made["orders"], order_id="O5")
    order["decided_date"], order["placed_date"] = order["placed_date"], order["decided_date"]


def yen_between_orders(made):
    """A yen from one order to another of the same group: block and account stay right."""
    first, second = (row(made["orders"], order_id=name) for name in ("O10", "O11"))
    first["filled_yen"] += 1
    second["filled_yen"] -= 1


def day(text: str) -> date:
    return date.fromisoformat(text)


MUTATIONS = {
    "a fee before its period": (put("fees", {"start_date": day("2025-01-23")}, contract_id="CB", charged_date=day("2025-01-21")),
                                "no charge before its period"),
    "a yen in the cash of a day": (
        add("values", {"cash_yen": 1, "value_yen": 1}, sleeve_id="A1", date=day("2025-01-08")),
        "cash_yen rebuilt",
    ),
    "a yen in positions": (
        add("values", {"positions_yen": -1, "value_yen": -1}, sleeve_id="A2", date=day("2025-01-08")),
        "positions_yen rebuilt",
    ),
    "a yen in a value": (add("values", {"value_yen": 1}, sleeve_id="B1", date=day("2024-12-27")), "value = positions + cash"),
    "a yen from cash to receivable": (
        add("values", {"cash_yen": -1, "receivable_yen": 1}, sleeve_id="A1", date=day("2025-01-14")),
        "receivable_yen rebuilt",
    ),
    "a missing day": (drop("values", sleeve_id="A1", date=day("2025-01-06")), "a row on every business day"),
    "a day twice": (lambda made: made["values"].append(dict(made["values"][7])), "one row per sleeve and day"),
    "a row after the closing": (
        lambda made: made["values"].append({**made["values"][-1], "sleeve_id": "B1"}),
        "no row before the opening or after the closing",
    ),
    "a value on a holiday": (
        put("values", {"date": day("2025-01-13")}, sleeve_id="A1", date=day("2025-01-14")),
        "values: columns, cells",
    ),
    "a unit in a fill": (add("orders", {"filled_units": 1}, order_id="O5"), "fills: units and yen"),
    "a unit in a fill and its block": (
        both(
            add("orders", {"filled_units": 1}, order_id="O5"),
            add("blocks", {"units": 1}, placed_date=day("2024-12-18"), instrument_id="JAPAN"),
        ),
        "fills: units and yen",
    ),
    "a yen between two orders": (yen_between_orders, "shared to the orders"),
    "swapped dates": (swapped_dates, "placed on the business day after"),
    "a settlement a day late": (put("orders", {"settlement_date": day("2025-01-21")}, order_id="O9"), "settlement days"),
    "settled too early by status": (put("orders", {"status": "settled"}, order_id="O14"), "status fits"),
    "a fill of an order that waits": (
        put("orders", {"filled_units": 1, "filled_yen": 15_000}, order_id="O15"),
        "filled cells empty",
    ),
    "an amount that was not asked": (add("orders", {"asked_yen": 1}, order_id="O1"), "within what the order asked"),
    "an order after the closing": (put("orders", {"sleeve_id": "B1"}, order_id="O16"), "inside the life"),
    "purchase and sale in one evening": (
        both(put("orders", {"sleeve_id": "A2", "instrument_id": "JAPAN", "decided_date": day("2025-01-08")}, order_id="O9")),
        "no purchase and sale",
    ),
    "a block's units": (add("blocks", {"units": 1}, side="sell"), "units and yen = sum"),
    "a purchase above the price": (add("blocks", {"fill_price": 1}, side="buy"), "filled at the price"),
    "a sale above the price": (add("blocks", {"fill_price": 900}, side="sell", instrument_id="JAPAN"), "at most at the price"),
    "a sale with another levy": (add("blocks", {"fill_price": -1}, side="sell", instrument_id="AMERICA"), "one levy"),
    "an order in another block": (
        put("orders", {"block_id": "K1-JAPAN-sell-2025-01-22"}, order_id="O10"),
        "one instrument, side, placed",
    ),
    "a block without orders": (
        lambda made: made["blocks"].append({**made["blocks"][0], "block_id": "X"}),
        "every block has orders",
    ),
    "a dropped journal line": (drop("journal", ledger_account="cash", sleeve_id="A1"), "every entry sums to zero"),
    "a dropped journal entry": (without_entry, "cash moved as flows"),
    "a journal line of another sleeve": (
        put("journal", {"sleeve_id": "A2"}, sleeve_id="A1", ledger_account="units"),
        "sum of units",
    ),
    "a journal entry on two dates": (put("journal", {"date": day("2025-01-07")}, ledger_account="deposit"), "one date per entry"),
    "a flow of another kind": (put("flows", {"kind": "distribution"}, kind="instalment"), "distributions: paid"),
    "a yen in a flow": (add("flows", {"amount_yen": 1}, kind="deposit"), "cash_yen rebuilt"),
    "a dropped flow": (drop("flows", kind="instalment"), "cash_yen rebuilt"),
    "a transfer that loses a yen": (add("flows", {"amount_yen": -1}, kind="transfer", sleeve_id="A3"), "sum to zero"),
    "a withdrawal with the wrong sign": (put("flows", {"amount_yen": 300_000}, kind="withdrawal"), "with the sign of its kind"),
    "a distribution a yen too much": (add("flows", {"amount_yen": 1}, kind="distribution"), "distributions: paid"),
    "a fee share off by one": (add("fees", {"share_bank_yen": 1}, contract_id="CA"), "sum of shares"),
    "a fee off by one, shares too": (add("fees", {"fee_yen": 1, "share_bank_yen": 1}, contract_id="CB"), "fee_yen by the terms"),
    "a fee not collected in full": (add("fees", {"fee_yen": 1, "share_bank_yen": 1}, contract_id="CA"), "collected = fee flows"),
    "a base off by one": (add("fees", {"base_yen": 1}, contract_id="CA"), "base_yen from the values"),
    "a gap between periods": (
        put("fees", {"start_date": day("2025-01-02")}, contract_id="CB", start_date=day("2025-01-01")),
        "without gap",
    ),
    "a period left out": (drop("fees", contract_id="CA", component="wrap"), "that is over is charged"),
    "a fee charged late": (put("fees", {"charged_date": day("2025-01-07")}, contract_id="CA"), "first close on or after"),
    "a unit in a position": (add("positions", {"held_units": 1}, sleeve_id="A1"), "positions: held_units = sum of fills"),
    "a yen in a cost": (add("positions", {"cost_yen": 1}, sleeve_id="A1"), "cost_yen rebuilt"),
    "a yen in a tax cost": (add("account_positions", {"tax_cost_yen": 1}, account_id="AA"), "tax_cost_yen rebuilt"),
    "an account without a position": (drop("account_positions", account_id="AA"), "sum of sleeves = account"),
    "positions of another day": (
        lambda made: [one.update(date=day("2025-01-23")) for one in made["positions"]],
        "dated on the exported",
    ),
    "a price off by one": (add("prices", {"price": 1}, instrument_id="JAPAN", date=day("2025-01-08")), "positions_yen rebuilt"),
    "a price that is gone": (drop("prices", instrument_id="AMERICA", date=day("2024-12-18")), "a price of its own day"),
    "an fx rate off by a little": (
        add("prices", {"fx_ppm": 9000}, instrument_id="AMERICA", date=day("2025-01-24")),
        "value_yen at the price",
    ),
    "a sleeve of another customer": (put("sleeves", {"customer_id": "UB"}, sleeve_id="A2"), "one customer_id per account_id"),
    "a sleeve closed a day early": (
        put("sleeves", {"closed_date": day("2025-01-21")}, sleeve_id="B1"),
        "value 0 on the closing day",
    ),
    "a split that never was": (lambda made: made["splits"].clear(), "no unit change without a split"),
    "an order with the reason of the other side": (put("orders", {"reason": "payout"}, side="buy"), "a reason of its side"),
    "a block of another custodian": (put("blocks", {"custodian_id": "K2"}), "custodian of their accounts"),
    "a block with an order too many": (add("blocks", {"orders": 1}), "blocks: orders = sum"),
    "an order without a price day": (put("orders", {"priced_date": None}, order_id="O16"), "dated unless cancelled"),
    "a fill across a split": (
        put(
            "orders",
            {
                "status": "settled",
                "filled_units": 9,
                "filled_yen": 1,
                "priced_date": day("2025-01-15"),
                "settlement_date": day("2025-01-17"),
            },
            order_id="O12",
        ),
        "orders that wait are cancelled",
    ),
    "a lot that is not whole": (put("instruments", {"lot_units": 20}, instrument_id="AMERICA"), "in whole lots"),
    "a levy that was not taken": (put("instruments", {"levy_ppm": 2_000}, instrument_id="JAPAN"), "the price less the levy"),
    "a price lag": (put("instruments", {"price_lag_days": 2}, instrument_id="JAPAN"), "price lag of an instrument"),
    "a payout a day late": (put("payouts", {"promised_date": day("2025-01-17")}, kind="withdrawal"), "on the promised date"),
    "a promise moved without a count": (
        put("payouts", {"first_promised_date": day("2025-01-17")}, kind="withdrawal"),
        "moved only when counted",
    ),
    "a payout of another amount": (add("payouts", {"amount_yen": 1}, kind="withdrawal"), "the flows pay what was promised"),
    "a probability over one": (add("goals", {"probability_ppm": 200_000}), "probability"),
    "a part less likely than the whole": (add("goals", {"floor_ppm": -200_000}), "no less likely than the whole"),
    "a part that is all of it": (add("goals", {"floor_yen": 400_000}), "below the target"),
    "a part without a state": (put("goals", {"floor_status": None}), "with a state"),
    "a part that was not told": (put("goals", {"floor_ppm": None}), "told where the goal is"),
    "money that lasts a month more": (add("goals", {"asset_life_months": 1}), "asset life"),
    "a life that was not told": (put("goals", {"asset_life_months": None}), "asset life"),
    "a life of money that is not drawn": (put("goals", {"monthly_yen": 0}), "asset life"),
    "a withdrawal that is drawn": (put("payouts", {"drawn_sleeve_id": "A2"}, kind="withdrawal"), "of its own contract"),
}


def unfair(total, weights):
    """The rest goes to the smallest remainders."""
    whole = sum(weights)
    parts = [total * weight // whole for weight in weights]
    for index in sorted(range(len(weights)), key=lambda index: total * weights[index] % whole)[: total - sum(parts)]:
        parts[index] += 1
    return parts


def late_settlement(house):
    usual = house.settle
    house.settle = lambda day: usual(house.days[max(0, house.at[day] - 1)])


def too_much_withdrawn(house):
    house.flows = [(d, s, kind, -1_900_000 if kind == "withdrawal" else yen) for d, s, kind, yen in house.flows]


def too_early_withdrawn(house):
    """A withdrawal out of the money that a purchase has to pay two days later: cash stays positive for now."""
    house.flows.append((day("2024-12-18"), "A1", "withdrawal", -1_000_000))
    house.flows.append((day("2024-12-20"), "A1", "deposit", 1_000_000))


def fee_without_the_last_day(house):
    house.fee_ends["CA"] = [day("2024-12-30")]


def yesterdays_price(house):
    usual = house.value_of

    def stale(fund, units):
        house.last[fund] = house.last[fund][0] - 1, house.last[fund][1]
        return usual(fund, units)

    house.value_of = stale


BUGS = {
    "shares": (None, "shared to the orders by largest remainder"),
    "late settlement": (late_settlement, "cash_yen rebuilt"),
    "overdrawn": (too_much_withdrawn, "no part below zero"),
    "ladder": (too_early_withdrawn, "ladder: no settlement date ahead"),
    "fee period": (fee_without_the_last_day, "that is over is charged"),
    "stale prices": (yesterdays_price, "positions_yen rebuilt"),
}
