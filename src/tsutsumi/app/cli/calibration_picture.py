"""The reliability diagram (信頼度図): what was told when goals began to the right, what came true upward; drawn as SVG."""

from collections.abc import Callable, Sequence

from tsutsumi.core.calibration import Band
from tsutsumi.run.calibration import Told

WIDE, LEFT, SIDE = 440, 52, 340      # of the picture; of the panel its left edge and its side
TITLE, GRID_STEP, APART = 26, 200_000, 6
STYLE = (
    "text{font:13px 'Hiragino Sans','Noto Sans CJK JP','Noto Sans JP','Yu Gothic',Meiryo,sans-serif;fill:#222}"
    ".title{font-weight:bold;font-size:15px}.small{fill:#555}.grid{stroke:#ddd}.same{stroke:#777;stroke-dasharray:5 4}"
)
SHAPES: dict[str, tuple[str, str, str]] = {  # world: colour, mark, legend
    "house": ("#1f4e86", "circle", "この家（区間は目標を独立に数える）"),
    "lognormal": ("#1f4e86", "circle", "対数正規の相場"),
    "crises": ("#b3261e", "triangle", "作った危機の相場"),
    "known": ("#1b7f5c", "square", "見本の相場（前提が実際と同じ）"),
    "sample": ("#6b3fa0", "circle", "見本の相場 100 経路（前提は見本の家のもの）"),
    "sample_path": ("#c25700", "diamond", "実際の順の一つの経路"),
}
PANELS = (
    ("前提が正しいとき（計算と形のずれ）", ("lognormal", "crises", "known")),
    ("前提が外れるとき、一社が見るもの", ("sample", "sample_path")),
    ("自社の目標", ("house",)),
)


def picture(found: dict[str, list[Told]]) -> str:
    """Return the reliability diagram (信頼度図) of what was told when goals began, as SVG, a panel below the other."""
    body, top = [], 10
    for title, worlds in PANELS:
        shown = {world: found[world][0] for world in worlds if world in found}
        if shown:
            lines, height = _panel(title, shown, top)
            body += lines
            top += height + 18
    frame = f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {WIDE} {top}" width="{WIDE}" height="{top}" role="img">'
    name = "告知した確率と実現した割合 told against came true"
    head = [frame, f"<title>{name}</title>", f"<style>{STYLE}</style>", f'<rect width="{WIDE}" height="{top}" fill="#fff"/>']
    return "\n".join([*head, *body, "</svg>", ""])


def _panel(title: str, shown: dict[str, Told], top: int) -> tuple[list[str], int]:
    """Return a panel with its legend, and how high it is."""
    floor = top + TITLE + 28 + SIDE

    def x(ppm: int) -> float:
        return LEFT + ppm / 1_000_000 * SIDE

    def y(ppm: int) -> float:
        return floor - ppm / 1_000_000 * SIDE

    body = [f'<text class="title" x="{LEFT}" y="{top + 18}">{title}</text>']
    body.append(f'<text class="small" x="{LEFT}" y="{top + 38}">実現した割合（%）</text>')
    for ppm in range(0, 1_000_001, GRID_STEP):
        body.append(f'<line class="grid" x1="{x(0):.1f}" x2="{x(1_000_000):.1f}" y1="{y(ppm):.1f}" y2="{y(ppm):.1f}"/>')
        body.append(f'<text x="{LEFT - 8}" y="{y(ppm) + 4.5:.1f}" text-anchor="end">{ppm // 10_000}</text>')
        body.append(f'<text x="{x(ppm):.1f}" y="{floor + 19}" text-anchor="middle">{ppm // 10_000}</text>')
    body.append(f'<text class="small" x="{x(500_000):.1f}" y="{floor + 39}" text-anchor="middle">告知した確率（%）</text>')
    legend = floor + 62
    if "sample" in shown and any(band.path_low_ppm is not None for band in shown["sample"].report.bands):
        body += _spread(shown["sample"].report.bands, x, y)
        body.append(f'<rect x="{LEFT - 5}" y="{legend - 10}" width="10" height="12" fill="#e0d6ee"/>')
        body.append(f'<text x="{LEFT + 14}" y="{legend}">一社ごとの幅（上下 1 割の経路を除く）</text>')
        legend += 22
    ends = f'x1="{x(0):.1f}" y1="{y(0):.1f}" x2="{x(1_000_000):.1f}" y2="{y(1_000_000):.1f}"'
    body.append(f'<line class="same" {ends}/>')
    middle = (len(shown) - 1) / 2
    for number, (world, told) in enumerate(shown.items()):
        colour, shape, words = SHAPES[world]
        words = words.replace("100 経路", f"{told.report.path_count} 経路")
        for band in told.report.bands:
            at = x(band.told_ppm) + APART * (number - middle)
            if world != "sample_path":
                span = f'y1="{y(band.low_ppm):.1f}" y2="{y(band.high_ppm):.1f}"'
                body.append(f'<line x1="{at:.1f}" x2="{at:.1f}" {span} stroke="{colour}" stroke-width="1.5"/>')
            body.append(_mark(shape, at, y(band.true_ppm), colour))
        body.append(_mark(shape, LEFT, legend - 4.5, colour))
        body.append(f'<text x="{LEFT + 14}" y="{legend}">{words}</text>')
        legend += 22
    body.append(f'<text class="small" x="{LEFT + 14}" y="{legend}">点線: 告知どおり ・ 縦線: 95 % 区間</text>')
    return body, legend - top + 6


def _spread(bands: Sequence[Band], x: Callable[[int], float], y: Callable[[int], float]) -> list[str]:
    """Return pale bars over what came true on single paths."""
    found = []
    for band in bands:
        if band.path_low_ppm is not None:
            place = f'x="{x(band.told_ppm) - 8:.1f}" y="{y(band.path_high_ppm):.1f}"'
            size = f'width="16" height="{max(y(band.path_low_ppm) - y(band.path_high_ppm), 1):.1f}"'
            found.append(f'<rect {place} {size} fill="#e0d6ee"/>')
    return found


def _mark(shape: str, x: float, y: float, colour: str) -> str:
    """Return a mark that is told from others by its shape too."""
    if shape == "circle":
        return f'<circle cx="{x:.1f}" cy="{y:.1f}" r="3.8" fill="{colour}"/>'
    if shape == "square":
        return f'<rect x="{x - 3.4:.1f}" y="{y - 3.4:.1f}" width="6.8" height="6.8" fill="{colour}"/>'
    corners = ((0, -4.6), (4.4, 3.4), (-4.4, 3.4)) if shape == "triangle" else ((0, -5), (5, 0), (0, 5), (-5, 0))
    points = " ".join(f"{x + right:.1f},{y + down:.1f}" for right, down in corners)
    fill = f'fill="#fff" stroke="{colour}" stroke-width="2"' if shape == "diamond" else f'fill="{colour}"'
    return f'<polygon points="{points}" {fill}/>'
