import math

import numpy as np
import pytest
from hypothesis import given, strategies as st

from realtime_kit.errors import UsageError
from realtime_kit.theory.statistics import bootstrap_over_events, nearest_rank, percentile, samples_needed


@pytest.mark.parametrize(
    ("quantile", "samples"), [(0.5, 20), (0.9, 100), (0.99, 1000), (0.999, 10_000), (0, 10)]
)
def test_a_percentile_needs_as_many_samples_as_leave_ten_beyond_it(quantile, samples):
    assert samples_needed(quantile) == samples
    assert samples - math.floor(quantile * samples + 1e-6) == 10


@pytest.mark.parametrize("quantile", [1, -0.1, 1.5, math.nan])
def test_no_number_of_samples_is_given_for_the_maximum(quantile):
    with pytest.raises(UsageError, match=r"quantile is .* below 1"):
        samples_needed(quantile)


latencies = st.lists(st.floats(0, 100) | st.just(math.inf), min_size=1, max_size=50).map(sorted)


@given(samples=latencies, hundredths=st.integers(0, 100))
def test_a_percentile_is_the_smallest_sample_that_enough_samples_do_not_exceed(samples, hundredths):
    found = percentile(samples, hundredths / 100)
    enough = [
        one for one in samples if 100 * sum(other <= one for other in samples) >= hundredths * len(samples)
    ]
    assert found == min(enough)


@given(samples=latencies, first=st.floats(0, 1), second=st.floats(0, 1))
def test_a_higher_percentile_is_never_smaller(samples, first, second):
    first, second = sorted((first, second))
    assert percentile(samples, first) <= percentile(samples, second)


def test_a_lost_delivery_makes_the_percentiles_it_reaches_infinite():
    samples = [0.1] * 98 + [math.inf] * 2
    assert (percentile(samples, 0.98), percentile(samples, 0.99)) == (0.1, math.inf)


@pytest.mark.parametrize(
    ("quantile", "count", "rank"), [(0.07, 100, 7), (0.9, 10, 9), (0.901, 10, 10), (0, 5, 1), (1, 5, 5)]
)
def test_ranks_follow_the_decimal_as_it_was_typed(quantile, count, rank):
    assert nearest_rank(quantile, count) == rank


def test_percentiles_agree_with_numpy_where_both_define_them_alike():
    samples = np.sort(np.random.default_rng(10).exponential(1, 4321))
    for quantile in (0.01, 0.5, 0.9, 0.99, 0.999):
        assert percentile(samples, quantile) == np.quantile(samples, quantile, method="inverted_cdf")


@pytest.mark.parametrize("samples", [[], [2, 1], [1, math.nan], [math.nan], [math.inf, 1]])
def test_samples_without_an_order_are_refused(samples):
    with pytest.raises(UsageError, match=r"no samples|ascending order"):
        percentile(samples, 0.5)


def broadcasts(rng: np.random.Generator, events: int, clients: int) -> np.ndarray:
    """Deliveries whose delay is mostly their event's (mean 1 s) and a little their own (mean 0.1 s)."""
    return rng.exponential(1, (events, 1)) + rng.exponential(0.1, (events, clients))


def test_the_interval_over_events_holds_the_true_mean_as_often_as_it_promises():
    rng = np.random.default_rng(11)
    held = 0
    for _ in range(200):
        low, high = bootstrap_over_events(
            broadcasts(rng, 100, 20), generator=rng, confidence=0.9, resamples=200
        )
        held += low <= 1.1 <= high
    # 200 tries at 90 % scatter by 2.1 points; a hundred skewed events cost another few.
    assert 0.82 <= held / 200 <= 0.97


def test_the_interval_over_events_is_wider_than_one_that_takes_deliveries_for_independent():
    rng = np.random.default_rng(12)
    values = broadcasts(rng, 200, 100)
    low, high = bootstrap_over_events(values, generator=rng)
    naive_low, naive_high = bootstrap_over_events(values.reshape(-1, 1), generator=rng, resamples=300)
    assert (high - low) / (naive_high - naive_low) == pytest.approx(math.sqrt(100), rel=0.25)


def test_the_same_seed_gives_the_same_interval():
    values = broadcasts(np.random.default_rng(13), 50, 3)
    first, second = (bootstrap_over_events(values, generator=np.random.default_rng(1)) for _ in range(2))
    assert first == second


def test_a_lost_delivery_makes_the_interval_end_at_infinity():
    values = np.ones((100, 2))
    values[3, 1] = math.inf
    assert bootstrap_over_events(values, generator=np.random.default_rng(1)) == (1.0, math.inf)


@pytest.mark.parametrize("values", [np.ones(5), np.ones((1, 5)), np.ones((5, 0)), np.full((5, 2), np.nan)])
def test_values_that_are_not_events_by_clients_are_refused(values):
    with pytest.raises(UsageError, match="values has shape"):
        bootstrap_over_events(values, generator=np.random.default_rng(1))
