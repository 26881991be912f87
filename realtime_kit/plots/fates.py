"""What can become of a delivery, and how that looks. On such pictures transports are named in plain type.

No meaning rests on hue alone: bars differ in height and marks in form, too.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from realtime_kit.measurements.deliveries import Deliveries
from realtime_kit.plots.style import Theme, blend


@dataclass(frozen=True, slots=True)
class Fate:
    """One of four.

    Attributes:
        name: What it is called.
        meaning: What it means.
        height: Share of a row's height that its bar has.
        marker: Matplotlib marker.
        hue: Whose colour in a theme it has; None is a grey.
    """

    name: str
    meaning: str
    height: float
    marker: str
    hue: str | None

    def colour(self, theme: Theme) -> str:
        """Its colour."""
        return theme.colour(self.hue) if self.hue else blend(theme.background, theme.muted, 0.5)


FATES = (
    Fate("on time", "came the usual way, and in time", 0.26, ".", None),
    Fate("late", "came the usual way, but late", 0.5, "s", "long-polling"),
    Fate("recovered", "came another way than the usual one", 0.74, "^", "streaming"),
    Fate("missing", "has not come", 0.96, "X", "polling"),
)
"""From the best to the worst."""

ON_TIME, LATE, RECOVERED, MISSING = range(4)


def fates(deliveries: Deliveries) -> NDArray[np.int8]:
    """Shape (clients, events): for each delivery its number in `FATES`."""
    found = np.full(deliveries.ways.shape, ON_TIME, np.int8)
    found[deliveries.late] = LATE
    found[deliveries.recovered] = RECOVERED
    found[~deliveries.came] = MISSING
    return found
