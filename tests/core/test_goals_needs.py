"""The smallest amount that is enough: its neighbour below is not, whatever the shape of the probability."""

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tsutsumi.core.goals.needs import smallest_yen
from tsutsumi.core.goals.schedule import schedule_probability


@settings(max_examples=60, deadline=None)
@given(
    st.integers(1, 60), st.floats(-0.02, 0.1), st.sampled_from([0.0, 0.01, 0.1, 0.3]), st.integers(1, 10**8), st.integers(0, 10**7),
    st.sampled_from([0.05, 0.5, 0.8, 0.99]), st.integers(1, 10**6),
)  # fmt: skip
def test_one_yen_less_is_not_enough(months, mu, vol, target, now, want, guess):
    trials = []

    def of(yen: int) -> float:
        trials.append(yen)
        return schedule_probability(mu, vol, now, [yen] * months, target)

    need = smallest_yen(of, want, guess)
    assert of(need) >= want and (need == 0 or of(need - 1) < want)
    assert len(trials) < 60


@given(st.integers(0, 10**13), st.integers(1, 10**13))
def test_a_step_is_found_to_the_yen(edge, guess):
    assert smallest_yen(lambda yen: float(yen >= edge), 0.5, guess) == edge


@pytest.mark.parametrize("guess", [1, 10**13])
def test_what_is_out_of_reach_is_none(guess):
    assert smallest_yen(lambda yen: 0.79, 0.8, guess) is None
