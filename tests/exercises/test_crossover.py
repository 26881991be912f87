import pytest

from realtime_kit.errors import UsageError
from realtime_kit.exercises import State, check, predict
from realtime_kit.exercises.crossover import explain_crossover
from realtime_kit.theory import long_polling, polling


@pytest.mark.parametrize("interval_s", [0.5, 2, 5, 20])
def test_at_the_crossover_both_ask_equally_often(interval_s):
    rate = explain_crossover(1, interval_s=interval_s, gap_s=0.005).theory
    by_clock = polling.load(clients=1, interval_s=interval_s, rate_per_s=rate)
    by_event = long_polling.load(clients=1, rate_per_s=rate, window_s=0.005, hold_timeout_s=25)
    assert by_event.origin_requests_per_s == pytest.approx(by_clock.origin_requests_per_s)


def test_the_hints_follow_the_guess_and_the_interval():
    hints = explain_crossover(5, interval_s=2).hints
    assert "at your 5 a second, every 200 ms on average" in hints.mechanism
    assert hints.computed.startswith("1 / 2 s is 0.5 a second.")
    assert explain_crossover(5, interval_s=4).hints.computed.startswith("1 / 4 s is 0.25 a second.")


def test_a_run_gives_the_interval_and_the_gap(run):
    assert check(predict("crossover-rate", per_second=0.5), run).right
    assert check(predict("crossover-rate", per_second=5), run).state is State.OFF


@pytest.mark.parametrize("interval_s", [0.005, 30])
def test_without_a_crossover_there_is_a_sentence(interval_s):
    with pytest.raises(UsageError, match="neither overtakes the other: it has to lie between"):
        check(predict("crossover-rate", per_second=1), interval_s=interval_s, gap_s=0.01)
