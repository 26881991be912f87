"""The wall over a real fan-out: what it shows is what was received."""

import contextlib

import numpy as np
import pytest

from realtime_kit import lab
from realtime_kit.errors import UsageError
from realtime_kit.measurements import find_staircase
from realtime_kit.theory import broadcast

pytestmark = pytest.mark.live


def test_the_wall_ends_with_every_client_lit_and_the_run_of_its_table():
    wall = lab.fanout_wall(clients=300, pushes=2, instances=2, replay_s=0.5)
    try:
        run = wall.start().wait()
        assert [push.ledger.received for push in run.results] == [300, 300]
        assert wall._view.reached == 300
        for push in run.results:
            assert np.max(push.reached_s) == push.latency.max
            assert len(push.reached_s) == 300
        assert "300" in str(wall.table())
        assert run.meta["pushpin_bytes_per_client"] > 0
    finally:
        wall.close()


def test_stopped_while_it_connects_it_has_measured_nothing_and_says_so():
    wall = lab.fanout_wall(clients=200, pushes=50)
    try:
        wall.start()
        wall.stop()
        run = wall.wait()
        assert run.interrupted
        assert run.results == ()
        assert "before anything was measured" in wall._said
    finally:
        wall.close()


def test_the_limiter_s_rate_is_found_from_the_moments_of_arrival():
    asked = 1_990
    batch, interval_s = broadcast.limiter_batch(asked), broadcast.limiter_interval_s(asked)
    run = lab.fanout(clients=600, pushes=8, message_rate=asked)
    stairs = []
    for push in run.results:
        assert push.ledger.received == 600
        ordered = np.sort(push.reached_s)
        earliest_s = np.arange(600) // batch * interval_s
        assert (ordered >= 0.95 * earliest_s).all()  # a busy machine makes a limiter slower, and never faster
        with contextlib.suppress(UsageError):  # or hides its steps
            stairs.append(find_staircase(push.reached_s))
    assert batch in {each.batch for each in stairs}
    assert max(each.rate_per_s for each in stairs) > 0.3 * batch / interval_s
