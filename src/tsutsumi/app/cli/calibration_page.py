"""The calibration report as lines (達成確率の検証の表示): a house by band, simulated worlds side by side."""

from tsutsumi.app.cli.screen import width
from tsutsumi.core.calibration import Band
from tsutsumi.run.calibration import EVERY_MONTH, Told, Uncounted

WORLDS = {  # name: in short in Japanese, what it is in both languages
    "lognormal": (
        "対数正規", "方法の前提どおりの相場: ずれは計算の誤差だけ", "the method's own law: computing error alone",
    ),
    "crises": (
        "作った危機", "平均と振れ幅は前提どおり、危機が続き裾が厚い", "same mean and spread, crises that last, fat tails",
    ),
    "known": (
        "見本・実前提", "見本の相場、前提はその相場の実際の値", "the sample's markets, told with their own mean and risk",
    ),
    "sample": (
        "見本の相場", "見本の相場、前提は見本の家が告げるもの", "the sample's markets, told with the assumptions it states",
    ),
    "sample_path": (
        "一つの経路", "そのうち実際の順の一つ: 一社が見る相場", "one of them, in its real order: what one house sees",
    ),
}
NARROW = (
    "区間は目標を独立に数えます。同じ相場を生きた目標は似た結果になるので、本当の区間はこれより広くなります。",
    "The intervals count goals as independent; goals that lived through one market are alike, so the true ones are wider.",
)
BY_PATHS = (
    "括弧は経路（独立な相場）を単位とした 95 % 区間、* は告知がその外。一つの経路の目標は互いに独立でないので、区間はありません。",
    "In brackets the 95 % interval that counts paths; * told lies outside. Goals of one path are not independent: no interval.",
)
SPREAD = (
    "一社ごとの幅は、見本の各経路で実現した割合の、上下 1 割を除いた範囲です。",
    "The last column: what came true on single paths of `sample`, the lowest and the highest tenth left out.",
)


def percents(ppm: int) -> str:
    """Return a share as percent with one decimal (百分率).

    >>> percents(853_718)
    '85.4'
    """
    return f"{ppm / 10_000:.1f}"


def when(years: int) -> str:
    """Return when it was told (告知時点), in both languages."""
    if years == EVERY_MONTH:
        return "毎月 every month"
    return "始まりに when it began" if years == 0 else f"期日の {years} 年前 {years} year{'s' if years > 1 else ''} before"


def house_lines(reports: list[Told], left: Uncounted) -> list[str]:
    """Return the report of a house as lines (自社の検証), in Japanese with English beside."""
    page = ["達成確率の検証 told against came true", "", "■ この家の、期日の来た目標 goals of this house that came to their date"]
    page += [f"  {text}" for text in NARROW]
    running, closed, changed = left.running_count, left.closed_count, left.changed_count
    page += ["  数えない目標 not counted", f"    期日前 still running {running:,}",
             f"    期日までに口座を閉じた closed before {closed:,}",
             f"    途中で目標が変わった（変更後から数え直し） changed, counted anew {changed:,}"]
    for one in reports:
        page += ["", f"  {when(one.years)}: {one.report.count:,} 件 goals"]
        if not one.report.count:
            continue
        page.append("    告知 told %      件数 goals   平均 told %   実現 came true %   95 % 区間 interval")
        page += [_house_line(band) for band in one.report.bands]
        page += [f"    {line}" for line in _scores(one)]
    return page


def _house_line(band: Band) -> str:
    mark = "" if band.holds else "  ← 区間の外 outside"
    head = f"    {_span(band.from_ppm)}   {band.count:>14,}   {percents(band.told_ppm):>11}"
    return f"{head}   {percents(band.true_ppm):>16}   {percents(band.low_ppm):>6} – {percents(band.high_ppm)}{mark}"


def world_lines(found: dict[str, list[Told]], note: str) -> list[str]:
    """Return the reports of simulated worlds as lines, side by side (模擬の検証), in Japanese with English beside."""
    page = ["達成確率の検証 told against came true", ""]
    for world, reports in found.items():
        short, ja, en = WORLDS[world]
        page += [f"■ {short} {world}: {reports[0].report.path_count:,} 経路 paths", f"    {ja}", f"    {en}"]
    page += ["", *([note] if note else []), *BY_PATHS, *(SPREAD if "sample" in found else ())]
    for place, one in enumerate(next(iter(found.values()))):
        counts = " ・ ".join(f"{world} {reports[place].report.count:,}" for world, reports in found.items())
        page += ["", f"  {when(one.years)}: 実現した割合 came true %", f"    告知の数 told: {counts}"]
        names = "".join(" " * (_width(world) - width(WORLDS[world][0])) + WORLDS[world][0] for world in found)
        head = "".join(f"{world:>{_width(world)}}" for world in found)
        single = "sample" in found
        page += [f"    告知 %   {names}{'    一社' if single else ''}", f"    told %   {head}{'    single' if single else ''}"]
        page += [_world_line(number, place, found) for number in range(10)]
        page += [f"    {line}" for world, reports in found.items() if reports[place].report.count
                 for line in (f"{WORLDS[world][0]} {world}", *(f"  {score}" for score in _scores(reports[place])))]
    return page


def _world_line(number: int, place: int, found: dict[str, list[Told]]) -> str:
    """Return the line of a band: what came true in each world, and on single paths of the sample."""
    line, single = f"    {_span(number * 100_000)}", ""
    for world, reports in found.items():
        band = next((band for band in reports[place].report.bands if band.from_ppm == number * 100_000), None)
        cell = "–" if band is None else percents(band.true_ppm)
        if band is not None and world != "sample_path":
            cell += f" ({_whole(band.low_ppm)}–{_whole(band.high_ppm)}){' ' if band.holds else '*'}"
        line += f"{cell:>{_width(world)}}"
        if world == "sample" and band is not None and band.path_low_ppm is not None:
            single = f"{_whole(band.path_low_ppm)}–{_whole(band.path_high_ppm)}"
    return f"{line}{single:>10}".rstrip()


def _whole(ppm: int) -> str:
    """Return an end of an interval in whole percent; --json has it exactly."""
    return f"{ppm / 10_000:.0f}"


def _width(world: str) -> int:
    return 12 if world == "sample_path" else 16


def _span(from_ppm: int) -> str:
    return f"{from_ppm // 10_000:>3} – {from_ppm // 10_000 + 10:>3}"


def _scores(one: Told) -> list[str]:
    names = ("brier_ppm", "reliability_ppm", "resolution_ppm", "uncertainty_ppm")
    brier, reliability, resolution, uncertainty = (f"{getattr(one.report, name) / 1e6:.4f}" for name in names)
    parts = f"信頼性 reliability {reliability} − 分解能 resolution {resolution} + 不確かさ uncertainty {uncertainty}"
    return [f"ブライアスコア Brier score {brier}", f"= {parts} + 帯の中 within"]
