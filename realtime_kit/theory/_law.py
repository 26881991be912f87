"""Turns a distribution of latencies into the six figures of a `Latency`."""

from __future__ import annotations

from collections.abc import Callable

from realtime_kit.quantities import Latency


def from_quantiles(mean: float, quantile: Callable[[float], float]) -> Latency:
    """The figures of a distribution that is known by its mean and its quantile function.

    Args:
        mean: Expected latency, seconds.
        quantile: Gives, for q from 0 to 1, the seconds that a share q of the deliveries does not exceed.
    """
    return Latency(
        mean=mean,
        p50=quantile(0.50),
        p90=quantile(0.90),
        p99=quantile(0.99),
        max=quantile(1.0),
        min=quantile(0.0),
    )


def constant(latency_s: float) -> Latency:
    """The figures of deliveries that all take the same time."""
    return from_quantiles(latency_s, lambda _: latency_s)
