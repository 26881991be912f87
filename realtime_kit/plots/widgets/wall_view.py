"""What the wall shows: a fan-out's pushes, replayed slowly from the receipts."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from realtime_kit.measurements.fanout import FanoutRun, Push


@dataclass(frozen=True, slots=True)
class Audience:
    """Who is to be reached.

    Attributes:
        clients: How many.
        instances: How many Pushpins share them: client number k is with number `k % instances`.
        transport: How they are connected.
    """

    clients: int
    instances: int = 1
    transport: str = "streaming"

    def by_instance(self) -> list[NDArray[np.int64]]:
        """The numbers of each instance's clients."""
        numbers = np.arange(self.clients)
        groups = [numbers[index :: self.instances] for index in range(self.instances)]
        return [group for group in groups if len(group)]


@dataclass(frozen=True, slots=True, eq=False)
class WallView:
    """A moment of a push.

    Attributes:
        audience: Who is to be reached.
        run: The finished fan-out; None before.
        number: Which of its pushes, from 1.
        passed_s: Seconds since it was due.
        slowed: How much slower than measured it is shown; 1 when it is over.
    """

    audience: Audience
    run: FanoutRun | None = None
    number: int = 1
    passed_s: float = 0.0
    slowed: float = 1.0

    @property
    def push(self) -> Push | None:
        """The push that is shown."""
        return self.run.results[self.number - 1] if self.run is not None else None

    @property
    def end_s(self) -> float:
        """When the last of all pushes' deliveries came, seconds since it was due; 0 where none has."""
        return max((last_s(push) for push in self.run.results), default=0.0) if self.run is not None else 0.0

    @property
    def reached(self) -> int:
        """How many have it by now."""
        return int((self.push.reached_s <= self.passed_s).sum()) if self.push is not None else 0


def last_s(push: Push) -> float:
    """When the last client that was reached had it, seconds since it was due; 0 if nobody was."""
    return push.completion[-1][0] if push.completion else 0.0
