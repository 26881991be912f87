import math
from itertools import pairwise

import pytest
from hypothesis import given, strategies as st

from realtime_kit.plots.widgets.scale import apart, round_up


@pytest.mark.parametrize(
    ("value", "expected"),
    [(1, 1), (1.01, 2), (2, 2), (3, 5), (7, 10), (10, 10), (11, 20), (0.3, 0.5), (0.05, 0.05)],
)
def test_ends_are_one_two_or_five_times_a_power_of_ten(value, expected):
    assert round_up(value) == expected


@given(st.floats(1e-6, 1e9))
def test_an_end_is_never_below_the_value_and_never_far_above(value):
    assert value <= round_up(value) * (1 + 1e-9)
    assert round_up(value) <= 2.5 * value * (1 + 1e-9)
    assert math.isclose(round_up(round_up(value)), round_up(value))


@given(st.lists(st.floats(0, 1), max_size=5).map(sorted))
def test_places_keep_their_order_and_distance_and_stay_on_the_stretch(places):
    placed = apart(places, 0.1)

    assert len(placed) == len(places)
    assert all(later - earlier >= 0.1 - 1e-9 for earlier, later in pairwise(placed))
    assert all(0.05 - 1e-9 <= place <= 0.95 + 1e-9 for place in placed)


@given(st.lists(st.floats(0, 1), max_size=5).map(sorted))
def test_places_far_enough_from_one_another_are_not_moved(places):
    settled = apart(places, 0.1)

    assert apart(settled, 0.1) == pytest.approx(settled)


def test_more_than_fit_stand_above_the_end():
    assert apart([0.0, 0.0, 0.0], 0.5) == pytest.approx([0.25, 0.75, 1.25])
