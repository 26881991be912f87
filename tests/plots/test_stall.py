"""The picture of a stall shows both ways to count, and theory beside them."""

import numpy as np
import pytest

from realtime_kit.measurements.stall import StallRun
from realtime_kit.plots import DARK, LIGHT
from realtime_kit.plots.stall import stall_figure


def a_run():
    due_s = np.arange(100) / 10
    true_s = np.full(100, 0.01)
    true_s[40:50] = 1.0 - 0.1 * np.arange(10)
    naive_s = np.full(100, 0.01)
    naive_s[40] = 1.0
    answered_s = due_s + true_s
    return StallRun(10.0, 1.0, 4.0, due_s, answered_s - naive_s, answered_s)


@pytest.mark.parametrize("theme", [LIGHT, DARK])
def test_each_request_is_drawn_twice(theme):
    run = a_run()
    requests, percentiles = stall_figure(run, theme=theme).axes
    true, naive = (line.get_ydata() for line in requests.lines)
    assert true.tolist() == pytest.approx(run.true_s.tolist())
    assert naive.tolist() == pytest.approx(run.naive_s.tolist())
    measured = percentiles.lines[0].get_xydata()
    assert measured[-1].tolist() == pytest.approx([2.0, 0.9])  # 99 % is two nines; the longest is beyond it


def test_theory_is_the_straight_fall_of_the_waits():
    run = a_run()
    _, percentiles = stall_figure(run).axes
    nines, seconds = percentiles.lines[-1].get_xydata().T
    assert seconds.tolist() == pytest.approx((run.stall_s - 10.0**-nines * run.run_s).tolist())
