"""`tsutsumi fees`: its JSON, its table, and that a bad file charges nothing and says why in one line."""

import json
from importlib.resources import files

import pytest

from tsutsumi.app.cli.fees import app

TERMS = (files("tsutsumi") / "examples" / "fees" / "quarterly-arrears-average-four-tiers.toml").read_text("utf-8")
ADVANCE = (files("tsutsumi") / "examples" / "fees" / "quarterly-advance-opening-two-parts.toml").read_text("utf-8")
VALUES = "date,value_yen\n2026-10-01,120000000\n"
PERIOD = ["--start", "2026-10-01", "--through", "2026-12-31"]


@pytest.fixture
def run(tmp_path, capsys):
    """Return a function that runs the command on texts or bytes and returns (exit code, stdout, stderr)."""

    def command(*arguments: str, terms=TERMS, values=VALUES, flows=None) -> tuple[int, str, str]:
        words = list(arguments)
        for name, content in (("terms", terms), ("values", values), ("flows", flows)):
            if content is not None:
                path = tmp_path / name
                path.write_bytes(content if isinstance(content, bytes) else content.encode("utf-8"))
                words += [f"--{name}", str(path)]
        with pytest.raises(SystemExit) as left:
            app(words)
        out, err = capsys.readouterr()
        return left.value.code or 0, out, err

    return command


def test_the_json_is_one_array_of_entries(run):
    code, out, err = run(*PERIOD, "--json")
    assert (code, err) == (0, "")
    assert json.loads(out) == [
        {
            "kind": "charge",
            "start": "2026-10-01",
            "end": "2026-12-31",
            "base_yen": "120000000",
            "components": {"balance fee": 360_576},
            "total_yen": 360_576,
        }
    ]


def test_flows_and_the_end_of_the_contract_are_read(run):
    terms = ADVANCE.replace('refund = "none"', 'refund = "prorated"')
    flows = "date,amount_yen\n2026-11-24,10000000\n"
    code, out, _ = run(*PERIOD, "--terminated", "2026-11-30", "--json", terms=terms, flows=flows)
    assert code == 0
    assert [entry["kind"] for entry in json.loads(out)] == ["charge", "addition", "refund"]


def test_the_table_shows_each_line_and_its_arithmetic(run):
    code, out, _ = run(*PERIOD)
    lines = out.splitlines()
    assert code == 0
    assert lines[0].startswith("報酬明細")
    assert any("残高報酬 charge" in line and line.endswith("360,576") for line in lines)
    assert "  balance fee: 30,000,000 × 1.309 % × 92/365" in lines
    assert "    = 360,576.986… → 360,576円 (切り捨て)" in lines


def test_nothing_due_is_an_empty_array_and_a_sentence(run):
    early = ["--start", "2026-10-01", "--through", "2026-12-30"]
    assert run(*early, "--json")[:2] == (0, "[]\n")
    assert "Nothing is due" in run(*early)[1]


def test_the_warning_of_whole_tiers_goes_to_stderr_and_the_array_stays_clean(run):
    code, out, err = run(*PERIOD, "--json", terms=TERMS.replace('"marginal"', '"whole"'))
    assert (code, len(json.loads(out))) == (0, 1)
    assert "warning" in err and err.count("\n") == 1


@pytest.mark.parametrize(
    ("given", "says"),
    [
        ({"terms": ""}, "terms: the file is empty"),
        ({"values": ""}, "values: the file is empty"),
        ({"flows": ""}, "flows: the file is empty"),
        ({"terms": TERMS.encode("utf-16")}, "terms: this is no UTF-8"),
        ({"values": "date,値".encode("cp932")}, "values: this is no UTF-8"),
        ({"flows": b"\xff"}, "flows: this is no UTF-8"),
        ({"terms": TERMS + "colour = 'red'\n"}, "colour: this key is unknown"),
        ({"terms": TERMS.replace('kind = "included"', "")}, "kind is missing"),
        ({"terms": TERMS.replace("[0, 13090]", "[1, 13090]")}, "not 0"),
        ({"terms": TERMS.replace("2020-01-01", "2026-10-02")}, "no rates in force on 2026-10-01"),
        ({"values": "date,value_yen\n2026-10-02,1\n"}, "2026-10-01 is missing"),
        ({"values": "date,value_yen\n"}, "2026-10-01 is missing"),
        ({"values": VALUES + "2026-10-02,-1\n"}, "negative"),
        ({"values": VALUES + "2026-10-02,1.5\n"}, "no whole yen"),
        ({"values": VALUES + "2026-10-01,1\n"}, "stands twice"),
        ({"values": VALUES + "2026-10-02,1000000000000000\n"}, "above 10,000,000,000,000"),
        ({"flows": "date,amount_yen\n2026-09-30,1\n"}, "outside the contract"),
        ({"terms": TERMS.replace('cash = "included"', 'cash = "excluded"')}, "left out"),
    ],
)
def test_a_bad_file_charges_nothing_and_says_why_in_one_line(run, given, says):
    code, out, err = run(*PERIOD, "--json", **given)
    assert (code, out) == (2, "")
    assert says in err and err.count("\n") == 1


@pytest.mark.parametrize(
    ("arguments", "says"),
    [
        ([*PERIOD, "--terminated", "2027-01-01"], "later than --through"),
        ([*PERIOD, "--terminated", "2026-09-30"], "before --start"),
        (["--start", "2026-02-30", "--through", "2026-12-31"], "--start: '2026-02-30' is no date"),
        (["--start", "2026-10-01"], "--through"),
        ([*PERIOD, "--colour", "red"], "--colour"),
        ([*PERIOD, "--flows", "/nowhere/flows.csv"], "cannot be read"),
    ],
)
def test_a_wrong_use_says_why_in_one_line(run, arguments, says):
    code, out, err = run(*arguments)
    assert (code, out) == (2, "")
    assert says in err and err.count("\n") == 1


def test_the_help_shows_an_example(capsys):
    with pytest.raises(SystemExit) as left:
        app(["--help"])
    assert not left.value.code
    assert "tsutsumi fees --terms T.toml --values V.csv" in capsys.readouterr().out
