"""A house of contracts that end around a year's end (解約の家): periods that end before, between, on and after eve and payment.

The last business day of 2026 is 30 December: 31 December ends a month and a quarter, and no day is closed on it. Periods that
count from the opening end on 12-26 (before all of it), on 12-29 (a payment day, and the eve of the next) and 1-6 (after it).
"""

from collections.abc import Mapping
from datetime import date as Date
from pathlib import Path

from tests.days.still_house import PROGRAMS, TWO_SLEEVES, close_to, make, prices
from tsutsumi.core.calendar import business_days
from tsutsumi.store.database import House

FIRST, LAST = Date(2026, 11, 16), Date(2027, 1, 12)
ASKED = tuple(business_days(Date(2026, 12, 22), Date(2026, 12, 25)))  # to be paid on 12-29, 12-30, 1-4 and 1-5
OPENED = (Date(2026, 11, 27), Date(2026, 11, 30), Date(2026, 12, 1), Date(2026, 12, 7))
OWN_PERIODS, EVERY_END = ("anniversary", "stacked"), ("monthly", "average", "advance", "profit")
CLOSING = {  # contract_id → when its first sleeve closes into its second
    "profit-stays": Date(2026, 12, 21), "profit-joins": Date(2026, 12, 21), "pockets-joins": Date(2026, 12, 24),
}


def contracts() -> dict[str, tuple[str, Date, Date | None, list[str]]]:
    """contract_id → program, opening, termination if any, and its sleeves."""
    found = {}
    for program in PROGRAMS:
        for opened in OPENED if program in OWN_PERIODS else [FIRST]:
            for asked in ASKED[:3] if program in OWN_PERIODS else ASKED if program in EVERY_END else ASKED[1:3]:
                found[f"{program}-{opened:%d}-{asked:%d}"] = program, opened, asked
    found |= {f"{program}-stays": (program, FIRST, None) for program in ("profit", "monthly", "advance")}
    found |= {f"{program}-joins": (program, FIRST, ASKED[2]) for program in ("profit", "pockets")}
    return {name: (*of, [f"{name}-{place}" for place in range(1 + (of[0] in TWO_SLEEVES))]) for name, of in found.items()}


def events() -> list[str]:
    """Openings, deposits, withdrawals before, on and after the termination, and sleeves that close into others."""
    lines = []
    for place, (name, (_, opened, asked, sleeves)) in enumerate(contracts().items()):
        lines.append(f"o-{name},{opened},contract_opened,{name},,,,")
        for sleeve in sleeves:
            lines.append(f"s-{sleeve},{opened},sleeve_opened,,{sleeve},,,")
            lines.append(f"d-{sleeve},{opened},deposit,,{sleeve},,{14_000_000 + 1_234_567 * (place % 9)},")
        if place % 3 == 0:  # of a quarter of them it is paid on the eve, or is still open then and goes out with the rest
            day = (Date(2026, 12, 16), Date(2026, 12, 18), Date(2026, 12, 21))[place // 3 % 3]
            lines.append(f"w-{name},{day},withdrawal,,{sleeves[0]},,2300000,")
        if place % 4 == 1:
            lines.append(f"a-{name},2026-12-15,deposit,,{sleeves[0]},,900000,")
        if name in CLOSING:
            lines.append(f"c-{name},{CLOSING[name]},sleeve_closed,,{sleeves[0]},{sleeves[1]},,")
        if asked:
            lines.append(f"t-{name},{asked},terminated,{name},,,,")
    lines += [f"m-{name},2026-12-22,withdrawal,,{name}-0,,1500000," for name in ("monthly-stays", "advance-stays")]
    return lines


def ending_house(folder: Path, through: Date = LAST, wrong: Mapping[tuple[str, Date], int] | None = None) -> House:
    """Return the house, closed to a day; `wrong` prices by fund and day instead of the right ones."""
    known = contracts()
    owners = "".join(f"a-{name},c-{name},custodian\n" for name in known)
    navs = [f"{day},{fund},{(wrong or {}).get((fund, day), price)}" for fund, of in prices().items() for day, price in of.items()
            if FIRST <= day <= LAST]
    house = make(folder, lines=[], more={
        "customers": "customer_id,name\n" + "".join(f"c-{name},見本\n" for name in known),
        "accounts": "account_id,customer_id,custodian_id\n" + owners,
        "contracts": "contract_id,account_id,customer_id,program_id\n"
                     + "".join(f"{name},a-{name},c-{name},{of[0]}\n" for name, of in known.items()),
        "fee_groups": "contract_id,valid_from_date,group_id\n"
                      + "".join(f"{name},2020-01-01,g\n" for name, of in known.items() if of[0] == "adjusted"),
        "sleeves": "sleeve_id,contract_id,name,model_id\n"
                   + "".join(f"{sleeve},{name},,growth\n" for name, of in known.items() for sleeve in of[-1]),
        "events": "event_id,date,kind,contract_id,sleeve_id,target_sleeve_id,amount_yen,note\n" + "\n".join(events()) + "\n",
        "nav": "date,fund_code,nav_yen\n" + "\n".join(navs) + "\n",
    })
    close_to(house, through)
    return house
