import math
from bisect import bisect_right
from dataclasses import dataclass

import numpy as np
import pytest
from hypothesis import given, strategies as st

from realtime_kit.errors import UsageError
from realtime_kit.quantities import LOST
from realtime_kit.theory import long_polling

EVENTS = 40_000
UP_S, TURN_S, DOWN_S = 0.05, 0.02, 0.03
WINDOW_S = long_polling.window_s(downstream_s=DOWN_S, turnaround_s=TURN_S, upstream_s=UP_S)
# Event rates per second and hold timeouts that cover short and long holds, rare and frequent misses.
CASES = [(0.2, 5.0), (2.0, 25.0), (10.0, 0.1), (30.0, 1.0), (0.05, 20.0)]


@dataclass
class Outcome:
    latencies: np.ndarray
    late: int
    responses: int
    empty: int
    seconds: float


def simulate(rate_per_s: float, hold_timeout_s: float, *, cursor: bool = True, seed: int = 3) -> Outcome:
    """One client and one server, answer by answer; a lost event has infinite latency."""
    due = np.cumsum(np.random.default_rng(seed).exponential(1 / rate_per_s, EVENTS)).tolist()
    latencies, answered_s, next_event, late, responses, empty = [], 0.0, 0, 0, 0, 0
    while next_event < EVENTS:
        received_s = answered_s + DOWN_S
        held_s = received_s + TURN_S + UP_S
        missed = due[next_event : bisect_right(due, held_s, next_event)]
        next_event += len(missed)
        late += len(missed)
        latencies += [held_s + DOWN_S - event if cursor else math.inf for event in missed]
        if missed and cursor:
            answered_s = held_s
        elif next_event < EVENTS and due[next_event] <= held_s + hold_timeout_s:
            answered_s = due[next_event]
            latencies.append(DOWN_S)
            next_event += 1
        else:
            answered_s = held_s + hold_timeout_s
            empty += 1
        responses += 1
    return Outcome(np.sort(latencies), late, responses, empty, answered_s)


@pytest.mark.parametrize(("rate_per_s", "hold_timeout_s"), CASES)
def test_simulated_clients_meet_the_latency_law_at_every_figure(rate_per_s, hold_timeout_s):
    latencies = simulate(rate_per_s, hold_timeout_s).latencies
    law = long_polling.latency(
        rate_per_s=rate_per_s, window_s=WINDOW_S, hold_timeout_s=hold_timeout_s, downstream_s=DOWN_S
    )
    # Events of one window share their wait, hence a wider margin than independent samples would need.
    assert latencies.mean() == pytest.approx(law.mean, abs=8 * latencies.std() / math.sqrt(EVENTS))
    for share, expected in ((0.5, law.p50), (0.9, law.p90), (0.99, law.p99)):
        assert np.quantile(latencies, share) == pytest.approx(expected, abs=0.06 * WINDOW_S)
    assert latencies[0] == pytest.approx(law.min)
    assert law.max - 0.03 * WINDOW_S <= latencies[-1] <= law.max + 1e-9


@pytest.mark.parametrize(("rate_per_s", "hold_timeout_s"), CASES)
@pytest.mark.parametrize("cursor", [True, False])
def test_simulated_clients_make_the_predicted_requests_and_get_the_predicted_empty_answers(
    rate_per_s, hold_timeout_s, cursor
):
    outcome = simulate(rate_per_s, hold_timeout_s, cursor=cursor)
    law = long_polling.load(
        clients=1, rate_per_s=rate_per_s, window_s=WINDOW_S, hold_timeout_s=hold_timeout_s, cursor=cursor
    )
    assert outcome.responses / outcome.seconds == pytest.approx(law.origin_requests_per_s, rel=0.02)
    margin = 5 * math.sqrt(0.25 / outcome.responses)
    assert outcome.empty / outcome.responses == pytest.approx(law.empty_fraction, abs=margin)


@pytest.mark.parametrize(("rate_per_s", "hold_timeout_s"), CASES)
@pytest.mark.parametrize("cursor", [True, False])
def test_simulated_windows_catch_the_predicted_share_of_events(rate_per_s, hold_timeout_s, cursor):
    outcome = simulate(rate_per_s, hold_timeout_s, cursor=cursor)
    predicted = long_polling.missed_fraction(
        rate_per_s=rate_per_s, window_s=WINDOW_S, hold_timeout_s=hold_timeout_s, cursor=cursor
    )
    assert outcome.late / EVENTS == pytest.approx(predicted, abs=6 * math.sqrt(predicted / EVENTS))


@pytest.mark.parametrize(("rate_per_s", "hold_timeout_s"), CASES)
def test_simulated_answers_carry_the_predicted_number_of_events(rate_per_s, hold_timeout_s):
    outcome = simulate(rate_per_s, hold_timeout_s)
    predicted = long_polling.events_per_response(
        rate_per_s=rate_per_s, window_s=WINDOW_S, hold_timeout_s=hold_timeout_s
    )
    assert EVENTS / outcome.responses == pytest.approx(predicted, rel=0.02)


