"""Latency figures, in which a delivery that never came takes part as infinite."""

import math

import numpy as np
import pytest
from hypothesis import given, strategies as st

from realtime_kit.measurements import CURVE_SHARES, MISSING_NS, curve, latencies_s, latency
from realtime_kit.quantities import LOST, Latency

SAMPLES = st.lists(st.floats(0, 100) | st.just(math.inf), min_size=1, max_size=300)


def smallest_that_covers(samples, share):
    """By definition: the smallest sample at or below which at least that share of all samples lie."""
    for sample in sorted(samples):
        if sum(other <= sample for other in samples) >= share * len(samples) - 1e-9:
            return sample
    raise AssertionError


def test_latency_counts_from_the_moment_the_event_was_due():
    received = np.array([[1_500_000_000, 3_000_000_000], [MISSING_NS, 2_000_000_000]])
    intended = np.array([1_000_000_000, 2_000_000_000])
    assert latencies_s(received, intended).tolist() == [[0.5, 1.0], [LOST, 0.0]]


@given(SAMPLES)
def test_percentiles_are_those_of_the_definition_lost_deliveries_included(samples):
    figures = latency(np.array(samples))
    for share, value in ((0.5, figures.p50), (0.9, figures.p90), (0.99, figures.p99)):
        assert value == smallest_that_covers(samples, share)
    assert (figures.min, figures.max, figures.count) == (min(samples), max(samples), len(samples))


def test_a_lost_hundredth_and_a_bit_makes_the_99th_percentile_infinite_and_leaves_the_median():
    samples = np.full(1000, 0.1)
    samples[:10] = LOST
    assert latency(samples).p99 == pytest.approx(0.1)
    samples[10] = LOST
    assert latency(samples) == Latency(LOST, 0.1, 0.1, LOST, LOST, 0.1, 1000)


def test_the_shape_of_the_samples_does_not_matter():
    samples = np.arange(12.0)
    assert latency(samples.reshape(3, 4)) == latency(samples[::-1])


def test_of_no_deliveries_nothing_came():
    figures = latency(np.array([]))
    assert figures.count == 0
    assert figures.p50 == LOST
    assert curve(np.array([])) == ()


@given(SAMPLES)
def test_the_curve_ascends_through_the_percentiles_from_the_smallest_to_the_largest(samples):
    drawn = curve(np.array(samples))
    assert len(drawn) == len(CURVE_SHARES) == 201
    assert list(drawn) == sorted(drawn)
    figures = latency(np.array(samples))
    assert (drawn[0], drawn[100], drawn[180], drawn[198], drawn[200]) == (
        figures.min,
        figures.p50,
        figures.p90,
        figures.p99,
        figures.max,
    )


@given(SAMPLES)
def test_figures_go_through_json_unchanged_and_without_infinity(samples):
    figures = latency(np.array(samples))
    assert all(value is None or math.isfinite(value) for value in figures.to_json().values())
    assert Latency.from_json(figures.to_json()) == figures
