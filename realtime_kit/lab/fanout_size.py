"""How large a fan-out fits on this machine: asked before one is begun."""

from __future__ import annotations

from dataclasses import dataclass

from realtime_kit.clients.swarm import largest_swarm
from realtime_kit.processors import usable

COMFORTABLE_CLIENTS = 10_000
"""Where there is room, so many are connected in the time that a lesson has."""

COMFORTABLE_PER_PROCESSOR = 5_000
"""So many for each processor, since Pushpin, the origin and the clients share it while connections are opened."""


@dataclass(frozen=True, slots=True)
class FanoutSize:
    """How many clients this machine holds.

    Attributes:
        most: The largest possible number.
        because: What limits it.
        comfortable: How many are connected without long waiting, and leave a third of the room free.
    """

    most: int
    because: str
    comfortable: int

    def __str__(self) -> str:
        return (
            f"This machine can hold {self.most:,} streaming clients (limited {self.because}). "
            f"{self.comfortable:,} of them are connected soon."
        )


def fanout_size(*, instances: int = 1) -> FanoutSize:
    """How large a fan-out fits on this machine.

    Args:
        instances: How many Pushpins share the clients.
    """
    most, because = largest_swarm(targets=instances)
    processors = usable()
    comfortable = min(COMFORTABLE_CLIENTS, processors * COMFORTABLE_PER_PROCESSOR, most * 2 // 3)
    return FanoutSize(most, because, max(1, comfortable // 100 * 100 or comfortable))
