"""What the microscope reads off the wire."""

from __future__ import annotations

import math
from types import ModuleType

import pytest


def test_a_gap_reaches_from_the_end_of_a_hold_to_the_next_one(wire: ModuleType) -> None:
    between = wire.long_polls().between
    first = next(each for each in between if each.client == 0)
    assert (first.answered_s, first.asked_s, first.held_s) == pytest.approx((2.0, 2.02, 2.05))
    assert first.gap_s == pytest.approx(0.05)


def test_a_question_that_is_answered_at_once_is_part_of_the_gap_around_it(wire: ModuleType) -> None:
    view = wire.long_polls()
    assert view.gaps_s == pytest.approx((0.05, 0.1, 0.05, 0.088))
    assert view.median_gap_s(0) == pytest.approx(0.075)
    assert [each.held_from_s for each in view.of_client(0)].count(None) == 1


def test_an_open_hold_counts_until_now(wire: ModuleType) -> None:
    view = wire.long_polls([wire.question(1, 1, 0, (1000, None))], now=4000)
    assert view.held_share(0) == pytest.approx(0.75)
    assert view.questions[0].is_held
    assert view.gaps_s == ()
    assert math.isnan(view.median_gap_s())


def test_the_share_of_a_client_that_has_left_ends_when_it_left(wire: ModuleType) -> None:
    view = wire.long_polls([wire.question(1, 1, 0, (1000, 2000))], now=9000)
    assert view.held_share(0) == pytest.approx(0.5)


def test_repeats_before_the_first_event_are_second_requests_and_later_ones_are_not(wire: ModuleType) -> None:
    view = wire.long_polls()
    assert [each.at_s for each in view.second_requests] == pytest.approx([1.1, 1.105])
    assert view.origin_requests == {"client request": 4, "repeat": 3}


def test_calls_to_the_late_are_no_events(wire: ModuleType) -> None:
    assert [each.event for each in wire.long_polls().published] == [1, 2, 3]


def test_ids_are_read_from_the_answers_and_not_from_their_data(wire: ModuleType) -> None:
    assert [each.events for each in wire.long_polls().of_client(1)] == [(1,), (2,), (3,), ()]


def test_an_event_that_reached_only_one_client_is_missing_for_the_other(wire: ModuleType) -> None:
    without = [each for each in wire.LONG_POLLS if each.number != 16]
    view = wire.long_polls(without)
    assert (view.missing(0), view.missing(1)) == (set(), {3})
    assert not view.all_held
    assert wire.long_polls().all_held


def test_the_moment_is_the_last_event_that_found_everybody_held(wire: ModuleType) -> None:
    event, between = wire.long_polls().moment
    assert event.event == 2  # nobody was held when the third was published
    assert [each.gap_s for each in between] == pytest.approx([0.1, 0.088])


def test_a_moment_is_not_shown_before_everybody_is_back(wire: ModuleType) -> None:
    event, _ = wire.long_polls([each for each in wire.LONG_POLLS if each.number != 18]).moment
    assert event.event == 1
    assert wire.long_polls([]).moment is None
