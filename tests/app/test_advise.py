"""`tsutsumi advise`: its JSON, the page that is shown, its options, and that bad input says why in one line."""

import json
from importlib.resources import files

import pytest

from tsutsumi.app.cli.advise import app
from tsutsumi.app.cli.screen import folded, width

EXAMPLE = (files("tsutsumi") / "examples" / "advice" / "retired-employee.toml").read_text("utf-8")
ASKS = EXAMPLE.split("# Leave out")[0]
PRODUCTS = (
    "class,ja,en,cost_pct,valid_from_date,source,verified\n"
    "domestic-equity,当社TOPIX,our TOPIX fund,0.1,2026-04-01,price list,1\n"
    "government-bond-retail,個人向け国債,retail government bonds,0,2026-04-01,price list,1\n"
)


@pytest.fixture
def run(tmp_path, capsys):
    """Return a function that runs the command on a household and returns (exit code, stdout, stderr)."""

    def command(*arguments: str, household=EXAMPLE, products=None) -> tuple[int, str, str]:
        path = tmp_path / "household.toml"
        path.write_bytes(household if isinstance(household, bytes) else household.encode("utf-8"))
        words = [str(path), *arguments]
        if products is not None:
            (tmp_path / "products.csv").write_text(products, encoding="utf-8")
            words += ["--products", str(tmp_path / "products.csv")]
        with pytest.raises(SystemExit) as left:
            app(words)
        out, err = capsys.readouterr()
        return left.value.code or 0, out, err

    return command


def test_the_article_comes_out_every_figure(run):
    code, out, err = run("--json")
    told = json.loads(out)
    assert (code, err) == (0, "")
    assert (told["total_yen"], told["lambda"]) == (100_000_000, "0.0125")
    figures = ("return_pct", "risk_pct", "worst_pct", "utility", "precise_risk_pct", "precise_utility")
    assert [told["before"][key] for key in figures] == ["1.66", "11.5", "-21.34", "0.006875", "8.710109069352", "0.711675"]
    assert [told["after"][key] for key in figures] == ["1.92", "8", "-14.08", "1.12", "7.250930974709", "1.2628"]
    assert [row["weight_pct"] for row in told["before"]["holdings"]] == ["10", "20", "10", "20", "30", "10"]
    assert (told["gain_pct"], told["gain_yen"], told["fee_yen"]) == ("1.113125", 1_113_125, 222_625)
    assert (told["precise_gain_pct"], told["precise_gain_yen"]) == ("0.551125", 551_125)
    assert [(step["kind"], step["gain_yen"]) for step in told["steps"]] == [("return", 260_000), ("risk", 853_125)]


def test_the_article_is_proposed_where_it_is_left_out(run):
    told = json.loads(run("--json", household=ASKS)[1])
    assert [step["gain_yen"] for step in told["steps"]] == [383_125, 80_000, 650_000]
    assert (told["gain_yen"], told["fee_yen"], told["is_proposal"]) == (1_113_125, 222_625, True)
    assert all(step["reason"] and step["reason_en"] for step in told["steps"])


def test_the_fee_is_a_share_once_or_every_year(run):
    told = json.loads(run("--json", "--fee-share", "12.5", "--fee-due", "yearly")[1])
    assert (told["fee_yen"], told["fee_due"], told["fee_share_pct"]) == (139_140, "yearly", "12.5")
    assert "毎年 every year" in run("--fee-due", "yearly")[1] and "初年度に一度 once" in run()[1]


def test_the_threshold_of_the_cost_and_the_products_of_the_house_can_be_set(run):
    told = json.loads(run("--json", "--cost-threshold", "1", household=ASKS)[1])
    assert [step["kind"] for step in told["steps"]] == ["single-stock", "no-return"]
    told = json.loads(run("--json", household=ASKS, products=PRODUCTS)[1])
    assert [row["ja"] for row in told["products"]] == ["当社TOPIX", "個人向け国債"]
    assert told["after"]["holdings"][0]["cost_pct"] == "0.1" and told["gain_yen"] == 1_133_125


def test_the_assumptions_of_gpif_and_of_a_day_can_be_chosen(run):
    told = json.loads(run("--json", "--assumptions", "gpif")[1])
    found = {row["class"]: row["risk_pct"] for row in told["assumptions"]}
    assert (found["domestic-equity"], found["single-stock"]) == ("23.14", "35")
    assert run("--json", "--date", "2026-04-01")[1] == run("--json")[1]
    code, out, err = run("--json", "--date", "2019-12-31")
    assert (code, out, err.count("\n")) == (2, "", 1) and "in force on 2019-12-31" in err


def test_the_page_shows_every_figure_with_its_formula(run):
    code, out, err = run()
    assert (code, err) == (0, "")
    for line in (
        "  リスク拒否度 λ risk aversion = 5 ÷ (2 × 0.5 × 20²) = 0.0125",
        "  リスク risk = 10% × 35 + 20% × 10 + 10% × 20 + 20% × 20 = 11.5 %",
        "  最悪の場合の目安 worst case = 1.66 − 2 × 11.5 = -21.34 %",
        "  効用 U utility = 1.66 − 0.0125 × 11.5² = 0.006875 %",
        "  期待収益率 expected return = 20% × (5 − 0.2) + 20% × (5 − 0.2) = 1.92 %",
        "  助言の価値 worth of the advice = 1.12 − 0.006875 = 1.113125 %",
        "  報酬 fee = 1,113,125 × 20 % = 222,625 円",
        "  分散 σ² variance = 4² + 4² + 2 × 0.643 × 4 × 4 = 52.576",
        "  精密な計算では precisely = 1.2628 − 0.711675 = 0.551125 %",
    ):
        assert line in out.splitlines()
    assert "1,113,125 円、精密に見積もって年 551,125 円" in out
    assert max(map(width, out.splitlines())) <= 100
    assert "≈40.4 % of the precise worth" in out and "48% で" not in out and "48%で効用が最も高く" in out


