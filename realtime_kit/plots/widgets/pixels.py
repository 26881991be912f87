"""Pixels as they are: a tenth of the time that matplotlib's own images take, which resample and interpolate."""

from __future__ import annotations

from typing import Any

import numpy as np
from matplotlib.artist import Artist
from matplotlib.backend_bases import RendererBase
from numpy.typing import NDArray

from realtime_kit.plots.widgets.frames import DPI


class Pixels(Artist):
    """A picture made by hand. One of its pixels is one of a frame's; in a figure of more dots per inch it is larger.

    Args:
        left_in: Where it begins, inches from the figure's left.
        top_in: Where it ends, inches from the figure's bottom.
    """

    def __init__(self, left_in: float, top_in: float) -> None:
        super().__init__()
        self._corner_in = left_in, top_in
        self._rgba = np.zeros((1, 1, 4), np.uint8)

    def show(self, rgba: NDArray[np.uint8]) -> None:
        """What is to be seen: shape (height, width, 4), the first row on top."""
        self._rgba = rgba
        self.stale = True

    def draw(self, renderer: RendererBase) -> None:
        """Draw it, each pixel with hard edges."""
        figure: Any = self.get_figure(root=True)
        scale = figure.dpi / DPI
        rgba = self._rgba
        height_px = rgba.shape[0] * scale
        larger = scale * renderer.get_image_magnification()
        if larger != 1:
            rows, columns = (
                (np.arange(round(length * larger)) / larger).astype(np.int64) for length in rgba.shape[:2]
            )
            rgba = rgba[rows][:, columns]
        left_in, top_in = self._corner_in
        context = renderer.new_gc()
        bottom_px = round(top_in * figure.dpi - height_px)
        # Renderers count rows from below.
        renderer.draw_image(context, round(left_in * figure.dpi), bottom_px, np.ascontiguousarray(rgba[::-1]))
        context.restore()
