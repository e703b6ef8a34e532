"""§6: promises, payouts, dues and the day on which a closing sleeve is emptied."""

from datetime import date

from tests.oracles.day_oracle.money import ladder, lowest, weights
from tests.oracles.day_oracle.state import Due, House, Payout, Sleeve


def promise(house: House, sleeve: Sleeve, day: date, now: date) -> date:
    """Over the instruments `i` of the sleeve (units > 0, or a live order, or weight > 0): `p = max priced(i, d)` and
    live purchases' `priced_date`, then `promise = max settles(i, p, sell)`.

    Reading: a sleeve without any instrument is paid on `n(d)`. Weights are those of the day of the computation.
    """
    model = {number for number in weights(house, sleeve.model_no, now) if number > 0}
    numbers = set(sleeve.held()) | {order.instrument_no for order in sleeve.live} | model
    if not numbers:
        return house.dates.next(day)
    pricings = [house.dates.priced(number, day) for number in numbers]
    pricings += [order.priced_date for order in sleeve.live if order.side == "buy"]
    return max(house.dates.settles(number, max(pricings), "sell") for number in numbers)


def closing_settled(house: House, sleeve: Sleeve, day: date) -> date:
    """Over the instruments with units > 0 or a live order: `e_i = max(d, priced_date of its live unpriced purchases)`,
    `S = max settles(i, e_i, sell)` and the settlement dates of all live orders. -> max(S, d)
    """
    settled = [day] + [order.settlement_date for order in sleeve.live]
    for number in set(sleeve.held()) | {order.instrument_no for order in sleeve.live}:
        pricings = [order.priced_date for order in sleeve.unpriced("buy") if order.instrument_no == number]
        settled.append(house.dates.settles(number, max([day] + pricings), "sell"))
    return max(settled)


def closing_promise(house: House, sleeves: list[Sleeve], day: date) -> date:
    """`promise = n(max(S, d))`, and not before the promised dates of the sleeve's open payouts. A termination: the maximum
    over its sleeves.
    """
    promised = [payout.promised_date for sleeve in sleeves for payout in sleeve.payouts]
    return max([house.dates.next(closing_settled(house, sleeve, day)) for sleeve in sleeves] + promised)


def open_payout(house: House, sleeve: Sleeve, payout: Payout) -> None:
    """A payout that is not a closing joins the open ones of its sleeve."""
    sleeve.payouts.append(payout)
    house.payouts.append(payout)


def needs(house: House, sleeve: Sleeve) -> int:
    """Open payouts that are not closings (all of them, whatever their date) + unpaid dues."""
    return sum(payout.amount for payout in sleeve.payouts) + sum(due.unpaid[sleeve.number] for due in house.dues(sleeve))


def over_withdrawal_limit(house: House, sleeve: Sleeve, amount: int, day: date) -> bool:
    """amount > `withdrawal_limit_ppm` of (value at `y` + today's deposits and instalments − open payouts and dues)."""
    base = sleeve.value_before + sleeve.money_in - needs(house, sleeve)
    return amount * 1_000_000 > house.rules_of(sleeve, day)["withdrawal_limit_ppm"] * base


def reissue(house: House, payout: Payout, later: date, cause: str) -> None:
    """Re-issued: taken if later; counted apart."""
    if later > payout.promised_date:
        payout.promised_date = later
        payout.causes.append(cause)
        house.alert("promise_reissued", payout.sleeve_no)


def is_sure(sleeve: Sleeve, payout: Payout) -> bool:
    """The money is sure anyway: `min over t ≥ promised_date of L(t) ≥ Σ open payouts of the sleeve, closings apart,
    promised by then`. Reading: "then" is the promised date of the payout in question.
    """
    then = payout.promised_date
    return lowest(sleeve, then) >= sum(other.amount for other in sleeve.payouts if other.promised_date <= then)


def asked_on(house: House, sleeve: Sleeve, day: date) -> date:
    """Computed anew: of a stopped sleeve as if requested on `n(d)`: tonight it cannot order."""
    return house.dates.next(day) if sleeve.number in house.today.stopped else day


def together(house: House) -> list[list[Sleeve]]:
    """The closing sleeves: all closings of one termination move together, any other alone."""
    groups: dict[tuple, list[Sleeve]] = {}
    for sleeve in house.open_sleeves():
        if sleeve.closing:
            alone = sleeve.number if sleeve.closing.kind == "closing" else 0
            groups.setdefault((sleeve.contract_no, alone), []).append(sleeve)
    return list(groups.values())


def closing_tonight(house: House, sleeves: list[Sleeve], day: date) -> date:
    """The promise of a closing, computed anew."""
    return max(closing_promise(house, [sleeve], asked_on(house, sleeve, day)) for sleeve in sleeves)


