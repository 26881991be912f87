"""A server that stood still, counted in two ways: request by request, and as percentiles."""

from __future__ import annotations

from typing import Any

import numpy as np
from matplotlib.axes import Axes
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.figure import Figure
from matplotlib.ticker import FuncFormatter, NullLocator
from numpy.typing import NDArray

from realtime_kit.measurements.stall import StallRun
from realtime_kit.plots.save import Picture
from realtime_kit.plots.style import (
    BODY_PT,
    FONT,
    GRID_WIDTH_PT,
    HEADING_PT,
    LIGHT,
    SMALL_PT,
    THEORY_WIDTH_PT,
    TITLE_PT,
    Theme,
)
from realtime_kit.plots.words import format_seconds

DPI = 100
_NINES = (0.5, 0.9, 0.99, 0.999)


def stall_figure(
    run: StallRun, *, theme: Theme = LIGHT, size_in: tuple[float, float] = (10.4, 4.9)
) -> Figure:
    """Left: each request's latency, by when it was due. Right: the percentiles that follow.

    Args:
        run: What was measured.
        theme: `LIGHT` or `DARK`.
        size_in: Width and height in inches.
    """
    figure = Picture(figsize=size_in, dpi=DPI, facecolor=theme.background)
    FigureCanvasAgg(figure)
    true, naive = theme.colour("polling"), theme.colour("streaming")
    title = f"The server stood still for {format_seconds(run.stall_s)}. Who noticed?"
    figure.text(0.04, 0.925, title, color=theme.text, fontsize=TITLE_PT, fontfamily=FONT)
    key = "from the due moment (true)   ", "from the moment of sending (naive)"
    figure.text(0.04, 0.865, "●  " + key[0], color=true, fontsize=BODY_PT, fontfamily=FONT)
    figure.text(0.31, 0.865, "▲  " + key[1], color=naive, fontsize=BODY_PT, fontfamily=FONT)
    left = figure.add_axes((0.095, 0.14, 0.385, 0.55))
    right = figure.add_axes((0.585, 0.14, 0.385, 0.55))
    _draw_requests(left, run, true, naive)
    _draw_percentiles(right, run, theme, true, naive)
    _dress(left, theme, "Each request", "each is drawn twice", "when it was due")
    note = "dashed: naive, with the correction   ·   dotted: theory"
    _dress(right, theme, "Percentiles", note, "share of the requests")
    left.set_ylabel("latency", labelpad=6, color=theme.muted, fontsize=SMALL_PT, fontfamily=FONT)
    left.xaxis.set_major_formatter(FuncFormatter(lambda second, _: f"{second:g} s"))
    return figure


def _draw_requests(axes: Axes, run: StallRun, true: str, naive: str) -> None:
    axes.plot(run.due_s, run.true_s, "o", color=true, markersize=3.6, markeredgewidth=0)
    axes.plot(run.due_s, run.naive_s, "^", color=naive, markersize=5.0, markeredgewidth=0, clip_on=False)
    axes.annotate(
        "one slow request",
        (run.due_s[run.naive_s.argmax()], run.naive_s.max()),
        (-9, -3),
        textcoords="offset points",
        ha="right",
        color=naive,
        fontsize=SMALL_PT,
        fontfamily=FONT,
    )
    axes.set_ylim(bottom=0)
    axes.set_xlim(0, run.run_s)


def _draw_percentiles(axes: Axes, run: StallRun, theme: Theme, true: str, naive: str) -> None:
    for samples_s, colour, width in ((run.true_s, true, 3.4), (run.naive_s, naive, 2.4)):
        axes.plot(*_tail(samples_s), color=colour, linewidth=width)
    axes.plot(*_tail(run.corrected_s), color=theme.text, linewidth=1.3, linestyle=(0, (4, 2)))
    # True latencies beyond the percentile: a request due x seconds into the stall waits D - x.
    beyond = np.geomspace(1 / len(run.due_s), min(1.0, run.stall_s / run.run_s), 60)
    theory_s = run.stall_s - beyond * run.run_s
    axes.plot(
        _nines(1 - beyond), theory_s, color=theme.muted, linewidth=THEORY_WIDTH_PT, linestyle=(0, (1, 1.4))
    )
    axes.set_xlim(0, _nines(np.array([1 - 1 / len(run.due_s)]))[0])
    axes.set_ylim(bottom=0)
    axes.set_xticks([_nines(np.array([share]))[0] for share in _NINES], ["50 %", "90 %", "99 %", "99.9 %"])
    axes.xaxis.set_minor_locator(NullLocator())


def _tail(samples_s: NDArray[np.float64]) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Nearest-rank percentiles, one for each sample but the last, whose percentile would be at infinity."""
    ordered = np.sort(samples_s)
    shares = np.arange(1, len(ordered)) / len(ordered)
    return _nines(shares), ordered[:-1]


def _nines(shares: NDArray[np.float64]) -> NDArray[np.float64]:
    """Where a percentile stands: each further nine is one step."""
    return -np.log10(1 - shares)


def _dress(axes: Axes, theme: Theme, heading: str, key: str, x: str) -> None:
    axes.set_facecolor(theme.background)
    axes.spines[:].set_visible(False)
    axes.yaxis.set_major_formatter(FuncFormatter(lambda second, _: format_seconds(second)))
    axes.tick_params(length=0, pad=6, labelsize=SMALL_PT, labelcolor=theme.text, labelfontfamily=FONT)
    axes.grid(True, color=theme.grid, linewidth=GRID_WIDTH_PT)
    axes.set_axisbelow(True)
    axes.set_xlabel(x, labelpad=6, color=theme.muted, fontsize=SMALL_PT, fontfamily=FONT)
    _write_above(axes, heading, 23, color=theme.text, fontsize=HEADING_PT, fontweight="bold")
    _write_above(axes, key, 9, color=theme.muted, fontsize=SMALL_PT)


def _write_above(axes: Axes, text: str, above_pt: float, **style: Any) -> None:
    axes.annotate(
        text,
        (0, 1),
        (0, above_pt),
        xycoords="axes fraction",
        textcoords="offset points",
        fontfamily=FONT,
        **style,
    )
