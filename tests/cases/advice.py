"""The case tables of docs/rules/advice.md."""

from fractions import Fraction
from importlib.resources import files

import pytest

from tests.cases import cases
from tsutsumi.core.household import Holding, HouseholdError, decimal_text
from tsutsumi.core.household_advice import Advice, advise
from tsutsumi.core.household_file import parse_household
from tsutsumi.core.household_record import as_record
from tsutsumi.core.household_tables import statute_tables

NAMES = {row.ja: name for name, row in statute_tables().assumptions.items()}
KINDS = {"個別株": "single-stock", "費用": "cost", "収益なし": "no-return", "割合": "risky-share"}


def parts(cell: str) -> list[str]:
    """Return what stands between the 、 of a cell; nothing for an empty cell or なし."""
    return [part.strip() for part in cell.split("、") if part.strip() and part.strip() != "なし"]


def whole(text: str) -> int:
    """Return a whole number written with commas."""
    return int(text.replace(",", ""))


def holdings(cell: str) -> list[tuple[str, int, str]]:
    """Return "国内株式 1,000 0.2、…" as (class, yen, cost)."""
    words = [part.split() for part in parts(cell)]
    return [(NAMES[word[0]], whole(word[1]), word[2] if len(word) > 2 else "0") for word in words]


def household(row: dict[str, str], **sides: str) -> str:
    """Return the TOML of a row: what the customer said, its own assumptions, and the sides given as cells."""
    said = zip(("return_pct", "risk_pct", "share_pct"), parts(row["お考え"]), strict=True)
    lines = ["[preference]", *(f'{key} = "{figure}"' for key, figure in said)]
    for side, cell in sides.items():
        for number, (name, yen, cost) in enumerate(holdings(cell), 1):
            lines += [f"[[{side}]]", f'name = "{side} {number}"', f'class = "{name}"', f"value_yen = {yen}", f'cost_pct = "{cost}"']
    for part in parts(row.get("前提", "")):
        name, gained, risk = part.split()
        lines += ["[[assumptions]]", f'class = "{NAMES[name]}"', f'return_pct = "{gained}"', f'risk_pct = "{risk}"']
    return "\n".join(lines)


def advice(text: str, **options: Fraction) -> Advice:
    """Return the advice to the household of a TOML text."""
    return advise(*parse_household(text, statute_tables()), **options)


@cases("advice-assumption")
def assumption(row: dict[str, str]) -> None:
    """Compare a row of the default table; the table of the page holds every class."""
    found = statute_tables().assumptions
    shown = [line for line in (files("tsutsumi") / "statute" / "advice_assumptions.csv").read_text("utf-8").splitlines() if line]
    assert len(found) == len(shown) - 1 == 9
    one = found[row["種類"]]
    assert (one.ja, decimal_text(one.return_pct), decimal_text(one.risk_pct)) == (row["名前"], row["期待収益率"], row["リスク"])


@cases("advice-figures")
def figures(row: dict[str, str]) -> None:
    """Compare every figure of one side, rough and precise, as the record writes it."""
    record = as_record(advice(household(row, before=row["資産"], after=row["資産"])))
    side = record["before"]
    assert record["lambda"] == row["λ"]
    rough = [side[key] for key in ("return_pct", "risk_pct", "worst_pct", "utility")]
    assert rough == [row[column] for column in ("期待収益率", "リスク", "最悪", "効用")]
    assert [side["precise_risk_pct"], side["precise_utility"]] == [row["精密なリスク"], row["精密な効用"]]
    assert {**side, "holdings": []} == {**record["after"], "holdings": []}


@cases("advice-gain")
def gain(row: dict[str, str]) -> None:
    """Compare the gain, the fee and the precise gain; the parts add up to the gain."""
    text = household(row, before=row["相談前"], after=row["相談後"])
    record = as_record(advice(text, fee_share_pct=Fraction(row["報酬の割合"])))
    assert record["gain_pct"] == row["価値（%）"]
    yen = [record["gain_yen"], record["fee_yen"], record["precise_gain_yen"]]
    assert yen == [whole(row[column]) for column in ("価値（円）", "報酬（円）", "精密な価値（円）")]
    assert sum(step["gain_yen"] for step in record["steps"]) == record["gain_yen"]


@cases("advice-proposal")
def proposal(row: dict[str, str]) -> None:
    """Compare the steps with their yen, and what is held after them."""
    found = advice(household(row, before=row["相談前"]), cost_threshold_pct=Fraction(row["費用の上限"]))
    steps = [(kind, whole(yen)) for kind, yen in (part.split() for part in parts(row["段"]))]
    assert [(part.kind, part.gain_yen) for part in found.parts] == [(KINDS[kind], yen) for kind, yen in steps]
    assert sum(yen for _, yen in steps) == found.gain_yen
    after: list[Holding] = list(found.after.holdings)
    assert [(h.class_name, h.value_yen, decimal_text(h.cost_pct)) for h in after] == holdings(row["相談後"])


@cases("advice-refusal")
def refusal(row: dict[str, str]) -> None:
    """Change the article's household in one place: it is refused in one line that says why."""
    text = (files("tsutsumi") / "examples" / "advice" / "retired-employee.toml").read_text("utf-8")
    assert row["元の書き方"] in text
    with pytest.raises(HouseholdError) as told:
        parse_household(text.replace(row["元の書き方"], row["書き換え"], 1), statute_tables())
    assert row["理由に出る言葉"] in str(told.value) and "\n" not in str(told.value)
