"""Events that say when they were due, for receivers on other machines.

`CLOCK_MONOTONIC` means nothing elsewhere, so this is the wall clock: what is measured between two machines contains
the difference of their clocks. Keep them together with NTP or PTP, and know by how much they may differ.
"""

from __future__ import annotations

import json
import time

_KEY = "due_ns"


def stamped(text: str = "", *, due_ns: int | None = None) -> str:
    """An event's text as JSON, with the moment it was due.

    Args:
        text: What it says.
        due_ns: When it was due, nanoseconds since 1970; None is now.
    """
    return json.dumps({_KEY: time.time_ns() if due_ns is None else due_ns, "text": text})


def due_of(data: str) -> int | None:
    """When an event was due, nanoseconds since 1970; None if it does not say.

    Args:
        data: An event's text: JSON with `due_ns`, whatever else is in it.
    """
    try:
        due_ns = json.loads(data)[_KEY]
    except (ValueError, KeyError, TypeError):
        return None
    return due_ns if isinstance(due_ns, int) and not isinstance(due_ns, bool) else None
