"""close(): yesterday's books + today's market, events and fills + the rules in force → today's books and what happened.

The one file that knows the order of the steps (docs/close.md §3). It is a function: no clock, no chance, no files.
"""

from tsutsumi.core.books import Books
from tsutsumi.core.deciding import decide, tell_drift
from tsutsumi.core.evening import Closed, Evening, Inputs
from tsutsumi.core.filling import fill
from tsutsumi.core.rules import Rules

__all__ = ["Closed", "Inputs", "close"]


def close(before: Books, rules: Rules, inputs: Inputs) -> Closed:
    """Return the books and the facts of a business day (日次締め).

    Same inputs, same bytes. Partitions are subsets of accounts: the result of the whole is the results of the parts.
    """
    evening = Evening(before, rules, inputs)
    evening.settle()
    evening.distribute_and_split()
    fill(evening)
    evening.book_events()
    evening.pay()
    evening.shape()
    look = evening.value()
    evening.charge()
    decide(evening, look)
    tell_drift(evening)
    return evening.finish()
