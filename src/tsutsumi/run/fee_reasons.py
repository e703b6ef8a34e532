"""The arithmetic of a contract's fees on a day (報酬の計算過程), from its own closed days, as a clerk would do it by hand."""

from datetime import date as Date

from tsutsumi.core.calendar import epoch_day
from tsutsumi.core.fee_lines import fee_lines
from tsutsumi.run.fee_lives import Lives
from tsutsumi.run.fee_terms_book import FeeTermsBook
from tsutsumi.run.history import rows_of, walk
from tsutsumi.store.database import House

ROWS = ("programs", "program_rules", "fee_terms", "contract_fee_terms", "fee_adjustments")


def fee_reasons(house: House, contract_no: int, charged: set[int], through: Date, contract_of_sleeve) -> list[str]:
    """Return the lines of arithmetic, in Japanese and English, of the fees that a contract was charged on some days.

    Parameters
    ----------
    charged : days since 1970-01-01 on which the fees in question were charged;  through : the last day to read
    contract_of_sleeve : int array, contract_no by sleeve_no
    """
    book = FeeTermsBook(rows_of(house, *ROWS))
    lives = Lives(book, contract_of_sleeve, {contract_no})
    charged_on: dict[tuple, int] = {}
    for _date, tables, books in walk(house, through):
        before = set(lives.of[contract_no].fees) if contract_no in lives.of else set()
        lives.add(tables, books)
        if contract_no in lives.of:
            charged_on |= dict.fromkeys(set(lives.of[contract_no].fees) - before, books.day)
    life = lives.of[contract_no]
    keys = [key for key, day in charged_on.items() if day in charged]
    lines: list[str] = []
    for terms in life.changed_terms(book, contract_no, lives.day)[-1:]:
        for entry in life.schedule(terms, lives.day):
            mine = [key for key in keys if key[2:5] == (entry.kind, epoch_day(entry.start), epoch_day(entry.end))]
            if mine:
                lines += [*fee_lines(entry, terms, "ja"), *fee_lines(entry, terms, "en")]
                yen = sum(life.fees[key] for key in mine)
                if yen != entry.total_yen:
                    told = ", ".join(f"{step.kind} {step.factor_ppm} ppm {step.amount_yen:,}円"
                                     for step in book.steps(life.program_no, epoch_day(entry.start)))
                    lines.append(f"調整後 after adjustments: {yen:,} 円（{told or '運用口ごとの基準 marks per sleeve'}）")
    return lines
