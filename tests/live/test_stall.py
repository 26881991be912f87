"""A stalled origin and a stalled Pushpin, counted honestly; and every flag of the verdict."""

import numpy as np
import psutil
import pytest

from realtime_kit.errors import UsageError
from realtime_kit.lab import provoke_flags, publisher_slip, stalled_origin
from realtime_kit.lab.mishaps import HOW
from realtime_kit.lab.stall import QUEUES, WAITS
from realtime_kit.measurements import latency

pytestmark = pytest.mark.live


def test_one_stall_is_in_the_true_percentile_and_not_in_the_naive_one():
    run = stalled_origin(stall_s=0.8, rate_per_s=100, seconds=4)
    true, naive = latency(run.true_s), latency(run.naive_s)
    assert run.stall_s == pytest.approx(0.8, rel=0.1)
    assert true.p99 == pytest.approx(run.theory_p99_s, rel=0.15)
    assert naive.p99 < true.p99 / 3
    assert naive.max == pytest.approx(run.stall_s, rel=0.1)  # the one that was under way
    assert latency(run.corrected_s).p99 == pytest.approx(true.p99, rel=0.15)


def test_a_publisher_that_waits_slips_by_the_stall_and_one_that_does_not_keeps_its_schedule():
    run = publisher_slip(stall_s=0.5, rate_per_s=50, seconds=2)
    late = {name: int((slip_s > 0.05).sum()) for name, slip_s in run.slip_s.items()}
    assert np.max(run.slip_s[WAITS]) == pytest.approx(0.5, rel=0.25)
    assert late[WAITS] >= 0.8 * 50 * (0.5 - 0.05)
    assert late[QUEUES] < late[WAITS] / 4


@pytest.mark.parametrize(
    ("call", "said"),
    [
        (
            lambda: stalled_origin(stall_s=5, seconds=8),
            "stall_s is 5: it has to be above 0 and less than half",
        ),
        (lambda: stalled_origin(rate_per_s=10_000), "rate_per_s is 10000: allowed is 10 to 500"),
        (lambda: publisher_slip(stall_s=0), "stall_s is 0"),
        (lambda: publisher_slip(seconds=100), "seconds is 100: allowed is 1 to 60"),
    ],
)
def test_what_cannot_be_is_said_before_anything_starts(call, said):
    with pytest.raises(UsageError, match=said):
        call()


def test_every_flag_can_be_provoked_and_nothing_of_it_is_left():
    before = {process.pid for process in psutil.Process().children(recursive=True)}
    provoked = provoke_flags()
    assert [each.flag.name for each in provoked] == list(HOW)
    assert all(each.flag.meaning and each.how for each in provoked)
    left = {process.pid for process in psutil.Process().children(recursive=True)} - before
    assert not left
