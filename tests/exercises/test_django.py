"""The question on stored events: how many a client never sees that were told while it was cut off."""

import pytest

from realtime_kit.exercises import check, predict
from realtime_kit.exercises.question import State


def judged(guess: int, measured: int | None, *, stored: int) -> State:
    return check(predict("django-lost", count=guess), measured, events=20, stored=stored).judgement.state


@pytest.mark.parametrize("stored", [0, 7, 20])
def test_what_is_not_stored_is_lost(stored: int) -> None:
    assert judged(20 - stored, 20 - stored, stored=stored) is State.RIGHT
    assert judged(20 - stored, None, stored=stored) is State.RIGHT
    assert judged(19 - stored if stored < 20 else 1, None, stored=stored) is not State.RIGHT


def test_those_that_come_are_not_those_that_are_lost() -> None:
    answer = check(predict("django-lost", count=20), 0, events=20, stored=20)
    assert answer.judgement.state is not State.RIGHT
    assert any("Taken as those that come" in sentence for sentence in answer.judgement.sentences)


def test_a_run_that_lost_stored_events_is_said_to_differ_from_theory() -> None:
    answer = check(predict("django-lost", count=0), 3, events=20, stored=20)
    assert any("Measurement and theory differ" in sentence for sentence in answer.judgement.sentences)


def test_the_last_hint_has_the_numbers() -> None:
    answer = check(predict("django-lost", count=9), None, events=20, stored=12)
    assert answer.judgement.hints.computed == "20 - 12 = 8."
