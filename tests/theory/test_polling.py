import math
from fractions import Fraction

import numpy as np
import pytest
from hypothesis import given, strategies as st

from realtime_kit.errors import UsageError
from realtime_kit.theory import polling

EVENTS = 200_000


def simulate(
    rng: np.random.Generator, *, interval_s: float, rate_per_s: float, upstream_s: float, downstream_s: float
):
    """One poller against Poisson events: the latency of each event and the share of empty answers."""
    events = np.cumsum(rng.exponential(1 / rate_per_s, EVENTS))
    sent = np.arange(rng.uniform(0, interval_s), events[-1] + interval_s, interval_s)
    asked = sent + upstream_s
    carrier = np.searchsorted(asked, events)
    inside = carrier < len(asked)
    latencies = asked[carrier[inside]] + downstream_s - events[inside]
    carried = np.bincount(carrier[inside], minlength=len(asked))
    return np.sort(latencies), float(np.mean(carried == 0))


@pytest.mark.parametrize(("interval_s", "rate_per_s"), [(5.0, 2.0), (5.0, 1 / 60), (0.5, 3.0)])
def test_simulated_pollers_meet_the_latency_law_at_every_figure(interval_s, rate_per_s):
    latencies, _ = simulate(
        np.random.default_rng(1),
        interval_s=interval_s,
        rate_per_s=rate_per_s,
        upstream_s=0.02,
        downstream_s=0.03,
    )
    law = polling.latency(interval_s=interval_s, downstream_s=0.03)
    # Standard error of a uniform's mean: T/sqrt(12 n); of its median, the worst quantile: T/(2 sqrt(n)).
    assert latencies.mean() == pytest.approx(law.mean, abs=5 * interval_s / math.sqrt(12 * EVENTS))
    for share, expected in ((0.5, law.p50), (0.9, law.p90), (0.99, law.p99)):
        assert np.quantile(latencies, share) == pytest.approx(
            expected, abs=2.5 * interval_s / math.sqrt(EVENTS)
        )
    assert law.min <= latencies[0] <= law.min + interval_s / 1000
    assert law.max - interval_s / 1000 <= latencies[-1] <= law.max


@pytest.mark.parametrize(("interval_s", "rate_per_s"), [(5.0, 0.2), (5.0, 1 / 60), (0.5, 3.0)])
def test_simulated_pollers_get_the_predicted_share_of_empty_answers(interval_s, rate_per_s):
    _, empty = simulate(
        np.random.default_rng(2), interval_s=interval_s, rate_per_s=rate_per_s, upstream_s=0, downstream_s=0
    )
    predicted = polling.load(clients=1, interval_s=interval_s, rate_per_s=rate_per_s).empty_fraction
    polls = EVENTS / rate_per_s / interval_s
    assert empty == pytest.approx(predicted, abs=5 * math.sqrt(0.25 / polls))


def test_one_event_a_minute_leaves_92_percent_of_five_second_polls_empty():
    load = polling.load(clients=1, interval_s=5, rate_per_s=1 / 60)
    assert load.empty_fraction == pytest.approx(0.92, abs=0.0005)


def test_requests_depend_on_clients_and_interval_but_not_on_the_event_rate():
    loads = [polling.load(clients=20, interval_s=5, rate_per_s=rate) for rate in (0, 1, 1000)]
    assert [load.origin_requests_per_s for load in loads] == [4.0, 4.0, 4.0]


def test_a_prediction_says_nothing_about_what_has_to_be_measured():
    load = polling.load(clients=1, interval_s=5, rate_per_s=1)
    assert set(load.to_json()) == {"origin_requests_per_s", "empty_fraction"}


def test_a_loop_that_sleeps_after_each_answer_asks_less_often_than_it_says():
    up, down, service, interval = 0.04, 0.06, 0.1, 1.0
    now, sent = 0.0, []
    for _ in range(100):
        sent.append(now)
        now += up
        now += service
        now += down
        now += interval
    real = polling.drifting_interval_s(
        interval_s=interval, upstream_s=up, downstream_s=down, service_s=service
    )
    assert np.diff(sent) == pytest.approx(np.full(99, real))


def worst_quantile_error(interval_s: float, event_interval_s: float, phase_s: float) -> float:
    """How far one client's waits are from uniform on (0, T), as a share of T, over 1,000 events."""
    waits = np.sort(-(np.arange(1000) * event_interval_s + phase_s) % interval_s) / interval_s
    return float(np.abs(waits - (np.arange(1000) + 0.5) / 1000).max())


@given(
    ratio=st.floats(0.01, 20) | st.fractions(Fraction(1, 12), 20, max_denominator=12).map(float),
    phase=st.floats(0, 1, exclude_max=True),
)
def test_events_that_do_not_alias_follow_the_latency_law_at_any_phase(ratio, phase):
    if not polling.aliases(interval_s=1.0, event_interval_s=ratio):
        assert worst_quantile_error(1.0, ratio, phase) <= 0.1 + 0.001


@pytest.mark.parametrize("event_interval_s", [5, 60, 10, 2.5, 1, 7.5, 5 / 9, 5.000001])
def test_events_at_a_simple_ratio_to_the_polling_interval_alias(event_interval_s):
    assert polling.aliases(interval_s=5, event_interval_s=event_interval_s)
    phases = [worst_quantile_error(5, event_interval_s, phase) for phase in np.linspace(0, 5, 50)]
    assert max(phases) > 0.1


@pytest.mark.parametrize("event_interval_s", [5 * math.pi, 5 * (1 + math.sqrt(5)) / 2, 5.05, 5 / 60, 5 / 11])
def test_events_without_a_simple_ratio_to_the_polling_interval_do_not_alias(event_interval_s):
    assert not polling.aliases(interval_s=5, event_interval_s=event_interval_s)


def test_a_phase_that_drifts_slowly_aliases_in_a_short_run_only():
    slow = {"interval_s": 5, "event_interval_s": 5.005}
    assert polling.aliases(**slow, events=100)
    assert not polling.aliases(**slow, events=10_000)


@given(shorter=st.floats(0.001, 1000), longer=st.floats(0.001, 1000))
def test_a_longer_interval_never_lowers_any_latency_figure(shorter, longer):
    shorter, longer = sorted((shorter, longer))
    low, high = polling.latency(interval_s=shorter), polling.latency(interval_s=longer)
    assert all(low.to_json()[name] <= high.to_json()[name] for name in low.to_json())
    assert high.min <= high.p50 <= high.p90 <= high.p99 <= high.max


@pytest.mark.parametrize("interval_s", [0, -1, math.inf, math.nan])
def test_an_interval_that_cannot_be_is_refused_by_name_value_and_range(interval_s):
    with pytest.raises(
        UsageError, match=rf"^interval_s is {interval_s!r}, but has to be a finite number above 0\.$"
    ):
        polling.latency(interval_s=interval_s)


@pytest.mark.parametrize(
    "arguments", [{"clients": 0}, {"clients": 1.5}, {"rate_per_s": -1}, {"interval_s": 0}]
)
def test_a_load_that_cannot_be_is_refused(arguments):
    with pytest.raises(UsageError, match=next(iter(arguments))):
        polling.load(**{"clients": 1, "interval_s": 5, "rate_per_s": 1} | arguments)
