import math

import numpy as np
import pytest

from realtime_kit.errors import UsageError
from realtime_kit.theory.coordinated_omission import corrected_samples, p99_with_stall
from realtime_kit.theory.statistics import percentile

SERVICE_S, STALL_S, RUN_S, INTERVAL_S = 1e-5, 6.0, 100.0, 1e-3


def answered_s(due_s: float, now_s: float, stall_from_s: float) -> float:
    """When a server that stands still once answers a request it gets to at `now_s`."""
    start_s = max(due_s, now_s)
    if stall_from_s <= start_s < stall_from_s + STALL_S:
        start_s = stall_from_s + STALL_S
    return start_s + SERVICE_S


def simulate(*, waits_for_answers: bool) -> np.ndarray:
    """Latencies of one run: from intended times, or as a generator sees them that waits for each answer."""
    latencies, now_s, due_s, stall_from_s = [], 0.0, 0.0, 40.0
    while due_s < RUN_S:
        now_s = answered_s(due_s, now_s, stall_from_s)
        latencies.append(now_s - due_s)
        due_s = max(due_s + INTERVAL_S, now_s) if waits_for_answers else due_s + INTERVAL_S
    return np.sort(latencies)


def test_a_simulated_stall_gives_the_predicted_p99_from_intended_times():
    found = percentile(simulate(waits_for_answers=False), 0.99)
    assert found == pytest.approx(p99_with_stall(stall_s=STALL_S, run_s=RUN_S), rel=0.02)


def test_a_generator_that_waits_for_answers_does_not_see_the_stall_in_its_p99():
    assert percentile(simulate(waits_for_answers=True), 0.99) == pytest.approx(SERVICE_S)


def test_the_correction_gives_the_waiting_generator_the_predicted_p99():
    corrected = corrected_samples(simulate(waits_for_answers=True), expected_interval_s=INTERVAL_S)
    expected = p99_with_stall(stall_s=STALL_S, run_s=RUN_S)
    assert percentile(corrected, 0.99) == pytest.approx(expected, rel=0.02)


def test_one_stall_of_100_seconds_among_10000_fast_answers_is_the_known_oracle():
    raw = np.sort([0.001] * 10_000 + [100.0])
    corrected = corrected_samples(raw, expected_interval_s=0.01)
    assert percentile(raw, 0.99) == 0.001
    found = [percentile(corrected, quantile) for quantile in (0.75, 0.9, 0.99)]
    assert found == pytest.approx([50.0, 80.0, 98.0], abs=0.011)


@pytest.mark.parametrize(
    ("sample", "expected"),
    [
        (0.05, [0.05]),
        (0.1, [0.1]),
        (0.19, [0.19]),
        (0.2, [0.1, 0.2]),
        (0.3, [0.1, 0.2, 0.3]),
        (0.35, [0.15, 0.25, 0.35]),
    ],
)
def test_a_sample_hides_one_more_for_each_interval_it_lasted_beyond_the_first(sample, expected):
    assert corrected_samples([sample], expected_interval_s=0.1) == pytest.approx(expected)


def test_correcting_no_samples_gives_no_samples():
    assert corrected_samples([], expected_interval_s=0.1).size == 0


def test_a_stall_shorter_than_a_hundredth_of_the_run_does_not_reach_p99():
    assert p99_with_stall(stall_s=0.5, run_s=100, service_s=0.002) == 0.002


@pytest.mark.parametrize("sample", [-1.0, math.inf, math.nan])
def test_samples_that_cannot_be_corrected_are_refused(sample):
    with pytest.raises(UsageError, match="samples_s has to hold finite numbers"):
        corrected_samples([0.1, sample], expected_interval_s=0.1)


@pytest.mark.parametrize(("stall_s", "run_s"), [(-1, 10), (11, 10), (0, 0)])
def test_stalls_that_cannot_be_are_refused(stall_s, run_s):
    with pytest.raises(UsageError, match="but has to be"):
        p99_with_stall(stall_s=stall_s, run_s=run_s)
