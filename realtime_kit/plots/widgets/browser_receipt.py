"""Proof that a browser got one event at one moment, and how certain that moment is."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any, TypeAlias

Due: TypeAlias = Callable[[str], int | None] | Mapping[Any, int]
"""When events were due, by id, on `CLOCK_MONOTONIC` in nanoseconds. A function is given the id as text; a mapping may
have it as text or as a number. None, or no entry, is an event of which that is not known."""


@dataclass(frozen=True, slots=True)
class BrowserReceipt:
    """One event as the browser saw it.

    Attributes:
        event_id: The event's id.
        received_ns: When the page had it, converted to the kernel's `CLOCK_MONOTONIC`.
        uncertainty_s: How far off that may be, because the two clocks differ, in seconds.
        opened_ns: When the page asked for the connection on which it came, on the same clock. What was due before
            came out of the origin's history.
        transport: `streaming` (by EventSource) or `websocket`.
    """

    event_id: str
    received_ns: int
    uncertainty_s: float
    opened_ns: int
    transport: str

    def latency_s(self, due: Due) -> float | None:
        """Seconds since it was due; below zero by no more than the uncertainty.

        None if `due` does not know it, or if it is history: how long ago it was due says nothing of the way.
        """
        due_ns = due_of(due, self.event_id)
        if due_ns is None or due_ns < self.opened_ns:
            return None
        return (self.received_ns - due_ns) / 1e9


def due_of(due: Due, event_id: str) -> int | None:
    """When the event of that id was due, or None."""
    if callable(due):
        return due(event_id)
    if event_id in due or not event_id.isdecimal():
        return due.get(event_id)
    return due.get(int(event_id))
