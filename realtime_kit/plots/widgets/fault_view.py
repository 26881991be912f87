"""What the fault board and the id timeline show: deliveries, and when something was broken."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

from realtime_kit.measurements.deliveries import Deliveries
from realtime_kit.measurements.fault_ledger import FaultLedger
from realtime_kit.measurements.fault_run import RECOVERING

SETTLE_S = 1.0
"""What is younger is not counted yet: a poll takes its interval, and a push some milliseconds."""


@dataclass(frozen=True, slots=True)
class Press:
    """One time that something was broken.

    Attributes:
        fault: Its name.
        from_s: Since when, seconds since the first event was due.
        until_s: Until when; None if it still is.
    """

    fault: str
    from_s: float
    until_s: float | None = None


@dataclass(frozen=True, slots=True, eq=False)
class FaultView:
    """Everything up to one moment.

    Attributes:
        transports: Which there are.
        start_ns: When the first event was due, on `CLOCK_MONOTONIC`.
        now_s: How long ago that is, seconds.
        deliveries: By transport, once events happen.
        presses: What was broken, in order.
        phase: What is going on, in a sentence.
        is_ready: Whether something can be broken now.
        is_over: Whether nothing more will come.
    """

    transports: tuple[str, ...]
    start_ns: int = 0
    now_s: float = 0.0
    deliveries: Mapping[str, Deliveries] = field(default_factory=dict)
    presses: tuple[Press, ...] = ()
    phase: str = ""
    is_ready: bool = False
    is_over: bool = False

    @property
    def due_s(self) -> NDArray[np.float64]:
        """Shape (events,): when each event was due."""
        for each in self.deliveries.values():
            return (each.due_ns - self.start_ns) / 1e9
        return np.empty(0)

    @property
    def settled(self) -> NDArray[np.bool_]:
        """Shape (events,): which are counted: all but the newest, and in the end all."""
        due_s = self.due_s
        return np.ones(len(due_s), bool) if self.is_over else due_s < self.now_s - SETTLE_S

    @property
    def events(self) -> int:
        """How many events are counted."""
        return int(self.settled.sum())

    @property
    def course_s(self) -> float:
        """For how long events have happened, up to when the next would have been due or a fault was mended; seconds."""
        due_s = self.due_s
        step_s = float(np.diff(due_s[-2:]).sum()) or 1.0
        until_s = [float(due_s[-1]) + step_s if len(due_s) else 0.0]
        return max(until_s + [each.until_s for each in self.presses if each.until_s is not None])

    def ledger(self, transport: str, press: int | None = None) -> FaultLedger:
        """What became of the events that are counted.

        Args:
            transport: Of which clients.
            press: Only of those due since this press and before the next one; None is all.
        """
        if transport not in self.deliveries:
            return FaultLedger()
        chosen = self.settled
        if press is not None:
            ends = [*(each.from_s for each in self.presses), np.inf]
            chosen = chosen & (self.due_s >= ends[press]) & (self.due_s < ends[press + 1])
        return self.deliveries[transport].ledger(chosen)

    @property
    def broken_promises(self) -> tuple[str, ...]:
        """Transports that recover, and yet have lost, repeated or reordered something; only known at the end."""
        if not self.is_over:
            return ()
        totals = {name: self.ledger(name) for name in self.transports if name in RECOVERING}
        return tuple(name for name, each in totals.items() if each.lost or each.duplicate or each.reordered)
