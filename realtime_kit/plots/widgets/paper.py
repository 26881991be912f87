"""Placing things on a figure in inches, in the kit's type and colours."""

from __future__ import annotations

from typing import Any

from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.text import Text

from realtime_kit.plots.style import BODY_PT, FONT, GRID_WIDTH_PT, HEADING_PT, SMALL_PT, Theme, look

Box = tuple[float, float, float, float]
"""Left, bottom, width and height, inches."""

_HEADING_ABOVE_PT = 23.0
_KEY_ABOVE_PT = 9.0
_MARKER_PT = 6.5


def add_axes(figure: Figure, box_in: Box, theme: Theme) -> Axes:
    """Axes without a frame, with faint lines to read along."""
    size_in = figure.get_size_inches()
    axes = figure.add_axes(tuple(inch / size_in[side % 2] for side, inch in enumerate(box_in)))
    axes.set_facecolor(theme.background)
    axes.spines[:].set_visible(False)
    axes.tick_params(
        which="both", length=0, pad=5, labelsize=SMALL_PT, labelcolor=theme.text, labelfontfamily=FONT
    )
    axes.grid(True, color=theme.grid, linewidth=GRID_WIDTH_PT, linestyle="-")
    axes.set_axisbelow(True)
    return axes


def add_bare_axes(figure: Figure, box_in: Box) -> Axes:
    """Axes of which nothing is seen: a place for bars and words."""
    size_in = figure.get_size_inches()
    axes = figure.add_axes(tuple(inch / size_in[side % 2] for side, inch in enumerate(box_in)))
    axes.set_axis_off()
    return axes


def name_axes(axes: Axes, theme: Theme, *, x: str = "", y: str = "") -> None:
    """What the axes measure, with units."""
    axes.set_xlabel(x, labelpad=5)
    axes.set_ylabel(y, labelpad=5)
    for label in (axes.xaxis.label, axes.yaxis.label):
        label.set(color=theme.muted, fontsize=SMALL_PT, fontfamily=FONT)


def head(axes: Axes, heading: str, key: str, theme: Theme, *, left_pt: float = 0.0) -> None:
    """A heading above the axes, and beneath it how to read them."""
    place: dict[str, Any] = {"xycoords": "axes fraction", "textcoords": "offset points", "parse_math": False}
    axes.annotate(
        heading,
        (0, 1),
        (-left_pt, _HEADING_ABOVE_PT),
        fontsize=HEADING_PT,
        fontweight="bold",
        fontfamily=FONT,
        color=theme.text,
        **place,
    )
    axes.annotate(
        key, (0, 1), (-left_pt, _KEY_ABOVE_PT), fontsize=SMALL_PT, fontfamily=FONT, color=theme.muted, **place
    )


def write(
    axes: Axes,
    x: float,
    y: float,
    text: str,
    colour: str,
    *,
    right_pt: float = 0.0,
    size_pt: float = BODY_PT,
    bold: bool = False,
    align: str = "left",
) -> Text:
    """A text whose middle stands at y, a little to the right of x."""
    return axes.annotate(
        text,
        (x, y),
        (right_pt, 0),
        textcoords="offset points",
        ha=align,
        va="center",
        fontsize=size_pt,
        fontweight="bold" if bold else "normal",
        fontfamily=FONT,
        color=colour,
        annotation_clip=False,
        parse_math=False,
    )


def name_transport(axes: Axes, x: float, y: float, transport: str, theme: Theme) -> None:
    """A transport's marker and its name, both in its colour."""
    colour, marker = theme.colour(transport), look(transport).marker
    axes.plot(x, y, marker=marker, markersize=_MARKER_PT, markeredgewidth=0, color=colour, clip_on=False)
    write(axes, x, y, transport, colour, right_pt=9, bold=True)
