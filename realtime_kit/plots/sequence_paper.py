"""A sheet measured in inches from its upper left corner, and how text, lines and arrows look on it."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

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
_BACKGROUND, _LINES, _MARKS, _TYPE = 1, 3, 5, 6


class Paper:
    """The whole of a figure as one sheet.

    Args:
        figure: What was on it is removed.
        theme: Its colours.
    """

    def __init__(self, figure: Figure, theme: Theme) -> None:
        figure.clear()
        figure.set_facecolor(theme.background)
        self.theme = theme
        self.width_in, self.height_in = (float(each) for each in figure.get_size_inches())
        self._dpi = figure.dpi
        self._axes: Axes = figure.add_axes((0, 0, 1, 1))
        self._axes.set_axis_off()
        self._axes.set_xlim(0, self.width_in)
        self._axes.set_ylim(self.height_in, 0)

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
            zorder=_TYPE,
        )
        if room_in is not None:
            _cut(written, room_in * self._dpi)
        return _width(written) / self._dpi

    def line(
        self, xs_in: Sequence[float], ys_in: Sequence[float], colour: str, width_pt: float, **style: Any
    ) -> None:
        """A thin line that other things may cover."""
        self._axes.plot(
            xs_in, ys_in, color=colour, linewidth=width_pt, marker="", zorder=_BACKGROUND, **style
        )

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
        shaft: dict[str, Any] = {"dashes": _DASHES} if dashed else {"linestyle": "-"}
        shaft |= {"color": colour, "linewidth": _ARROW_PT, "marker": "", "zorder": _LINES}
        self._axes.plot((from_in, shaft_in), (y_in, y_in), solid_capstyle="butt", **shaft)
        solid: dict[str, Any] = {
            "color": colour,
            "linewidth": _ARROW_PT,
            "linestyle": "-",
            "marker": "",
            "zorder": _LINES,
        }
        if struck:
            for up in (-1, 1):
                self._axes.plot((back_in, to_in), (y_in - up * half, y_in + up * half), **solid)
        elif dashed:
            xs, ys = (back_in, to_in, back_in), (y_in - half, y_in, y_in + half)
            self._axes.plot(xs, ys, solid_joinstyle="miter", **solid)
        else:
            corners = [(to_in, y_in), (back_in, y_in - half), (back_in, y_in + half)]
            self._axes.add_patch(Polygon(corners, closed=True, facecolor=colour, linewidth=0, zorder=_LINES))

    def mark(
        self, x_in: float, y_in: float, marker: str, size_pt: float, colour: str, *, hollow: bool = False
    ) -> None:
        """A marker on a lifeline; hollow ones show the paper."""
        self._axes.plot(
            (x_in,),
            (y_in,),
            marker=marker,
            markersize=size_pt,
            linestyle="",
            markerfacecolor=self.theme.background if hollow else colour,
            markeredgecolor=colour if hollow else self.theme.background,
            markeredgewidth=1.4 if hollow else 0.8,
            zorder=_MARKS,
        )

    def bar(
        self, x_in: float, top_in: float, bottom_in: float, width_in: float, fill: str, edge: str
    ) -> None:
        """An upright bar, centred."""
        corner = (x_in - width_in / 2, top_in)
        self._axes.add_patch(
            Rectangle(
                corner,
                width_in,
                bottom_in - top_in,
                facecolor=fill,
                edgecolor=edge,
                linewidth=0.9,
                zorder=_BACKGROUND + 1,
            )
        )


def _cut(written: Text, room: float) -> None:
    """Shorten a text until it fits, pixels."""
    text = written.get_text()
    kept = len(text)
    while kept and (width := _width(written)) > room:
        kept = min(kept - 1, int(kept * room / width) + 1)  # a guess, then one by one
        written.set_text(text[:kept].rstrip() + _ELLIPSIS)


def _width(written: Text) -> float:
    return float(Text.get_window_extent(written).width) if written.get_text() else 0.0
