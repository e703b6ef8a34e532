"""Who buys which program of the sample house, and with how much (見本の商品ごとの顧客像); figures of the trade, rounded."""

from dataclasses import dataclass

from tsutsumi.demo.programs import FUND_WRAP, GOAL_WRAP, PREMIUM, ROBO

PROGRAM_BY_STAGE = {        # per mille of the customers of a stage of life
    "young": ((650, ROBO), (230, GOAL_WRAP), (100, FUND_WRAP), (20, PREMIUM)),
    "middle": ((450, ROBO), (280, GOAL_WRAP), (220, FUND_WRAP), (50, PREMIUM)),
    "senior": ((250, ROBO), (220, GOAL_WRAP), (420, FUND_WRAP), (110, PREMIUM)),
    "old": ((100, ROBO), (170, GOAL_WRAP), (580, FUND_WRAP), (150, PREMIUM)),
}


@dataclass(frozen=True)
class Profile:
    """How the customers of one program behave (顧客像); weights and chances per mille."""

    median_yen: dict[str, int]                      # of the first money, by stage of life
    step_yen: int                                   # amounts are whole multiples of it
    lump_per_mille: int                             # start with a lump sum; the others start with instalments alone
    instalment_per_mille: int
    drawing_per_mille: int                          # of the old who start with three million yen or more
    instalments_yen: tuple[tuple[int, int], ...]
    sleeve_counts: tuple[tuple[int, int], ...]
    sleeve_names: tuple[str, ...]

    def rounded(self, amount_yen: int) -> int:
        """Return an amount cut to a whole multiple of the step (端数切捨て).

        >>> PROFILES[FUND_WRAP].rounded(6_123_456)
        6100000
        """
        return amount_yen // self.step_yen * self.step_yen


PROFILES = {
    FUND_WRAP: Profile(
        {"young": 4_000_000, "middle": 6_000_000, "senior": 9_000_000, "old": 10_000_000}, 100_000, 1000, 120, 350,
        ((50, 50_000), (35, 100_000), (15, 200_000)), ((800, 1), (170, 2), (30, 3)),
        ("退職金", "ゆとり資金", "相続準備", "医療・介護"),
    ),
    ROBO: Profile(
        {"young": 200_000, "middle": 500_000, "senior": 900_000, "old": 1_200_000}, 1_000, 650, 600, 150,
        ((150, 1_000), (100, 3_000), (150, 5_000), (250, 10_000), (150, 20_000), (100, 30_000), (80, 50_000), (20, 100_000)),
        ((880, 1), (110, 2), (10, 3)), ("メイン", "お楽しみ", "こども用"),
    ),
    GOAL_WRAP: Profile(
        {"young": 600_000, "middle": 1_500_000, "senior": 3_000_000, "old": 4_000_000}, 10_000, 850, 600, 300,
        ((80, 1_000), (150, 5_000), (250, 10_000), (250, 20_000), (150, 30_000), (120, 50_000)),
        ((620, 1), (280, 2), (100, 3)), ("老後資金", "教育資金", "住宅資金", "旅行資金", "車の買替え"),
    ),
    PREMIUM: Profile(
        {"young": 8_000_000, "middle": 15_000_000, "senior": 25_000_000, "old": 30_000_000}, 100_000, 1000, 40, 250,
        ((60, 100_000), (40, 200_000)), ((680, 1), (240, 2), (80, 3)), ("コア", "成長枠", "分散枠"),
    ),
}
