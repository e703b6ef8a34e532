"""A house whose units stand still (口数の動かない家): every kind of fee, one purchase at the start, prices that can be misprinted.

What is wrong in it is wrong for the fees alone: nobody trades on a price, so that two such houses differ in nothing else.
"""

import atexit
import random
import shutil
from collections import defaultdict
from collections.abc import Iterable
from datetime import date as Date
from functools import cache
from pathlib import Path
from tempfile import mkdtemp

from tests.store.files import write
from tsutsumi.core.calendar import business_days, epoch_day
from tsutsumi.ports.paper import PaperBank
from tsutsumi.run.close_day import close_through, closing
from tsutsumi.run.export import gather_house
from tsutsumi.run.fee_correction import CorrectionReport, correct_file
from tsutsumi.run.loading import load_files
from tsutsumi.run.verify import verify_house
from tsutsumi.store.database import House, create_house, open_house

FIRST, LAST = Date(2026, 8, 3), Date(2027, 12, 30)
MOMENT = "2026-08-01T00:00:00+00:00"
REFUNDS = ("refund", "correction_refund")
TERMS = """name = "{name}"
rates_of = "day"
period = {{ length = "{length}", align = "{align}", timing = "{timing}" }}
base = {{ measure = "{measure}", days = "{days}", cash = "{cash}" }}
year = {{ days = 365 }}
rounding = {{ to = "down", average = "none" }}
tax = {{ kind = "included" }}
advance = {{ addition = "{addition}", refund = "prorated" }}
[[component]]
name = "wrap"
kind = "balance"
[[component.rates]]
from = 2020-01-01
tiers = [[0, 13090], [10_000_000, 12155], [30_000_000, 9350]]
"""
PERFORMANCE = """[[component]]
name = "profit"
kind = "performance"
rate_ppm = 110000
every = 1
mark = "scaled"
"""
DEFAULTS = {
    "length": "month", "align": "calendar", "timing": "arrears", "measure": "average", "days": "calendar", "cash": "included",
    "addition": "own",
}
PROGRAMS = {  # program_id: what its terms say otherwise, whether with a performance fee, what its rules say otherwise
    "average": ({"length": "quarter"}, False, {"collection_kind": "deposit"}),
    "monthly": ({}, False, {"collection_kind": "deposit"}),
    "daily": ({"measure": "daily"}, False, {"collection_kind": "deposit"}),
    "closing": ({"measure": "closing"}, False, {"collection_kind": "deposit"}),
    "business": ({"days": "business", "cash": "excluded"}, False, {"collection_kind": "deposit"}),
    "anniversary": ({"align": "contract"}, False, {"collection_kind": "deposit"}),
    "adjusted": ({"length": "quarter"}, False, {"collection_kind": "deposit"}),
    "advance": ({"length": "quarter", "timing": "advance", "measure": "opening"}, False, {}),
    "stacked": ({"timing": "advance", "measure": "opening", "addition": "stacked", "align": "contract"}, False, {}),
    "profit": ({"length": "quarter"}, True, {}),
    "pockets": ({"length": "quarter"}, True, {"performance_scope": "sleeve"}),
}
IN_ARREARS = ("average", "monthly", "daily", "closing", "business", "anniversary", "adjusted")  # debited: values do not feel a fee
TWO_SLEEVES = ("profit", "pockets", "stacked")
TWO_CONTRACTS = ("adjusted", "average")


def terms_of(program: str, **more) -> str:
    """The terms of a program as TOML."""
    said, profit, _ = PROGRAMS[program]
    return TERMS.format(name=program, **(DEFAULTS | said | more)) + (PERFORMANCE if profit else "")


def prices() -> dict[str, dict[Date, int]]:
    """The right price of each fund on each business day."""
    chance, found = random.Random(7), {"eq": {}, "bond": {}}
    for fund, start, width in (("eq", 10_000, 120), ("bond", 10_000, 30)):
        price = start
        for day in business_days(FIRST, LAST):
            found[fund][day] = price
            price = price * (10_000 + chance.randint(-width, width + 4)) // 10_000
    return found


def contracts() -> dict[str, tuple[str, list[str]]]:
    """contract_id → program, and its sleeves."""
    found = {}
    for program in PROGRAMS:
        for number in (1, 2) if program in TWO_CONTRACTS else (1,):
            name = f"{program}{number}"
            found[name] = program, [f"{name}-{place}" for place in ((1, 2) if program in TWO_SLEEVES else (1,))]
    return found


