"""Horizontal bars from one moment to another, any number of them, drawn at one go."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from matplotlib.axes import Axes
from matplotlib.collections import PolyCollection

EDGE_PT = 0.9
"""A seam in the paper's colour: two bars that touch stay two."""

Span = tuple[float, float, float]
"""Row, beginning and end, data coordinates."""


class Spans(PolyCollection):
    """Bars that may begin anywhere.

    Args:
        axes: Where.
        colour: Of all bars.
        edge: Colour of their seams, which is the paper's.
        thick: How high a bar is, data coordinates.
        zorder: What lies lower is drawn first.
    """

    def __init__(self, axes: Axes, colour: str, edge: str, *, thick: float, zorder: float = 2) -> None:
        super().__init__([], facecolors=[colour], edgecolors=[edge], linewidths=EDGE_PT, zorder=zorder)
        self._thick = thick
        self.spans: tuple[Span, ...] = ()
        axes.add_collection(self, autolim=False)

    def place(self, spans: Sequence[Span]) -> None:
        """Let these be the bars."""
        self.spans = tuple(spans)
        row, left, right = np.asarray(self.spans, dtype=np.float64).reshape(-1, 3).T
        low, high = row - self._thick / 2, row + self._thick / 2
        corners = [(left, low), (left, high), (right, high), (right, low)]
        self.set_verts(list(np.stack([np.column_stack(corner) for corner in corners], axis=1)))
