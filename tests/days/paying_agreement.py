"""Payouts, goals and surplus of an evening of the close, as the slow oracle writes them down: to be compared with it."""

from tsutsumi.core.calendar import from_epoch_day
from tsutsumi.core.debits import CIRCLE, NO_LEVEL, NOT_OPEN, PAST, STAYS, TOO_SMALL
from tsutsumi.core.flows import INSTALMENT, surplus_of
from tsutsumi.core.goal_status import STATUSES
from tsutsumi.core.promises import PAYOUT_KINDS

REASONS = {NO_LEVEL: "no level", PAST: "target date", NOT_OPEN: "closed", TOO_SMALL: "least instalment", CIRCLE: "circle"}
ALERTS = ("drawing_cut", "drawing_refused", "surplus_stays", "payout_cut", "target_closed", "event_refused")
CLOSINGS = ("sleeve_close", "termination")


def our_payouts(books) -> list:
    """Return the open payouts that are not closings."""
    names = ("status_code", "kind_code", "sleeve_no", "amount_yen", "requested_date", "promised_date", "target_sleeve_no",
             "event_no", "drawn_sleeve_no")
    rows = zip(*(books.payouts[name].tolist() for name in names), strict=True)
    return sorted(
        (sleeve, PAYOUT_KINDS[kind], yen, from_epoch_day(asked), from_epoch_day(promised), *numbers)
        for status, kind, sleeve, yen, asked, promised, *numbers in rows if not status and PAYOUT_KINDS[kind] not in CLOSINGS)


def our_goals(books) -> dict:
    """Return {sleeve: (target_yen, monthly_yen, status)}."""
    names = ("sleeve_no", "target_yen", "monthly_yen", "status_code")
    rows = zip(*(books.goals[name].tolist() for name in names), strict=True)
    return {sleeve: (target, monthly, STATUSES[status]) for sleeve, target, monthly, status in rows}


def our_stays(books) -> dict:
    """Return {sleeve: why its surplus stays, as told last}."""
    names = ("sleeve_no", "kind_code", "try_count")
    rows = zip(*(books.debit_states[name].tolist() for name in names), strict=True)
    return {sleeve: REASONS[why] for sleeve, kind, why in rows if kind == STAYS}


def our_passed(result) -> list:
    """Return the instalments that came into another sleeve: whose, into which, and how much."""
    names = ("kind_code", "event_no", "sleeve_no", "amount_yen")
    rows = zip(*(result.flows[name].tolist() for name in names), strict=True)
    return sorted((surplus_of(number)[0], into, yen) for kind, number, into, yen in rows if kind == INSTALMENT and number < 0)


def our_alerts(result) -> list:
    """Return what events, drawings, payouts and surplus told, by the number of the event or sleeve."""
    return sorted((alert.kind, alert.subject_no) for alert in result.alerts if alert.kind in ALERTS)


def disagreement(theirs, result) -> str:
    """Return in what an evening differs, or nothing."""
    pairs = {
        "payouts": (our_payouts(result.books), sorted(theirs.payouts)),
        "goals": (sorted(our_goals(result.books).items()), sorted(theirs.goals.items())),
        "instalments passed on": (our_passed(result), sorted(theirs.passed)),
        "surplus that stays": (sorted(our_stays(result.books).items()), sorted(theirs.stays.items())),
        "alerts": (our_alerts(result), sorted(alert for alert in theirs.alerts if alert[0] in ALERTS)),
    }
    return "; ".join(
        f"{name}: {[row for row in ours if row not in other]} is not {[row for row in other if row not in ours]}"
        for name, (ours, other) in pairs.items() if ours != other)
