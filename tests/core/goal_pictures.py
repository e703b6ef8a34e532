"""The pictures of docs/rules/goals.md, drawn from the code: `python -m tests.core.goal_pictures` writes them anew."""

from collections.abc import Callable
from pathlib import Path

from tsutsumi.core.goals.ladder import one_probability, shown_percent
from tsutsumi.core.goals.portfolio import Portfolio
from tsutsumi.core.goals.scenarios import fan

FOLDER = Path(__file__).parents[2] / "docs" / "rules"
WIDE, HIGH, LEFT, RIGHT, TOP, BOTTOM = 480, 330, 76, 50, 40, 52  # narrow: on a telephone the words stay readable
STYLE = (
    "text{font:13px 'Hiragino Sans','Noto Sans CJK JP','Noto Sans JP','Yu Gothic',Meiryo,sans-serif;fill:#222}.small{fill:#555}"
    ".axis{stroke:#999;stroke-width:1}.grid{stroke:#ddd;stroke-width:1}"
    ".outer{fill:#cfe0f3}.inner{fill:#8fb6de}.line{fill:none;stroke:#1f4e86;stroke-width:2}"
    ".goal{stroke:#b3261e;stroke-width:1.5;stroke-dasharray:6 4}.mark{fill:#b3261e}"
)
Point = tuple[float, float]


def scales(x_end: float, y_end: float) -> tuple[Callable[[float], float], Callable[[float], float]]:
    """Return what turns a figure into a place on the picture, for both axes from 0 on."""
    return (
        lambda x: LEFT + x / x_end * (WIDE - LEFT - RIGHT),
        lambda y: HIGH - BOTTOM - y / y_end * (HIGH - TOP - BOTTOM),
    )


def path(points: list[Point]) -> str:
    """Return points as SVG writes them, to a tenth of a pixel."""
    return " ".join(f"{x:.1f},{y:.1f}" for x, y in points)


def frame(
    title: str, axes: tuple[str, str], x_marks: list[tuple[float, str]], y_marks: list[tuple[float, str]], body: list[str]
) -> str:
    """Return a whole picture: title, axes with their names and marks, and what is drawn."""
    size = f'viewBox="0 0 {WIDE} {HIGH}" width="{WIDE}" height="{HIGH}"'
    lines = [f'<svg xmlns="http://www.w3.org/2000/svg" {size} role="img">', f"<title>{title}</title>"]
    lines += [f"<style>{STYLE}</style>", f'<rect width="{WIDE}" height="{HIGH}" fill="#fff"/>']
    for y, text in y_marks:
        lines.append(f'<line class="grid" x1="{LEFT}" x2="{WIDE - RIGHT}" y1="{y:.1f}" y2="{y:.1f}"/>')
        lines.append(f'<text x="{LEFT - 8}" y="{y + 4:.1f}" text-anchor="end">{text}</text>')
    lines += body
    for x, text in x_marks:
        lines.append(f'<text x="{x:.1f}" y="{HIGH - BOTTOM + 20}" text-anchor="middle">{text}</text>')
    lines.append(f'<text class="small" x="{LEFT}" y="{TOP - 16}">{axes[1]}</text>')
    lines.append(f'<text class="small" x="{WIDE - RIGHT}" y="{HIGH - 8}" text-anchor="end">{axes[0]}</text>')
    lines.append(f'<line class="axis" x1="{LEFT}" x2="{WIDE - RIGHT}" y1="{HIGH - BOTTOM}" y2="{HIGH - BOTTOM}"/>')
    return "\n".join([*lines, "</svg>"]) + "\n"


def fan_picture() -> str:
    """Return the fan of the first goal of the page with its target and its probability."""
    model, target, years = Portfolio.from_simple(0.05, 0.15), 10_000_000, 15
    rows = fan(model.mu, model.vol, 1_000_000, [30_000] * 12 * years)
    chance = shown_percent(one_probability(model, 1_000_000, 30_000, target, 12 * years))
    x, y = scales(years, 20_000_000)

    def band(low: str, high: str, kind: str) -> str:
        edge = [(x(row["year"]), y(row[low])) for row in rows] + [(x(row["year"]), y(row[high])) for row in reversed(rows)]
        return f'<polygon class="{kind}" points="{path(edge)}"/>'

    body = [band("p5", "p95", "outer"), band("p25", "p75", "inner")]
    body.append(f'<polyline class="line" points="{path([(x(row["year"]), y(row["p50"])) for row in rows])}"/>')
    body.append(f'<line class="goal" x1="{LEFT}" x2="{WIDE - RIGHT}" y1="{y(target):.1f}" y2="{y(target):.1f}"/>')
    body.append(f'<text x="{LEFT + 8}" y="{y(target) - 7:.1f}">目標 1,000 万円 ・ 達成確率 {chance} %</text>')
    for key, text in (("p5", "5 %"), ("p25", "25 %"), ("p50", "50 %"), ("p75", "75 %"), ("p95", "95 %")):
        body.append(f'<text x="{WIDE - RIGHT + 8}" y="{y(rows[-1][key]) + 4:.1f}">{text}</text>')
    marks = [(y(yen), f"{yen // 10_000:,} 万円") for yen in range(0, 20_000_001, 5_000_000)]
    x_marks = [(x(year), f"{year} 年") for year in range(0, years + 1, 3)]
    return frame("資産の見通しと達成確率", ("いまからの年数", "資産（右の数字: その割合がこの額以下）"), x_marks, marks, body)


def risk_picture() -> str:
    """Return the probability of the ladder's goal over the risk of the portfolio; the best is marked."""
    x, y = scales(0.30, 1.0)
    steps = [0.02 + 0.005 * k for k in range(57)]
    chances = [one_probability(Portfolio.from_simple(0.0125 + 0.25 * s, s), 5_000_000, 20_000, 11_000_000, 180) for s in steps]
    top = max(range(len(steps)), key=chances.__getitem__)
    at = x(steps[top]), y(chances[top])
    body = [f'<polyline class="line" points="{path([(x(s), y(p)) for s, p in zip(steps, chances, strict=True)])}"/>']
    body.append(f'<circle class="mark" cx="{at[0]:.1f}" cy="{at[1]:.1f}" r="5"/>')
    body.append(f'<text x="{at[0]:.1f}" y="{at[1] - 12:.1f}" text-anchor="middle">最も高い {shown_percent(chances[top])} %</text>')
    x_marks = [(x(percent / 100), f"{percent} %") for percent in range(0, 31, 5)]
    y_marks = [(y(percent / 100), f"{percent} %") for percent in range(0, 101, 20)]
    return frame("リスクと達成確率", ("リスク（年の標準偏差）", "達成確率"), x_marks, y_marks, body)


PICTURES = {"goals-fan.svg": fan_picture, "goals-risk.svg": risk_picture}

if __name__ == "__main__":
    for name, picture in PICTURES.items():
        (FOLDER / name).write_text(picture(), encoding="utf-8")
