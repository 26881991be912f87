"""A sheet measured in inches from its upper left corner, and how text, lines and arrows look on it."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Callable, Sequence

from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.patches import Polygon, Rectangle
from matplotlib.text import Text

from realtime_kit.plots.style import FONT, Theme

_ELLIPSIS = "…"
_HEAD_IN = (0.105, 0.042)
"""Length of an arrow's head, and half of its height."""

_DASHES = (4.0, 2.2)
_ARROW_PT = 1.5
BACKGROUND, LINES, MARKS, TYPE = 1, 3, 5, 6
"""What lies over what."""

Dashes = tuple[float, ...] | None


class Paper(ABC):
    """A sheet to draw on. What a sequence diagram is made of, whatever draws it.

    Args:
        theme: Its colours.
        width_in: How wide it is.
        height_in: How high.
    """

    def __init__(self, theme: Theme, width_in: float, height_in: float) -> None:
        self.theme, self.width_in, self.height_in = theme, width_in, height_in

    @abstractmethod
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
        """A line of text on a base line; cut with an ellipsis where it is longer than its room.

        Returns:
            Its width, inches.
        """

    @abstractmethod
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
        """A line; `above` those that other things may cover.

        Args:
            xs_in: Its points, across.
            ys_in: Its points, down.
            colour: Its colour.
            width_pt: How thick it is.
            dashes: Lengths of strokes and gaps in line widths; None is solid.
            above: Whether it lies over what is beneath arrows.
        """

    @abstractmethod
    def fill(self, corners_in: Sequence[tuple[float, float]], colour: str) -> None:
        """A filled shape without an edge."""

    @abstractmethod
    def mark(
        self, x_in: float, y_in: float, marker: str, size_pt: float, colour: str, *, hollow: bool = False
    ) -> None:
        """A marker on a lifeline; hollow ones show the paper."""

    @abstractmethod
    def bar(
        self, x_in: float, top_in: float, bottom_in: float, width_in: float, fill: str, edge: str
    ) -> None:
        """An upright bar, centred."""

    def arrow(
        self, from_in: float, to_in: float, y_in: float, colour: str, *, dashed: bool, struck: bool = False
    ) -> None:
        """An arrow from lifeline to lifeline: solid with a full head, or dashed with an open one.

        Args:
            from_in: Where it begins.
            to_in: Where its point is.
            y_in: How far down.
            colour: Of all of it.
            dashed: Whether it is an answer.
            struck: Whether it ends in a cross instead of a head: nothing more comes after it.
        """
        length, half = _HEAD_IN
        back_in = to_in - length if to_in > from_in else to_in + length
        shaft_in = to_in if dashed else back_in
        dashes = _DASHES if dashed else None
        self.line((from_in, shaft_in), (y_in, y_in), colour, _ARROW_PT, dashes=dashes, above=True)
        if struck:
            for up in (-1, 1):
                ys_in = (y_in - up * half, y_in + up * half)
                self.line((back_in, to_in), ys_in, colour, _ARROW_PT, above=True)
        elif dashed:
            xs_in, ys = (back_in, to_in, back_in), (y_in - half, y_in, y_in + half)
            self.line(xs_in, ys, colour, _ARROW_PT, above=True)
        else:
            self.fill([(to_in, y_in), (back_in, y_in - half), (back_in, y_in + half)], colour)


def sheet_axes(figure: Figure, theme: Theme) -> Axes:
    """The whole of a figure as one sheet, measured in inches from its upper left corner."""
    width_in, height_in = figure.get_size_inches()
    figure.set_facecolor(theme.background)
    axes = figure.add_axes((0, 0, 1, 1))
    axes.set_axis_off()
    axes.set_xlim(0, width_in)
    axes.set_ylim(height_in, 0)
    return axes


class StillPaper(Paper):
    """A sheet that is drawn once, each thing on it an artist of its own.

    Args:
        figure: What was on it is removed.
        theme: Its colours.
    """

    def __init__(self, figure: Figure, theme: Theme) -> None:
        super().__init__(theme, *(float(each) for each in figure.get_size_inches()))
        figure.clear()
        self._dpi = figure.dpi
        self._axes = sheet_axes(figure, theme)

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
        written = self._axes.text(
            x_in,
            y_in,
            text,
            fontsize=size_pt,
            fontfamily=FONT,
            fontweight="bold" if bold else "normal",
            color=colour,
            horizontalalignment=align,
            verticalalignment="baseline",
            parse_math=False,
            zorder=TYPE,
        )
        if room_in is not None:

            def width(cut: str) -> float:
                written.set_text(cut)
                return _width(written)

            written.set_text(cut_to(text, room_in * self._dpi, width))
        return _width(written) / self._dpi

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
        self._axes.plot(
            xs_in,
            ys_in,
            color=colour,
            linewidth=width_pt,
            linestyle=(0, dashes) if dashes else "-",
            marker="",
            zorder=LINES if above else BACKGROUND,
            solid_capstyle="butt" if len(xs_in) == 2 else "projecting",
            solid_joinstyle="miter",
        )

    def fill(self, corners_in: Sequence[tuple[float, float]], colour: str) -> None:
        """A shape."""
        self._axes.add_patch(Polygon(corners_in, closed=True, facecolor=colour, linewidth=0, zorder=LINES))

    def mark(
        self, x_in: float, y_in: float, marker: str, size_pt: float, colour: str, *, hollow: bool = False
    ) -> None:
        """A marker."""
        self._axes.plot(
            (x_in,),
            (y_in,),
            marker=marker,
            markersize=size_pt,
            linestyle="",
            markerfacecolor=self.theme.background if hollow else colour,
            markeredgecolor=colour if hollow else self.theme.background,
            markeredgewidth=1.4 if hollow else 0.8,
            zorder=MARKS,
        )

    def bar(
        self, x_in: float, top_in: float, bottom_in: float, width_in: float, fill: str, edge: str
    ) -> None:
        """A bar."""
        corner = (x_in - width_in / 2, top_in)
        self._axes.add_patch(
            Rectangle(
                corner,
                width_in,
                bottom_in - top_in,
                facecolor=fill,
                edgecolor=edge,
                linewidth=0.9,
                zorder=BACKGROUND + 1,
            )
        )


def cut_to(text: str, room: float, width: Callable[[str], float]) -> str:
    """A text, or as much of it as has room before an ellipsis.

    Args:
        text: One line.
        room: How wide it may be.
        width: Measures a text in the same unit.
    """
    cut, kept = text, len(text)
    while kept and (wide := width(cut)) > room:
        kept = min(kept - 1, int(kept * room / wide) + 1)  # a guess, then one by one
        cut = text[:kept].rstrip() + _ELLIPSIS
    return cut


def _width(written: Text) -> float:
    return float(Text.get_window_extent(written).width) if written.get_text() else 0.0
