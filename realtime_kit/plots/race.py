"""A race in one picture: what one sees, what it costs, and how the picture knows."""

from __future__ import annotations

from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.figure import Figure

from realtime_kit.errors import UsageError
from realtime_kit.measurements.run import Run
from realtime_kit.plots.latency_panel import draw_latency
from realtime_kit.plots.load_panel import draw_load
from realtime_kit.plots.save import Picture
from realtime_kit.plots.sentences import basis, conditions, headline, verdict
from realtime_kit.plots.style import (
    FONT,
    HEADING_PT,
    LIGHT,
    LINE_SPACING,
    MARGIN_IN,
    SMALL_PT,
    TITLE_PT,
    Theme,
)

SMALLEST_IN = (10.0, 5.8)
"""Below this the type does not fit."""

DPI = 100
"""Dots per inch until it is saved; only proportions depend on it."""

_HEAD_IN = 0.5
_AXIS_IN = (0.78, 0.56)
_BETWEEN_IN = 0.5
_LOAD_IN = 4.25
_LOAD_SHARE = 0.385
_KEY = "solid: measured, with marks at 50, 90 and 99 %   ·   dashed: theory"


def race_figure(run: Run, *, theme: Theme = LIGHT, size_in: tuple[float, float] = (11, 6.2)) -> Figure:
    """Latency and load of every transport, measured and predicted, side by side.

    The figure belongs to no window and to no global state, and can be made on any thread.

    Args:
        run: A finished race; results without a single delivery are said to be so, not drawn.
        theme: `LIGHT` or `DARK`.
        size_in: Width and height in inches, at least 10 by 5.8.

    Raises:
        UsageError: if the figure is too small for its type.
    """
    if size_in[0] < SMALLEST_IN[0] or size_in[1] < SMALLEST_IN[1]:
        message = f"size_in is {size_in}, but a race needs at least {SMALLEST_IN} inches to be legible"
        raise UsageError(message)
    figure = Picture(figsize=size_in, dpi=DPI, facecolor=theme.background)
    FigureCanvasAgg(figure)
    top_in = _write_title(figure, headline(run), theme)
    bottom_in = _write_footer(figure, run, theme)
    _draw_panels(figure, run, theme, top_in=top_in - _HEAD_IN, bottom_in=bottom_in)
    return figure


def _draw_panels(figure: Figure, run: Run, theme: Theme, *, top_in: float, bottom_in: float) -> None:
    """Latency to the left, load to the right, their upper edges level."""
    width_in, height_in = figure.get_size_inches()
    load_in = max(_LOAD_IN, _LOAD_SHARE * width_in)
    left_in = MARGIN_IN + _AXIS_IN[0]
    latency_in = width_in - left_in - _BETWEEN_IN - load_in - MARGIN_IN
    above_axis_in = bottom_in + _AXIS_IN[1]
    place = (
        left_in / width_in,
        above_axis_in / height_in,
        latency_in / width_in,
        (top_in - above_axis_in) / height_in,
    )
    draw_latency(figure.add_axes(place), run, theme)
    _write(figure, MARGIN_IN, top_in + 22 / 72, "When an event is seen", HEADING_PT, theme.text, bold=True)
    _write(figure, MARGIN_IN, top_in + 8 / 72, _KEY, SMALL_PT, theme.muted)
    load_left_in = width_in - MARGIN_IN - load_in
    draw_load(figure, run, theme, box_in=(load_left_in, bottom_in, load_in, top_in - bottom_in))


def _write_title(figure: Figure, title: str, theme: Theme) -> float:
    """The headline at the top, in as many lines as it takes; gives the height that is left, in inches."""
    base_in = figure.get_size_inches()[1] - MARGIN_IN - TITLE_PT / 72
    lines = wrap(figure, title, TITLE_PT, bold=True)
    for line in lines:
        _write(figure, MARGIN_IN, base_in, line, TITLE_PT, theme.text, bold=True)
        base_in -= LINE_SPACING * TITLE_PT / 72
    return float(base_in)


def _write_footer(figure: Figure, run: Run, theme: Theme) -> float:
    """Where theory comes from, conditions and verdict at the bottom; gives the height above them, in inches."""
    step_in = LINE_SPACING * SMALL_PT / 72
    unbroken = (part.replace(" ", "\N{NO-BREAK SPACE}") for part in conditions(run))
    how = [*wrap(figure, basis(run), SMALL_PT), *wrap(figure, "  ·  ".join(unbroken), SMALL_PT)]
    trust = wrap(figure, verdict(run), SMALL_PT, bold=True)
    base_in = MARGIN_IN + step_in * (len(how) + len(trust))
    for number, line in enumerate((*how, *trust), start=1):
        bold = number > len(how)
        colour = theme.text if bold else theme.muted
        _write(figure, MARGIN_IN, base_in - number * step_in, line, SMALL_PT, colour, bold=bold)
    return base_in + step_in


def wrap(figure: Figure, text: str, size_pt: float, *, bold: bool = False) -> list[str]:
    """Lines of whole words that fit between the figure's margins when set in this size."""
    room = figure.dpi * (figure.get_size_inches()[0] - 2 * MARGIN_IN)
    probe = figure.text(
        0, 0, "", fontsize=size_pt, fontfamily=FONT, fontweight="bold" if bold else "normal", parse_math=False
    )
    lines: list[str] = []
    for word in text.split(" "):
        longer = f"{lines[-1]} {word}" if lines else word
        probe.set_text(longer)
        if lines and probe.get_window_extent().width <= room:
            lines[-1] = longer
        else:
            lines.append(word)
    probe.remove()
    return [line.strip(" ·") for line in lines if line.strip(" ·")]


def _write(
    figure: Figure, x_in: float, y_in: float, text: str, size_pt: float, colour: str, *, bold: bool = False
) -> None:
    """A line of text on a base line, placed in inches."""
    width_in, height_in = figure.get_size_inches()
    figure.text(
        x_in / width_in,
        y_in / height_in,
        text,
        fontsize=size_pt,
        fontfamily=FONT,
        fontweight="bold" if bold else "normal",
        color=colour,
        parse_math=False,
    )
