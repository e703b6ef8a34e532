"""The page of `tsutsumi advise` (ご提案書): what an adviser turns round and shows, every figure with its arithmetic."""

from collections.abc import Iterator

from tsutsumi.app.cli.screen import WIDTH, folded, table, width
from tsutsumi.core.household import Assumption, Correlation, Movement, Product, Tables, weights
from tsutsumi.core.household_advice import Advice, Side, used_assumptions, used_movements, used_products
from tsutsumi.core.household_lines import (
    Formula,
    aversion_formula,
    equals,
    fee_formula,
    gain_formulas,
    precise_formulas,
    rough_formulas,
)
from tsutsumi.core.household_numbers import shown
from tsutsumi.core.household_precise import BestShare

DUE = {"once": "初年度に一度 once", "yearly": "毎年 every year"}
NOT_COUNTED = (
    "売却にかかる税金（利益の20.315%）や解約手数料、NISA の枠。",
    "Tax on the sale (20.315 % of a profit), exit charges, NISA allowances.",
    "年金、住まい、これからの収入。",
    "Pensions, the home, income to come.",
    "市場が動けば割合は変わります。「毎年」は、この割合を保った場合です。",
    "Markets move the shares; “a year” holds while they are kept.",
    "最悪の場合の目安は1年間の目安で、それを超える損失もあり得ます。",
    "The worst case is a guide for one year; a loss can be larger.",
)


def advice_page(advice: Advice) -> list[str]:
    """Return the page (ご提案書) as lines of text, Japanese first, English beside it."""
    said = advice.household.preference
    share, gained, risk = shown(said.share_pct), shown(said.return_pct), shown(said.risk_pct)
    return [
        f"ご相談の価値  What the advice is worth{'：' + advice.household.name if advice.household.name else ''}",
        "",
        f"  ざっくり見積もって年 {advice.gain_yen:,} 円、精密に見積もって年 {advice.precise_gain_yen:,} 円。",
        f"  Roughly {advice.gain_yen:,} yen a year, precisely {advice.precise_gain_yen:,} yen. How they come about:",
        *_head(1, "お考え", "What you said"),
        f"  資産の{share}%までを、期待収益率{gained}%・リスク{risk}%の資産で持ちたい。",
        f"  Up to {share} % of the wealth in an asset of return {gained} %, risk {risk} %.",
        *_formula(aversion_formula(advice)),
        *_head(2, "いまの資産", "What you hold now"),
        *_side(advice.before, advice),
        *_head(3, "ご提案", "What we advise"),
        *_side(advice.after, advice),
        *_head(4, "理由と内訳", "Why, and what each part is worth"),
        *_parts(advice),
        *_head(5, "助言の価値", "What it is worth"),
        *_worth(advice),
        *_head(6, "精密な計算", "The precise figures"),
        *_precise(advice),
        *_head(7, "計算に入っていないもの", "What is not counted"),
        *(f"  {'  ' if n % 2 else '・'}{line}" for n, line in enumerate(NOT_COUNTED)),
        *_head(8, "前提", "What is assumed"),
        *_assumed(advice),
    ]


def _head(number: int, ja: str, en: str) -> list[str]:
    return ["", f"{number}. {ja}  {en}"]


def _formula(formula: Formula) -> list[str]:
    """Return a figure and its arithmetic, broken between terms where the line grows too wide."""
    end = f"{equals(formula.result)}{' ' + formula.unit if formula.unit else ''}"
    lines, line = [], f"  {formula.ja} {formula.en} ="
    for n, term in enumerate((*formula.terms, end)):
        piece = f"{'+ ' if 0 < n < len(formula.terms) else ''}{term}"
        if width(line) + 1 + width(piece) > WIDTH and line.strip():
            lines.append(line)
            line = "     "
        line = f"{line} {piece}"
    return [*lines, line]


