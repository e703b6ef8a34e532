"""Handlers of the case tables in docs/rules: `@cases("x")` registers one for the tables marked `<!-- cases: x -->`."""

from collections.abc import Callable

HANDLERS: dict[str, Callable[[dict[str, str]], None]] = {}


def cases(name: str) -> Callable:
    """Register a function that asserts one row, given as {column: cell}; a name is registered once."""

    def register(handler: Callable[[dict[str, str]], None]) -> Callable[[dict[str, str]], None]:
        assert name not in HANDLERS, f"the case name {name!r} is registered twice"
        HANDLERS[name] = handler
        return handler

    return register
