"""Why a sleeve paid a regular drawing (定期取り崩しの説明): by its plan or terms, or for another sleeve by the contract's order."""

from collections.abc import Iterable, Mapping
from datetime import date as Date

import numpy as np

from tsutsumi.core.calendar import epoch_day
from tsutsumi.core.promises import P_DRAWING, PAID
from tsutsumi.core.schema import Frame
from tsutsumi.run.drawing_book import DrawingBook
from tsutsumi.run.history import rows_of
from tsutsumi.store.database import House

RULE_WORDS = {
    "fixed-amount": "定額", "fixed-percentage": "定率", "fixed-term": "期間指定", "annuity": "年金式", "guardrails": "ガードレール",
    "merton": "マートン",
}
BY_PLAN = "計画による by the plan"


def drawing_words(house: House, payouts: Frame, sleeve_no: int, sleeve_ids: Mapping[int, str], date: Date) -> list[tuple[int, str]]:
    """Return the drawings that a sleeve paid on a day (払った定期取り崩し), each its yen and why.

    Parameters
    ----------
    payouts : those of the day, of all sleeves
    sleeve_ids : sleeve_no → sleeve_id
    """
    mine = (payouts["sleeve_no"] == sleeve_no) & (payouts["kind_code"] == P_DRAWING)
    mine &= (payouts["status_code"] == PAID) & (payouts["paid_date"] == epoch_day(date))
    if not np.any(mine):
        return []
    names = ("amount_yen", "drawn_sleeve_no", "first_promised_date")
    rows, terms = list(zip(*(payouts[name][mine].tolist() for name in names), strict=True)), rows_of(house, "drawing_terms")
    found = []
    for yen, drawn, promised in rows:
        own = [row for row in terms["drawing_terms"] if row["sleeve_no"] == (drawn or sleeve_no)]
        how = _by(own, promised)
        if drawn:
            name = sleeve_ids.get(drawn, "")
            how = f"運用口 {name} の取り崩しを契約の順序で払う pays the drawing of {name} by the contract's order（{how}）"
        found.append((yen, how))
    return found


def _by(terms: Iterable[dict], promised: int) -> str:
    """Return which rule made the drawing of a business day: the terms that pay on it, else the plan."""
    book = DrawingBook(terms, 0, promised)
    kind = next((one.rule.kind for one in book.drawings if one.date == promised), "")
    return f"条件による（{RULE_WORDS[kind]}） by its terms: {kind}" if kind else BY_PLAN
