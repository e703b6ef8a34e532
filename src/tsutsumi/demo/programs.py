"""What the sample house sells (見本の商品): companies, programs, their dated rules, fee terms and shares.

The companies do not exist; their names begin with 見本 (sample). Every later change of a rule is a new dated row, placed
inside the days that the house lives, so that a reader can see a rule change take effect.
"""

from bisect import bisect_right
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, timedelta

from tsutsumi.core.calendar import is_business_day, next_business_day

BANK, BROKER, IFA, MANAGER, SECOND_MANAGER, TRUST, PLATFORM = range(1, 8)
COMPANIES = (
    ("hibari-bank", "見本ひばり銀行", "Hibari Sample Bank"),
    ("asagiri-sec", "見本あさぎり証券", "Asagiri Sample Securities"),
    ("michishirube", "見本みちしるべアドバイザーズ", "Michishirube Sample Advisers (IFA)"),
    ("komorebi-am", "見本こもれび投資顧問", "Komorebi Sample Asset Management"),
    ("umikaze-am", "見本うみかぜアセットマネジメント", "Umikaze Sample Asset Management"),
    ("shirakaba-trust", "見本しらかば信託銀行", "Shirakaba Sample Trust"),
    ("hakobune-sec", "見本はこぶね証券", "Hakobune Sample Securities (platform)"),
)
FUND_WRAP, ROBO, GOAL_WRAP, PREMIUM = range(1, 5)
FUNCTIONS = ("A", "B", "C", "D")        # A sales, B account keeping, C mandate operation, D decision


@dataclass(frozen=True)
class Program:
    """One program (商品): who plays which function, and its rules, dated by thousandths of the house's life."""

    program_no: int
    program_id: str
    name: str
    name_en: str
    companies: tuple[int, int, int, int]            # of the functions A, B, C, D
    remainder_company_no: int
    shares: tuple[tuple[int, dict[int, int]], ...]  # (per mille of the life, company -> ppm)
    rules: tuple[tuple[int, str, dict], ...]        # (per mille of the life, source, what differs from the row before)
    fee_terms_id: str