def events(opened: dict[str, Date] | None = None) -> list[str]:
    """The openings, deposits and withdrawals of the house, as lines of the file."""
    lines, opened = [], opened or {}
    for place, (contract, (_, sleeves)) in enumerate(contracts().items()):
        first = opened.get(contract, FIRST)
        lines.append(f"o-{contract},{first},contract_opened,{contract},,,")
        for sleeve in sleeves:
            lines.append(f"s-{sleeve},{first},sleeve_opened,,{sleeve},,")
            lines.append(f"d-{sleeve},{first},deposit,,{sleeve},{14_000_000 + 1_234_567 * place},")
        lines.append(f"a-{contract},2026-09-15,deposit,,{sleeves[0]},900000,")
        lines.append(f"w-{contract},2026-10-05,withdrawal,,{sleeves[0]},300000,")
    return lines


def files(wrong: dict[tuple[str, Date], int], lines: Iterable[str], more: dict[str, str], still: bool = True) -> dict[str, str]:
    """The files of the house: `wrong` prices by fund and day instead of the right ones."""
    quoted = {program: terms_of(program).replace('"', '""') for program in PROGRAMS}
    minimum = 2_000_000 if still else 10**12  # or nothing is ever bought
    rules = [
        f"{program},2020-01-01,{minimum},10000,1000,flow,{program},manager,{of.get('performance_scope', 'contract')},"
        f"{of.get('collection_kind', 'cash')}" for program, (_, _, of) in PROGRAMS.items()
    ]
    known = contracts()
    navs = [f"{day},{fund},{wrong.get((fund, day), price)}" for fund, of in prices().items() for day, price in of.items()]
    text = {
        "companies": "company_id,name\nbank,銀行\nmanager,運用会社\ncustodian,信託銀行\n",
        "instruments": "instrument_id,name,price_scale,price_base_units\neq,株式,0,10000\nbond,債券,0,10000\n",
        "models": "model_id,name,manager_id\ngrowth,成長,manager\n",
        "model_versions": "model_id,version,effective_date,proposed_by,approved_by\ngrowth,1,2020-01-01,tanaka,suzuki\n",
        "model_weights": "model_id,version,instrument_id,child_model_id,weight_ppm\ngrowth,1,eq,,600000\ngrowth,1,bond,,300000\n"
                         "growth,1,JPY,,100000\n",
        "programs": "program_id,name\n" + "".join(f"{program},{program}\n" for program in PROGRAMS),
        "fee_terms": "fee_terms_id,valid_from_date,terms_toml\n"
                     + "".join(f'{program},2020-01-01,"{quoted[program]}"\n' for program in PROGRAMS),
        "program_rules": "program_id,valid_from_date,minimum_trade_yen,minimum_deposit_yen,minimum_instalment_yen,rebalance_kind,"
                         "fee_terms_id,remainder_company_id,performance_scope,collection_kind\n" + "\n".join(rules) + "\n",
        "program_models": "program_id,model_id,valid_from_date,offered\n"
                          + "".join(f"{program},growth,2020-01-01,true\n" for program in PROGRAMS),
        "program_shares": "program_id,valid_from_date,company_id,share_ppm\n"
                          + "".join(f"{program},2020-01-01,bank,400000\n" for program in PROGRAMS),
        "fee_adjustments": "program_id,valid_from_date,step_no,row_no,kind,threshold,factor_ppm,amount_yen\n"
                           "adjusted,2020-01-01,1,1,group,0,1000000,0\nadjusted,2020-01-01,2,1,deposit_step,15000000,900000,0\n",
        "customers": "customer_id,name\n" + "".join(f"c-{name},見本\n" for name in known),
        "accounts": "account_id,customer_id,custodian_id\n" + "".join(f"a-{name},c-{name},custodian\n" for name in known),
        "contracts": "contract_id,account_id,customer_id,program_id\n"
                     + "".join(f"{name},a-{name},c-{name},{program}\n" for name, (program, _) in known.items()),
        "fee_groups": "contract_id,valid_from_date,group_id\nadjusted1,2020-01-01,g\nadjusted2,2020-01-01,g\n",
        "sleeves": "sleeve_id,contract_id,name,model_id\n"
                   + "".join(f"{sleeve},{name},,growth\n" for name, (_, sleeves) in known.items() for sleeve in sleeves),
        "events": "event_id,date,kind,contract_id,sleeve_id,amount_yen,note\n" + "\n".join(lines) + "\n",
        "nav": "date,fund_code,nav_yen\n" + "\n".join(navs) + "\n",
    }
    return text | more


