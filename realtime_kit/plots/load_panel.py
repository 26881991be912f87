"""The race's right side: what the deliveries cost, a row for each transport and a column for each cost."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.patches import Rectangle
from matplotlib.transforms import ScaledTranslation

from realtime_kit.measurements.run import Result, Run
from realtime_kit.plots.style import (
    BODY_PT,
    FONT,
    HEADING_PT,
    SHORT_DASH,
    SMALL_PT,
    THEORY_WIDTH_PT,
    Theme,
    look,
)
from realtime_kit.plots.words import format_bytes, format_rate, format_share
from realtime_kit.quantities import Load

ROW_IN = 0.98
"""A row's height, unless there are too many."""

NUMBER_IN = 0.66
"""Room behind the longest bar for its number."""

GAP_IN = 0.14
"""Between columns."""

_MARKER_PT = 7.5
_BAR = 0.27
_THEORY_STANDS_OUT = 0.06
_NAME_ABOVE = 0.33
_THEORY_BELOW = 0.345


@dataclass(frozen=True, slots=True)
class Cost:
    """One column.

    Attributes:
        heading: What it costs, in a few words.
        unit: Of the numbers.
        value: Takes it from a load; None where the load does not say.
        write: Puts it in words.
        full: What a full bar stands for; None for the largest value in the column.
    """

    heading: str
    unit: str
    value: Callable[[Load], float | None]
    write: Callable[[float | None], str]
    full: float | None = None


COSTS = (
    Cost("Origin asked", "requests per second", lambda load: load.origin_requests_per_s, format_rate),
    Cost("Asked in vain", "share of answers", lambda load: load.empty_fraction, format_share, 1.0),
    Cost("Carried", "bytes per event", lambda load: load.bytes_per_delivery, format_bytes),
)
"""The three costs that transports trade against each other."""


def draw_load(figure: Figure, run: Run, theme: Theme, *, box_in: tuple[float, float, float, float]) -> None:
    """Draw the rows of bars.

    Args:
        figure: Where.
        run: Its results' `load` and `theory.load` are drawn.
        theme: Colours.
        box_in: Left, bottom, width and height in inches; rows start at the top and may leave room below.
    """
    if not run.results:
        return
    left_in, bottom_in, width_in, height_in = box_in
    column_in = (width_in - GAP_IN * (len(COSTS) - 1)) / len(COSTS)
    rows_in = min(height_in, ROW_IN * len(run.results))
    page_in = figure.get_size_inches()
    for index, cost in enumerate(COSTS):
        place = (left_in + index * (column_in + GAP_IN), bottom_in + height_in - rows_in, column_in, rows_in)
        axes = figure.add_axes(tuple(inch / page_in[i % 2] for i, inch in enumerate(place)))
        _draw_column(axes, cost, run, theme, column_in=column_in)
        if index == 0:
            _name_rows(axes, run, theme)


def _draw_column(axes: Axes, cost: Cost, run: Run, theme: Theme, *, column_in: float) -> None:
    """One cost for all transports, on one scale that starts at zero."""
    values = [cost.value(load) or 0.0 for result in run.results for load in (result.load, result.theory.load)]
    full = cost.full or max([*values, 0.0]) or 1.0
    axes.set(xlim=(0, full * column_in / (column_in - NUMBER_IN)), ylim=(len(run.results) - 0.5, -0.5))
    axes.set_axis_off()
    _head(axes, cost, theme)
    for row, result in enumerate(run.results):
        _draw_bar(axes, row, cost, result, theme)


def _draw_bar(axes: Axes, row: int, cost: Cost, result: Result, theme: Theme) -> None:
    """Measured as a solid bar with its number, theory as a dashed line with its own beneath."""
    measured, predicted = cost.value(result.load), cost.value(result.theory.load)
    colour = theme.colour(result.transport)
    axes.vlines(0, row - _BAR / 2, row + _BAR / 2, color=theme.muted, linewidth=0.8, linestyle="-")
    bar = Rectangle((0, row - _BAR / 2), measured or 0.0, _BAR, color=colour, linewidth=0)
    bar.set_label(f"{result.transport}, measured")
    axes.add_patch(bar)
    if predicted is not None:
        _draw_theory(axes, row, predicted, result, theme)
    end = max(measured or 0.0, predicted or 0.0)
    _write(axes, end, row, cost.write(measured), 5, size_pt=BODY_PT + 0.5, colour=theme.text)
    below = f"theory {cost.write(predicted)}"
    _write(axes, 0, row + _THEORY_BELOW, below, 0, size_pt=SMALL_PT, colour=theme.muted)


def _draw_theory(axes: Axes, row: int, predicted: float, result: Result, theme: Theme) -> None:
    """A dashed line where the bar should end, standing out above and below."""
    axes.plot(
        [predicted, predicted],
        [row - _BAR / 2 - _THEORY_STANDS_OUT, row + _BAR / 2 + _THEORY_STANDS_OUT],
        color=theme.theory_colour(result.transport),
        linewidth=THEORY_WIDTH_PT + 0.4,
        linestyle=(0, SHORT_DASH),
        marker="",
        label=f"{result.transport}, theory",
        clip_on=False,
        zorder=4,
    )


def _head(axes: Axes, cost: Cost, theme: Theme) -> None:
    """What the column shows, above it."""
    for text, above_pt, size_pt, colour, weight in (
        (cost.heading, 22, HEADING_PT, theme.text, "bold"),
        (cost.unit, 8, SMALL_PT, theme.muted, "normal"),
    ):
        axes.annotate(
            text,
            (0, 1),
            (0, above_pt),
            xycoords="axes fraction",
            textcoords="offset points",
            fontsize=size_pt,
            fontfamily=FONT,
            fontweight=weight,
            color=colour,
        )


def _name_rows(axes: Axes, run: Run, theme: Theme) -> None:
    """Marker and name above each row's bars, in the transport's colour."""
    for row, result in enumerate(run.results):
        colour = theme.colour(result.transport)
        axes.annotate(
            result.transport,
            (0, row - _NAME_ABOVE),
            (13, 0),
            textcoords="offset points",
            va="center",
            fontsize=BODY_PT + 1,
            fontfamily=FONT,
            fontweight="bold",
            color=colour,
            parse_math=False,
        )
        _draw_marker(axes, row - _NAME_ABOVE, result.transport, theme)


def _draw_marker(axes: Axes, y: float, transport: str, theme: Theme) -> None:
    """The marker that the transport's curve has, its centre a little inside the column."""
    inside = ScaledTranslation(4 / 72, 0, axes.figure.dpi_scale_trans)
    axes.plot(
        0,
        y,
        marker=look(transport).marker,
        markersize=_MARKER_PT,
        color=theme.colour(transport),
        clip_on=False,
        transform=axes.transData + inside,
    )


def _write(
    axes: Axes, x: float, y: float, text: str, right_pt: float, *, size_pt: float, colour: str
) -> None:
    """A number, a little to the right of a place."""
    axes.annotate(
        text,
        (x, y),
        (right_pt, 0),
        textcoords="offset points",
        va="center",
        fontsize=size_pt,
        fontfamily=FONT,
        color=colour,
    )
