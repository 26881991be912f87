"""How far a run has come, for whoever watches it."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field


@dataclass(frozen=True, slots=True)
class Progress:
    """One report of a run that is under way.

    Attributes:
        phase: What is going on, for people.
        share: Share of the run's time that has passed, 0 to 1.
        received: Deliveries so far by transport.
        passed_s: Seconds since the window opened; 0 before.
        latencies_s: Latencies of the deliveries since the previous report, by transport, seconds; of every so
            many-th, if there were more than 500.
        due_s: When the events of these deliveries were due, seconds since the window opened.
        origin_requests: Requests that have reached the origin since the window opened, by transport.
        empty_responses: Of the answers to them, how many carried no event.
        stride: One in how many deliveries has its latency here, from the first since the previous report on, by
            transport; 1 where it is missing.
    """

    phase: str
    share: float
    received: dict[str, int]
    passed_s: float = 0.0
    latencies_s: dict[str, tuple[float, ...]] = field(default_factory=dict)
    due_s: dict[str, tuple[float, ...]] = field(default_factory=dict)
    origin_requests: dict[str, int] = field(default_factory=dict)
    empty_responses: dict[str, int] = field(default_factory=dict)
    stride: dict[str, int] = field(default_factory=dict)


ProgressReport = Callable[[Progress], object]
"""Called with each report, on the kit's thread."""
