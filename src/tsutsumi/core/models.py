"""Model portfolios (モデルポートフォリオ): a dated list of target weights that may hold other models, flattened to instruments."""

from collections import defaultdict
from collections.abc import Mapping
from fractions import Fraction

from tsutsumi.core.units import PPM

Line = tuple[int | None, int | None, int]


def flatten(model_no: int, lines: Mapping[int, list[Line]]) -> dict[int, int]:
    """Return the weights of a model by instrument in ppm (実質組入比率); instrument 0 is cash.

    Weights multiply along the way down, exactly; the sum is cut to whole ppm and what is left goes one each to the largest
    fractions, ties to the lower instrument number, so that the weights are 1,000,000 ppm together.

    Parameters
    ----------
    model_no : int
    lines : model_no → (instrument_no, child_model_no, weight_ppm), one of the first two given

    Raises
    ------
    ValueError
        A model holds itself, or holds a model without a version in force.

    Examples
    --------
    >>> flatten(1, {1: [(None, 2, 500_001), (3, None, 499_999)], 2: [(3, None, 500_000), (4, None, 500_000)]})
    {3: 750000, 4: 250000}
    """
    exact: dict[int, Fraction] = defaultdict(Fraction)
    _gather(model_no, Fraction(1), lines, exact, ())
    floors = {instrument: share * PPM // 1 for instrument, share in exact.items()}
    left = PPM - sum(floors.values())
    order = sorted(exact, key=lambda i: (-(exact[i] * PPM - floors[i]), i))
    for instrument in order[:left]:
        floors[instrument] += 1
    return {instrument: int(ppm) for instrument, ppm in sorted(floors.items()) if ppm}


def _gather(model_no: int, share: Fraction, lines, exact: dict[int, Fraction], above: tuple[int, ...]) -> None:
    if model_no in above:
        raise ValueError(f"model {model_no} holds itself through {above}: take the circle out")
    if model_no not in lines:
        raise ValueError(f"model {model_no} has no approved version in force but is held by {above}: approve one first")
    for instrument, child, ppm in lines[model_no]:
        part = share * Fraction(ppm, PPM)
        if child:
            _gather(child, part, lines, exact, (*above, model_no))
        else:
            exact[instrument or 0] += part