def reissue_moved(house: House, day: date) -> None:
    """A promise that market data moves is re-issued: on that evening, before step 7, for every open payout of a sleeve that
    is stopped or had an order that had to wait today, unless the money is sure anyway; taken if later.

    Reading: which money is sure is found before any promise of the sleeve moves; closings are computed after the other
    payouts of all sleeves have moved.
    """
    moved = [sleeve for sleeve in house.open_sleeves() if sleeve.waited or sleeve.number in house.today.stopped]
    for sleeve in moved:
        later = promise(house, sleeve, asked_on(house, sleeve, day), day)
        for payout in [payout for payout in sleeve.payouts if not is_sure(sleeve, payout)]:
            reissue(house, payout, later, "market_data")
    for sleeves in together(house):
        if any(sleeve in moved for sleeve in sleeves):
            later = closing_tonight(house, sleeves, day)
            for sleeve in sleeves:
                reissue(house, sleeve.closing, later, "market_data")


# ------------------------------------------------------------------------------------------------------------ payments
def send(house: House, day: date, sleeve: Sleeve, payout: Payout, kind: str, amount: int) -> None:
    """Money leaves a sleeve, for the customer or for another sleeve of the account. A transfer or closing whose target
    sleeve is no longer open (or is closing) on the day of payment goes to the customer (`withdrawal`, `termination`), with
    an alert.
    """
    payout.paid_date, payout.paid_yen = day, amount
    target = house.sleeves.get(payout.target_sleeve_no)
    if target is not None and target.is_active:
        house.move_cash(day, sleeve, "transfer", -amount)
        house.move_cash(day, target, "transfer", amount)
        return
    if target is not None:
        house.alert("target_closed", target.number)
    house.move_cash(day, sleeve, kind, -amount)


def is_empty(sleeve: Sleeve) -> bool:
    """No units, no live order."""
    return not sleeve.held() and not sleeve.live


def oldest_first(payout: Payout) -> tuple:
    """Oldest request first; of one day: by event number, drawings last, its own before those of other sleeves, these by number.
    Reading: drawings of one sleeve in the order in which they were made.
    """
    return payout.requested_date, payout.kind == "drawing", payout.event_no, payout.drawn_no


def pay_payouts(house: House, sleeve: Sleeve, day: date) -> None:
    """(1) payouts with `promised_date ≤ d`, oldest request first: paid if amount ≤ `payable_now` (which falls with each
    payment); a payout that cannot be paid is re-issued with cause `market_fall`; but if the sleeve has no units and no live
    order left, what `payable_now` allows is paid in its place (alert `payout_cut`). A transfer of surplus whose target is not
    open, or is closing, pays nothing (amount 0, paid) and the money stays in its sleeve: an alert `surplus_stays` at once.
    """
    for payout in sorted(sleeve.payouts, key=oldest_first):
        if payout.promised_date > day:
            continue
        if payout.event_no < 0 and not house.sleeves[payout.target_sleeve_no].is_active:
            sleeve.payouts.remove(payout)
            payout.paid_date = day
            house.alert("surplus_stays", sleeve.number)
            continue
        allowed = lowest(sleeve, day)
        if payout.amount > allowed and not is_empty(sleeve):
            reissue(house, payout, promise(house, sleeve, day, day), "market_fall")
            continue
        if payout.amount > allowed:
            house.alert("payout_cut", sleeve.number)
        sleeve.payouts.remove(payout)
        kind = "withdrawal" if payout.kind == "transfer" else payout.kind
        send(house, day, sleeve, payout, kind, min(payout.amount, allowed))


def collect(house: House, due: Due, sleeve: Sleeve, amount: int, day: date) -> None:
    """A part of a due leaves the cash of a sleeve."""
    due.unpaid.pop(sleeve.number)
    due.collected_yen += amount
    house.move_cash(day, sleeve, "fee", -amount)
    if not due.unpaid:
        due.collected_date = day


def spare(sleeve: Sleeve, day: date) -> int:
    """min over t ≥ d of (L(t) − Σ open payouts, closings apart, with `promised_date ≤ t`)."""
    steps = [day] + [order.settlement_date for order in sleeve.live] + [payout.promised_date for payout in sleeve.payouts]
    return min(ladder(sleeve, step) - sum(payout.amount for payout in sleeve.payouts if payout.promised_date <= step)
               for step in steps if step >= day)


