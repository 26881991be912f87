"""The application's memory: ids that grow by one, and every question a slice."""

import pytest
from hypothesis import given, strategies as st

from realtime_kit.errors import UsageError
from realtime_kit.origin import EventLog


def filled(count, first_id=1):
    log = EventLog(first_id=first_id)
    for number in range(first_id, first_id + count):
        assert log.append(f"event {number}") == number
    return log


def test_a_new_log_is_empty():
    assert EventLog().last_id == 0
    assert EventLog().after(0) == []


@given(
    count=st.integers(0, 20),
    first_id=st.integers(1, 9),
    after=st.integers(-5, 30),
    limit=st.none() | st.integers(0, 30),
)
def test_what_comes_after_an_id_is_everything_later_oldest_first_up_to_the_limit(
    count, first_id, after, limit
):
    ids = range(first_id, first_id + count)
    later = [(number, f"event {number}") for number in ids if number > after]
    assert filled(count, first_id).after(after, limit=limit) == later[:limit]


def test_a_log_may_begin_where_an_earlier_one_has_not_been():
    log = EventLog(first_id=1000)
    assert log.last_id == 999
    assert log.append("the first") == log.last_id == 1000


@pytest.mark.parametrize("first_id", [0, -1])
def test_a_first_id_that_leaves_no_id_before_it_is_refused(first_id):
    with pytest.raises(UsageError, match=f"first_id is {first_id}: it has to be 1 or more"):
        EventLog(first_id=first_id)


def test_an_id_from_the_future_yields_nothing():
    assert filled(3).after(99) == []


def test_a_listener_hears_of_every_event_from_then_on_in_order():
    log = filled(2)
    heard = []
    log.on_append(lambda number, data: heard.append((number, data, log.last_id)))
    log.append("three")
    log.append("four")
    assert heard == [(3, "three", 3), (4, "four", 4)]
