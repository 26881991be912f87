"""The offset of a browser's clock, found from nothing but round trips of unknown and unequal ways."""

from __future__ import annotations

import pytest
from hypothesis import given, strategies as st

from realtime_kit.plots.widgets.browser_clock import DRIFT, BrowserClock, RoundTrip

MS = 1_000_000
TICK_NS = MS // 10
OFFSET_NS = 123_456_789_000

way_ns = st.integers(min_value=0, max_value=500 * MS)
ways = st.lists(st.tuples(way_ns, way_ns), min_size=1, max_size=20)


def trip(at_ns: int, there_ns: int, back_ns: int, offset_ns: int = OFFSET_NS) -> RoundTrip:
    return RoundTrip(at_ns, at_ns + there_ns + offset_ns, at_ns + there_ns + back_ns)


def after(*trips: RoundTrip, tick_ns: int = TICK_NS) -> BrowserClock:
    clock = BrowserClock(tick_ns=tick_ns)
    for each in trips:
        clock.take(each)
    return clock


@given(ways)
def test_the_true_offset_lies_within_the_uncertainty_whatever_the_ways_took(
    ways: list[tuple[int, int]],
) -> None:
    clock = after(*(trip(number * 1000 * MS, *way) for number, way in enumerate(ways)))

    assert abs(clock.offset_ns - OFFSET_NS) <= clock.uncertainty_ns


@given(ways)
def test_the_uncertainty_is_never_more_than_half_the_shortest_round_trip_two_ticks_and_drift(
    ways: list[tuple[int, int]],
) -> None:
    clock = after(*(trip(number * 1000 * MS, *way) for number, way in enumerate(ways)))

    drift_ns = DRIFT * (1000 + 1000) * MS * len(ways)
    assert clock.uncertainty_ns <= min(map(sum, ways)) / 2 + 2 * TICK_NS + drift_ns + 1


def test_a_way_there_that_was_fast_and_a_way_back_that_was_fast_need_not_be_of_one_round_trip() -> None:
    clock = after(trip(0, MS, 40 * MS), trip(0, 40 * MS, MS), tick_ns=0)

    assert clock.offset_ns == OFFSET_NS
    assert clock.uncertainty_ns == pytest.approx(MS, rel=0.01)


@given(st.floats(min_value=-0.9 * DRIFT, max_value=0.9 * DRIFT), st.integers(0, 3600))
def test_clocks_that_drift_apart_stay_within_an_uncertainty_that_grows(drift: float, later_s: int) -> None:
    clock = after(trip(0, MS, MS))
    later_ns = later_s * 1000 * MS

    kernel_ns, uncertainty_ns = clock.to_kernel(later_ns)

    true_ns = later_ns + OFFSET_NS + int(drift * later_ns)
    assert abs(kernel_ns - true_ns) <= uncertainty_ns
    assert uncertainty_ns >= DRIFT * (later_ns - 2 * MS)


def test_drift_between_two_round_trips_is_no_contradiction() -> None:
    hour_ns = 3600 * 1000 * MS
    apart_ns = int(0.9 * DRIFT * hour_ns)
    clock = after(trip(0, 5 * MS, 5 * MS), trip(hour_ns, 200 * MS, 200 * MS, OFFSET_NS + apart_ns))

    # The second alone would leave 200 ms; what the first says is still worth something.
    assert clock.uncertainty_ns < 150 * MS
    assert abs(clock.offset_ns - OFFSET_NS - apart_ns) <= clock.uncertainty_ns


def test_after_a_clock_has_jumped_only_what_came_later_counts() -> None:
    jumped_ns = OFFSET_NS + 60_000 * MS
    clock = after(trip(0, MS, MS), trip(1000 * MS, 20 * MS, 20 * MS, jumped_ns))

    assert abs(clock.offset_ns - jumped_ns) <= clock.uncertainty_ns < 25 * MS


def test_a_coarse_clock_makes_everything_less_certain() -> None:
    assert after(trip(0, 0, 0), tick_ns=100 * MS).uncertainty_ns == 200 * MS


def test_before_a_round_trip_nothing_is_known() -> None:
    clock = BrowserClock(tick_ns=TICK_NS)

    assert not clock
    with pytest.raises(LookupError, match="no round trip has been made yet"):
        clock.to_kernel(0)