def test_at_a_busy_channel_a_client_without_a_cursor_loses_a_smaller_share_than_one_with_a_cursor_gets_late():
    busy = {"rate_per_s": 10.0, "window_s": 0.1, "hold_timeout_s": 25.0}
    assert long_polling.missed_fraction(**busy) == pytest.approx(0.731, abs=0.001)
    assert long_polling.missed_fraction(**busy, cursor=False) == pytest.approx(0.5, abs=0.001)


def test_without_a_cursor_the_missed_events_count_as_lost_in_every_figure_they_reach():
    law = long_polling.latency(
        rate_per_s=2.0, window_s=0.1, hold_timeout_s=25.0, downstream_s=0.03, cursor=False
    )
    assert (law.min, law.p50) == (0.03, 0.03)  # a sixth of the events is lost
    assert (law.p90, law.p99, law.max, law.mean) == (LOST, LOST, LOST, LOST)


def test_a_silent_channel_cycles_through_window_and_full_hold():
    silent = {"rate_per_s": 0.0, "window_s": 0.1, "hold_timeout_s": 25.0}
    assert long_polling.cycle_s(**silent) == 25.1
    assert long_polling.load(clients=251, **silent).origin_requests_per_s == pytest.approx(10.0)
    assert long_polling.load(clients=251, **silent).empty_fraction == 1.0


@pytest.mark.parametrize("rate_per_s", [5e-324, 1e-300, 1e-12])
def test_an_almost_silent_channel_has_the_cycle_of_a_silent_one(rate_per_s):
    cycle_s = long_polling.cycle_s(rate_per_s=rate_per_s, window_s=0.1, hold_timeout_s=0.7)
    assert cycle_s == pytest.approx(0.8)


def test_without_a_window_every_event_takes_the_direct_way():
    law = long_polling.latency(rate_per_s=5, window_s=0, hold_timeout_s=25, downstream_s=0.03, service_s=0.01)
    assert {law.min, law.mean, law.p50, law.p99, law.max} == {0.04}


@pytest.mark.parametrize("interval_s", [1.0, 5.0, 20.0])
def test_at_the_crossover_simulated_long_polling_asks_as_often_as_polling(interval_s):
    rate = long_polling.crossover_rate_per_s(interval_s=interval_s, window_s=WINDOW_S, hold_timeout_s=25.0)
    outcome = simulate(rate, 25.0)
    assert outcome.seconds / outcome.responses == pytest.approx(interval_s, rel=0.03)


def test_the_crossover_is_about_one_event_per_interval_while_the_hold_is_long():
    rate = long_polling.crossover_rate_per_s(interval_s=5.0, window_s=0.05, hold_timeout_s=60.0)
    assert rate == pytest.approx(1 / 5.0, rel=0.01)


@pytest.mark.parametrize(
    ("interval_s", "expected"), [(25.1, 0.0), (100.0, 0.0), (0.1, math.inf), (0.01, math.inf)]
)
def test_intervals_outside_every_possible_cycle_have_no_crossover(interval_s, expected):
    rate = long_polling.crossover_rate_per_s(interval_s=interval_s, window_s=0.1, hold_timeout_s=25.0)
    assert rate == expected


@given(
    rate=st.floats(0, 1000),
    window=st.floats(0, 10),
    hold=st.floats(0.01, 100),
    downstream=st.floats(0, 1),
    cursor=st.booleans(),
)
def test_figures_are_ordered_and_end_one_window_after_the_direct_way(rate, window, hold, downstream, cursor):
    law = long_polling.latency(
        rate_per_s=rate, window_s=window, hold_timeout_s=hold, downstream_s=downstream, cursor=cursor
    )
    assert law.min <= law.p50 <= law.p90 <= law.p99 <= law.max
    assert law.min <= law.mean <= law.max
    assert law.max in (pytest.approx(downstream + window), LOST)
    assert law.count is None


@given(
    slower=st.floats(0, 1000), faster=st.floats(0, 1000), window=st.floats(0, 1), hold=st.floats(0.01, 100)
)
def test_a_busier_channel_never_lengthens_the_cycle(slower, faster, window, hold):
    slower, faster = sorted((slower, faster))
    cycles = [
        long_polling.cycle_s(rate_per_s=rate, window_s=window, hold_timeout_s=hold)
        for rate in (slower, faster)
    ]
    assert cycles[1] <= cycles[0] * (1 + 1e-12)


@pytest.mark.parametrize(
    "arguments",
    [
        {"rate_per_s": -1},
        {"window_s": -0.1},
        {"hold_timeout_s": 0},
        {"downstream_s": math.nan},
        {"service_s": -1},
    ],
)
def test_a_latency_that_cannot_be_is_refused(arguments):
    usual = {"rate_per_s": 1.0, "window_s": 0.1, "hold_timeout_s": 25.0, "downstream_s": 0.03}
    with pytest.raises(UsageError, match=next(iter(arguments))):
        long_polling.latency(**usual | arguments)
