"""Ask a command of `tsutsumi` in this process, as its entry point would, and keep what it prints."""

import io
import json
from contextlib import redirect_stderr, redirect_stdout

from tsutsumi.app.cli import run
from tsutsumi.app.cli.failure import reported


def asked(*argv: str) -> tuple[int, str, str]:
    """-> exit status, standard output, standard error"""
    out, err = io.StringIO(), io.StringIO()
    with redirect_stdout(out), redirect_stderr(err):
        try:
            with reported():
                status = run(list(argv))
        except SystemExit as stop:
            status = stop.code
    return int(status or 0), out.getvalue(), err.getvalue()


def answer(*argv: str) -> dict:
    """The JSON object that a command prints when it is done."""
    status, out, err = asked(*argv)
    assert status == 0, (argv, status, err)
    return json.loads(out)


def refused(*argv: str) -> bool:
    """Bad input: "one clear line, exit 2", and no stack of calls."""
    status, _out, err = asked(*argv)
    assert status == 2, (argv, status, err)
    assert err.endswith("\n") and err.count("\n") == 1 and len(err) > 20, (argv, err)
    return True
