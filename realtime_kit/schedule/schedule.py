"""When each event is due, fixed before anything runs.

A schedule knows nothing of who publishes or who listens. That is what makes latency honest: it is counted
from these times, so a publisher that falls behind adds to the latency instead of hiding it.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from numbers import Integral, Real
from typing import Any

import numpy as np
from numpy.typing import NDArray

from realtime_kit.errors import UsageError

MAX_EVENTS = 10_000_000
"""Longest schedule: 80 MB of times. More than that is a slip of the pen."""

_NS_PER_S = 1_000_000_000


@dataclass(frozen=True, slots=True, eq=False)
class Schedule:
    """Intended times of events, counted from the start of a run.

    Attributes:
        offsets_ns: Shape (events,), int64, ascending, read-only: nanoseconds after the start at which each is due.
        duration_s: Length of the run in seconds; every offset lies in [0, duration_s).
        arrivals: Name of the arrival process: `periodic`, `poisson`, `burst`, or your own.

    Raises:
        UsageError: if the offsets are not ascending, or lie outside the run.
    """

    offsets_ns: NDArray[np.int64]
    duration_s: float
    arrivals: str

    def __post_init__(self) -> None:
        _positive(duration_s=self.duration_s)
        offsets_ns = np.array(self.offsets_ns, np.int64)
        if offsets_ns.ndim != 1 or (np.diff(offsets_ns) < 0).any():
            raise UsageError("offsets_ns has to be one row of times in ascending order")
        if len(offsets_ns) and not 0 <= offsets_ns[0] <= offsets_ns[-1] < self.duration_s * _NS_PER_S:
            message = (
                f"offsets_ns reaches from {offsets_ns[0]} to {offsets_ns[-1]}: "
                f"every event has to be due within the run's {self.duration_s:g} s"
            )
            raise UsageError(message)
        offsets_ns.setflags(write=False)
        object.__setattr__(self, "offsets_ns", offsets_ns)

    def __len__(self) -> int:
        return len(self.offsets_ns)

    def __repr__(self) -> str:
        return f"<Schedule: {len(self)} events in {self.duration_s:g} s, {self.arrivals}>"

    def intended_ns(self, start_ns: int) -> NDArray[np.int64]:
        """The intended times on the clock.

        Args:
            start_ns: Start of the run on `CLOCK_MONOTONIC`, in nanoseconds.

        Returns:
            Shape (events,), int64, nanoseconds on the same clock.
        """
        return self.offsets_ns + start_ns


def periodic(*, rate_per_s: float, duration_s: float) -> Schedule:
    """One event every 1/rate seconds, the first after half a period; what would fall on the end is left out.

    Args:
        rate_per_s: Events per second, above 0.
        duration_s: Length of the run in seconds, above 0.
    """
    _positive(rate_per_s=rate_per_s, duration_s=duration_s)
    count = math.ceil(_bounded(rate_per_s * duration_s) + 0.5)
    return _schedule((np.arange(count) + 0.5) / rate_per_s, duration_s, "periodic")


def poisson(*, rate_per_s: float, duration_s: float, seed: int) -> Schedule:
    """Independent events at a constant mean rate, as unrelated people would cause them.

    The gaps are exponential with mean 1/rate; the number of events varies from seed to seed around
    rate × duration with standard deviation √(rate × duration).

    Args:
        rate_per_s: Mean events per second, above 0.
        duration_s: Length of the run in seconds, above 0.
        seed: Same seed, same schedule; a whole number, 0 or more.
    """
    _positive(rate_per_s=rate_per_s, duration_s=duration_s)
    _whole(0, seed=seed)
    rng = np.random.default_rng(seed)
    # Given their number, the points of a Poisson process are uniform: exact, and needs no cut-off.
    count = rng.poisson(_bounded(rate_per_s * duration_s))
    return _schedule(np.sort(rng.uniform(0, duration_s, count)), duration_s, "poisson")


def burst(*, size: int, every_s: float, duration_s: float) -> Schedule:
    """`size` events due at the same instant, every `every_s` seconds, the first burst after half of that.

    Args:
        size: Events in a burst, 1 or more.
        every_s: Seconds from burst to burst, above 0.
        duration_s: Length of the run in seconds, above 0.
    """
    _positive(every_s=every_s, duration_s=duration_s)
    _whole(1, size=size)
    _bounded(size * duration_s / every_s)
    starts = np.arange(0.5 * every_s, duration_s, every_s)
    return _schedule(np.repeat(starts, size), duration_s, "burst")


def _schedule(offsets_s: NDArray[np.floating[Any]], duration_s: float, arrivals: str) -> Schedule:
    offsets_ns = np.floor(offsets_s * _NS_PER_S).astype(np.int64)
    # Rounding can put the last one on the end, which is no longer part of the run.
    return Schedule(offsets_ns[offsets_ns < duration_s * _NS_PER_S], duration_s, arrivals)


def _positive(**values: object) -> None:
    for name, value in values.items():
        if not (isinstance(value, Real) and 0 < float(value) < math.inf):
            message = f"{name} is {value!r}: it has to be a number above 0"
            raise UsageError(message)


def _whole(least: int, **values: object) -> None:
    for name, value in values.items():
        if not isinstance(value, Integral) or int(value) < least:
            message = f"{name} is {value!r}: it has to be a whole number, {least} or more"
            raise UsageError(message)


def _bounded(events: float) -> float:
    if events > MAX_EVENTS:
        message = f"this schedule would have about {events:.3g} events; at most {MAX_EVENTS:,} are allowed"
        raise UsageError(message)
    return events
