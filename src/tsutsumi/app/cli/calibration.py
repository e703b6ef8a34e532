"""`tsutsumi calibration`: of the goals that were told 80 %, how many came true; of a house, or of a simulated one."""

import csv
import json as json_text
import sys
from collections.abc import Iterator
from dataclasses import asdict
from pathlib import Path
from typing import Annotated

from cyclopts import Parameter

from tsutsumi.app.cli.calibration_page import house_lines, world_lines
from tsutsumi.app.cli.calibration_picture import picture
from tsutsumi.app.cli.failure import DONE, FELL_SHORT, told
from tsutsumi.app.cli.screen import fitted
from tsutsumi.core.calibration import Band
from tsutsumi.demo.calibration import path_note, simulated_calibration
from tsutsumi.run.calibration import EVERY_MONTH, Told, Uncounted, house_calibration
from tsutsumi.store.database import HouseError, open_house

Flag = Annotated[bool, Parameter(negative=())]
BAND_COLUMNS = (
    "from_ppm", "to_ppm", "count", "told_ppm", "true_count", "true_ppm", "low_ppm", "high_ppm", "gap_ppm",
    "path_count", "path_low_ppm", "path_high_ppm",
)


def calibration(
    house: Path | None = None, *, simulate: int = 0, years: int = 20, seed: int = 1, svg: Path | None = None,
    to: Path | None = None, json: Flag = False,
) -> int:
    """Compare what was told of goals with what came true (達成確率の検証), by band of ten points.

    Example: `tsutsumi calibration --simulate 10000 --years 20`

    Of a house: its own goals that came to their date, told when they began and 1, 3, 5 and 10 years before. Simulated: goals of
    every kind, also told every month, in worlds that differ in one thing each: the lognormal one in which the method is exact;
    crises and fat tails; the markets of the sample house on 100 paths, told with what they really bring, and told with what the
    sample house assumes; one of these paths. Intervals count paths, not goals.

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
    left, short = None, ""
    try:
        if (house is None) == (simulate == 0):
            raise HouseError("give a house, or --simulate with the number of goals: one of the two")
        if house is not None:
            reports, left = house_calibration(open_house(house))
            found = {"house": reports}
        else:
            made = simulated_calibration(simulate, years, seed)
            found, short = made.worlds, made.left_out
        for path in filter(None, (svg, to)):
            if not path.parent.is_dir():
                raise HouseError(f"{path}: there is no folder {path.parent}; make it first")
        if svg is not None:
            svg.write_text(picture(found), encoding="utf-8")
        if to is not None:
            with to.open("w", encoding="utf-8", newline="") as file:
                csv.writer(file, lineterminator="\n").writerows([("world", "years_before", *BAND_COLUMNS), *_rows(found)])
    except (HouseError, ValueError, OSError) as error:
        return told("calibration", error, json)
    if json:
        print(json_text.dumps(_content(found, left), ensure_ascii=False, indent=1))
    else:
        page = house_lines(found["house"], left) if left else world_lines(found, "" if short else path_note(years))
        print("\n".join(fitted(page)))
    if short:
        print(f"calibration: the worlds of the sample's markets are left out: {short}", file=sys.stderr)
    return FELL_SHORT if short else DONE


def _rows(found: dict[str, list[Told]]) -> Iterator[tuple]:
    """Yield every band as a row of the CSV."""
    for world, reports in found.items():
        for one in reports:
            yield from ((world, _years(one), *_band(band).values()) for band in one.report.bands)


def _content(found: dict[str, list[Told]], left: Uncounted | None) -> dict:
    """Return the reports as JSON has them, of a house with the goals that are in no band."""
    reports = {world: [_report(one) for one in reports] for world, reports in found.items()}
    return reports if left is None else reports | {"not_counted": asdict(left)}


def _years(one: Told) -> int | None:
    """Return how many years before the date it was told; none for every month."""
    return None if one.years == EVERY_MONTH else one.years


def _report(one: Told) -> dict:
    return {"years_before": _years(one), **asdict(one.report), "bands": [_band(band) for band in one.report.bands]}


def _band(band: Band) -> dict[str, int | None]:
    return {name: getattr(band, name) for name in BAND_COLUMNS}