def _side(side: Side, advice: Advice) -> list[str]:
    tables = advice.tables
    rows = [("資産", "種類", "金額（円）", "割合", "収益率", "費用", "リスク"),
            ("holding", "class", "yen", "share", "return", "cost", "risk")]
    for holding, weight in zip(side.holdings, weights(side.holdings), strict=True):
        row = tables.assumptions[holding.class_name]
        figures = (100 * weight, row.return_pct, holding.cost_pct, row.risk_pct)
        rows.append((holding.name, _class(row), f"{holding.value_yen:,}", *(f"{shown(figure, 4)}%" for figure in figures)))
    rows.append(("合計 total", "", f"{advice.total_yen:,}", "100%", "", "", ""))
    if max(map(width, table(rows, right=range(2, 7)))) > WIDTH:  # below, what is assumed has both
        classes = ["種類", "class", *(tables.assumptions[holding.class_name].ja for holding in side.holdings), ""]
        rows = [(row[0], name, *row[2:]) for row, name in zip(rows, classes, strict=True)]
    formulas = rough_formulas(side, tables, advice.aversion)
    return [*table(rows, right=range(2, 7)), "", *(line for formula in formulas for line in _formula(formula))]


def _class(row: Assumption) -> str:
    return row.ja if row.ja == row.en else f"{row.ja} {row.en}"


def _parts(advice: Advice) -> Iterator[str]:
    """Yield the steps of the proposal, or the two parts of advice that was given, and their sum."""
    if not advice.parts:
        yield "  変えるところはありません。いまのままが、お考えに最も合っています。"
        yield "  Nothing to change: none of our steps would make it better."
    for number, part in enumerate(advice.parts, 1):
        yield from (f"  {line}" for line in folded(f"{number}) {part.reason_ja}", WIDTH - 2))
        yield from (f"     {line}" for line in folded(part.reason_en, WIDTH - 5))
        yield f"     効用 utility {shown(part.gain_pct)} % → 年 {part.gain_yen:,} 円 yen a year"
    if advice.parts:
        yens = " + ".join(f"{part.gain_yen:,}" if part.gain_yen >= 0 else f"({part.gain_yen:,})" for part in advice.parts)
        yield from (f"  {line}" for line in folded(f"合計 sum {yens} = {advice.gain_yen:,}円", WIDTH - 2))
        yield "  （円未満は、足し上げた額の端数を切り捨て。cut below one yen, of the running sum）"
    yield from _room(advice)


def _room(advice: Advice) -> Iterator[str]:
    """Yield what the best share would be, which a proposal never goes up to by itself."""
    said, best = advice.household.preference, advice.after.rough_best
    if best is None:
        u = said.return_pct * said.share_pct / 200
        yield f"  リスクのある資産がありません。お考えの資産を{shown(said.share_pct)}%持てば、効用は{shown(u)}%になります。"
        yield f"  Nothing is at risk; {shown(said.share_pct)} % in the asset that you named would bring a utility of {shown(u)} %."
        return
    tables, held = advice.tables, advice.after.holdings
    risky = sum(w for h, w in zip(held, weights(held), strict=True) if tables.risk_pct(h.class_name) > 0)
    now, most, u = shown(100 * risky, 2), shown(best.share_pct, 2), shown(best.utility)
    yield f"  リスクのある資産は{now}%。この中身なら{most}%で効用が最も高く、{u}%です。"
    yield f"  At risk: {now} %; of this kind {most} % would be best, with a utility of {u} %."


def _worth(advice: Advice) -> Iterator[str]:
    """Yield the rough gain and the fee."""
    percent, money, _, _ = gain_formulas(advice)
    yield from _formula(percent)
    yield from _formula(money)
    yield f"  → 年 {advice.gain_yen:,} 円 yen a year（円未満切り捨て cut）"
    yield from _formula(fee_formula(advice))
    yield f"  → {advice.fee_yen:,} 円（{DUE[advice.fee_due]}）"
    if advice.fee_yen:
        yield f"  報酬を引いた初年度の価値 after the fee, first year: {advice.gain_yen:,} − {advice.fee_yen:,} = " \
              f"{advice.gain_yen - advice.fee_yen:,} 円"


