"""Bounded exponential backoff with full jitter."""

import random

import pytest

from realtime_kit.clients.backoff import Backoff
from realtime_kit.errors import UsageError


class Highest(random.Random):
    """A generator that always draws the upper end, so that the bound itself can be seen."""

    def uniform(self, a, b):
        assert a == 0
        return b


def test_the_bound_grows_by_the_factor_up_to_the_longest_wait():
    backoff = Backoff(Highest(), first_s=1, factor=3, max_s=20)
    assert [backoff.next_s() for _ in range(5)] == [1, 3, 9, 20, 20]


def test_the_defaults_wait_up_to_half_a_second_first_and_half_a_minute_from_the_seventh_wait_on():
    backoff = Backoff(Highest())
    assert [backoff.next_s() for _ in range(8)] == [0.5, 1, 2, 4, 8, 16, 30, 30]


def test_reset_begins_with_the_first_wait_again():
    backoff = Backoff(Highest())
    waits = [backoff.next_s(), backoff.next_s()]
    backoff.reset()
    assert [backoff.next_s(), backoff.next_s()] == waits


def test_waits_are_spread_over_all_of_the_allowed_range():
    rng = random.Random(1)
    waits = [Backoff(rng, first_s=1).next_s() for _ in range(1000)]
    assert min(waits) < 0.05
    assert max(waits) > 0.95
    assert sum(waits) / 1000 == pytest.approx(0.5, abs=0.05)


def test_the_same_seed_gives_the_same_waits():
    first, second = (Backoff(random.Random(7)) for _ in range(2))
    assert [first.next_s() for _ in range(5)] == [second.next_s() for _ in range(5)]


def test_any_number_of_failures_keeps_the_bound():
    backoff = Backoff(Highest(), max_s=30)
    assert [backoff.next_s() for _ in range(5000)][-1] == 30


@pytest.mark.parametrize(
    "numbers", [{"first_s": 0}, {"first_s": -1}, {"factor": 0.5}, {"first_s": 31}, {"max_s": float("nan")}]
)
def test_numbers_outside_their_range_are_refused(numbers):
    with pytest.raises(UsageError, match="A backoff needs 0 < first_s <= max_s and factor >= 1, not"):
        Backoff(random.Random(), **numbers)


def test_it_prints_the_wait_that_comes_next():
    assert repr(Backoff(random.Random())) == "Backoff(next wait up to 0.5 s, at most 30 s)"