PROGRAMS = (
    Program(
        FUND_WRAP, "hibari-fund-wrap", "ひばりファンドラップ", "Hibari Fund Wrap", (BANK, TRUST, MANAGER, MANAGER), TRUST,
        ((0, {BANK: 600_000, MANAGER: 300_000}), (600, {BANK: 580_000, MANAGER: 310_000})),
        (
            (0, "商品概要書 第1版", {
                "band_absolute_ppm": 50_000, "cooldown_days": 20, "minimum_trade_yen": 10_000, "minimum_deposit_yen": 3_000_000,
                "minimum_instalment_yen": 10_000, "collection_days": 5,
            }),
            (650, "取締役会決議: 最低契約金額の引下げ", {"minimum_deposit_yen": 1_000_000}),
        ),
        "fund-wrap-balance",
    ),
    Program(
        ROBO, "asagiri-robo", "あさぎりロボ", "Asagiri Robo", (BROKER, PLATFORM, SECOND_MANAGER, SECOND_MANAGER), PLATFORM,
        ((0, {BROKER: 400_000, SECOND_MANAGER: 350_000}),),
        (
            (0, "取扱規程 第1版", {
                "band_absolute_ppm": 50_000, "cooldown_days": 30, "minimum_trade_yen": 100, "minimum_deposit_yen": 10_000,
                "minimum_instalment_yen": 1_000, "withdrawal_limit_ppm": 950_000, "collection_days": 1,
            }),
            (500, "取扱規程 第2版: 最低入金額を 1,000 円に", {"minimum_deposit_yen": 1_000}),
        ),
        "robo-balance",
    ),
    Program(
        GOAL_WRAP, "michishirube-goals", "みちしるべゴールラップ", "Michishirube Goal Wrap",
        (IFA, PLATFORM, MANAGER, MANAGER), MANAGER,
        ((0, {IFA: 550_000, PLATFORM: 150_000}),),
        (
            (0, "業務規程 第1版", {
                "band_absolute_ppm": 100_000, "band_relative_ppm": 250_000, "cooldown_days": 30, "rebalance_months": "2;8",
                "minimum_trade_yen": 1_000, "minimum_deposit_yen": 100_000, "minimum_instalment_yen": 1_000, "collection_days": 3,
            }),
            (450, "運用委員会決議: 相対許容幅を 25 % から 20 % に", {"band_relative_ppm": 200_000}),
        ),
        "goal-balance",
    ),
    Program(
        PREMIUM, "asagiri-premium", "あさぎりプレミアム", "Asagiri Premium",
        (BROKER, TRUST, SECOND_MANAGER, SECOND_MANAGER), BROKER,
        ((0, {MANAGER: 150_000, SECOND_MANAGER: 250_000, TRUST: 100_000}),),
        (
            (0, "契約締結前交付書面 第1版", {
                "band_absolute_ppm": 40_000, "cooldown_days": 40, "minimum_trade_yen": 50_000, "minimum_deposit_yen": 5_000_000,
                "minimum_instalment_yen": 50_000, "sale_margin_ppm": 60_000, "collection_days": 9,
            }),
            (550, "投資政策委員会決議: 許容幅を 4 ポイントから 5 ポイントに", {"band_absolute_ppm": 50_000}),
        ),
        "premium-two-part",
    ),
)
RULE_DEFAULTS = {
    "band_absolute_ppm": 50_000, "band_relative_ppm": 0, "cooldown_days": 20, "rebalance_months": "", "minimum_trade_yen": 0,
    "minimum_deposit_yen": 0, "minimum_instalment_yen": 0, "withdrawal_limit_ppm": 900_000, "sale_margin_ppm": 50_000,
    "collection_days": 1, "rebalance_kind": "target", "rebalance_fraction_ppm": 0, "performance_scope": "contract",
    "collection_kind": "cash", "rebalance_stretch_ppm": 10_000, "lot_rounding": "down", "retry_days": 5, "retry_count": 1,
}
FEE_FRAME = """name = "{name}"
rates_of = "day"

[period]
length = "{length}"
align  = "calendar"
timing = "arrears"

[base]
measure = "{measure}"
days    = "calendar"
cash    = "{cash}"

[year]
days = 365

[rounding]
to      = "down"
average = "none"

[tax]
kind = "{tax}"
"""
AVERAGE = ("average", "included")
WITH_PERFORMANCE = "premium-with-performance"
FEES = {            # id: (name, length, tax, (measure, cash), components of (name, rate rows of (per mille of the life, tiers)))
    "fund-wrap-balance": (
        "ファンドラップ固定報酬", "quarter", "included", AVERAGE,
        (("wrap", ((0, ((0, 13_090), (30_000_000, 12_155), (100_000_000, 9_350), (500_000_000, 6_545))),)),),
    ),
    "robo-balance": (
        "ロボ運用報酬（投資分に日々）", "month", "included", ("daily", "excluded"),
        (("robo", ((0, ((0, 9_900), (30_000_000, 4_950))),)),),
    ),
    "goal-balance": (
        "ゴールラップ報酬（税抜）", "quarter", "added", AVERAGE,
        (("goal", ((0, ((0, 11_000), (30_000_000, 9_000))), (500, ((0, 10_000), (30_000_000, 8_000))))),),
    ),
    "premium-two-part": (
        "プレミアム二本立て報酬", "quarter", "included", AVERAGE,
        (
            ("advisory", ((0, ((0, 4_400), (100_000_000, 3_300))),)),
            ("wrap", ((0, ((0, 9_900), (50_000_000, 7_700), (100_000_000, 5_500))),)),
        ),
    ),
    WITH_PERFORMANCE: (
        "プレミアム固定＋成功報酬", "quarter", "included", AVERAGE,
        (("wrap", ((0, ((0, 7_700), (50_000_000, 6_050), (100_000_000, 4_400))),)),),
    ),
}
PERFORMANCE = """[[component]]
name     = "performance"
kind     = "performance"
rate_ppm = 110000
every    = 4
mark     = "scaled"
"""


