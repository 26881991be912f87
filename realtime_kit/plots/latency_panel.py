"""The race's left side: the share of deliveries seen, against latency."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
from matplotlib.axes import Axes
from matplotlib.ticker import FuncFormatter, LogLocator, NullLocator

from realtime_kit.measurements.latency import CURVE_SHARES
from realtime_kit.measurements.run import Result, Run
from realtime_kit.plots.labels import CurveLabel, Points, place_labels
from realtime_kit.plots.sentences import loss
from realtime_kit.plots.style import (
    BODY_PT,
    FONT,
    GRID_WIDTH_PT,
    SMALL_PT,
    THEORY_WIDTH_PT,
    Theme,
    look,
)
from realtime_kit.plots.words import format_seconds
from realtime_kit.quantities import Latency

LEFTMOST_S = 0.5e-3
"""Where the axis begins unless deliveries were faster."""

LEAST_DECADES = 1.5
"""An axis shorter than this shows noise."""

_MARKED = ((0.50, "p50"), (0.90, "p90"), (0.99, "p99"))
_TICKS = 6
_MARK_WEIGHT = 8
_TAIL_SHARE = 0.05
_DENSE_SHARES = np.linspace(0.0, 1.0, 401)


def draw_latency(axes: Axes, run: Run, theme: Theme) -> None:
    """Draw all distributions, measured and predicted, and name them at the curve.

    Args:
        axes: Already placed; its size decides where the names go.
        run: At least its results' `latency_curve_s`, `ledger` and `theory` are drawn.
        theme: Colours.
    """
    left_s, right_s = limits_s(run)
    axes.set(xscale="log", xlim=(left_s, right_s), ylim=(-0.02, 1.04), facecolor=theme.background)
    _dress(axes, theme)
    for result in run.results:
        _draw_theory(axes, result, theme)
        _draw_measured(axes, result, theme)
    _name_curves(axes, run, theme)


def limits_s(run: Run) -> tuple[float, float]:
    """Both ends of the latency axis, seconds: from half a millisecond, or less, beyond the largest latency."""
    measured = [measured_points(result)[:, 0] for result in run.results]
    predicted = [predicted_points(result)[:, 0] for result in run.results]
    early = [np.quantile(seconds, _TAIL_SHARE) for seconds in measured if len(seconds)]
    left_s = min([LEFTMOST_S, *(0.7 * float(second) for second in early if second > 0)])
    late = [float(seconds.max()) for seconds in (*measured, *predicted) if len(seconds)]
    return left_s, max([left_s * 10**LEAST_DECADES, *(1.6 * second for second in late)])


def measured_points(result: Result) -> Points:
    """The measured distribution: shape (points, 2), latency in seconds and share; ends where losses begin."""
    if not result.latency_curve_s:
        return np.empty((0, 2))
    points = np.column_stack([result.latency_curve_s, CURVE_SHARES])
    return np.asarray(points[np.isfinite(points[:, 0])])


def predicted_points(result: Result) -> Points:
    """The predicted distribution; empty where nothing was due, since theory may lack what it has to be told."""
    return theory_points(result.theory.latency) if result.ledger.expected else np.empty((0, 2))


def theory_points(latency: Latency) -> Points:
    """The predicted distribution through its known figures, shape (points, 2), straight in latency between them.

    Exact for polling's uniform law and for a constant one. Points lie densely, because what is straight in
    latency is bent on a logarithmic axis.
    """
    seconds = np.array([latency.min, latency.p50, latency.p90, latency.p99, latency.max])
    shares = np.array([0.0, 0.5, 0.9, 0.99, 1.0])
    known = np.isfinite(seconds)
    if not known.any():
        return np.empty((0, 2))
    dense = np.union1d(_DENSE_SHARES, shares)
    dense = dense[dense <= shares[known].max()]
    return np.column_stack([np.interp(dense, shares[known], seconds[known]), dense])


def _draw_measured(axes: Axes, result: Result, theme: Theme) -> None:
    """A solid line, and marks where the table's percentiles are."""
    points = measured_points(result)
    if not len(points):
        return
    colour = theme.colour(result.transport)
    style = look(result.transport)
    axes.plot(
        *points.T,
        color=colour,
        linestyle="-",
        linewidth=style.width_pt,
        marker="",
        label=f"{result.transport}, measured",
        zorder=3,
    )
    axes.plot(
        *_marks(result).T,
        linestyle="",
        marker=style.marker,
        markersize=style.marker_pt,
        color=colour,
        markeredgecolor=theme.background,
        label=f"{result.transport}, percentiles",
        zorder=5,
    )


def _marks(result: Result) -> Points:
    """Where the percentiles are: shape (percentiles, 2), latency in seconds and share, lost ones left out."""
    marks = [(getattr(result.latency, name), share) for share, name in _MARKED]
    return np.array([mark for mark in marks if np.isfinite(mark[0])]).reshape(-1, 2)


