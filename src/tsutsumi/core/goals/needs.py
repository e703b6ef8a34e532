"""The smallest amount that reaches a wanted probability (必要額), in whole yen, for any probability that rises with the amount."""

from collections.abc import Callable

from tsutsumi.core.goals.normal import probit

MOST_YEN = 10**13
FAR = 8.2  # a probability nearer to 0 or 1 than this many standard deviations says nothing about where to look
PATIENCE = 3  # trials along the line that may fail to halve what is left


def smallest_yen(probability: Callable[[int], float], want: float, guess_yen: int, most_yen: int = MOST_YEN) -> int | None:
    """Return the smallest whole amount ≥ 0 whose probability is at least what is wanted (必要額), or None above `most_yen`.

    Upward from the guess in fours, then along the line of probits through the last two trials, halving where that is slow, down
    to two neighbours.

    Parameters
    ----------
    probability : function of an amount in yen, never falling
    want : float
        The wanted probability.
    guess_yen : int
        Where the answer may lie, above 0.

    Examples
    --------
    >>> smallest_yen(lambda yen: min(yen / 1_000_000, 1.0), 0.8, 10_000)
    800000
    >>> smallest_yen(lambda yen: 0.5, 0.8, 10_000) is None
    True
    """
    low, at_low = 0, probability(0)
    if at_low >= want:
        return 0
    high = max(1, min(guess_yen, most_yen))
    at_high = probability(high)
    while at_high < want:
        if high >= most_yen:
            return None
        low, at_low = high, at_high
        high = min(high * 4, most_yen)
        at_high = probability(high)
    far = (at_low, low) if want - at_low > at_high - want else (at_high, high)
    points = [far, (at_high, high) if far[1] == low else (at_low, low)]
    goal_width, trials = (high - low) // 2, 0
    while high - low > 1:
        middle = _aimed(points, low, high, want) if trials < PATIENCE else (low + high) // 2
        reached = probability(middle)
        points.append((reached, middle))
        low, high = (low, middle) if reached >= want else (middle, high)
        trials += 1
        if high - low <= goal_width or trials > PATIENCE:
            goal_width, trials = (high - low) // 2, 0
    return high


def _aimed(points: list[tuple[float, int]], low: int, high: int, want: float) -> int:
    """Return where to look next: where the line of probits through the last two points meets what is wanted, and a little beyond.

    Beyond it, so that the answer is closed in from both sides.
    """
    (before, start), (now, last) = points[-2:]
    left, right, aim = (max(-FAR, min(FAR, probit(share, 1.0 - share))) for share in (before, now, want))
    if abs(right - left) < 1e-13:
        return (low + high) // 2
    line = last + (aim - right) * (last - start) / (right - left)
    step = abs(line - last)
    margin = min(step / 8, step * step / abs(last - start)) + 1
    middle = int(line + margin if now < want else line + 1 - margin)
    return min(max(middle, low + 1), high - 1)
