"""A sheet that is drawn anew in every frame: one artist for all things of a kind, in a tenth of the time."""

from __future__ import annotations

from collections.abc import Sequence
from functools import lru_cache

import numpy as np
from matplotlib.artist import Artist
from matplotlib.collections import LineCollection, PathCollection, PolyCollection
from matplotlib.figure import Figure
from matplotlib.markers import MarkerStyle
from matplotlib.path import Path
from matplotlib.transforms import Affine2D, IdentityTransform

from realtime_kit.plots.sequence_paper import (
    BACKGROUND,
    LINES,
    MARKS,
    Dashes,
    Paper,
    cut_to,
    sheet_axes,
)
from realtime_kit.plots.style import Theme
from realtime_kit.plots.widgets.lettering import Lettering, Word, inks, measure

_ALIGN = {"left": 0.0, "center": 0.5, "right": 1.0}


class LivePaper(Paper):
    """The whole of a figure, to be wiped and drawn on again and again.

    What is drawn is seen after `finish`.

    Args:
        figure: An empty one.
        theme: Its colours.
    """

    def __init__(self, figure: Figure, theme: Theme) -> None:
        super().__init__(theme, *(float(each) for each in figure.get_size_inches()))
        self._dpi = figure.dpi
        axes = sheet_axes(figure, theme)
        self._beneath, self._bars = (
            _Lines(BACKGROUND),
            PolyCollection([], linewidths=0.9, zorder=BACKGROUND + 1),
        )
        self._above, self._shapes = _Lines(LINES), PolyCollection([], linewidths=0, zorder=LINES)
        self._marks = PathCollection([], zorder=MARKS)
        self._marks.set_transform(IdentityTransform())
        self._marks.set_offset_transform(axes.transData)
        for each in (self._beneath, self._bars, self._above, self._shapes):
            axes.add_collection(each, autolim=False)
        axes.add_artist(self._marks)
        self._lettering = Lettering(axes)
        self.wipe()

    @property
    def artists(self) -> list[Artist]:
        """All there is to draw, what lies lower first."""
        return [self._beneath, self._bars, self._above, self._shapes, self._marks, self._lettering]

    def wipe(self) -> None:
        """Begin anew."""
        self._words: list[Word] = []
        self._bars_drawn: list[tuple[Corners, str, str]] = []
        self._shapes_drawn: list[tuple[Corners, str]] = []
        self._marks_drawn: list[tuple[tuple[float, float], Path, str, str, float]] = []
        self._beneath.wipe()
        self._above.wipe()

    def finish(self) -> None:
        """Let what was drawn since `wipe` be seen."""
        self._beneath.finish()
        self._above.finish()
        self._bars.set_verts([each[0] for each in self._bars_drawn])
        self._bars.set_facecolor(inks([each[1] for each in self._bars_drawn]))
        self._bars.set_edgecolor(inks([each[2] for each in self._bars_drawn]))
        self._shapes.set_verts([each[0] for each in self._shapes_drawn])
        self._shapes.set_facecolor(inks([each[1] for each in self._shapes_drawn]))
        self._marks.set_paths([each[1] for each in self._marks_drawn])
        self._marks.set_offsets([each[0] for each in self._marks_drawn] or np.empty((0, 2)))
        self._marks.set_facecolor(inks([each[2] for each in self._marks_drawn]))
        self._marks.set_edgecolor(inks([each[3] for each in self._marks_drawn]))
        self._marks.set_linewidth([each[4] for each in self._marks_drawn])
        self._lettering.write(self._words)

    def write(
        self,
        x_in: float,
        y_in: float,
        text: str,
        size_pt: float,
        colour: str,
        *,
        bold: bool = False,
        align: str = "left",
        room_in: float | None = None,
    ) -> float:
        """A line of text, measured as it will be drawn."""
        if room_in is not None:
            text = cut_to(text, room_in, lambda cut: measure(cut, size_pt, bold, self._dpi)[0])
        width_in, middle_in = measure(text, size_pt, bold, self._dpi)
        self._words.append(
            Word(text, x_in, y_in - middle_in, colour, size_pt=size_pt, bold=bold, align=_ALIGN[align])
        )
        return width_in

    def line(
        self,
        xs_in: Sequence[float],
        ys_in: Sequence[float],
        colour: str,
        width_pt: float,
        *,
        dashes: Dashes = None,
        above: bool = False,
    ) -> None:
        """A line."""
        (self._above if above else self._beneath).add(xs_in, ys_in, colour, width_pt, dashes)

    def fill(self, corners_in: Sequence[tuple[float, float]], colour: str) -> None:
        """A shape."""
        self._shapes_drawn.append((corners_in, colour))

    def mark(
        self, x_in: float, y_in: float, marker: str, size_pt: float, colour: str, *, hollow: bool = False
    ) -> None:
        """A marker."""
        face, edge = (self.theme.background, colour) if hollow else (colour, self.theme.background)
        path = _marker(marker, size_pt * self._dpi / 72)
        self._marks_drawn.append(((x_in, y_in), path, face, edge, 1.4 if hollow else 0.8))

    def bar(
        self, x_in: float, top_in: float, bottom_in: float, width_in: float, fill: str, edge: str
    ) -> None:
        """A bar."""
        left_in, right_in = x_in - width_in / 2, x_in + width_in / 2
        corners = [(left_in, top_in), (right_in, top_in), (right_in, bottom_in), (left_in, bottom_in)]
        self._bars_drawn.append((corners, fill, edge))


Corners = Sequence[tuple[float, float]]


class _Lines(LineCollection):
    """Lines of all colours, widths and dashes."""

    def __init__(self, zorder: float) -> None:
        super().__init__([], zorder=zorder, joinstyle="miter", capstyle="butt")
        self.wipe()

    def wipe(self) -> None:
        """Begin anew."""
        self._drawn: list[tuple[Corners, str, float, Dashes]] = []

    def add(
        self, xs: Sequence[float], ys: Sequence[float], colour: str, width_pt: float, dashes: Dashes
    ) -> None:
        """One more."""
        self._drawn.append((list(zip(xs, ys, strict=True)), colour, width_pt, dashes))

    def finish(self) -> None:
        """Let them be seen."""
        self.set_segments([each[0] for each in self._drawn])
        self.set_color(inks([each[1] for each in self._drawn]))
        self.set_linewidth([each[2] for each in self._drawn])
        self.set_linestyle([(0, each[3]) if each[3] else "-" for each in self._drawn] or "-")


@lru_cache(maxsize=64)
def _marker(marker: str, size_px: float) -> Path:
    """A marker's outline around its point, pixels."""
    style = MarkerStyle(marker)
    outline: Path = (style.get_transform() + Affine2D().scale(size_px)).transform_path(style.get_path())
    return outline
