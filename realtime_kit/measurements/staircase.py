"""The steps that a rate limiter leaves in a completion curve."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from realtime_kit.errors import UsageError
from realtime_kit.quantities import LOST

FEWEST_STEPS = 4
"""The first and the last step say little: the one may be served from an idle limiter, the other is not full."""

_GAP = 1 / 3
"""A step begins after a silence of more than this share of the longest: within a batch they are far shorter, and a
machine that falters once makes the longest no three times as long."""


@dataclass(frozen=True, slots=True)
class Staircase:
    """What a completion curve tells of a limiter.

    Attributes:
        sizes: Clients reached by each step.
        starts_s: When each step began, seconds since the event was due.
        batch: Median size of the full steps.
        interval_s: Median time from one step's start to the next one's.
        rate_per_s: All full steps, divided by the time they took: a limiter's rate to within one delivery a step.
    """

    sizes: tuple[int, ...]
    starts_s: tuple[float, ...]
    batch: int
    interval_s: float
    rate_per_s: float

    def __str__(self) -> str:
        return (
            f"{len(self.sizes)} steps of {self.batch} clients, {self.interval_s * 1000:.1f} ms apart: "
            f"{self.rate_per_s:,.0f} a second"
        )


def find_staircase(reached_s: NDArray[np.float64]) -> Staircase:
    """Read batches and their interval from the moments at which clients were reached.

    Args:
        reached_s: Any shape and order, seconds; infinite for a client that was not reached.

    Raises:
        UsageError: if there are fewer than four steps; then nothing can be said.
    """
    ordered = np.sort(reached_s, axis=None)
    ordered = ordered[ordered < LOST]
    silences = np.diff(ordered)
    after = np.flatnonzero(silences > _GAP * silences.max(initial=0.0)) + 1
    firsts = np.concatenate([[0], after])
    if len(firsts) < FEWEST_STEPS or silences[after - 1].min() < 10 * np.median(silences):
        message = (
            f"no staircase is to be seen in {len(ordered):,} deliveries: it takes {FEWEST_STEPS} steps with a silence "
            "between them. Push to more clients, or set a lower message_rate"
        )
        raise UsageError(message)
    sizes = np.diff([*firsts, len(ordered)])
    starts_s = ordered[firsts]
    return Staircase(
        sizes=tuple(sizes.tolist()),
        starts_s=tuple(starts_s.tolist()),
        batch=int(np.median(sizes[:-1])),
        interval_s=float(np.median(np.diff(starts_s))),
        rate_per_s=float(sizes[:-1].sum() / (starts_s[-1] - starts_s[0])),
    )
