import pytest

from realtime_kit.exercises import State, check, predict
from realtime_kit.exercises.streaming import explain_bytes, explain_p50, explain_requests


def test_the_way_depends_on_the_machine_so_a_factor_of_two_is_right(run):
    measured = run["streaming"].latency.p50
    assert check(predict("streaming-p50", seconds=measured * 1.9), run).right
    assert check(predict("streaming-p50", seconds=measured * 3.5), run).state is State.NEAR
    assert check(predict("streaming-p50", seconds=measured * 10), run).state is State.OFF


def test_the_last_hint_names_the_way_of_this_run():
    assert "within 3 ms" in explain_p50(1, downstream_s=0.003).hints.computed
    assert "within 8 ms" in explain_p50(1, downstream_s=0.008).hints.computed


def test_no_events_cost_the_origin_anything():
    explanation = explain_requests(30, clients=30, events=60)
    assert explanation.theory == 0
    assert "1,800 deliveries, out of 60 publishes and 0 requests" in explanation.hints.computed


def test_a_guess_of_some_requests_hears_that_there_are_none():
    answer = check(predict("streaming-requests", count=30), 0, clients=30, events=60)
    assert "≠ Off: you said 30, and it is 0." in str(answer)


def test_requests_that_pushpin_made_by_itself_are_right_too():
    answer = check(predict("streaming-requests", count=3), 3, clients=30, events=60)
    assert answer.right
    assert "Pushpin asks once more after a channel's first subscriber" in str(answer)


@pytest.mark.parametrize(
    ("inputs", "computed"),
    [
        ({"payload_bytes": 64}, "64 + 8 + 7 + 6 = 85 bytes."),
        ({"payload_bytes": 64, "id_digits": 3}, "64 + 8 + 8 + 6 = 86 bytes."),
        ({"payload_bytes": 0, "id_digits": 1}, "0 + 8 + 6 + 5 = 19 bytes."),
        ({"payload_bytes": 1000}, "1,000 + 8 + 7 + 7 = 1022 bytes."),
    ],
)
def test_the_bytes_add_up(inputs, computed):
    explanation = explain_bytes(72, **inputs)
    assert explanation.hints.computed == computed
    assert explanation.theory == float(computed.split()[-2])


def test_a_guess_of_bytes_hears_what_it_leaves_for_the_framing():
    assert "Yours leave 8 B for all the rest." in explain_bytes(72, payload_bytes=64).hints.mechanism
    assert "Yours would not even hold that: 10 B." in explain_bytes(10, payload_bytes=64).hints.mechanism


def test_an_event_on_the_edge_of_the_window_is_no_disagreement():
    edge = check(predict("streaming-bytes", size_bytes=85), 83.6, payload_bytes=64, events=60)
    inside = check(predict("streaming-bytes", size_bytes=85), 70, payload_bytes=64, events=60)
    assert "differ" not in str(edge)
    assert "differ" in str(inside)
