import pytest

from realtime_kit.errors import UsageError
from realtime_kit.exercises import State, check, predict


@pytest.mark.parametrize(
    ("inputs", "requests", "computed"),
    [
        ({"messages": 10}, 10, "10 × 1 = 10, or fewer if some share a request."),
        (
            {"messages": 25, "openings": 1},
            26,
            "25 × 1 + 1 for opening = 26, or fewer if some share a request.",
        ),
    ],
)
def test_a_message_is_a_request_and_so_is_an_opening(inputs, requests, computed):
    answer = check(predict("websocket-messages", count=requests), **inputs, hint=3)
    assert answer.right
    assert answer.hints[2] == computed


def test_messages_that_shared_a_request_are_counted_as_they_came():
    assert check(predict("websocket-messages", count=7), 7, messages=10).right
    assert check(predict("websocket-messages", count=8), 7, messages=10).state is State.NEAR


def test_an_opening_that_was_forgotten_is_recognised():
    answer = check(predict("websocket-messages", count=10), 11, messages=10, openings=1)
    assert "Taken as the requests without the opening, it would be right." in str(answer)


def test_a_burst_is_what_was_counted_within_a_factor_of_two():
    assert check(predict("websocket-burst", count=3), 2, messages=20).right
    answer = check(predict("websocket-burst", count=20), 2, messages=20, hint=3)
    assert answer.state is State.OFF
    assert "Taken as" not in str(answer)
    assert "20 messages came in 2 requests, 10 to each. In your 20 requests it would be 1." in answer.hints[2]


def test_a_burst_that_nobody_counted_cannot_be_checked():
    with pytest.raises(UsageError, match="beyond theory"):
        check(predict("websocket-burst", count=3), messages=20)


@pytest.mark.parametrize(("clients", "events"), [(100, 1), (8, 5)])
def test_a_broadcast_costs_the_backend_nothing_however_many_listen(clients, events):
    inputs = {"clients": clients, "events": events}
    assert check(predict("websocket-broadcast", count=0), 0, **inputs).right
    answer = check(predict("websocket-broadcast", count=clients * events), 0, **inputs, hint=3)
    assert answer.state is State.OFF
    assert "Taken as the deliveries, it would be right." in str(answer)
    assert f"to {clients} clients make {clients * events} deliveries" in answer.hints[2]


def test_whoever_is_away_hears_at_the_next_try():
    answer = check(predict("websocket-retry", seconds=4.5), 3.7, away_s=2.2, hint=3)
    assert answer.right
    assert answer.theory == 4
    assert "the first try after that comes 3 s to 5 s after the sending" in answer.hints[2]


@pytest.mark.parametrize(("guess_s", "state"), [(3.0, State.RIGHT), (2.2, State.NEAR), (0.1, State.OFF)])
def test_what_a_try_can_bring_is_right_and_the_return_alone_is_not(guess_s, state):
    assert check(predict("websocket-retry", seconds=guess_s), 4.9, away_s=2.2).state is state


def test_the_time_after_the_return_is_recognised():
    answer = check(predict("websocket-retry", seconds=1.2), 3.7, away_s=2.2)
    assert "Taken as the time after the return, it would be right." in str(answer)
