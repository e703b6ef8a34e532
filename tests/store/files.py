"""A small, complete set of files for a house, and how the tests write and load them."""

from pathlib import Path

from tsutsumi.run.loading import LoadReport, load_files
from tsutsumi.store.database import House

MOMENT = "2026-08-01T00:00:00+00:00"
TERMS = """name = "quarterly"
rates_of = "day"
[period]
length = "quarter"
align = "calendar"
timing = "arrears"
[base]
measure = "average"
days = "calendar"
cash = "included"
[year]
days = 365
[rounding]
to = "down"
[tax]
kind = "included"
[[component]]
name = "mandate"
kind = "balance"
  [[component.rates]]
  from = 2020-01-01
  tiers = [[0, 13090]]
"""
FILES = {
    "companies": "company_id,name\nbank,銀行\nmanager,運用会社\ncustodian,信託銀行\n",
    "instruments": (
        "instrument_id,name,currency,price_scale,price_base_units,kind,order_mode,calendar_ids\n"
        "eq,国内株式,JPY,0,10000,fund,amount,\nbond,国内債券,JPY,0,10000,fund,amount,\nspy,米国株式ETF,USD,2,1,etf,units,US\n"
    ),
    "calendar_holidays": "calendar_id,date,name\nUS,2026-09-07,Labor Day\n",
    "models": "model_id,name,manager_id\ngrowth,成長,manager\nincome,安定,manager\nmix,組合せ,manager\n",
    "model_versions": (
        "model_id,version,effective_date,proposed_by,approved_by\n"
        "growth,1,2020-01-01,tanaka,suzuki\nincome,1,2020-01-01,tanaka,suzuki\n"
        "mix,1,2020-01-01,tanaka,suzuki\n"
    ),
    "model_weights": (
        "model_id,version,instrument_id,child_model_id,weight_ppm\nmix,1,,growth,600000\nmix,1,,income,400000\n"
        "growth,1,eq,,700000\ngrowth,1,bond,,250000\ngrowth,1,JPY,,50000\nincome,1,bond,,1000000\n"
    ),
    "programs": "program_id,name\nwrap,ラップ\n",
    "fee_terms": 'fee_terms_id,valid_from_date,terms_toml\nstandard,2020-01-01,"' + TERMS.replace('"', '""') + '"\n',
    "program_rules": (
        "program_id,valid_from_date,minimum_trade_yen,minimum_deposit_yen,minimum_instalment_yen,rebalance_months,fee_terms_id,"
        "remainder_company_id\nwrap,2020-01-01,1000,10000,1000,1;7,standard,manager\n"
    ),
    "program_models": "program_id,model_id,valid_from_date,offered\nwrap,growth,2020-01-01,true\nwrap,mix,2020-01-01,1\n",
    "program_functions": "program_id,function,valid_from_date,company_id\nwrap,A,2020-01-01,bank\nwrap,D,2020-01-01,manager\n",
    "program_shares": "program_id,valid_from_date,company_id,share_ppm\nwrap,2020-01-01,bank,400000\n",
    "customers": "customer_id,name,kana,birth_date\nc1,山田 花子,ヤマダ ハナコ,1980-02-29\nc2,佐藤 一郎,サトウ イチロウ,\n",
    "accounts": "account_id,customer_id,custodian_id\na1,c1,custodian\na2,c2,custodian\n",
    "contracts": "contract_id,account_id,customer_id,program_id\nk1,a1,c1,wrap\nk2,a2,c2,wrap\n",
    "contract_parties": "contract_id,function,company_id\nk1,A,bank\n",
    "sleeves": "sleeve_id,contract_id,name,model_id\ns1,k1,老後,growth\ns2,k1,学費,mix\ns3,k2,,growth\n",
    "plans": "sleeve_id,kind,valid_from_date,amount_yen\ns1,instalment,2026-01-01,30000\n",
    "events": (
        "event_id,date,kind,contract_id,sleeve_id,amount_yen\n"
        "e1,2026-08-03,contract_opened,k1,,\ne2,2026-08-03,sleeve_opened,,s1,\n"
        "e3,2026-08-03,deposit,,s1,1000000\n"
    ),
}


def write(folder: Path, **texts: str) -> list[Path]:
    """Write files named by kind and return their paths; `nav__1` is a second one of the kind."""
    paths = [folder / f"{name}.csv" for name in texts]
    for path, text in zip(paths, texts.values(), strict=True):
        path.write_text(text, encoding="utf-8", newline="")
    return paths


def load(house: House, **texts: str) -> LoadReport:
    """Write files beside the house and load them."""
    return load_files(house, write(house.folder.parent, **texts), MOMENT)


def refusals(report: LoadReport) -> list[str]:
    """Return every refusal as a line of text."""
    return [str(refusal) for file in report.files for refusal in file.refused]
