"""Ends of axes that grow in few steps, because each step means drawing everything anew."""

from __future__ import annotations

import math

_STEPS = (1.0, 2.0, 5.0, 10.0)


def round_up(value: float) -> float:
    """The next of 1, 2, 5, 10, 20 and so on (and 0.5, 0.2, …) that is not below a positive value."""
    decade = 10.0 ** math.floor(math.log10(value))
    step = next(step for step in _STEPS if value <= step * decade * (1 + 1e-9))
    return float(f"{step * decade:.1g}")


def apart(places: list[float], least: float) -> list[float]:
    """Ascending places on a stretch from 0 to 1, moved as little as needed to be so far from one another.

    Those that do not fit on it all the same stand above its end.
    """
    placed: list[float] = []
    for place in places:
        lowest = placed[-1] + least if placed else least / 2
        placed.append(max(lowest, place))
    highest = max(1 - least / 2, least * (len(placed) - 0.5))
    for at in reversed(range(len(placed))):
        placed[at] = min(placed[at], highest)
        highest = placed[at] - least
    return placed