def pay_dues(house: House, day: date) -> None:
    """(2) dues with `due_date ≤ d` (a due is all that a contract was charged on one evening, every component), oldest
    first, a due of a contract being paid only if every sleeve can pay its part today and still keep its promises.

    Reading: the payouts of all sleeves come before the dues of any.
    """
    open_dues = [due for due in house.all_dues if due.unpaid and due.due_date <= day]
    for due in sorted(open_dues, key=lambda due: (due.due_date, due.charged_date, due.contract_no)):
        if all(part <= spare(house.sleeves[number], day) for number, part in due.unpaid.items()):
            for number, part in list(due.unpaid.items()):
                collect(house, due, house.sleeves[number], part, day)
        elif (day - due.due_date).days >= 20:
            take_late(house, due, day)


def take_late(house: House, due: Due, day: date) -> None:
    """A due still unpaid 20 calendar days after its `due_date` is shared anew among the sleeves that have a part in it, by
    what each can pay by that measure, in the order of their number, if together they can pay all of it.

    Reading: each gives as much as it can until nothing is left to pay.
    """
    rest = sum(due.unpaid.values())
    able = [(house.sleeves[number], max(0, spare(house.sleeves[number], day))) for number in sorted(due.unpaid)]
    if sum(yen for _sleeve, yen in able) < rest:
        return
    for sleeve, yen in able:
        house.move_cash(day, sleeve, "fee", -min(yen, rest))
        rest -= min(yen, rest)
    due.collected_yen += sum(due.unpaid.values())
    due.unpaid, due.collected_date, due.late = {}, day, True


def give_back(house: House, day: date) -> None:
    """What is left of the credit when the contract ends is paid into its first sleeve (lowest number) on the payment day,
    as a flow `fee` above zero, before its dues are paid and its cash goes out. Reading: after its other payouts.
    """
    for contract in house.contracts.values():
        sleeves = house.contract_sleeves(contract.number)
        if contract.credit and contract.final_date and sleeves and sleeves[0].payment_date == day and is_empty(sleeves[0]):
            house.move_cash(day, sleeves[0], "fee", contract.credit)
            contract.credit = 0


def empty(house: House, sleeve: Sleeve, day: date) -> None:
    """The payment day: dues first, then the whole cash goes out (`termination`, or `transfer` if there is a target), and
    the sleeve is closed with value 0 on that day. If the fee exceeds the cash, the fee collected is cut to the cash and
    the rest is written in an alert `fee_shortfall`.

    At the closing every unpaid due of the sleeve is paid whatever its date, and what is still open of its other payouts
    lapses (the cash goes out with the closing). Reading: whatever other sleeves can pay.
    """
    if sum(due.unpaid[sleeve.number] for due in house.dues(sleeve)) > sleeve.cash:
        house.alert("fee_shortfall", sleeve.contract_no)
    for due in house.dues(sleeve):
        collect(house, due, sleeve, min(due.unpaid[sleeve.number], sleeve.cash), day)
    for payout in sleeve.payouts:
        payout.lapsed_date = day
    sleeve.payouts = []
    send(house, day, sleeve, sleeve.closing, "termination", sleeve.cash)
    sleeve.closed_date = day
    contract = house.contracts[sleeve.contract_no]
    if contract.terminated_date and not house.contract_sleeves(contract.number):
        contract.closed_date = day


def pay(house: House, day: date) -> None:
    """Payments: dues and payouts whose day has come.

    Reading: a sleeve into which a correction of its payment day brought units is not emptied, but sells them first.
    """
    for sleeve in house.open_sleeves():
        pay_payouts(house, sleeve, day)
    give_back(house, day)
    pay_dues(house, day)
    for sleeve in house.open_sleeves():
        if sleeve.payment_date == day and is_empty(sleeve):
            empty(house, sleeve, day)
        sleeve.payment_date = None


def ready_closings(house: House, day: date) -> set[int]:
    """A closing sleeve with no units, no live order, on the eve of its promised date or later: a termination charges the
    final fee of the contract that evening (period end = `d`; all sleeves must be ready), due `n(d)`; the payment day is
    `n(d)`. A closing that is not ready on the eve of its promised date is promised anew,
    `max(its promise computed tonight, n(n(d)))`, with cause `market_data`. -> the contracts that are charged their final fee
    """
    tomorrow, ending = house.dates.next(day), set()
    for sleeves in together(house):
        contract = house.contracts[sleeves[0].contract_no]
        if sleeves[0].closing.promised_date > tomorrow:
            continue
        if all(is_empty(sleeve) for sleeve in sleeves):
            if sleeves[0].closing.kind == "termination" and not contract.final_date:
                ending.add(contract.number)
            for sleeve in sleeves:
                sleeve.payment_date = tomorrow
        else:
            later = max(closing_tonight(house, sleeves, day), house.dates.next(tomorrow))
            for sleeve in sleeves:
                reissue(house, sleeve.closing, later, "market_data")
    return ending
