"""How large a fan-out fits: said before one is begun, and true."""

import pytest

from realtime_kit.clients.swarm import plan_swarm
from realtime_kit.errors import UsageError
from realtime_kit.lab import fanout_size


def test_what_is_said_to_fit_can_be_planned_and_one_more_cannot():
    size = fanout_size(instances=1)
    assert plan_swarm(size.comfortable, targets=1).clients == size.comfortable
    with pytest.raises(UsageError):
        plan_swarm(2 * size.most, targets=1)


def test_it_leaves_a_third_of_the_room_free_and_says_what_limits():
    size = fanout_size()
    assert 1 <= size.comfortable <= size.most * 2 / 3
    assert size.because.startswith("by ")
    assert f"{size.most:,} streaming clients (limited {size.because})" in str(size)
