"""The figures of a fan-out: the curve, the line, and both with losses."""

import math

import numpy as np
import pytest

from realtime_kit.measurements.fanout import completion, per_delivery_s


def test_the_curve_has_the_first_and_the_last_delivery():
    samples = np.arange(1, 10_001) / 1000
    curve = completion(samples[::-1])
    assert curve[0] == (0.001, 0.0001)
    assert curve[-1] == (10.0, 1.0)
    assert len(curve) < 500
    assert list(curve) == sorted(curve)


def test_the_curve_ends_where_losses_begin():
    assert completion(np.array([0.3, math.inf, 0.1, math.inf])) == ((0.1, 0.25), (0.3, 0.5))
    assert completion(np.array([math.inf])) == ()


def test_the_line_is_found_again():
    assert per_delivery_s(np.arange(1, 101) * 40e-6) == pytest.approx(40e-6)
    assert per_delivery_s(np.append(np.arange(1, 101) * 40e-6, math.inf)) == pytest.approx(40e-6)
    assert per_delivery_s(np.array([math.inf])) == 0
