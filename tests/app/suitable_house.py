"""A small closed house with risks of its models, and one customer's answers, for the tests of suitability."""

from datetime import date as Date
from importlib.resources import files
from pathlib import Path

from tests.store.files import FILES, load
from tsutsumi.run.close_day import close_through
from tsutsumi.store.database import House

FOLDER = files("tsutsumi") / "examples" / "suitability"
QUESTIONS = (FOLDER / "risk-tolerance.toml").read_text("utf-8").replace("2026-10-01", "2026-07-01")
GIVEN = {"age": 52, "horizon": "5-to-10", "reserve": 12, "income": "steady", "experience": ["funds"], "fall": "held",
         "loss": "20", "aim": "grow"}
CAREFUL, HIGHER = {"loss": "10", "aim": "keep"}, {"loss": "30", "aim": "most"}   # stable 7 %, growth 18 %
CLOSED = Date(2026, 8, 4)
NAV = "date,fund_code,nav_yen\n2026-08-03,eq,10000\n2026-08-03,bond,10000\n2026-08-04,eq,10000\n2026-08-04,bond,10000\n"
RISKS = "model_id,valid_from_date,mean_ppm,risk_ppm\ngrowth,2026-07-01,40000,165000\nmix,2026-07-01,25000,115000\n"
OPENED = "e4,2026-08-03,sleeve_opened,,s2,\ne5,2026-08-03,deposit,,s2,1000000\n"
OTHER = "e6,2026-08-03,contract_opened,k2,,\ne7,2026-08-03,sleeve_opened,,s3,\ne8,2026-08-03,deposit,,s3,1000000\n"


def answers(day: str, changed: dict | None = None, named: str = "risk-tolerance") -> str:
    """Return the text of an answers' file."""
    told = GIVEN | (changed or {})
    rows = [f"{name} = {str(given) if isinstance(given, int) else repr(given)}" for name, given in told.items()]
    return "\n".join([f'questionnaire = "{named}"' if named else "", f"date = {day}" if day else "", "[answers]", *rows])


def fill(house: House, through: Date | None = CLOSED, **more: str) -> House:
    """Load the files of the house and close it."""
    texts = FILES | {"events": FILES["events"] + OPENED + OTHER, "model_assumptions": RISKS} | more
    report = load(house, nav=NAV, **texts)
    assert report.refused == 0, report
    if through:
        close_through(house, through)
    return house


def write(folder: Path, name: str, text: str) -> str:
    """Write a file and return its path."""
    (folder / name).write_text(text, encoding="utf-8")
    return str(folder / name)
