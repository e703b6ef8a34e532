"""Who the customers of the sample house are (見本の顧客): names, ages, what they want, how much they have.

Nobody here exists. Names are drawn from the Japanese name lists of Faker, everything else from the raw words of one PCG64
stream with integers only, so that a seed gives the same people on every machine.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, timedelta
from typing import TypeVar

import numpy as np

Item = TypeVar("Item")
WORDS_AT_ONCE = 4096
DAYS_OF_FOUR_YEARS = 1461

AGES = ((150, 22, 34), (250, 35, 49), (270, 50, 64), (250, 65, 79), (80, 80, 87))   # per mille, youngest, oldest

# Log-normal with sigma 0.8: how many thousandths of the median the person at each thousandth of the ranking has.
WEALTH_RANKS = (1, 10, 50, 100, 200, 300, 400, 500, 600, 700, 800, 900, 950, 990, 999)
WEALTH_RATIOS = (84, 156, 268, 359, 510, 657, 817, 1000, 1225, 1521, 1961, 2788, 3728, 6431, 11848)

NOTES = {
    "young": (
        "会社員。つみたてから開始", "共働き。住宅購入の頭金を準備中", "看護師。毎月の余裕資金で積立", "独身。長期の資産形成を希望",
        "システム会社勤務。値動きは気にしない方針", "第一子誕生。教育資金を別の運用口で準備",
    ),
    "middle": (
        "教育資金と老後資金を分けて運用", "会社員。賞与の一部を追加入金", "住宅ローン返済中。無理のない額で積立",
        "自営業。納税資金は別口で確保",
        "両親の介護に備えて一部は安定的に運用", "管理職。平日の連絡は夕方以降を希望",
    ),
    "senior": (
        "退職金の一部を運用", "退職まで数年。値下がりを抑えたい",
        "相続で受け取った資金を運用", "子どもの独立後、老後資金の準備を本格化",
        "会社経営。余裕資金を長期で運用", "住み替え資金を 5 年以内に使う予定",
    ),
    "old": (
        "年金に上乗せする定期受取を希望", "孫への教育資金の贈与を検討", "ご家族の同席を希望", "医療費の備えを厚めに確保",
        "面談は電話を希望。文字の大きい資料を送付", "相続に備えて配分を見直したい",
    ),
}


class Draws:
    """A stream of integers (乱数列) from the raw words of PCG64, which numpy keeps unchanged from version to version."""

    def __init__(self, *seeds: int) -> None:
        self._source = np.random.PCG64(np.random.SeedSequence(seeds))
        self._words: list[int] = []

    def below(self, limit: int) -> int:
        """Return an integer from 0 to limit - 1: the high half of word x limit, so that no float is needed.

        >>> draws = Draws(20, 1)
        >>> all(0 <= draws.below(6) < 6 for _ in range(100))
        True
        """
        if not self._words:
            self._words = self._source.random_raw(WORDS_AT_ONCE).tolist()[::-1]
        return self._words.pop() * limit >> 64

    def between(self, low: int, high: int) -> int:
        """Return an integer from low to high, both included."""
        return low + self.below(high - low + 1)

    def chance(self, per_mille: int) -> bool:
        """Return true in so many of a thousand cases."""
        return self.below(1000) < per_mille

    def pick(self, items: Sequence[Item]) -> Item:
        """Return one of the items, each as likely as the others."""
        return items[self.below(len(items))]

    def weighted(self, items: Sequence[tuple]) -> tuple:
        """Return one of the tuples; its first element is its weight.

        >>> Draws(1).weighted([(0, "never"), (3, "always")])
        (3, 'always')
        """
        point = self.below(sum(item[0] for item in items))
        for item in items:
            point -= item[0]
            if point < 0:
                return item
        raise AssertionError("weights are positive")

    def lognormal(self, median: int) -> int:
        """Return a log-normal amount (sigma 0.8) around a median, floored: the ranking table, straight lines between its points.

        >>> draws = Draws(20, 2)
        >>> sorted(draws.lognormal(1_000_000) for _ in range(999))[499] // 100_000
        10
        """
        millionth = self.between(WEALTH_RANKS[0] * 1000, WEALTH_RANKS[-1] * 1000)
        at = next(i for i in range(1, len(WEALTH_RANKS)) if millionth <= WEALTH_RANKS[i] * 1000)
        low, high = WEALTH_RANKS[at - 1] * 1000, WEALTH_RANKS[at] * 1000
        rise = (WEALTH_RATIOS[at] - WEALTH_RATIOS[at - 1]) * (millionth - low)
        return median * (WEALTH_RATIOS[at - 1] * (high - low) + rise) // (1000 * (high - low))


@dataclass(frozen=True)
class Person:
    """One customer before any contract (顧客)."""

    name: str
    kana: str
    birth_date: date
    age: int                # on the first day of the house
    note: str


def stage_of(age: int) -> str:
    """Return the stage of life (年代) that an age belongs to.

    >>> [stage_of(age) for age in (22, 35, 50, 65)]
    ['young', 'middle', 'senior', 'old']
    """
    return "young" if age < 35 else "middle" if age < 50 else "senior" if age < 65 else "old"


def _names(seed: int):
    """Return Faker's Japanese names from a seed; it is needed for the demo alone, so it is imported here."""
    try:
        from faker import Faker
    except ModuleNotFoundError as error:
        raise ValueError("demo: the package faker (names) is not installed: run `pip install 'tsutsumi[demo]'`") from error
    names = Faker("ja_JP")
    names.seed_instance(seed)
    return names


def build_people(customers: int, seed: int, first: date) -> list[Person]:
    """Return the customers (顧客) of the sample house, each with a name, its kana, a birth date and a note.

    Parameters
    ----------
    customers : int
        How many.
    seed : int
        The same seed gives the same people.
    first : date
        The first day of the house: ages from 22 to 88 are as of this day.

    Examples
    --------
    >>> person = build_people(1, 20, date(2018, 4, 2))[0]
    >>> 22 <= person.age <= 88, " " in person.name, " " in person.kana
    (True, True, True)
    """
    names = _names(seed)
    draws = Draws(seed, 1)
    found = []
    for _ in range(customers):
        family = names.last_name_pair()
        given = names.first_name_female_pair() if draws.chance(500) else names.first_name_male_pair()
        _, youngest, oldest = draws.weighted(AGES)
        age = draws.between(youngest, oldest)
        birth_date = first - timedelta(days=age * DAYS_OF_FOUR_YEARS // 4 + draws.between(1, 360))
        note = draws.pick(NOTES[stage_of(age)])
        found.append(Person(f"{family[0]} {given[0]}", f"{family[1]} {given[1]}", birth_date, age, note))
    return found


def customer_rows(people: Sequence[Person]) -> list[dict]:
    """Return the rows of `customers` (顧客), numbered from 1 in the order given."""
    return [
        {
            "customer_no": number, "customer_id": f"C{number:06d}", "name": person.name, "kana": person.kana,
            "birth_date": person.birth_date, "note": person.note,
        }
        for number, person in enumerate(people, 1)
    ]
