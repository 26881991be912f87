"""Requests at a constant rate to a server that stands still once: what two ways of counting make of it."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from realtime_kit.theory import coordinated_omission


@dataclass(frozen=True, slots=True, eq=False)
class StallRun:
    """Requests, one after the other on one connection, each due at its time.

    Attributes:
        rate_per_s: Requests due per second.
        stall_s: How long the server stood still, seconds, as it was measured.
        stalled_at_s: Since when, seconds after the first request was due.
        due_s: Shape (requests,): when each was due, seconds after the first.
        sent_s: Shape (requests,): when each was sent: when it was due, or when the answer before it had come.
        answered_s: Shape (requests,): when it was answered.
    """

    rate_per_s: float
    stall_s: float
    stalled_at_s: float
    due_s: NDArray[np.float64]
    sent_s: NDArray[np.float64]
    answered_s: NDArray[np.float64]

    @property
    def naive_s(self) -> NDArray[np.float64]:
        """Shape (requests,): from sending to the answer, seconds; the wait before sending is left out."""
        return self.answered_s - self.sent_s

    @property
    def true_s(self) -> NDArray[np.float64]:
        """Shape (requests,): from the due moment to the answer, seconds."""
        return self.answered_s - self.due_s

    @property
    def corrected_s(self) -> NDArray[np.float64]:
        """What HdrHistogram's correction makes of a generator that sends nothing while it waits, ascending, seconds.

        It would not have sent what was due while it waited. Those that were made up for afterwards, each within an
        interval, are taken out; the correction puts them back as it thinks they were.
        """
        interval_s = 1 / self.rate_per_s
        due_while_waiting = np.concatenate([[False], self.due_s[1:] < self.answered_s[:-1]])
        kept = ~due_while_waiting | (self.naive_s > interval_s)
        return coordinated_omission.corrected_samples(self.naive_s[kept], expected_interval_s=interval_s)

    @property
    def late(self) -> int:
        """How many requests were sent after they were due, by more than one interval."""
        return int((self.sent_s - self.due_s > 1 / self.rate_per_s).sum())

    @property
    def run_s(self) -> float:
        """For how long requests were due, seconds."""
        return len(self.due_s) / self.rate_per_s

    @property
    def theory_p99_s(self) -> float:
        """The true 99th percentile that is to be expected, seconds."""
        return coordinated_omission.p99_with_stall(
            stall_s=min(self.stall_s, self.run_s), run_s=self.run_s, service_s=float(np.median(self.naive_s))
        )

    def __str__(self) -> str:
        return (
            f"{len(self.due_s):,} requests, {self.rate_per_s:g} a second; the server stood still for "
            f"{self.stall_s:.2f} s from {self.stalled_at_s:.1f} s on; {self.late:,} were sent late"
        )
