"""The pictures of docs/rules/goals.md are those that the code draws, and stand on the page."""

import re

import pytest

from tests.core.goal_pictures import FOLDER, PICTURES

NUMBER = re.compile(r"-?\d+\.\d")


@pytest.mark.parametrize("name", PICTURES)
def test_the_picture_is_drawn_by_the_code(name):
    """The words are the same; a place may differ by what the last digit of another machine moves it."""
    kept, drawn = (FOLDER / name).read_text("utf-8"), PICTURES[name]()
    assert NUMBER.sub("#", drawn) == NUMBER.sub("#", kept), "run python -m tests.core.goal_pictures"
    places = [[float(place) for place in NUMBER.findall(text)] for text in (drawn, kept)]
    assert places[0] == pytest.approx(places[1], abs=0.15), "run python -m tests.core.goal_pictures"
    assert f"({name})" in (FOLDER / "goals.md").read_text("utf-8")