def make(folder: Path, wrong=None, lines=None, more=None, still: bool = True) -> House:
    """Return the house in a folder, with nothing closed."""
    house = create_house(folder / "house")
    house.engine.dispose()
    house = open_house(folder / "house")
    load(house, **files(wrong or {}, events() if lines is None else lines, more or {}, still))
    return house


def load(house: House, **texts: str) -> None:
    """Load files, each of which must be taken whole."""
    paths = []
    for name, text in texts.items():
        paths.append(house.folder.parent / f"{name}.csv")
        paths[-1].write_text(text, encoding="utf-8")
    report = load_files(house, paths, MOMENT)
    assert report.refused == 0, [str(refusal) for file in report.files for refusal in file.refused]


def close_to(house: House, through: Date) -> None:
    """Close every business day up to a date, with a bank that never fails."""
    with closing(house, through) as closer:
        closer.bank = PaperBank(failure_ppm=0)
        while int(closer.reference.timeline.days[closer.next_index]) <= epoch_day(through):
            closer.close_next()


HEADER = "correction_id,kind,date,instrument_id,contract_id,sleeve_id,price,amount_yen,new_date,note\n"
EVENTS = "event_id,date,kind,contract_id,sleeve_id,amount_yen,note\n"
MISPRINTED = ("eq", Date(2026, 10, 28))


def misprint(which: tuple[str, Date] = MISPRINTED) -> dict[tuple[str, Date], int]:
    """A price of one fund on one day, 30 % too high."""
    return {which: prices()[which[0]][which[1]] * 13 // 10}


def nav(name: str = "N1", which: tuple[str, Date] = MISPRINTED) -> str:
    """The line of a file that corrects it."""
    return f"{name},nav,{which[1]},{which[0]},,,{prices()[which[0]][which[1]]},,,misprint\n"


def wrong_house(folder: Path, through: Date, which: tuple[str, Date] | None = MISPRINTED, lines=None) -> House:
    """Return the house with a misprinted price, or (None) a right one, closed up to a day: a copy of one that is closed once."""
    shutil.copytree(_closed(through, which, None if lines is None else tuple(lines)), folder, dirs_exist_ok=True)
    return open_house(folder / "house")


@cache
def _closed(through: Date, which: tuple[str, Date] | None, lines: tuple[str, ...] | None) -> Path:
    """The folder of such a house, closed on from where one with the same faults was closed to."""
    folder = Path(mkdtemp(prefix="still-house-"))
    atexit.register(shutil.rmtree, folder, ignore_errors=True)
    before = [day for day, *same in _CLOSED if day < through and same == [which, lines]]
    if before:
        house = wrong_house(folder, max(before), which, lines)
    else:
        house = make(folder, misprint(which) if which else None, lines)
    close_to(house, through)
    house.engine.dispose()
    _CLOSED.append((through, which, lines))
    return folder


_CLOSED: list[tuple[Date, tuple[str, Date] | None, tuple[str, ...] | None]] = []


def correct(house: House, text: str, by: str = "tanaka") -> CorrectionReport:
    """Correct a house by the lines of a file."""
    path = house.folder.parent / "corrections.csv"
    path.write_text(HEADER + text, encoding="utf-8")
    return correct_file(house, path, by, MOMENT)


def totals(house: House, through: Date) -> dict[str, int]:
    """contract_id → all that it was charged up to a day, refunds below zero."""
    found: dict[str, int] = defaultdict(int)
    for row in gather_house(house, through)["fees"].rows(named=True):
        found[row["contract_id"]] += -row["fee_yen"] if row["kind"] in REFUNDS else row["fee_yen"]
    return dict(found)


def passes(house: House) -> None:
    """Every promise of the house holds."""
    checks = verify_house(house, kills=0)
    assert [(check.key, check.details) for check in checks if check.passed is False] == []


def closed_with_pauses(folder: Path, files: dict[str, str], last: Date, partitions: int, pauses: tuple[Date, ...]):
    """Load files into a new house and close it to its last day, begun anew after some days; return it, and every result."""
    results, house = [], create_house(folder / "house", None, partitions)
    report = load_files(house, write(folder, **files), MOMENT)
    assert report.refused == 0, [str(refusal) for file in report.files for refusal in file.refused]
    for through in (*pauses, last):
        close_through(house, through, lambda done, total, result: results.append(result))
    return house, results
