"""From views to pictures: frames by drawing only what moves, and stills by the same scene."""

from __future__ import annotations

from typing import Any, Generic

from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.figure import Figure

from realtime_kit.plots.save import Picture
from realtime_kit.plots.style import Theme
from realtime_kit.plots.widgets.palette import Palette
from realtime_kit.plots.widgets.scene import MakeScene, View

DPI = 100
"""A frame's dots per inch."""


class Frames(Generic[View]):
    """A figure that is drawn again and again. It belongs to the thread that made it.

    Args:
        make_scene: Gives the scene.
        theme: Colours.
    """

    def __init__(self, make_scene: MakeScene[View], theme: Theme) -> None:
        self._scene = make_scene()
        self._figure = Figure(figsize=self._scene.size_in, dpi=DPI, facecolor=theme.background)
        self._canvas: Any = FigureCanvasAgg(self._figure)
        self._palette = Palette(theme)
        self._rest: Any = None  # all that does not move, as the canvas keeps it
        self._scene.build(self._figure, theme)
        for artist in self._scene.moving:
            artist.set_animated(True)

    def png(self, view: View) -> bytes:
        """The next frame."""
        if self._scene.update(view) or self._rest is None:
            self._canvas.draw()  # without the animated
            self._rest = self._canvas.copy_from_bbox(self._figure.bbox)
        self._canvas.restore_region(self._rest)
        for artist in self._scene.moving:
            self._figure.draw_artist(artist)
        return self._palette.png(self._canvas.buffer_rgba(), self._canvas.get_width_height())


def still_figure(make_scene: MakeScene[View], view: View, theme: Theme) -> Picture:
    """A figure of one view, to be shown or saved; it can be made on any thread."""
    scene = make_scene()
    figure = Picture(figsize=scene.size_in, dpi=DPI, facecolor=theme.background)
    FigureCanvasAgg(figure)
    scene.build(figure, theme)
    scene.update(view)
    return figure


def still_png(figure: Figure, theme: Theme) -> bytes:
    """A finished figure in a frame's colours."""
    canvas: Any = FigureCanvasAgg(figure)
    canvas.draw()
    return Palette(theme).png(canvas.buffer_rgba(), canvas.get_width_height())
