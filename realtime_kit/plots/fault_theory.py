"""The fault lab's figures beside theory: what was lost, and how long gaps stayed open."""

from __future__ import annotations

import math

import numpy as np
from matplotlib.axes import Axes
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.figure import Figure
from matplotlib.patches import Rectangle

from realtime_kit.errors import UsageError
from realtime_kit.measurements.fault_run import RECOVERING, FaultRun
from realtime_kit.measurements.recovery import Recoveries
from realtime_kit.plots.fates import FATES, MISSING, RECOVERED
from realtime_kit.plots.save import Picture
from realtime_kit.plots.style import BODY_PT, FONT, GRID_WIDTH_PT, LIGHT, SMALL_PT, TITLE_PT, Theme, blend
from realtime_kit.plots.words import format_seconds, format_share

_DPI = 100
_WIDTH_IN, _LEFT_IN, _RIGHT_IN = 9.4, 2.7, 1.6
_ROW_IN, _HEAD_IN, _FOOT_IN = 0.34, 1.0, 0.62
_MARK_PT = 8.0


def losses_figure(run: FaultRun, *, theme: Theme = LIGHT) -> Figure:
    """What those lost that do not recover, beside `D/M`: the share of the time in which nothing reached them.

    Args:
        run: The result of the fault lab.
        theme: `LIGHT` or `DARK`.

    Raises:
        UsageError: if only transports that recover took part.
    """
    shown = [each for each in run.results if each.transport not in RECOVERING]
    if not shown:
        raise UsageError("this run has no transport that could lose something: try transports=('push only',)")
    names = [f"{each.scenario} · {each.transport}" for each in shown]
    figure, axes = _sheet(names, theme)
    colour = FATES[MISSING].colour(theme)
    most = max(0.05, *(max(each.predicted_loss, each.ledger.lost_share) for each in shown))
    for row, each in enumerate(shown):
        measured, predicted = each.ledger.lost_share, each.predicted_loss
        axes.add_patch(Rectangle((0, row - 0.22), measured, 0.44, facecolor=colour, linewidth=0, zorder=2))
        theory = blend(colour, theme.text, 0.45)
        axes.plot([predicted] * 2, [row - 0.42, row + 0.42], color=theory, linewidth=2, linestyle=(0, (2, 1)))
        said = f"{format_share(measured)}  (theory {format_share(predicted)})"
        _say(axes, row, said, theme.text if measured else theme.muted)
    top = 1.05 * most
    axes.set_xlim(0, top)
    ticks = [tick for tick in np.arange(0, 1.01, 0.1 if top > 0.3 else 0.05) if tick <= top]
    axes.set_xticks(ticks, [f"{100 * tick:.0f} %" for tick in ticks])
    _head(
        figure, "What push alone loses", "bar: measured   ·   dashes: theory, D/M of the outages seen", theme
    )
    axes.set_xlabel("share of the deliveries that never came", color=theme.muted, size=SMALL_PT, family=FONT)
    return figure


def recovery_figure(recoveries: Recoveries, *, theme: Theme = LIGHT) -> Figure:
    """How long each gap stayed open, on the span that the timers allow.

    Args:
        recoveries: What was measured.
        theme: `LIGHT` or `DARK`.
    """
    figure, axes = _sheet([each.way for each in recoveries.ways], theme)
    colour = FATES[RECOVERED].colour(theme)
    span = blend(theme.background, theme.muted, 0.3)
    for row, each in enumerate(recoveries.ways):
        wide_s = each.latest_s - each.earliest_s
        box = Rectangle((each.earliest_s, row - 0.4), wide_s, 0.8, facecolor=span, linewidth=0, zorder=1.5)
        axes.add_patch(box)
        # Apart from each other, so that those that took the same time are seen.
        heights = row + np.linspace(-0.24, 0.24, len(each.took_s))
        axes.plot(
            each.took_s,
            heights,
            linestyle="",
            marker=FATES[RECOVERED].marker,
            markersize=_MARK_PT,
            color=colour,
            markeredgecolor=theme.background,
            zorder=3,
        )
        _say(axes, row, f"median {format_seconds(each.median_s)}", theme.text)
    end_s = math.ceil(1.02 * max(max(each.latest_s, *each.took_s) for each in recoveries.ways))
    axes.set_xlim(0, end_s)
    axes.set_xticks(range(end_s + 1), [f"{tick} s" for tick in range(end_s + 1)])
    key = "triangle: a gap that was closed   ·   grey: what the configured timers allow"
    _head(figure, "How long a gap stays open", key, theme)
    axes.set_xlabel(
        "from the moment Pushpin could know until the event came",
        color=theme.muted,
        size=SMALL_PT,
        family=FONT,
    )
    return figure


def _sheet(names: list[str], theme: Theme) -> tuple[Figure, Axes]:
    """Axes with a row for each name."""
    high_in = _ROW_IN * len(names)
    height_in = _HEAD_IN + high_in + _FOOT_IN
    figure = Picture(figsize=(_WIDTH_IN, height_in), dpi=_DPI, facecolor=theme.background)
    FigureCanvasAgg(figure)
    box_in = (_LEFT_IN, _FOOT_IN, _WIDTH_IN - _LEFT_IN - _RIGHT_IN - 0.4, high_in)
    axes = figure.add_axes(
        (box_in[0] / _WIDTH_IN, box_in[1] / height_in, box_in[2] / _WIDTH_IN, box_in[3] / height_in),
        facecolor=theme.background,
    )
    axes.set_ylim(len(names) - 0.5, -0.5)
    axes.set_yticks(range(len(names)), names)
    axes.tick_params(length=0, labelsize=BODY_PT, labelcolor=theme.text, labelfontfamily=FONT)
    axes.tick_params(axis="x", labelsize=SMALL_PT)
    axes.grid(True, axis="x", color=theme.grid, linewidth=GRID_WIDTH_PT)
    axes.set_axisbelow(True)
    axes.spines[:].set_visible(False)
    return figure, axes


def _say(axes: Axes, row: int, text: str, colour: str) -> None:
    """What a row's figures are, at its right end."""
    axes.annotate(
        text,
        (1, row),
        (8, 0),
        xycoords=("axes fraction", "data"),
        textcoords="offset points",
        va="center",
        fontsize=SMALL_PT,
        fontfamily=FONT,
        color=colour,
        annotation_clip=False,
    )


def _head(figure: Figure, title: str, key: str, theme: Theme) -> None:
    height_in = figure.get_size_inches()[1]
    for above_in, text, size_pt, colour, weight in (
        (0.45, title, TITLE_PT - 3, theme.text, "bold"),
        (0.75, key, SMALL_PT, theme.muted, "normal"),
    ):
        figure.text(
            0.4 / _WIDTH_IN,
            1 - above_in / height_in,
            text,
            color=colour,
            family=FONT,
            fontsize=size_pt,
            weight=weight,
        )
