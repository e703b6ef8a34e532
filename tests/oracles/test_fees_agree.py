"""`tsutsumi fees` and the slow oracle agree on random terms and histories."""

import io
import json
import pprint
import random
from contextlib import redirect_stderr, redirect_stdout

import pytest

from tests.oracles.fee_histories import random_case, to_files
from tests.oracles.fees_oracle import charges

CASES = 300
FUZZ_CASES = 10_000


def command(argv: list[str]) -> tuple[int, str, str]:
    """Run `tsutsumi fees` in this process. -> exit status, standard output, standard error"""
    from tsutsumi.app.cli import fees

    if hasattr(fees, "run"):
        return fees.run(argv)
    out, err = io.StringIO(), io.StringIO()
    with redirect_stdout(out), redirect_stderr(err):
        try:
            status = fees.app(argv)
        except SystemExit as stop:
            status = stop.code
    return int(status or 0), out.getvalue(), err.getvalue()


def difference(seed: int, folder) -> str | None:
    """The case of a seed in full, with both results, where they are not the same."""
    case = random_case(random.Random(seed))
    expected = charges(**case)
    status, out, err = command(to_files(case, folder))
    if status == 0 and json.loads(out) == expected:
        return None
    found = json.loads(out) if status == 0 else out
    first = next((n for n, pair in enumerate(zip(expected, found, strict=False)) if pair[0] != pair[1]), "the length")
    return (
        f"seed {seed}\n{pprint.pformat(case, width=118, sort_dicts=False)}\n"
        f"oracle:\n{pprint.pformat(expected, width=118, sort_dicts=False)}\n"
        f"command (status {status}):\n{pprint.pformat(found, width=118, sort_dicts=False)}\n{err}\n"
        f"first difference at {first}"
    )


@pytest.mark.parametrize("block", range(10))
def test_random_histories_agree(block, tmp_path):
    for seed in range(block, CASES, 10):
        assert not (found := difference(seed, tmp_path)), found


@pytest.mark.fuzz
@pytest.mark.parametrize("block", range(100))
def test_many_random_histories_agree(block, tmp_path):
    for seed in range(10**6 + block, 10**6 + FUZZ_CASES, 100):
        assert not (found := difference(seed, tmp_path)), found
