"""Schedules: seeded, ascending, inside the run, and of the statistics they are named after."""

import math

import numpy as np
import pytest
from hypothesis import given, settings, strategies as st

from realtime_kit.errors import UsageError
from realtime_kit.schedule import Schedule, burst, periodic, poisson

RATES = st.floats(0.01, 500)
DURATIONS = st.floats(0.01, 60)
ANY_SCHEDULE = st.one_of(
    st.builds(periodic, rate_per_s=RATES, duration_s=DURATIONS),
    st.builds(poisson, rate_per_s=RATES, duration_s=DURATIONS, seed=st.integers(0, 2**64)),
    st.builds(burst, size=st.integers(1, 20), every_s=st.floats(0.01, 10), duration_s=DURATIONS),
)


@given(ANY_SCHEDULE)
def test_every_event_is_due_within_the_run_in_ascending_order(schedule):
    offsets = schedule.offsets_ns
    assert offsets.dtype == np.int64
    assert (np.diff(offsets) >= 0).all()
    assert ((offsets >= 0) & (offsets < schedule.duration_s * 1e9)).all()


@given(seed=st.integers(0, 2**32))
def test_the_same_seed_gives_the_same_schedule_and_another_seed_another(seed):
    first, again, other = (
        poisson(rate_per_s=50, duration_s=10, seed=number).offsets_ns for number in (seed, seed, seed + 1)
    )
    assert np.array_equal(first, again)
    assert not np.array_equal(first, other)


def test_poisson_counts_have_the_mean_and_the_variance_of_their_law():
    runs, expected = 2000, 20.0
    counts = np.array([len(poisson(rate_per_s=4, duration_s=5, seed=seed)) for seed in range(runs)])
    # Five standard errors: of the mean √(m/n), of the variance about √((m + 2m²)/n).
    assert abs(counts.mean() - expected) < 5 * math.sqrt(expected / runs)
    assert abs(counts.var() - expected) < 5 * math.sqrt((expected + 2 * expected**2) / runs)


def test_poisson_gaps_follow_the_exponential_law():
    rate = 100.0
    gaps = np.sort(np.diff(poisson(rate_per_s=rate, duration_s=500, seed=1).offsets_ns) / 1e9)
    empirical = np.arange(1, len(gaps) + 1) / len(gaps)
    distance = np.abs(empirical - (1 - np.exp(-rate * gaps))).max()
    assert distance < 2.2 / math.sqrt(len(gaps))  # Kolmogorov-Smirnov, beyond 1 in 10,000


def test_neighbouring_poisson_gaps_are_unrelated():
    gaps = np.diff(poisson(rate_per_s=100, duration_s=500, seed=2).offsets_ns)
    correlation = np.corrcoef(gaps[:-1], gaps[1:])[0, 1]
    assert abs(correlation) < 5 / math.sqrt(len(gaps))


def test_periodic_events_come_every_period_beginning_with_half_of_one():
    offsets = periodic(rate_per_s=4, duration_s=2).offsets_ns
    assert offsets.tolist() == [125_000_000 + 250_000_000 * k for k in range(8)]


def test_a_periodic_event_that_would_fall_on_the_end_is_left_out():
    assert len(periodic(rate_per_s=1, duration_s=2.5)) == 2


@given(rate=RATES, duration=DURATIONS)
def test_periodic_leaves_no_room_for_another_event(rate, duration):
    count = len(periodic(rate_per_s=rate, duration_s=duration))
    assert abs(count - rate * duration) <= 0.5 + 1e-6


def test_a_burst_is_several_events_at_one_instant():
    offsets = burst(size=3, every_s=2, duration_s=5).offsets_ns
    assert offsets.tolist() == [1_000_000_000] * 3 + [3_000_000_000] * 3


def test_a_run_too_short_for_an_event_is_an_empty_schedule():
    assert len(periodic(rate_per_s=0.1, duration_s=1)) == 0
    assert len(burst(size=5, every_s=10, duration_s=1)) == 0


def test_intended_times_are_offsets_on_the_clock_and_leave_the_schedule_alone():
    schedule = periodic(rate_per_s=1, duration_s=2)
    intended = schedule.intended_ns(1_000)
    assert intended.tolist() == [500_001_000, 1_500_001_000]
    intended[0] = 0
    assert schedule.offsets_ns[0] == 500_000_000


def test_a_schedule_cannot_be_changed():
    mine = np.array([1, 2, 3])
    schedule = Schedule(mine, 1.0, "my own")
    mine[0] = 99
    assert schedule.offsets_ns.tolist() == [1, 2, 3]
    with pytest.raises(ValueError, match="read-only"):
        schedule.offsets_ns[0] = 5
    with pytest.raises(AttributeError):
        schedule.duration_s = 2.0


def test_a_schedule_tells_what_it_is():
    assert repr(periodic(rate_per_s=4, duration_s=2)) == "<Schedule: 8 events in 2 s, periodic>"


@settings(max_examples=30)
@given(bad=st.sampled_from([0, -1, -0.5, math.nan, math.inf, "5", None]))
def test_a_number_that_is_not_above_zero_is_refused_by_name(bad):
    with pytest.raises(UsageError, match="rate_per_s is"):
        periodic(rate_per_s=bad, duration_s=1)
    with pytest.raises(UsageError, match="duration_s is"):
        poisson(rate_per_s=1, duration_s=bad, seed=1)
    with pytest.raises(UsageError, match="every_s is"):
        burst(size=1, every_s=bad, duration_s=1)


@pytest.mark.parametrize("seed", [-1, 1.5, None])
def test_a_seed_has_to_be_a_whole_number(seed):
    with pytest.raises(UsageError, match=r"seed is .*: it has to be a whole number, 0 or more"):
        poisson(rate_per_s=1, duration_s=1, seed=seed)


def test_the_size_of_a_burst_has_to_be_a_whole_number():
    with pytest.raises(UsageError, match=r"size is 2\.5: it has to be a whole number, 1 or more"):
        burst(size=2.5, every_s=1, duration_s=1)


@pytest.mark.parametrize("make", ["periodic", "poisson", "burst"])
def test_a_schedule_that_fits_no_memory_is_refused_before_it_is_made(make):
    with pytest.raises(UsageError, match="at most 10,000,000 are allowed"):
        {
            "periodic": lambda: periodic(rate_per_s=1e9, duration_s=1e9),
            "poisson": lambda: poisson(rate_per_s=1e9, duration_s=1e9, seed=1),
            "burst": lambda: burst(size=1, every_s=1e-9, duration_s=1e9),
        }[make]()


@pytest.mark.parametrize(
    ("offsets", "reason"),
    [([2, 1], "ascending"), ([[1], [2]], "one row"), ([-1, 1], "within"), ([1, 10**9], "within")],
)
def test_offsets_of_ones_own_are_checked(offsets, reason):
    with pytest.raises(UsageError, match=reason):
        Schedule(np.array(offsets), 1.0, "my own")
