"""The application's memory: ids that grow by one, and every question a slice."""

from hypothesis import given, strategies as st

from realtime_kit.origin import EventLog


def filled(count):
    log = EventLog()
    for number in range(1, count + 1):
        assert log.append(f"event {number}") == number
    return log


def test_a_new_log_is_empty():
    assert EventLog().last_id == 0
    assert EventLog().after(0) == []


@given(count=st.integers(0, 20), after=st.integers(-5, 30), limit=st.none() | st.integers(0, 30))
def test_what_comes_after_an_id_is_everything_later_oldest_first_up_to_the_limit(count, after, limit):
    later = [(number, f"event {number}") for number in range(1, count + 1) if number > after]
    assert filled(count).after(after, limit=limit) == later[:limit]


def test_an_id_from_the_future_yields_nothing():
    assert filled(3).after(99) == []


def test_a_listener_hears_of_every_event_from_then_on_in_order():
    log = filled(2)
    heard = []
    log.on_append(lambda number, data: heard.append((number, data, log.last_id)))
    log.append("three")
    log.append("four")
    assert heard == [(3, "three", 3), (4, "four", 4)]
