"""Horizontal bars that grow, drawn at one go."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

import numpy as np
from matplotlib.axes import Axes
from matplotlib.collections import PolyCollection


class Bars(PolyCollection):
    """Bars from zero to the right, each in its own colour.

    Args:
        axes: Where.
        rows: The middle of each bar, data coordinates.
        colours: Of each bar.
        thick: How high a bar is, likewise.
    """

    def __init__(self, axes: Axes, rows: Sequence[float], colours: Sequence[str], *, thick: float) -> None:
        super().__init__([], facecolors=list(colours), linewidths=0, zorder=2)
        self._rows = np.asarray(rows, dtype=np.float64)
        self._thick = thick
        self.lengths: tuple[float, ...] = ()
        self.grow([0.0] * len(rows))
        axes.add_collection(self, autolim=False)

    def grow(self, lengths: Iterable[float]) -> None:
        """Let the bars end there, data coordinates."""
        self.lengths = tuple(lengths)
        low, high = self._rows - self._thick / 2, self._rows + self._thick / 2
        right = np.asarray(self.lengths, dtype=np.float64)
        left = np.zeros_like(right)
        corners = [(left, low), (left, high), (right, high), (right, low)]
        self.set_verts(list(np.stack([np.column_stack(corner) for corner in corners], axis=1)))
