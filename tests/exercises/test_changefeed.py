"""The questions on changefeeds: what one statement makes, and what a reader that was away is told."""

import pytest

from realtime_kit.exercises import check, predict


def test_each_row_that_a_statement_touches_is_a_change() -> None:
    assert check(predict("changefeed-rows", count=3), 3, rows=3).right
    answer = check(predict("changefeed-rows", count=1), 3, rows=3, hint=3)
    assert not answer.right
    assert answer.hints[2] == "3 rows, so 3 changes."


@pytest.mark.parametrize("guess", [0, 1])
def test_who_comes_back_with_a_position_is_told_all(guess: int) -> None:
    assert check(predict("changefeed-missed", count=10), 10, committed=10).right
    assert not check(predict("changefeed-missed", count=guess), 10, committed=10).right


def test_a_feed_that_lost_some_is_said_to_differ_from_theory() -> None:
    assert "Measurement and theory differ" in str(
        check(predict("changefeed-missed", count=10), 9, committed=10)
    )
