"""The calibration report as a page and as a picture (達成確率の検証の表示)."""

from tsutsumi.run.calibration import Told

WORLDS = {
    "house": ("この家の、期日の来た目標", "goals of this house that came to their date"),
    "lognormal": ("模擬: 対数正規の世界（計算の誤差だけ）", "simulated: the lognormal world, computing error alone"),
    "crises": ("模擬: 危機と厚い裾のある世界（モデルの誤差も）", "simulated: a world with crises and fat tails, model error too"),
}
SIDE, EDGE = 360, 50
COLOURS = {"house": "#1f4e86", "lognormal": "#1f4e86", "crises": "#b3261e"}


def _percent(ppm: int) -> str:
    return f"{ppm / 10_000:.1f}"


def lines(found: dict[str, list[Told]]) -> list[str]:
    """Return the report as lines, in Japanese with English beside."""
    page = ["達成確率の検証 told against came true"]
    for world, reports in found.items():
        ja, en = WORLDS[world]
        page += ["", f"■ {ja} {en}"]
        for one in reports:
            when = "始まりに when it began" if one.years == 0 else f"期日の {one.years} 年前 {one.years} years before"
            report = one.report
            page += ["", f"  {when}: {report.count:,} 件 goals"]
            if not report.count:
                continue
            page.append("    告知 told %      件数 goals   平均 told %   実現 came true %   95 % 区間 interval")
            for band in report.bands:
                mark = "" if band.holds else "  ← 区間の外 outside"
                span = f"{band.from_ppm // 10_000:>3} – {band.to_ppm // 10_000:>3}"
                head = f"    {span}   {band.count:>14,}   {_percent(band.told_ppm):>11}"
                interval = f"{_percent(band.low_ppm):>6} – {_percent(band.high_ppm)}"
                page.append(f"{head}   {_percent(band.true_ppm):>16}   {interval}{mark}")
            names = ("brier_ppm", "reliability_ppm", "resolution_ppm", "uncertainty_ppm")
            brier, reliability, resolution, uncertainty = (f"{getattr(report, name) / 1e6:.4f}" for name in names)
            parts = f"信頼性 reliability {reliability} − 分解能 resolution {resolution} + 不確かさ uncertainty {uncertainty}"
            page.append(f"    Brier {brier} = {parts} + 帯の中 within")
    return page


def picture(found: dict[str, list[Told]]) -> str:
    """Return the reliability diagram (信頼度図) of what was told when goals began, as SVG: told to the right, came true upward."""
    def at(ppm: int) -> float:
        return EDGE + ppm / 1_000_000 * (SIDE - 2 * EDGE)

    whole = SIDE + 160
    body = [
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {whole} {SIDE}" role="img">',
        "<title>told against came true</title>",
        "<style>text{font:12px 'Hiragino Sans','Noto Sans CJK JP','Yu Gothic',Meiryo,sans-serif;fill:#333}</style>",
        f'<rect width="{whole}" height="{SIDE}" fill="#fff"/>',
        f'<line x1="{at(0)}" y1="{SIDE - at(0)}" x2="{at(1_000_000)}" y2="{SIDE - at(1_000_000)}" stroke="#999"'
        ' stroke-dasharray="4 4"/>',
    ]
    for ppm in range(0, 1_000_001, 200_000):
        place, word = at(ppm), f"{ppm // 10_000}"
        body.append(f'<line x1="{at(0)}" x2="{at(1_000_000)}" y1="{SIDE - place:.1f}" y2="{SIDE - place:.1f}" stroke="#ddd"/>')
        body.append(f'<text x="{at(0) - 8}" y="{SIDE - place + 4:.1f}" text-anchor="end">{word}</text>')
        body.append(f'<text x="{place:.1f}" y="{SIDE - at(0) + 18}" text-anchor="middle">{word}</text>')
    body.append(f'<text x="{at(500_000):.1f}" y="{SIDE - 10}" text-anchor="middle">告知した確率（%）</text>')
    body.append(f'<text x="{at(0)}" y="{SIDE - at(1_000_000) - 12}">実現した割合（%）</text>')
    for number, (world, reports) in enumerate(found.items()):
        bands = reports[0].report.bands
        for band in bands:
            x, colour = at(band.told_ppm) + 3 * number, COLOURS[world]
            low, high, y = SIDE - at(band.low_ppm), SIDE - at(band.high_ppm), SIDE - at(band.true_ppm)
            body.append(f'<line x1="{x:.1f}" x2="{x:.1f}" y1="{low:.1f}" y2="{high:.1f}" stroke="{colour}" stroke-width="1.5"/>')
            body.append(f'<circle cx="{x:.1f}" cy="{y:.1f}" r="3.5" fill="{colour}"/>')
        word = {"house": "この家", "lognormal": "対数正規", "crises": "危機と厚い裾"}[world]
        body.append(f'<circle cx="{at(1_000_000) + 24}" cy="{60 + 22 * number}" r="4" fill="{COLOURS[world]}"/>')
        body.append(f'<text x="{at(1_000_000) + 34}" y="{64 + 22 * number}">{word}</text>')
    return "\n".join([*body, "</svg>", ""])
