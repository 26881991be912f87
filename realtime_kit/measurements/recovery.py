"""How long a gap stayed open, beside the timers that decide it."""

from __future__ import annotations

from dataclasses import dataclass
from statistics import median


@dataclass(frozen=True, slots=True)
class RecoveryTimes:
    """One way to close a gap.

    Attributes:
        way: What closes it.
        earliest_s: By the timers that are configured no earlier than this, seconds.
        latest_s: And no later, seconds; what the origin and the machine take comes on top.
        took_s: What was measured, ascending: from the moment Pushpin could know until the missing event came, seconds.
    """

    way: str
    earliest_s: float
    latest_s: float
    took_s: tuple[float, ...]

    @property
    def median_s(self) -> float:
        """The middle of what was measured, seconds."""
        return median(self.took_s)


@dataclass(frozen=True, slots=True)
class Recoveries:
    """All ways, the slowest first."""

    ways: tuple[RecoveryTimes, ...]

    def __getitem__(self, way: str) -> RecoveryTimes:
        """The one of that name."""
        return next(each for each in self.ways if each.way == way)

    def __str__(self) -> str:
        return "\n".join(
            f"{each.way:<24} {each.median_s:5.2f} s, {each.took_s[0]:.2f} to {each.took_s[-1]:.2f} s "
            f"(timers: {each.earliest_s:g} to {each.latest_s:g} s)"
            for each in self.ways
        )
