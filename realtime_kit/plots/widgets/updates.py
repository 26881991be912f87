"""Changes on their way to the browser: of each widget the latest, and never more than ten messages a second."""

from __future__ import annotations

from collections import deque
from typing import Any

from ipywidgets import Widget

from realtime_kit.plots.widgets.pace import Clock

PER_SECOND = 10
"""More would queue in the browser: every message is a frame of the page."""


class Updates:
    """Holds changes back until they may be sent. To be used by one thread only.

    Args:
        clock: Where the time comes from.
    """

    def __init__(self, clock: Clock) -> None:
        self._clock = clock
        self._waiting: dict[Widget, dict[str, Any]] = {}
        self._sent_s: deque[float] = deque(maxlen=PER_SECOND)

    def put(self, widget: Widget, **traits: Any) -> None:
        """Let a widget's traits have these values soon; those they have already cost nothing."""
        wanted = self._waiting.get(widget, {}) | traits
        changed = {name: value for name, value in wanted.items() if getattr(widget, name) != value}
        if changed:
            self._waiting[widget] = changed
        else:
            self._waiting.pop(widget, None)

    def flush(self) -> None:
        """Send what may be sent now, what has waited longest first: one message for each widget."""
        while self._waiting and (self.due_s() or 0.0) <= self._clock.now_s():
            widget = next(iter(self._waiting))
            changed = self._waiting.pop(widget)
            self._sent_s.append(self._clock.now_s())
            with widget.hold_sync():
                for name, value in changed.items():
                    setattr(widget, name, value)

    def due_s(self) -> float | None:
        """When the next change may be sent; None if none is waiting."""
        if not self._waiting:
            return None
        return self._sent_s[0] + 1.0 if len(self._sent_s) == PER_SECOND else self._clock.now_s()
