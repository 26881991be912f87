"""A limiter's batches and rate, read from the moments at which clients were reached."""

import math

import numpy as np
import pytest

from realtime_kit.errors import UsageError
from realtime_kit.measurements import find_staircase
from realtime_kit.theory import broadcast


def through_limiter(clients, rate, *, tau_s=4e-5, jitter_s=0.002, seed=1):
    """When clients are reached through a limiter, in the order of their numbers."""
    batch, interval_s = broadcast.limiter_batch(rate), broadcast.limiter_interval_s(rate)
    numbers = np.arange(clients)
    late_s = np.random.default_rng(seed).uniform(0, jitter_s, numbers[-1] // batch + 1)
    return numbers // batch * interval_s + late_s[numbers // batch] + (numbers % batch + 1) * tau_s


@pytest.mark.parametrize("rate", [400, 1000, 1990, 2500, 4000])
def test_the_rate_is_found_to_within_a_delivery_a_step(rate):
    found = find_staircase(through_limiter(1500, rate))
    assert found.batch == broadcast.limiter_batch(rate)
    assert found.interval_s == pytest.approx(0.025, rel=0.1)
    assert found.rate_per_s == pytest.approx(found.batch / 0.025, rel=0.02)


def test_the_order_of_the_clients_and_those_who_were_not_reached_do_not_matter():
    reached_s = through_limiter(1000, 2000)
    shuffled = np.random.default_rng(2).permutation([*reached_s, math.inf, math.inf])
    assert find_staircase(shuffled) == find_staircase(reached_s)


def test_a_machine_that_falters_once_hides_nothing():
    reached_s = through_limiter(1500, 2000)
    reached_s[700:] += 0.04
    assert find_staircase(reached_s).batch == 50


def test_without_a_limiter_no_staircase_is_made_up():
    steady = np.cumsum(np.random.default_rng(3).exponential(4e-5, 5000))
    with pytest.raises(UsageError, match="no staircase"):
        find_staircase(steady)


@pytest.mark.parametrize("few", [[], [0.1], [0.1, 0.2, 0.3]])
def test_few_deliveries_make_no_staircase(few):
    with pytest.raises(UsageError, match="no staircase"):
        find_staircase(np.array(few))
