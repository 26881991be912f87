"""How many samples a figure needs, what a percentile is, and how sure a mean can be."""

from __future__ import annotations

import math
from collections.abc import Sequence
from fractions import Fraction

import numpy as np
from numpy.typing import NDArray

from realtime_kit.errors import UsageError
from realtime_kit.theory import _check as check

SAMPLES_BEYOND = 10
"""Samples that have to lie above a percentile before it says more than luck."""


def samples_needed(quantile: float) -> int:
    """The fewest samples for which a percentile may be quoted: `10 / (1 - q)`, so 1,000 for p99.

    Args:
        quantile: q, from 0 to below 1.

    Raises:
        UsageError: The quantile is outside its range; no number of samples settles the maximum.
    """
    if not 0 <= quantile < 1:
        message = f"quantile is {quantile!r}, but has to be 0 or more and below 1."
        raise UsageError(message)
    return math.ceil(SAMPLES_BEYOND / (1 - _as_written(quantile)))


def nearest_rank(quantile: float, count: int) -> int:
    """The place, from 1, of a percentile among `count` ascending samples: `ceil(q·count)`, at least 1.

    Args:
        quantile: q, from 0 to 1.
        count: Number of samples, 1 or more.

    Raises:
        UsageError: An argument is outside its range.
    """
    check.share(quantile=quantile)
    check.at_least(1, count=count)
    return max(1, math.ceil(_as_written(quantile) * int(count)))


def percentile(sorted_samples: Sequence[float] | NDArray[np.float64], quantile: float) -> float:
    """The smallest sample at or below which at least a share q of all samples lie (nearest rank).

    Never interpolates: the result is a latency that somebody had. A lost delivery takes part as infinity,
    so that losing 2 % of the deliveries makes p99 infinite instead of better.

    Args:
        sorted_samples: Samples in ascending order, lost ones last as `math.inf`, at least one.
        quantile: q, from 0 (the smallest sample) to 1 (the largest).

    Raises:
        UsageError: There are no samples, they are not in ascending order, or q is outside its range.
    """
    samples = np.asarray(sorted_samples, dtype=np.float64)
    if samples.size == 0:
        raise UsageError("A percentile of no samples was asked for; it takes at least one.")
    if np.isnan(samples[0]) or not np.all(samples[:-1] <= samples[1:]):
        raise UsageError("sorted_samples has to be in ascending order, without NaN.")
    return float(samples[nearest_rank(quantile, samples.size) - 1])


def bootstrap_over_events(
    values: NDArray[np.float64],
    *,
    generator: np.random.Generator,
    confidence: float = 0.95,
    resamples: int = 1000,
) -> tuple[float, float]:
    """Lower and upper bound of a confidence interval for the mean of broadcast deliveries.

    All deliveries of one event share its fate (a busy publisher, a full queue), so that resampling single
    deliveries would promise far too narrow an interval. Here events are drawn, with replacement, and bring
    all their deliveries along (percentile bootstrap). A lost delivery (infinity) makes the interval infinite.

    Args:
        values: One row per event, one column per client, two rows or more; without NaN.
        generator: Source of the draws; a seeded one repeats its answer.
        confidence: Share of such intervals that contain the true mean, 0 to 1.
        resamples: How many times the run is drawn anew; 1,000 settle two digits of a 95 % interval.

    Raises:
        UsageError: An argument is outside its range.
    """
    check.share(confidence=confidence)
    check.at_least(1, resamples=resamples)
    if values.ndim != 2 or values.shape[0] < 2 or values.shape[1] < 1 or np.isnan(values).any():
        message = (
            f"values has shape {values.shape}, but has to be (events, clients) with 2 events or more, no NaN."
        )
        raise UsageError(message)
    event_means = values.mean(axis=1)
    draws = (generator.choice(event_means, size=event_means.size).mean() for _ in range(resamples))
    means = np.sort(np.fromiter(draws, dtype=np.float64, count=resamples))
    tail = float((1 - _as_written(confidence)) / 2)
    return percentile(means, tail), percentile(means, 1 - tail)


def _as_written(quantile: float) -> Fraction:
    """The decimal that the caller typed: 0.9 as 9/10, not as the float just above it."""
    return Fraction(str(float(quantile)))