@dataclass(frozen=True)
class Life:
    """The days that the house lives (見本の期間): founded before its first day, changed at shares of its life."""

    first: date
    through: date

    @property
    def founded(self) -> date:
        """The date of every first rule: 1 April of the year before the first day.

        >>> Life(date(2018, 4, 2), date(2021, 3, 31)).founded
        datetime.date(2017, 4, 1)
        """
        return date(self.first.year - 1, 4, 1)

    def moment(self, per_mille: int) -> date:
        """Return a day at a share of the life, moved to the first of the next month where that still lies inside.

        >>> life = Life(date(2018, 4, 2), date(2021, 3, 31))
        >>> life.moment(0), life.moment(500), Life(date(2018, 4, 2), date(2018, 4, 11)).moment(500)
        (datetime.date(2017, 4, 1), datetime.date(2019, 11, 1), datetime.date(2018, 4, 6))
        """
        if per_mille == 0:
            return self.founded
        day = self.first + timedelta(days=(self.through - self.first).days * per_mille // 1000)
        month = date(day.year + day.month // 12, day.month % 12 + 1, 1)
        return month if month <= self.through else max(day, self.first)


def on_or_after(day: date) -> date:
    """Return the day itself if it is a business day (営業日), else the next one."""
    return day if is_business_day(day) else next_business_day(day)


def recorded(day: date) -> str:
    """Return the moment of record of a sample row (記録時刻): nine in the morning of Tokyo, written in UTC.

    >>> recorded(date(2018, 4, 2))
    '2018-04-02T00:00:00+00:00'
    """
    return f"{day.isoformat()}T00:00:00+00:00"


def company_rows() -> list[dict]:
    """Return the rows of `companies` (会社)."""
    return [
        {"company_no": number, "company_id": company_id, "name": name, "name_en": name_en}
        for number, (company_id, name, name_en) in enumerate(COMPANIES, 1)
    ]


def fee_terms_toml(fee_terms_id: str, life: Life) -> str:
    """Return the terms of a fee (報酬条件) as the TOML text of a terms file, its rate rows dated inside the life.

    >>> text = fee_terms_toml("goal-balance", Life(date(2018, 4, 2), date(2021, 3, 31)))
    >>> [line.strip() for line in text.splitlines() if "from" in line]
    ['from  = 2017-04-01', 'from  = 2019-11-01']
    """
    name, length, tax, (measure, cash), components = FEES[fee_terms_id]
    parts = [FEE_FRAME.format(name=name, length=length, tax=tax, measure=measure, cash=cash)]
    for component, rates in components:
        parts.append(f'[[component]]\nname    = "{component}"\nkind    = "balance"\ntiering = "marginal"\n')
        for per_mille, tiers in rates:
            table = ", ".join(f"[{floor:_}, {rate}]" for floor, rate in tiers)
            parts.append(f"  [[component.rates]]\n  from  = {life.moment(per_mille)}\n  tiers = [{table}]\n")
    return "\n".join(parts + ([PERFORMANCE] if fee_terms_id == WITH_PERFORMANCE else []))


def fee_terms_rows(life: Life) -> list[dict]:
    """Return the rows of `fee_terms` (報酬条件)."""
    return [
        {
            "fee_terms_id": fee_terms_id, "valid_from_date": life.founded, "terms_toml": fee_terms_toml(fee_terms_id, life),
            "recorded_at": recorded(life.founded), "source": "約款 別紙（見本）", "approved_by": "商品審査部 部長",
        }
        for fee_terms_id in FEES
    ]


def program_rows() -> list[dict]:
    """Return the rows of `programs` (商品)."""
    return [{"program_no": p.program_no, "program_id": p.program_id, "name": p.name, "name_en": p.name_en} for p in PROGRAMS]


def rule_rows(life: Life) -> list[dict]:
    """Return the rows of `program_rules` (商品の規則): the first and every later one, each whole."""
    rows = []
    for program in PROGRAMS:
        values = dict(RULE_DEFAULTS)
        for per_mille, source, changes in program.rules:
            values |= changes
            day = life.moment(per_mille)
            rows.append(
                {
                    "program_no": program.program_no, "valid_from_date": day, **values, "fee_terms_id": program.fee_terms_id,
                    "remainder_company_no": program.remainder_company_no, "source": f"{source}（見本）",
                    "approved_by": "商品審査部 部長", "recorded_at": recorded(day - timedelta(days=30)),
                }
            )
    return rows


def function_rows(life: Life) -> list[dict]:
    """Return the rows of `program_functions` (機能分担 A–D)."""
    return [
        {"program_no": p.program_no, "function": function, "valid_from_date": life.founded, "company_no": company_no}
        for p in PROGRAMS
        for function, company_no in zip(FUNCTIONS, p.companies, strict=True)
    ]


def share_rows(life: Life) -> list[dict]:
    """Return the rows of `program_shares` (報酬の配分); what they leave goes to the remainder company of the rules."""
    return [
        {"program_no": p.program_no, "valid_from_date": life.moment(at), "company_no": company_no, "share_ppm": share}
        for p in PROGRAMS
        for at, shares in p.shares
        for company_no, share in sorted(shares.items())
    ]


class Rulebook:
    """The rules in force on a day (適用中の規則), for whoever writes the sample instructions."""

    def __init__(self, rules: Sequence[dict], offers: Sequence[dict]) -> None:
        self._rules: dict[int, list[tuple[date, dict]]] = {}
        for row in sorted(rules, key=lambda row: (row["program_no"], row["valid_from_date"])):
            self._rules.setdefault(row["program_no"], []).append((row["valid_from_date"], row))
        self._offers = sorted(offers, key=lambda row: row["valid_from_date"])

    def rule(self, program_no: int, day: date) -> dict:
        """Return the row of `program_rules` in force on a day."""
        rows = self._rules[program_no]
        return rows[bisect_right(rows, day, key=lambda row: row[0]) - 1][1]

    def offered(self, program_no: int, day: date) -> list[int]:
        """Return the models (モデル) that a program offers on a day, ascending."""
        state = {r["model_no"]: r["offered"] for r in self._offers if r["program_no"] == program_no and r["valid_from_date"] <= day}
        return sorted(model_no for model_no, offered in state.items() if offered)
