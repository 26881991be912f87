import pytest
from hypothesis import given, strategies as st

from realtime_kit.errors import UsageError
from realtime_kit.exercises import check, predict
from realtime_kit.exercises.history import pages
from realtime_kit.origin.event_log import EventLog


@given(events=st.integers(0, 500), page_events=st.integers(1, 60))
def test_as_many_pages_as_the_log_yields(events, page_events):
    log, read, reached = EventLog(), 0, 0
    for number in range(events):
        log.append(str(number))
    while True:
        page = log.after(reached, limit=page_events)
        read, reached = read + 1, page[-1][0] if page else reached
        if reached >= log.last_id:
            break
    assert pages(events=events, page_events=page_events) == read


@pytest.mark.parametrize("arguments", [{"page_events": 0}, {"events": -1}, {"events": 1.5}])
def test_what_cannot_be_is_refused(arguments):
    with pytest.raises(UsageError, match="whole numbers"):
        pages(**{"events": 1, "page_events": 1} | arguments)


@pytest.mark.parametrize(
    ("events", "page_events", "count", "computed"),
    [(45, 10, 5, "45 / 10 = 4.5, so it takes 5."), (40, 10, 4, "40 / 10 = 4, so it takes 4."), (0, 7, 1, "")],
)
def test_the_hints_divide_the_events_given(events, page_events, count, computed):
    inputs = {"events": events, "page_events": page_events}
    answer = check(predict("history-pages", count=count), count, **inputs, hint=3)
    assert answer.right
    assert computed in answer.hints[2]
    assert not check(predict("history-pages", count=count + 1), count, **inputs).right


def test_the_first_hint_says_how_much_the_guessed_pages_hold():
    answer = check(predict("history-pages", count=4), 5, events=45, page_events=10)
    assert answer.hints == ("A page holds 10 events. Yours hold 40 in all, and the history has 45.",)


def test_each_client_that_comes_back_reads_its_own_pages():
    inputs = {"clients": 8, "missed": 45, "page_events": 10}
    answer = check(predict("reconnect-requests", count=5), 40, **inputs, hint=3)
    assert "Taken as the requests of a single client, it would be right." in str(answer)
    assert answer.hints[2] == "45 / 10 = 4.5, so it takes 5. 8 × 5 = 40 requests."
    assert check(predict("reconnect-requests", count=40), **inputs).right
