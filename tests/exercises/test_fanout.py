import pytest

from realtime_kit.exercises import State, check, predict


def test_the_last_waits_for_all_the_others():
    inputs = {"clients": 10_000, "per_delivery_s": 40e-6}
    assert check(predict("fanout-last", seconds=0.4), 0.42, **inputs).right
    answer = check(predict("fanout-last", seconds=5.0), 0.42, **inputs)
    assert answer.state is State.OFF
    assert "10,000 x 40 µs = 400 ms" in str(answer.hint().hint().hint())


def test_who_thought_of_half_the_clients_is_told_so():
    answer = check(predict("fanout-last", seconds=0.15), 0.4, clients=10_000, per_delivery_s=40e-6)
    assert "Taken as the time until half of them have it, it would be right." in str(answer)


def test_instances_are_worth_no_more_than_processors():
    inputs = {"instances": 4, "processors": 2}
    assert check(predict("fanout-instances", share=0.6), 0.7, **inputs).right
    answer = check(predict("fanout-instances", share=0.1), 0.9, **inputs)
    assert answer.state is State.OFF
    assert "At best 1 / 2 = 50 %; here it was 90 %." in str(answer.hint().hint().hint())


@pytest.mark.parametrize(("rate", "through"), [(2500, 2520), (1000, 1000), (410, 440)])
def test_a_limiter_lets_whole_batches_through(rate, through):
    assert check(predict("limiter-rate", per_second=through), message_rate=rate).right


def test_who_read_the_height_of_a_step_is_told_so():
    answer = check(predict("limiter-rate", per_second=63), 2520, message_rate=2500)
    assert "Taken as the height of a step, it would be right." in str(answer)
