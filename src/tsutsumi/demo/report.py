"""What a person wants to see after the demo (デモの結果): programs, orders, fees, promises, sources, one customer, what next.

`pick_story` and `story_lines` come from `demo/story.py` and are offered here too.
"""

import shlex
from collections.abc import Sequence

from rich import box
from rich.console import Group
from rich.padding import Padding
from rich.table import Table
from rich.text import Text

from tsutsumi.demo.story import pick_story, story_lines

__all__ = ["demo_report", "pick_story", "story_lines"]

PPM = 1_000_000
GAPS_SHOWN = 12
GOAL_STATUSES = {
    "right": ("順調", "right"), "above": ("余裕あり", "above"), "below": ("やや不足", "below"), "alert": ("警戒", "in alert"),
    "none": ("算出できない", "not told"),
}
GAP_KINDS = {"missing": ("欠測", "missing"), "refused": ("不採用", "refused"), "holiday": ("休業日と判定", "taken as a holiday")}


def percent(ppm: int | None) -> str:
    """Return parts per million as a percentage with two decimals, cut toward zero; none is a dash.

    >>> percent(123_456), percent(-5_099), percent(None)
    ('+12.34 %', '-0.50 %', '–')
    """
    if ppm is None:
        return "–"
    whole, rest = divmod(abs(ppm) // 100, 100)
    return f"{'-' if ppm < 0 else '+'}{whole}.{rest:02d} %"


def rate(part: int, whole: int) -> int | None:
    """Return a part of a whole in ppm, cut toward zero; none if there is no whole.

    >>> rate(-1, 3), rate(1, 0)
    (-333333, None)
    """
    if whole <= 0:
        return None
    return part * PPM // whole if part >= 0 else -(-part * PPM // whole)


class _Words:
    """Writes Japanese first with English beside, or the other way round."""

    def __init__(self, language: str) -> None:
        self.english = language == "en"

    def both(self, ja: str, en: str) -> str:
        return f"{en} {ja}" if self.english else f"{ja} {en}"

    def lines(self, ja: str, en: str) -> Text:
        first, second = (en, ja) if self.english else (ja, en)
        return Text.assemble(first, "\n", (second, "dim"))

    def one(self, ja: str, en: str) -> str:
        return en if self.english else ja


def demo_report(house_summary: dict, language: str = "ja") -> Group:
    """Return the end of a demo run as one rich renderable (デモの結果).

    Parameters
    ----------
    house_summary : dict
        Whole numbers, texts and lists only; dates are ISO texts; every key below is needed unless marked (optional).

        - `house`: its folder; `first_date`, `last_date`; `days_count`, `customers_count`, `contracts_count`, `sleeves_count`,
          `prices_count`, `events_count`
        - `total_milliseconds`; `day_milliseconds`: {`median`, `slowest`, `slowest_date`}
        - `programs`: list of {`name`, `name_en`, `contracts_count` (ever), `open_contracts_count`, `value_yen` (last day),
          `money_in_yen`, `money_out_yen` (deposits, instalments; withdrawals, drawings, terminations, as a positive number;
          transfers between sleeves in neither), `profit_yen` (value + out − in), `twr_lowest_ppm`, `twr_middle_ppm`,
          `twr_highest_ppm` (of the open sleeves since opening: index / 10^12 − 1; none without sleeves)}
        - `orders`: {`count`, `buys_yen`, `sells_yen` (filled), `blocks_count`, `cancelled_count`,
          `reasons`: list of {`reason`, `count`}}
        - `fees`: list of {`name`, `name_en` of the company, `fee_yen`}; `fees_charged_yen`: the sum charged to customers
        - `checks`: {`breaks_count` (days x accounts that differ from the custodian), `journal_difference_yen`, `payouts_count`,
          `payouts_kept_count` (paid on the date promised, or on a re-issued one), `reissued_count`}
        - `alerts`: list of {`kind`, `count`}
        - `sources`: list of {`instrument_id`, `name`, `real` (bool), `prices_count`, `first_date`, `last_date`, `provenance`}
        - `gaps`: list of {`date`, `kind` ("missing" | "refused" | "holiday"), `instruments` (text), `note`}
        - `goals` (optional): {`statuses`: list of {`status`, `count`} on the last day, `came_true_count`, `ended_count`,
          `advice_count` (evenings x goals), `goal_id` of one to look at, empty if none was advised}
        - `story` (optional): {`customer_id`, `name`, `kana`, `age`, `note`, `programs` (text), `lines` (of `story_lines`),
          `money_in_yen`, `money_out_yen`, `value_yen`, `profit_yen`, `sleeve_id`, `explain_date`, `goals` (optional): list of
          {`name`, `percent`, `target_yen`, `target_date`}}
    language : "ja" | "en"
        Which of the two languages comes first.
    """
    words = _Words(language)
    parts = [
        _heading(house_summary, words), _programs(house_summary["programs"], words), _orders(house_summary, words),
        _fees(house_summary, words), _promises(house_summary, words), _sources(house_summary, words),
        _gaps(house_summary["gaps"], words),
    ]
    if house_summary.get("goals"):
        parts.insert(5, _goals(house_summary["goals"], house_summary["house"], words))
    if house_summary.get("story"):
        parts.append(_story(house_summary["story"], house_summary["house"], words))
    return Group(*parts, _next(house_summary, words))


def _section(title: str, *content) -> Group:
    return Group(Text(f"\n{title}", style="bold"), *(Padding(part, (0, 0, 0, 2)) for part in content))


def _table(*columns: tuple[str, str]) -> Table:
    table = Table(box=box.SIMPLE_HEAD, pad_edge=False, padding=(0, 1, 0, 0))
    for title, justify in columns:
        table.add_column(title, justify=justify, header_style="dim", overflow="fold", no_wrap=justify == "right")
    return table


def _seconds(milliseconds: int) -> str:
    return f"{milliseconds // 1000}.{milliseconds % 1000 // 100}"


def _heading(summary: dict, words: _Words) -> Group:
    day = summary["day_milliseconds"]
    counts = (
        (summary["days_count"], "営業日を締めました", "business days closed"), (summary["customers_count"], "顧客", "customers"),
        (summary["contracts_count"], "契約", "contracts"), (summary["sleeves_count"], "運用口", "sleeves"),
        (summary["events_count"], "指図・入金", "events"), (summary["prices_count"], "価格", "prices"),
    )
    line = words.one(" ・ ", ", ").join(f"{count:,} {words.one(ja, en)}" for count, ja, en in counts)
    total, median, slowest = (_seconds(summary["total_milliseconds"]), day["median"], day["slowest"])
    pace = words.one(
        f"全体 {total} 秒、1 日あたり中央値 {median} ミリ秒、最長 {slowest} ミリ秒（{day['slowest_date']}）",
        f"{total} s in all, {median} ms a day at the median, {slowest} ms at most ({day['slowest_date']})",
    )
    title = words.both("見本の家", "sample house")
    span = f"{summary['first_date']} – {summary['last_date']}"
    return Group(Text(f"{title} {summary['house']}  {span}", style="bold"), Text(f"  {line}"), Text(f"  {pace}"))


def _programs(programs: Sequence[dict], words: _Words) -> Group:
    table = _table(
        (words.one("商品", "program"), "left"), (words.one("契約\n継続中", "contracts\nopen"), "right"),
        (words.one("資産（円）\n損益（円）", "assets (yen)\nprofit (yen)"), "right"),
        (words.one("入金（円）\n出金（円）", "in (yen)\nout (yen)"), "right"),
        (words.one("損益率", "profit %"), "right"), (words.one("TWR 最低\n中央\n最高", "TWR low\nmiddle\nhigh"), "right"),
    )
    for row in programs:
        spread = "\n".join(percent(row[f"twr_{rank}_ppm"]) for rank in ("lowest", "middle", "highest"))
        table.add_row(
            words.lines(row["name"], row["name_en"]), f"{row['contracts_count']:,}\n{row['open_contracts_count']:,}",
            f"{row['value_yen']:,}\n{row['profit_yen']:+,}", f"{row['money_in_yen']:,}\n{row['money_out_yen']:,}",
            percent(rate(row["profit_yen"], row["money_in_yen"])), spread,
        )
    total = {key: sum(row[key] for row in programs) for key in ("value_yen", "profit_yen", "money_in_yen", "money_out_yen")}
    count, still = (sum(row[key] for row in programs) for key in ("contracts_count", "open_contracts_count"))
    table.add_section()
    table.add_row(
        words.both("合計", "total"), f"{count:,}\n{still:,}", f"{total['value_yen']:,}\n{total['profit_yen']:+,}",
        f"{total['money_in_yen']:,}\n{total['money_out_yen']:,}", percent(rate(total["profit_yen"], total["money_in_yen"])),
    )
    note = words.one(
        "損益率 = 損益 ÷ 入金累計。TWR = 継続中の運用口の時間加重収益率（報酬控除後、開始来）。",
        "profit % = profit / money paid in. TWR: time-weighted return of the open sleeves since they opened, after fees.",
    )
    return _section(words.both("商品別", "by program"), table, Text(note, style="dim"))


def _orders(summary: dict, words: _Words) -> Group:
    orders = summary["orders"]
    reasons = "  ".join(f"{row['reason']} {row['count']:,}" for row in orders["reasons"])
    line = words.one(
        f"{orders['count']:,} 件（買付 {orders['buys_yen']:,} 円、売却 {orders['sells_yen']:,} 円）"
        f"、まとめ注文 {orders['blocks_count']:,} 件、取消 {orders['cancelled_count']:,} 件",
        f"{orders['count']:,} orders (bought {orders['buys_yen']:,} yen, sold {orders['sells_yen']:,} yen) in"
        f" {orders['blocks_count']:,} blocks, {orders['cancelled_count']:,} cancelled",
    )
    return _section(words.both("注文", "orders"), Text(line), Text(reasons, style="dim"))


def _fees(summary: dict, words: _Words) -> Group:
    table = _table((words.one("会社", "company"), "left"), (words.one("報酬（円）", "fees (yen)"), "right"))
    for row in summary["fees"]:
        table.add_row(words.both(row["name"], row["name_en"]), f"{row['fee_yen']:,}")
    shared, charged = sum(row["fee_yen"] for row in summary["fees"]), summary["fees_charged_yen"]
    sign = "=" if shared == charged else "≠"
    table.add_section()
    total = words.one(f"合計 {sign} 顧客への請求 {charged:,}", f"total {sign} charged to customers {charged:,}")
    table.add_row(total, f"{shared:,}")
    return _section(words.both("報酬の配分", "fees by company"), table)


def _promises(summary: dict, words: _Words) -> Group:
    checks = summary["checks"]
    breaks, difference = checks["breaks_count"], checks["journal_difference_yen"]
    paid, count = checks["payouts_kept_count"], checks["payouts_count"]
    share = percent(rate(paid, count)).removeprefix("+")
    rows = (
        (breaks == 0, words.both("口座管理機関との差異", "breaks against the custodian"), f"{breaks:,}"),
        (difference == 0, words.both("仕訳の貸借差", "journal difference"), f"{difference:,}"),
        (paid == count, words.both("約束どおりの払出し", "payouts on the promised day"), f"{share} ({paid:,} / {count:,})"),
        (True, words.both("約束の再発行（別掲）", "re-issued, counted apart"), f"{checks['reissued_count']:,}"),
    )
    table = Table(box=None, show_header=False, pad_edge=False, padding=(0, 2, 0, 0))
    for good, label, figure in rows:
        table.add_row(Text("✓" if good else "✗", style="green" if good else "bold red"), label, figure)
    alerts = "  ".join(f"{row['kind']} {row['count']:,}" for row in summary["alerts"])
    none = words.one("なし", "none")
    return _section(words.both("検査と約束", "checks and promises"), table, Text(f"alerts: {alerts or none}", style="dim"))


def _goals(goals: dict, house: str, words: _Words) -> Group:
    total = sum(row["count"] for row in goals["statuses"])
    counts = words.one(" ・ ", ", ").join(
        f"{words.one(*GOAL_STATUSES[row['status']])} {row['count']:,}" for row in goals["statuses"] if row["count"]
    )
    ended, true, advised = (f"{goals[name]:,}" for name in ("ended_count", "came_true_count", "advice_count"))
    past = words.one(
        f"期日の来た目標 {ended}、うち達成 {true} ・ 改善案を出した夜 {advised}",
        f"came to their date {ended}, of these came true {true}; evenings with advice {advised}",
    )
    lines = [Text(words.one(f"追っている目標 {total:,}: {counts}", f"goals followed {total:,}: {counts}")), Text(past)]
    if goals["goal_id"]:
        command = f"tsutsumi advice {shlex.quote(house)} --goal {goals['goal_id']}"
        lines.append(Text(command, style="cyan"))
    return _section(words.both("目標", "goals"), *lines)


def _sources(summary: dict, words: _Words) -> Group:
    lines = []
    for row in summary["sources"]:
        kind, style = (("実データ", "real"), "green") if row["real"] else (("生成", "generated"), "yellow")
        count = words.one(f"{row['prices_count']:,} 件", f"{row['prices_count']:,} prices")
        whole = (row["first_date"], row["last_date"]) == (summary["first_date"], summary["last_date"])
        head = f" {row['name']} {row['instrument_id']}, {count}" + ("" if whole else f", {row['first_date']} – {row['last_date']}")
        lines.append(Text.assemble((words.one(*kind), style), head))
        lines.append(Padding(Text(row["provenance"].partition(": ")[2] or row["provenance"], style="dim"), (0, 0, 0, 2)))
    return _section(words.both("価格の出所", "where the prices come from"), *lines)


def _gaps(gaps: Sequence[dict], words: _Words) -> Group:
    title = words.both("欠測と不採用の価格", "gaps met, prices refused")
    if not gaps:
        return _section(title, Text(words.one("ありません", "none")))
    table = Table(box=None, show_header=False, pad_edge=False, padding=(0, 2, 0, 0))
    for row in gaps[:GAPS_SHOWN]:
        kind = words.one(*GAP_KINDS[row["kind"]])
        table.add_row(row["date"], kind, row["instruments"], Text(row["note"], style="dim"))
    more = len(gaps) - GAPS_SHOWN
    rest = [Text(words.one(f"ほか {more} 件", f"{more} more"), style="dim")] if more > 0 else []
    return _section(title, table, *rest)


def _story(story: dict, house: str, words: _Words) -> Group:
    who = words.one(
        f"{story['name']} さん（{story['kana']}、{story['age']} 歳、{story['customer_id']}）: {story['programs']}",
        f"{story['name']} ({story['kana']}, aged {story['age']}, {story['customer_id']}): {story['programs']}",
    )
    table = Table(box=None, show_header=False, pad_edge=False, padding=(0, 2, 0, 0))
    for line in story["lines"]:
        table.add_row(Text(line["date"], style="dim"), words.lines(line["text"], line["text_en"]))
    gain = percent(rate(story["profit_yen"], story["money_in_yen"]))
    end = words.one(
        f"入金 {story['money_in_yen']:,} 円、出金 {story['money_out_yen']:,} 円、現在の資産 {story['value_yen']:,} 円、"
        f"損益 {story['profit_yen']:+,} 円（{gain}）",
        f"paid in {story['money_in_yen']:,} yen, taken out {story['money_out_yen']:,} yen, worth {story['value_yen']:,} yen,"
        f" profit {story['profit_yen']:+,} yen ({gain})",
    )
    command = f"tsutsumi explain {shlex.quote(house)} {story['sleeve_id']} --date {story['explain_date']}"
    title = words.both("ある顧客の歩み", "one customer's story")
    goals = [Text(words.one(
        f"目標「{row['name']}」{row['target_date']} に {row['target_yen']:,} 円: 達成確率 {row['percent']} %",
        f"goal {row['name']}: {row['target_yen']:,} yen on {row['target_date']}, probability {row['percent']} %",
    )) for row in story.get("goals", ())]
    note, last = Text(story["note"], style="dim"), Text(end, style="bold")
    return _section(title, Text(who), note, table, last, *goals, Text(command, style="cyan"))


def _next(summary: dict, words: _Words) -> Group:
    house = shlex.quote(summary["house"])
    commands = (
        (f"tsutsumi verify {house}", "再実行して約束をすべて検査", "replays the days and checks every promise"),
        (f"tsutsumi export {house} --date {summary['last_date']} --to out", "すべての帳簿を Parquet に", "every table as Parquet"),
        ("tsutsumi bench close --contracts 200000", "20 万契約の締めを測る", "measures a close of 200,000 contracts"),
    )
    lines = (Text.assemble((command, "cyan"), ("  # " + words.one(ja, en), "dim")) for command, ja, en in commands)
    return _section("Next:", *lines)
