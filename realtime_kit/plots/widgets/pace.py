"""How often to draw: four times a second, less often where drawing is slow."""

from __future__ import annotations

import threading
import time

PERIOD_S = 0.25
"""Four frames a second: enough for the eye to see growth, little enough to leave the processors alone."""

SLOWEST_S = 4.0
LARGEST_SHARE = 0.25
"""Share of its period that a frame may take."""

EASY_FRAMES = 8
"""Frames in a row that would have fitted into half the period before the pace is doubled again."""


class Clock:
    """The time, and waiting for it. Tests have one of their own."""

    def now_s(self) -> float:
        """Seconds on a clock that only goes forward."""
        return time.monotonic()

    def wait(self, changed: threading.Condition, timeout_s: float) -> None:
        """Wait until something changes or that many seconds have passed."""
        changed.wait(timeout_s)


class Pace:
    """When the next frame is due.

    A frame that took more than a quarter of its period doubles the period; eight frames in a row that would
    have fitted halve it again.

    Attributes:
        period_s: Least time from the start of a frame to the start of the next, seconds.
    """

    def __init__(self) -> None:
        self.period_s = PERIOD_S
        self._easy = 0
        self._begun_s = -SLOWEST_S

    def due_s(self) -> float:
        """When the next frame may begin."""
        return self._begun_s + self.period_s

    def begin(self, now_s: float) -> None:
        """A frame is begun."""
        self._begun_s = now_s

    def took(self, cost_s: float) -> None:
        """A frame took that long."""
        if cost_s > LARGEST_SHARE * self.period_s:
            self.period_s = min(SLOWEST_S, 2 * self.period_s)
            self._easy = 0
        elif cost_s > LARGEST_SHARE * self.period_s / 2 or self.period_s == PERIOD_S:
            self._easy = 0
        else:
            self._easy += 1
            if self._easy == EASY_FRAMES:
                self.period_s /= 2
                self._easy = 0
