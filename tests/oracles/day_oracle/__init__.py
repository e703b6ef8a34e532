"""A slow, plain reading of `docs/close.md`, to check the fast close against: whole numbers, dicts, one row at a time.

Every rule is one small function with the sentence of the page that it reads quoted beside it. Where the page leaves a
choice, the docstring says `Reading:` and which one was taken.
"""

from tests.oracles.day_oracle.simulate import simulate
from tests.oracles.day_oracle.state import House

__all__ = ["House", "simulate"]
