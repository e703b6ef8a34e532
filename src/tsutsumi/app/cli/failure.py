"""How a command ends when it cannot do what it was asked: one line on stderr and exit code 2, never a stack of calls."""

import json as json_text
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import date as Date

from tsutsumi.run.fee_terms_book import UnsupportedTerms
from tsutsumi.store.database import HouseError

DONE, FELL_SHORT, BAD_USE = 0, 1, 2
INTERRUPTED = 130


def told(command: str, error: Exception, json: bool = False) -> int:
    """Print the error as one line (or as JSON) and return the exit code for bad use."""
    line = " ".join(str(error).split())
    if json:
        print(json_text.dumps({"error": line}, ensure_ascii=False))
    print(f"tsutsumi {command}: {line}", file=sys.stderr)
    return BAD_USE


def read_date(text: str, option: str) -> Date:
    """Return an ISO date, or refuse it."""
    try:
        return Date.fromisoformat(text)
    except ValueError:
        raise HouseError(f"{option} {text!r} is no date: write it like 2022-12-28") from None


@contextmanager
def reported() -> Iterator[None]:
    """Turn a refusal that no command caught into one line and exit code 2."""
    try:
        yield
    except (HouseError, UnsupportedTerms) as error:
        sys.exit(told("", error))
    except KeyboardInterrupt:
        print("tsutsumi: interrupted; run the same command again to go on from the last closed day", file=sys.stderr)
        sys.exit(INTERRUPTED)
    except BrokenPipeError:
        sys.exit(DONE)
