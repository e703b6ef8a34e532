"""`tsutsumi calibration`: of the goals that were told 80 %, how many came true; of a house, or of a simulated one."""

import csv
import json as json_text
from collections.abc import Iterator
from dataclasses import asdict
from pathlib import Path
from typing import Annotated

from cyclopts import Parameter

from tsutsumi.app.cli.calibration_page import lines, picture
from tsutsumi.app.cli.failure import DONE, told
from tsutsumi.core.calibration import Band
from tsutsumi.run.calibration import Told, house_calibration, simulated_calibration
from tsutsumi.store.database import HouseError, open_house

Flag = Annotated[bool, Parameter(negative=())]
BAND_COLUMNS = ("from_ppm", "to_ppm", "count", "told_ppm", "true_count", "true_ppm", "low_ppm", "high_ppm", "gap_ppm")


def calibration(
    house: Path | None = None, *, simulate: int = 0, years: int = 20, seed: int = 1, svg: Path | None = None,
    to: Path | None = None, json: Flag = False,
) -> int:
    """Compare what was told of goals with what came true (達成確率の検証), by band of ten points.

    Example: `tsutsumi calibration --simulate 10000 --years 20`

    Of a house: its own goals that came to their date, told when they began and 1, 3, 5 and 10 years before. Simulated: goals of
    every kind in two worlds, the lognormal one in which the method is exact, and one with crises and fat tails.

    Parameters
    ----------
    house
        The folder of the house; left out with --simulate.
    simulate
        How many goals a simulated house has.
    years
        How long it lives.
    seed
        The same seed gives the same report.
    svg
        Write the reliability diagram to this file.
    to
        Write the bands to this file, CSV.
    json
        Print it as JSON.
    """
    try:
        if (house is None) == (simulate == 0):
            raise HouseError("give a house, or --simulate with the number of goals")
        if house is not None:
            found = {"house": house_calibration(open_house(house))}
        else:
            found = simulated_calibration(simulate, years, seed)
        if svg is not None:
            svg.write_text(picture(found), encoding="utf-8")
        if to is not None:
            with to.open("w", encoding="utf-8", newline="") as file:
                csv.writer(file, lineterminator="\n").writerows([("world", "years_before", *BAND_COLUMNS), *_rows(found)])
    except (HouseError, ValueError, OSError) as error:
        return told("calibration", error, json)
    print(json_text.dumps(_content(found), ensure_ascii=False, indent=1) if json else "\n".join(lines(found)))
    return DONE


def _rows(found: dict[str, list[Told]]) -> Iterator[tuple]:
    """Yield every band as a row of the CSV."""
    for world, reports in found.items():
        for one in reports:
            yield from ((world, one.years, *_band(band).values()) for band in one.report.bands)


def _content(found: dict[str, list[Told]]) -> dict:
    """Return the reports as JSON has them."""
    return {world: [_report(one) for one in reports] for world, reports in found.items()}


def _report(one: Told) -> dict:
    return {"years_before": one.years, **asdict(one.report), "bands": [_band(band) for band in one.report.bands]}


def _band(band: Band) -> dict[str, int]:
    return {name: getattr(band, name) for name in BAND_COLUMNS}
