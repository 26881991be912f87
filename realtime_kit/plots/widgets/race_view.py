"""What a race's board shows, put together from the reports of the race."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass, field, replace

import numpy as np
from numpy.typing import NDArray

from realtime_kit.measurements.progress import Progress
from realtime_kit.measurements.run import Run

STRIP_S = 15.0
"""How far back the picture reaches."""

DOTS = 240
"""About as many dots of one transport as can be told apart, and drawn in a third of a millisecond."""


@dataclass(frozen=True, slots=True)
class Course:
    """What has been set for a race.

    Attributes:
        transports: Those that take part.
        clients: Clients of each transport.
        rate_per_s: Events per second.
        interval_s: Polling interval, seconds.
        seconds: Length of the measured window, seconds.
    """

    transports: tuple[str, ...]
    clients: int
    rate_per_s: float
    interval_s: float
    seconds: float

    @property
    def deliveries_per_dot(self) -> int:
        """One in how many deliveries the picture shows, so that it shows no more than it can."""
        return math.ceil(self.clients * self.rate_per_s * STRIP_S / DOTS)


@dataclass(frozen=True, slots=True, eq=False)
class Recent:
    """The latest deliveries of one transport.

    Attributes:
        due_s: Shape (deliveries,): when each event was due, seconds since the window opened.
        latency_s: Shape (deliveries,): how long each took, seconds.
        shown: Shape (deliveries,): whether it is one of those that are drawn; as long as it is recent it stays so.
        stands_for: Shape (deliveries,): how many deliveries each stands for; very many are sampled.
        count: Deliveries since the window opened.
    """

    due_s: NDArray[np.float64]
    latency_s: NDArray[np.float64]
    shown: NDArray[np.bool_]
    stands_for: NDArray[np.int64]
    count: int = 0

    def after(self, progress: Progress, transport: str, *, per_dot: int) -> Recent:
        """With those that came since, every so many of them drawn, and without those the picture has left behind."""
        due_s, stride = progress.due_s.get(transport, ()), progress.stride.get(transport, 1)
        numbers = self.count + stride * np.arange(len(due_s))
        due = np.concatenate([self.due_s, due_s])
        latency = np.concatenate([self.latency_s, progress.latencies_s.get(transport, ())])
        shown = np.concatenate([self.shown, -numbers % per_dot < stride])
        stands_for = np.concatenate([self.stands_for, np.full(len(due_s), stride)])
        kept = due > progress.passed_s - STRIP_S
        count = progress.received.get(transport, self.count)
        return Recent(due[kept], latency[kept], shown[kept], stands_for[kept], count)

    def median_s(self) -> float:
        """Their median latency, seconds; NaN if there are none."""
        if not len(self.latency_s):
            return math.nan
        order = np.argsort(self.latency_s)
        passed = 2 * np.cumsum(self.stands_for[order])
        middle = [np.searchsorted(passed, passed[-1] / 2, side=side) for side in ("left", "right")]
        return float(self.latency_s[order][middle].mean())


_NONE = Recent(np.empty(0), np.empty(0), np.empty(0, np.bool_), np.empty(0, np.int64))


@dataclass(frozen=True, slots=True, eq=False)
class RaceView:
    """A race as it stands.

    Attributes:
        course: What has been set.
        share: Share of the race's time that has passed, 0 to 1.
        passed_s: Seconds since the window opened.
        recent: The latest deliveries by transport.
        median_s: Their median latency by transport, seconds; NaN if there are none.
        received: Deliveries so far by transport.
        origin_requests: Requests that reached the origin in the window so far by transport.
        empty_responses: Of the answers to them, how many carried no event.
        run: The finished race.
    """

    course: Course
    share: float = 0.0
    passed_s: float = 0.0
    recent: Mapping[str, Recent] = field(default_factory=dict)
    median_s: Mapping[str, float] = field(default_factory=dict)
    received: Mapping[str, int] = field(default_factory=dict)
    origin_requests: Mapping[str, int] = field(default_factory=dict)
    empty_responses: Mapping[str, int] = field(default_factory=dict)
    run: Run | None = None

    def after(self, progress: Progress) -> RaceView:
        """As it stands after a report; one from outside the measuring changes no numbers."""
        if not progress.received or progress.passed_s < self.passed_s:
            return replace(self, share=progress.share)
        recent = {
            transport: self.latest(transport).after(
                progress, transport, per_dot=self.course.deliveries_per_dot
            )
            for transport in self.course.transports
        }
        # Clients go on asking while the last deliveries are waited for; what counts is the window.
        asked = progress if progress.passed_s <= self.course.seconds else self
        return replace(
            self,
            share=progress.share,
            passed_s=progress.passed_s,
            recent=recent,
            median_s={transport: each.median_s() for transport, each in recent.items()},
            received=progress.received,
            origin_requests=asked.origin_requests,
            empty_responses=asked.empty_responses,
        )

    def latest(self, transport: str) -> Recent:
        """A transport's latest deliveries; none before the first report."""
        return self.recent.get(transport, _NONE)
