import numpy as np
import pytest

from realtime_kit.errors import UsageError
from realtime_kit.theory import reliability


def test_a_silent_channel_costs_one_request_per_connection_and_timeout():
    load = reliability.load(clients=1000, timeout_s=20)
    assert load.to_json() == {"origin_requests_per_s": 50.0, "empty_fraction": 1.0}


@pytest.mark.parametrize(("rate_per_s", "timeout_s"), [(0.05, 20.0), (0.5, 2.0), (0.01, 5.0), (1.0, 3.0)])
def test_simulated_timers_that_each_delivery_restarts_fire_at_the_predicted_rate(rate_per_s, timeout_s):
    gaps_s = np.random.default_rng(6).exponential(1 / rate_per_s, 200_000)
    checks = np.floor(gaps_s / timeout_s).sum()
    predicted = reliability.load(clients=1, timeout_s=timeout_s, rate_per_s=rate_per_s)
    assert checks / gaps_s.sum() == pytest.approx(predicted.origin_requests_per_s, rel=0.03)


def test_an_almost_silent_channel_costs_as_much_as_a_silent_one():
    silent, almost = (reliability.load(clients=10, timeout_s=20, rate_per_s=rate) for rate in (0.0, 5e-324))
    assert almost == silent


def test_simulated_clients_that_retry_at_a_fixed_pause_recover_within_the_bound():
    rng = np.random.default_rng(7)
    outage_s, backoff_s, downstream_s = 4.0, 1.5, 0.03
    due_s = rng.uniform(0, outage_s, 30_000)
    first_try_s = rng.uniform(0, backoff_s, 30_000)
    tries_failed = np.ceil((outage_s - first_try_s) / backoff_s)
    latency_s = first_try_s + tries_failed * backoff_s + downstream_s - due_s
    bound = reliability.latest_recovery_s(outage_s=outage_s, backoff_s=backoff_s, downstream_s=downstream_s)
    assert 0.98 * bound < latency_s.max() <= bound


@pytest.mark.parametrize("arguments", [{"clients": 0}, {"timeout_s": 0}, {"rate_per_s": -1}])
def test_a_load_that_cannot_be_is_refused(arguments):
    with pytest.raises(UsageError, match=next(iter(arguments))):
        reliability.load(**{"clients": 1, "timeout_s": 20} | arguments)


def test_an_outage_of_negative_length_is_refused():
    with pytest.raises(UsageError, match="outage_s is -1"):
        reliability.latest_recovery_s(outage_s=-1, backoff_s=0, downstream_s=0)


def test_without_recovery_simulated_events_arrive_as_often_as_there_is_no_outage():
    at_s = np.random.default_rng(3).uniform(0, 1000, 100_000)
    arrived = (at_s % 10 >= 3).mean()
    assert arrived == pytest.approx(reliability.delivered_share(outage_s=3, every_s=10), abs=0.01)


def test_an_outage_is_not_longer_than_the_time_between_two():
    with pytest.raises(UsageError):
        reliability.delivered_share(outage_s=11, every_s=10)


@pytest.mark.parametrize("messages", [0, 100, 110, 400])
def test_a_simulated_queue_that_nobody_empties_overflows_as_predicted(messages):
    queue, buffered, lost = 0, 0, 0
    for _ in range(messages):
        if buffered + 2000 <= 20_000:
            buffered += 2000
        elif queue < 100:
            queue += 1
        else:
            lost += 1
    predicted = reliability.overflow(
        messages=messages, queue=100, buffered_bytes=buffered, message_bytes=2000
    )
    assert lost == predicted


@pytest.mark.parametrize("asked_per_s", [500.0, 1500.0, 10_000.0])
def test_a_simulated_limiter_drops_as_predicted(asked_per_s):
    rng = np.random.default_rng(5)
    rate_per_s, hwm, lasts_s = 1000, 250, 4.0
    at_s = np.sort(rng.uniform(0, lasts_s, int(asked_per_s * lasts_s)))
    waiting, turn, dropped = 0, 1, 0
    for each_s in at_s:
        while each_s >= turn * 0.025:
            waiting, turn = max(0, waiting - rate_per_s // 40), turn + 1
        if waiting < hwm:
            waiting += 1
        else:
            dropped += 1
    predicted = reliability.limited_share(
        rate_per_s=rate_per_s, waiting=hwm, asked_per_s=asked_per_s, lasts_s=lasts_s
    )
    assert dropped / len(at_s) == pytest.approx(predicted, abs=0.01)
