"""The case tables of docs/rules/drawing-order.md: which sleeve pays how much of what leaves a contract, or a customer."""

from datetime import date

import numpy as np

from tests.cases import cases
from tests.cases.fees import whole
from tests.core.build import books, columns, day, event, rows, rules, sleeve
from tsutsumi.core.alerts import Alerts
from tsutsumi.core.drawing_order import Payers
from tsutsumi.core.drawing_rules import DrawingRule
from tsutsumi.core.drawings import create_drawings
from tsutsumi.core.events import EVENT_KINDS, kind_code
from tsutsumi.core.goal_status import STATUSES
from tsutsumi.core.promises import spare_yen
from tsutsumi.core.rules import DrawingOrder, TermDrawing
from tsutsumi.core.schema import empty
from tsutsumi.core.units import PPM
from tsutsumi.core.withdrawals import share_withdrawals
from tsutsumi.run.drawing_order_book import DrawingOrderBook

TODAY, TAX_PPM = "2026-12-02", 203_150
QUOTES = np.array([1, 10_000, 10_000, 1]), np.full(4, PPM)  # every unit is a yen
WORDS = {"払出し": "withdrawal", "入金": "deposit", "終了": "sleeve_closed", "解約": "terminated"}


def parts(text: str) -> list[list[str]]:
    """The words of each part of a cell."""
    return [part.split() for part in text.replace("−", "-").split("、") if part]


def order_of(text: str) -> DrawingOrder:
    """The order that a cell says: kind, sleeves, own or order."""
    kind, *more = text.split()
    named = [part for part in more if part[0].isdigit()]
    numbers = tuple(int(number) for number in named[0].split(";")) if named else ()
    return DrawingOrder(kind, numbers, "order" in more)


@cases("drawing-order")
def drawing_order(row: dict[str, str]) -> None:
    """Compare what each sleeve of a contract pays."""
    has = {int(number): whole(yen) for number, yen in parts(row["残高"])}
    goals = [{"account_no": 1, "sleeve_no": int(number), "goal_no": int(number), "target_yen": whole(yen),
              "status_code": STATUSES.index(status)} for number, yen, status in parts(row["目標"])]
    costs = {int(number): whole(yen) for number, yen in parts(row["取得費"])}
    positions = [{"sleeve_no": number, "instrument_no": number, "held_units": has[number], "cost_yen": yen}
                 for number, yen in costs.items()]
    of = books(TODAY, *(sleeve(number, contract_no=1, value_yen=yen) for number, yen in has.items()), goals=goals,
               positions=positions)
    asked = rules(TODAY, drawing_orders={1: order_of(row["順序"])}, tax_rate_ppm=np.full(3, TAX_PPM))
    payers = Payers(of, asked, spare_yen(of), [1], QUOTES)
    amount = whole(row["額"])
    assert amount <= payers.most_of(1)
    found = [(int(of.sleeves["sleeve_no"][at]), yen) for at, yen in payers.share(1, amount)]
    assert [f"{number} {yen:,}" for number, yen in found] == row["払う額"].split("、")
    assert sum(yen for _, yen in found) == amount and all(yen <= payers.most_yen(at) for at, yen in payers.share(1, amount))


def tables(row: dict[str, str]) -> dict[str, list[dict]]:
    """The house of the cases of withdrawals: two accounts of one customer, four contracts, five sleeves."""
    since = {"valid_from_date": date(2026, 11, 1), "source": ""}
    orders = [{"contract_no": int(contract), "order_kind": kind, "sleeve_ids": f"S{name}", "drawings_kind": "own"} | since
              for contract, kind, name in parts(row["契約の順序"])]
    accounts = [{"customer_no": 1, "tax_classes": row["口座の順序"]} | since] if row["口座の順序"] else []
    classes = ((1, "specific"), (2, "nisa"))
    return {
        "drawing_orders": orders, "account_orders": accounts,
        "accounts": [{"account_no": number, "customer_no": 1, "tax_class": name} for number, name in classes],
        "contracts": [{"contract_no": number, "account_no": of} for number, of in ((1, 1), (2, 1), (3, 2), (4, 2))],
        "sleeves": [{"sleeve_id": f"S{number}", "sleeve_no": number} for number in range(1, 6)],
    }


@cases("withdrawal-shares")
def withdrawal_shares(row: dict[str, str]) -> None:
    """Compare the withdrawals that a withdrawal of a contract, an account or a customer becomes."""
    of = books("2026-12-01", *(sleeve(int(number), value_yen=whole(yen), status_code=len(more))
                               for number, yen, *more in parts(row["残高"])))
    book, today = DrawingOrderBook(tables(row)), day(TODAY)
    to, number = row["あて先"].split()
    named = {"契約": {"contract_no": int(number)}, "口座": {"account_no": int(number)}, "顧客": {}}[to]
    earlier = []
    for at, (word, *said) in enumerate(parts(row["先の指図"]), 1):
        amount = {"amount_yen": whole(said[1])} if len(said) > 1 else {}
        subject = {"sleeve_no": int(said[0])} if said else {"contract_no": 1}
        earlier.append(event(at, WORDS[word], **subject, **amount))
    told = rows("events", *earlier, event(9, "withdrawal", amount_yen=whole(row["額"]), **named))
    tiers = book.tiers(told, {9: 1} if to == "顧客" else {}, kind_code("withdrawal"), today)
    made = share_withdrawals(of, rules(TODAY, drawing_orders=book.on(today)), empty("events"), told, tiers)
    mine = made["event_no"] == 9
    found = [(number, yen) for number, yen in zip(made["sleeve_no"][mine].tolist(), made["amount_yen"][mine].tolist(), strict=True)]
    expected = [] if row["払う額"] == "不受理" else row["払う額"].split("、")
    assert [f"{number} {yen:,}" for number, yen in found if number] == expected
    assert sum(yen for _, yen in found) == whole(row["額"]) and (expected or found == [(0, whole(row["額"]))])
    assert made["event_no"].tolist()[: len(earlier)] == [one["event_no"] for one in earlier]
    assert set(made["kind_code"][mine].tolist()) == {EVENT_KINDS.index("withdrawal")}


@cases("drawn-together")
def drawn_together(row: dict[str, str]) -> None:
    """Compare the payouts of a plan day that the sleeves of a contract make together."""
    of = books(TODAY, *(sleeve(int(number), value_yen=whole(yen), status_code=len(more))
                        for number, yen, *more in parts(row["残高"])))
    on, plans, terms = day("2026-12-07"), [], []
    for number, word, yen in parts(row["取り崩し"]):
        if word == "計画":
            plans.append((on, int(number), whole(yen), on))
            continue
        kinds = {"定率": ("fixed-percentage", "rate_ppm"), "定額": ("fixed-amount", "amount_yen")}
        kind, name = kinds[word]
        terms.append(TermDrawing(on, int(number), on, day("2026-11-03"), 0, DrawingRule(kind, **{name: whole(yen)})))
    alerts = Alerts()
    asked = rules(TODAY, drawings=plans, drawing_terms=terms, drawing_orders={1: order_of(row["順序"])})
    payouts = create_drawings(of, asked, alerts).payouts
    found = [f"{number} {yen:,}" + (f"（{drawn}）" if drawn else "")
             for number, yen, drawn in columns(payouts, "sleeve_no", "amount_yen", "drawn_sleeve_no")]
    assert found == (row["払出し"].split("、") if row["払出し"] else [])
    assert set(payouts["first_promised_date"].tolist()) <= {on}
    assert [alert.kind for alert in alerts.rows] == ([row["警告"]] if row["警告"] else [])