def _draw_theory(axes: Axes, result: Result, theme: Theme) -> None:
    """A dashed line on top of the measured one."""
    points = predicted_points(result)
    if not len(points):
        return
    axes.plot(
        *points.T,
        color=theme.theory_colour(result.transport),
        linestyle=(0, look(result.transport).dash),
        linewidth=THEORY_WIDTH_PT,
        marker="",
        label=f"{result.transport}, theory",
        zorder=4,
    )


def _dress(axes: Axes, theme: Theme) -> None:
    """Grid, ticks and axis names, no frame."""
    axes.spines[:].set_visible(False)
    axes.xaxis.set_major_locator(LogLocator(subs=_subdivisions(*axes.get_xlim()), numticks=_TICKS))
    axes.xaxis.set_minor_locator(NullLocator())
    axes.xaxis.set_major_formatter(FuncFormatter(lambda second, _: format_seconds(second)))
    axes.set_yticks([0, 0.25, 0.5, 0.75, 1], ["0 %", "25 %", "50 %", "75 %", "100 %"])
    axes.tick_params(length=0, pad=6, labelsize=BODY_PT, labelcolor=theme.text, labelfontfamily=FONT)
    axes.grid(True, color=theme.grid, linewidth=GRID_WIDTH_PT, linestyle="-")
    axes.set_axisbelow(True)
    axes.set_xlabel("latency since the event was due (logarithmic)", labelpad=7)
    axes.set_ylabel("share of deliveries seen", labelpad=7)
    for label in (axes.xaxis.label, axes.yaxis.label):
        label.set(color=theme.muted, fontsize=BODY_PT, fontfamily=FONT)


def _subdivisions(left_s: float, right_s: float) -> tuple[float, ...]:
    """More ticks where there are few decades."""
    return (1.0,) if right_s / left_s > 10**2.5 else (1.0, 2.0, 5.0)


def _name_curves(axes: Axes, run: Run, theme: Theme) -> None:
    """Names first, since they have to be near; then what was lost."""
    curves = [_dense(axes, points) for result in run.results for points in _both(result)]
    curves += [np.repeat(_marks(result), _MARK_WEIGHT, axis=0) for result in run.results]
    labels = [*_names(axes, run, theme), *_losses(axes, run, theme)]
    place_labels(axes, labels, curves, theme)


def _both(result: Result) -> tuple[Points, Points]:
    return measured_points(result), predicted_points(result)


def _names(axes: Axes, run: Run, theme: Theme) -> Iterator[CurveLabel]:
    """The transport and its median, on the middle part of its curve."""
    for result in run.results:
        points = _dense(axes, measured_points(result))
        middle = points[(points[:, 1] > 0.12) & (points[:, 1] < 0.95)] if len(points) else points
        if len(middle):
            yield CurveLabel(result.transport, theme.colour(result.transport), middle[::6], BODY_PT + 1)


def _losses(axes: Axes, run: Run, theme: Theme) -> Iterator[CurveLabel]:
    """`3 lost` where the curve stops; in a free place where there is no curve at all."""
    for result in run.results:
        points = _dense(axes, measured_points(result))
        colour = theme.colour(result.transport)
        if len(points) and loss(result):
            yield CurveLabel(loss(result), colour, points[-1:], SMALL_PT + 1, bold=False)
        elif loss(result) or not len(points):
            words = f"{result.transport}: {loss(result) or 'no distribution kept'}"
            yield CurveLabel(words, colour, _anywhere(axes), BODY_PT)


def _anywhere(axes: Axes) -> Points:
    """Places all over the axes, in data coordinates."""
    across, up = np.meshgrid(np.linspace(0.02, 0.9, 12), np.linspace(0.1, 0.9, 9))
    pixels = axes.transAxes.transform(np.column_stack([across.ravel(), up.ravel()]))
    return np.asarray(axes.transData.inverted().transform(pixels))


def _dense(axes: Axes, points: Points) -> Points:
    """The same line with a point at least every few pixels, within the axes; for judging what covers it."""
    if not len(points):
        return points
    left_s = axes.get_xlim()[0]
    pixels = axes.transData.transform(np.column_stack([np.maximum(points[:, 0], left_s), points[:, 1]]))
    way = np.concatenate([[0.0], np.cumsum(np.hypot(*np.diff(pixels, axis=0).T))])
    steps = np.linspace(0.0, way[-1], max(2, int(way[-1] / 3)))
    dense = np.column_stack([np.interp(steps, way, pixels[:, 0]), np.interp(steps, way, pixels[:, 1])])
    inside = axes.transData.inverted().transform(dense)
    return np.asarray(inside)