def _precise(advice: Advice) -> Iterator[str]:
    """Yield the precise figures beside the rough ones, with their arithmetic."""
    yield "  上の計算は、すべてが同時に下がるとみて、リスクを大きめに見積もっています。"
    yield "  値動きの違い（分散の効果）を入れると次のとおりです。"
    yield "  Above, all falls together: too much risk, on purpose. With what offsets what:"
    before, after = advice.before, advice.after
    rows = [("", "相談前 before", "相談後 after")]
    rows += [
        ("リスク（ざっくり） risk, rough", *(f"{shown(side.rough.risk_pct)}%" for side in (before, after))),
        ("リスク（精密） risk, precise", *(f"{shown(side.precise.risk_pct)}%" for side in (before, after))),
        ("分散の効果 hidden by the rough", *(f"{shown(side.rough.risk_pct - side.precise.risk_pct)}%" for side in (before, after))),
        ("最悪の場合の目安 worst case", *(f"{shown(side.precise.worst_pct)}%" for side in (before, after))),
        ("効用（ざっくり） utility, rough", *(f"{shown(side.rough.utility)}%" for side in (before, after))),
        ("効用（精密） utility, precise", *(f"{shown(side.precise.utility)}%" for side in (before, after))),
        ("最適な割合（ざっくり） best share", *(_best(side.rough_best) for side in (before, after))),
        ("最適な割合（精密） best share", *(_best(side.precise_best) for side in (before, after))),
    ]
    yield from table(rows, right=(1, 2))
    for name, side in (("相談前 before", before), ("相談後 after", after)):
        yield f"  {name}"
        for formula in precise_formulas(side, advice.tables, advice.aversion):
            yield from _formula(formula)
    _, _, percent, money = gain_formulas(advice)
    yield from _formula(percent)
    yield from _formula(money)
    yield f"  → 年 {advice.precise_gain_yen:,} 円 yen a year（円未満切り捨て cut）"
    yield from _fee_of_precise(advice)


def _fee_of_precise(advice: Advice) -> Iterator[str]:
    """Yield the fee against the precise gain, or a warning where there is no precise gain."""
    if advice.precise_gain_yen > 0 and advice.fee_yen:
        share = shown(advice.fee_yen / (advice.precise_gain_pct * advice.total_yen / 100) * 100, 1)
        yield f"  報酬 {advice.fee_yen:,} 円は、精密に計算した価値の {share}% です。The fee is {share} % of the precise worth."
    elif advice.precise_gain_yen <= 0 < advice.gain_yen:
        yield "  ご注意：精密な計算では、この助言の価値はありません。Note: precisely, this advice is worth nothing."


def _best(best: BestShare | None) -> str:
    return "–" if best is None else f"{shown(best.share_pct, 2)}% (U {shown(best.utility, 4)}%)"


def _assumed(advice: Advice) -> Iterator[str]:
    """Yield every row that the figures rest on, with its day and source; * where the source was not read."""
    for row in used_assumptions(advice):
        yield from _row(f"{_class(row)}: 収益率 return {shown(row.return_pct)}%, リスク risk {shown(row.risk_pct)}%", row)
    for row in used_movements(advice):
        if [market for market, _ in row.markets] != [row.class_name]:
            parts = ", ".join(f"{_market(market, advice.tables)} {shown(share)}%" for market, share in row.markets)
            own = "、残りは固有のリスク the rest its own" if row.own else ""
            yield from _row(f"{_market(row.class_name, advice.tables)} の値動き moves with: {parts}{own}", row)
    for row in advice.tables.correlations.values():
        pair = f"{_market(row.class_name, advice.tables)}・{_market(row.other_class, advice.tables)}"
        yield from _row(f"相関 correlation {pair}: {shown(row.correlation)}", row)
    for row in used_products(advice):
        yield from _row(f"商品 product {row.ja} {row.en}: 費用 cost {shown(row.cost_pct)}%", row)
    yield "  * 出典で直接確かめていない数字。お客さまに示す前にご確認ください。"
    yield "    Second hand: check before you show it to a customer."


def _market(class_name: str, tables: Tables) -> str:
    return tables.assumptions[class_name].ja


def _row(text: str, row: Assumption | Movement | Correlation | Product) -> list[str]:
    mark = "・" if row.verified else "* "
    since = f"{row.valid_from_date} " if row.valid_from_date else ""
    return [f"  {mark}{text}", *(f"      {line}" for line in folded(f"{since}{row.source}", WIDTH - 6))]

