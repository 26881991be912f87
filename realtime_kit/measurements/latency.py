"""Latency from the moment an event was due, lost deliveries included."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from realtime_kit.measurements.ledger import MISSING_NS
from realtime_kit.quantities import LOST, Latency
from realtime_kit.theory.statistics import percentile

CURVE_SHARES = np.linspace(0.0, 1.0, 201)
"""Shares at which a distribution is kept for drawing: every half per cent."""


def latencies_s(received_ns: NDArray[np.int64], intended_ns: NDArray[np.int64]) -> NDArray[np.float64]:
    """How long each delivery took.

    Args:
        received_ns: Shape (clients, events): first receipts; `MISSING_NS` for a lost delivery.
        intended_ns: Shape (events,): when each event was due.

    Returns:
        Shape (clients, events), seconds; infinite for a lost delivery.
    """
    took = (received_ns - intended_ns) / 1e9
    took[received_ns == MISSING_NS] = LOST
    return took


def latency(samples_s: NDArray[np.float64]) -> Latency:
    """The figures of a sample of latencies.

    Args:
        samples_s: Any shape, seconds; infinite for a lost delivery. Percentiles are nearest-rank: the smallest
            latency at or below which at least that share of all *expected* deliveries came.
    """
    ordered = np.sort(samples_s, axis=None)
    if not len(ordered):
        return Latency(LOST, LOST, LOST, LOST, LOST, LOST, count=0)
    return Latency(
        mean=float(ordered.mean()),
        p50=percentile(ordered, 0.50),
        p90=percentile(ordered, 0.90),
        p99=percentile(ordered, 0.99),
        max=float(ordered[-1]),
        min=float(ordered[0]),
        count=len(ordered),
    )


def curve(samples_s: NDArray[np.float64]) -> tuple[float, ...]:
    """The distribution for drawing: latencies in seconds at `CURVE_SHARES`, infinite where lost."""
    ordered = np.sort(samples_s, axis=None)
    if not len(ordered):
        return ()
    return tuple(percentile(ordered, float(share)) for share in CURVE_SHARES)