def test_the_page_of_a_proposal_gives_a_reason_and_yen_for_each_step(run):
    out = run(household=ASKS)[1]
    assert "1) 「社員持株会の株式」は資産の10%を一つの会社に預けています" in out
    assert "年 383,125 円" in out and "合計 sum 383,125 + 80,000 + 650,000 = 1,113,125円" in out


def test_the_page_says_where_there_is_nothing_to_change_and_nothing_at_risk(run):
    deposits = ASKS.split("[[before]]")[0] + '[[before]]\nname = "x"\nclass = "deposit"\nvalue_yen = 1\ncost_pct = 0\n'
    code, out, _ = run(household=deposits)
    assert code == 0 and "変えるところはありません" in out and "リスクのある資産がありません" in out
    assert "50 % in the asset that you named would bring a utility of 1.25 %" in out


def test_the_page_warns_where_the_precise_worth_is_none(run):
    """Bonds that steady the shares: to sell them looks good roughly, and is not, precisely."""
    rows = [("before", "domestic-bond", 50), ("before", "domestic-equity", 50)]
    rows += [("after", "deposit", 50), ("after", "domestic-equity", 50)]
    text = ASKS.split("[[before]]")[0] + "".join(
        f'[[{side}]]\nname = "x"\nclass = "{name}"\nvalue_yen = {yen}000000\ncost_pct = 0\n' for side, name, yen in rows
    )
    text += '[[assumptions]]\nclass = "domestic-bond"\nreturn_pct = "0"\nrisk_pct = "3"\n'
    text += '[[correlations]]\nclass = "domestic-bond"\nother_class = "domestic-equity"\ncorrelation = "-0.5"\n'
    code, out, _ = run(household=text)
    assert code == 0 and "ご注意：精密な計算では、この助言の価値はありません" in out


def test_no_line_of_the_page_starts_with_a_full_stop_or_breaks_a_word(run):
    lines = run(household=ASKS)[1].splitlines()
    assert not [line for line in lines if line.strip()[:1] in ("。", "、", "）", "」", "ー")]
    assert folded("a retail government bond", 12) == ["a retail", "government", "bond"]
    assert all(width(line) <= 20 for line in folded("「外債ファンド」は年1%の費用を払っても収益がありません。", 20))


def test_rows_that_nobody_checked_are_marked(run):
    out = run()[1]
    assert "  * 相関 correlation 国内株式・外国株式: 0.643" in out and "  ・個別株 single stock: 収益率 return 5%" in out


@pytest.mark.parametrize(
    ("household", "says"),
    [
        ("", "[preference] is missing"),
        (EXAMPLE.encode("utf-16"), "no UTF-8"),
        (EXAMPLE.encode("cp932"), "no UTF-8"),
        (EXAMPLE.replace("[preference]", "[preference"), "no TOML"),
        (EXAMPLE.replace('"single-stock"', '"crypto"'), "'crypto' is unknown"),
        (EXAMPLE.replace("30_000_000", "-30_000_000"), "negative"),
        (EXAMPLE.replace('share_pct = "50"', 'share_pct = "0"'), "out of range"),
        (EXAMPLE.replace('share_pct = "50"', 'share_pct = "100.5"'), "out of range"),
        (EXAMPLE.replace("30_000_000", "30_000_001", 1), "after: the sum is 100,000,000 yen, before it is 100,000,001"),
    ],
    ids=range(9),
)
@pytest.mark.parametrize("json_too", [(), ("--json",)], ids=["page", "json"])
def test_bad_input_computes_nothing_and_says_why_in_one_line(run, household, says, json_too):
    code, out, err = run(*json_too, household=household)
    assert (code, out) == (2, "")
    assert says in err and err.startswith("tsutsumi advise: ") and err.count("\n") == 1


@pytest.mark.parametrize(
    ("arguments", "says"),
    [
        (("--fee-share", "101"), "--fee-share: 101 is out of range"),
        (("--fee-share", "a lot"), "--fee-share: 'a lot' is no number"),
        (("--fee-due", "daily"), "--fee-due: 'daily' is unknown"),
        (("--cost-threshold", "½"), "--cost-threshold"),
        (("--assumptions", "mine"), "--assumptions: 'mine' is unknown"),
        (("--date", "2026-02-30"), "--date: '2026-02-30' is no date"),
        (("--products", "nowhere.csv"), "cannot be read"),
        (("--colour", "red"), "--colour"),
    ],
)
def test_a_wrong_use_says_why_in_one_line(run, arguments, says):
    code, out, err = run(*arguments)
    assert (code, out) == (2, "")
    assert says in err and err.count("\n") == 1


def test_a_file_that_is_not_there_says_so(capsys, tmp_path):
    for path in (tmp_path / "none.toml", tmp_path):
        with pytest.raises(SystemExit) as left:
            app([str(path)])
        assert left.value.code == 2
        err = capsys.readouterr().err
        assert "cannot be read" in err and err.count("\n") == 1


def test_the_help_shows_an_example(capsys):
    with pytest.raises(SystemExit) as left:
        app(["--help"])
    assert not left.value.code
    assert "tsutsumi advise HOUSEHOLD.toml --fee-share 20 --json" in capsys.readouterr().out
