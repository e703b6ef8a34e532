"""The steps of the close that SQL is asked to do too (比較する工程), done by the functions that the product runs."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from time import perf_counter

import numpy as np

from tsutsumi.app.bench.book import Book
from tsutsumi.core.accrual import accrue
from tsutsumi.core.allocation import fill_orders, form_blocks
from tsutsumi.core.books import Books, book_fills, copy_books, order_offsets, settle, sort_orders
from tsutsumi.core.day import _accrued
from tsutsumi.core.ladder import PLACED, PRICED
from tsutsumi.core.orders import decide
from tsutsumi.core.payouts import open_needs
from tsutsumi.core.schema import Frame, stack, take
from tsutsumi.core.valuation import most_units, value_sleeves
