"""What a browser's clock shows when the kernel's shows this: an interval that is certain, from round trips.

The kernel answers a message somewhere between the browser's sending it and its reading the answer, however long the
two ways take. So a round trip bounds the offset of the clocks from both sides, to within half of itself; many
bound it closer, because the fastest way there and the fastest way back need not belong to the same one.
"""

from __future__ import annotations

from dataclasses import dataclass

DRIFT = 30e-6
"""Seconds by which the two clocks may part in a second: RFC 5905 allows each of them 15 parts in a million."""


@dataclass(frozen=True, slots=True)
class RoundTrip:
    """One message to the kernel and its answer.

    Attributes:
        sent_ns: When the browser sent it, on the browser's clock.
        answered_ns: When the kernel answered, on `CLOCK_MONOTONIC`.
        back_ns: When the browser had the answer, on the browser's clock.
    """

    sent_ns: int
    answered_ns: int
    back_ns: int


class BrowserClock:
    """The clock of one page in one browser, `performance.now()`, against `CLOCK_MONOTONIC`.

    Args:
        tick_ns: Its resolution. Browsers make it coarse on purpose: 0.1 ms in Chromium, 1 ms in Firefox.
    """

    def __init__(self, *, tick_ns: int) -> None:
        self._tick_ns = tick_ns
        self._bounds_ns: tuple[int, int] | None = None
        self._at_ns = 0

    def __bool__(self) -> bool:
        """Whether there has been a round trip."""
        return self._bounds_ns is not None

    @property
    def offset_ns(self) -> int:
        """The kernel's clock less the browser's; right to within `uncertainty_ns`."""
        return sum(self._known) // 2

    @property
    def uncertainty_ns(self) -> int:
        """How far off a moment of now may be, once it is on the kernel's clock."""
        return self._uncertainty_ns(self._at_ns)

    def take(self, trip: RoundTrip) -> None:
        """Learn from one more round trip.

        If it contradicts those before, a clock has jumped, as that of a laptop that slept, and only the new one counts.
        """
        low, high = trip.answered_ns - trip.back_ns, trip.answered_ns - trip.sent_ns
        if self._bounds_ns is not None:
            drift_ns = int(DRIFT * (trip.back_ns - self._at_ns))
            narrowed = max(low, self._bounds_ns[0] - drift_ns), min(high, self._bounds_ns[1] + drift_ns)
            if narrowed[0] <= narrowed[1] + 2 * self._tick_ns:
                low, high = narrowed
        self._bounds_ns, self._at_ns = (low, high), trip.back_ns

    def to_kernel(self, browser_ns: int) -> tuple[int, int]:
        """A moment of the browser's clock on the kernel's, and how far off that may be, both in nanoseconds.

        Raises:
            LookupError: before the first round trip.
        """
        return browser_ns + self.offset_ns, self._uncertainty_ns(browser_ns)

    @property
    def _known(self) -> tuple[int, int]:
        if self._bounds_ns is None:
            message = "no round trip has been made yet"
            raise LookupError(message)
        return self._bounds_ns

    def _uncertainty_ns(self, browser_ns: int) -> int:
        low, high = self._known
        # A tick for what was read then, and one for what is read now.
        return max(high - low, 0) // 2 + 2 * self._tick_ns + int(DRIFT * abs(browser_ns - self._at_ns))
