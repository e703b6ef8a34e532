"""The dated rules of who pays first (払出しの順序の読み込み): sleeves of a contract, tax classes of a customer's accounts."""

from bisect import bisect_right
from collections import defaultdict
from collections.abc import Mapping

from tsutsumi.core.calendar import epoch_day
from tsutsumi.core.rules import DrawingOrder
from tsutsumi.core.schema import Frame
from tsutsumi.run.dated_rows import in_force
from tsutsumi.run.fee_terms_book import Rows

ORDER_TABLES = ("drawing_orders", "account_orders")


def named_in(text: str) -> list[str]:
    """Return the words of a list with semicolons, in their order (並びの語).

    >>> named_in("S2;S1"), named_in("")
    (['S2', 'S1'], [])
    """
    return [part.strip() for part in text.split(";") if part.strip()]


class DrawingOrderBook:
    """The rows of `drawing_orders` and `account_orders` of one house (払出しの順序の台帳)."""

    def __init__(self, tables: Mapping[str, Rows]) -> None:
        self.rows, self.account_rows = ([*tables.get(name, ())] for name in ORDER_TABLES)
        self.accounts, self.contracts = tables["accounts"], tables["contracts"]
        self.number = {row["sleeve_id"]: row["sleeve_no"] for row in tables["sleeves"]} if self.rows else {}
        self.changes = sorted({epoch_day(row["valid_from_date"]) for row in self.rows})
        self._known: tuple[int, dict[int, DrawingOrder]] = (0, {})

    def on(self, day: int) -> dict[int, DrawingOrder]:
        """Return the order of each contract that has a row in force on a day (適用中の順序)."""
        number = bisect_right(self.changes, day)
        if self._known[0] != number:
            self._known = number, {
                contract: DrawingOrder(row["order_kind"], tuple(self.number[name] for name in named_in(row["sleeve_ids"])),
                                       row["drawings_kind"] == "order")
                for (contract,), row in in_force(self.rows, day, "contract_no").items()
            }
        return self._known[1]

    def tiers_of_account(self, account_no: int) -> list[list[int]]:
        """Return the contracts of an account: they pay together (口座の契約)."""
        return [sorted(row["contract_no"] for row in self.contracts if row["account_no"] == account_no)]

    def tiers_of_customer(self, customer_no: int, day: int) -> list[list[int]]:
        """Return the contracts of a customer in the order of their accounts' tax classes in force on a day (税区分の順).

        Classes that no row names pay last, together; without a row all pay together.
        """
        row = in_force(self.account_rows, day, "customer_no").get((customer_no,))
        named = named_in(row["tax_classes"]) if row else []
        place = {name: at for at, name in enumerate(named)}
        found: dict[int, list[int]] = defaultdict(list)
        tax_class = {row["account_no"]: row["tax_class"] for row in self.accounts if row["customer_no"] == customer_no}
        for row in self.contracts:
            if row["account_no"] in tax_class:
                found[place.get(tax_class[row["account_no"]], len(place))].append(row["contract_no"])
        return [sorted(found[at]) for at in sorted(found)]

    def tiers(self, events: Frame, customers: Mapping[int, int], kind_code: int, day: int) -> dict[int, list[list[int]]]:
        """Return event_no → the contracts that pay, in their order, of the withdrawals that name no sleeve (払う契約).

        Parameters
        ----------
        events : of a day;  kind_code : that of a withdrawal
        customers : event_no → customer_no, of the events that name a customer alone
        """
        found = {}
        unnamed = (events["kind_code"] == kind_code) & (events["sleeve_no"] == 0)
        names = ("event_no", "account_no", "contract_no")
        for number, account, contract in zip(*(events[name][unnamed].tolist() for name in names), strict=True):
            if contract:
                found[number] = [[contract]]
            elif account:
                found[number] = self.tiers_of_account(account)
            elif number in customers:
                found[number] = self.tiers_of_customer(customers[number], day)
        return found
