"""What two ways of counting make of the same stall, on requests made by hand."""

import numpy as np
import pytest

from realtime_kit.measurements.stall import StallRun

RATE_PER_S, STALL_S, STALLED_AT_S, RUN_S, SERVICE_S = 100.0, 1.4, 4.0, 10.0, 0.001


def simulated(*, hiccup_s=0.0):
    """One request after the other; the server answers at once, except while it stands still.

    Before that it may hesitate, so that the request which meets the stall is late already.
    """
    due_s = np.arange(int(RATE_PER_S * RUN_S)) / RATE_PER_S
    sent_s, answered_s = np.zeros_like(due_s), np.zeros_like(due_s)
    free_s = 0.0
    for number, at_s in enumerate(due_s):
        sent_s[number] = max(at_s, free_s)
        begun_s = sent_s[number]
        if STALLED_AT_S <= begun_s < STALLED_AT_S + STALL_S:
            begun_s = STALLED_AT_S + STALL_S
        hesitates = STALLED_AT_S - 0.02 <= at_s < STALLED_AT_S - 0.01
        answered_s[number] = free_s = begun_s + SERVICE_S + hiccup_s * hesitates
    return StallRun(RATE_PER_S, STALL_S, STALLED_AT_S, due_s, sent_s, answered_s)


def p99(samples):
    return float(np.quantile(samples, 0.99, method="inverted_cdf"))


def test_who_counts_from_sending_sees_one_slow_request():
    run = simulated()
    assert int((run.naive_s > 0.01).sum()) == 1
    assert p99(run.naive_s) == pytest.approx(SERVICE_S)


def test_who_counts_from_the_due_moment_sees_them_all():
    run = simulated()
    assert p99(run.true_s) == pytest.approx(run.theory_p99_s, rel=0.05)
    assert run.late == pytest.approx(RATE_PER_S * STALL_S, rel=0.15)


@pytest.mark.parametrize("hiccup_s", [0.0, 0.025])
def test_hdrhistogram_s_correction_finds_the_same_percentile(hiccup_s):
    run = simulated(hiccup_s=hiccup_s)
    assert p99(run.corrected_s) == pytest.approx(run.theory_p99_s, rel=0.05)
    assert len(run.corrected_s) == pytest.approx(len(run.due_s), rel=0.05)
