"""Polling against theory: when an event is seen, and what the origin pays."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.lines import Line2D

from realtime_kit.plots.style import SHORT_DASH, SMALL_PT, THEORY_WIDTH_PT, Theme, look
from realtime_kit.plots.widgets.bars import Bars
from realtime_kit.plots.widgets.lettering import Lettering, Word
from realtime_kit.plots.widgets.paper import add_axes, head, name_axes
from realtime_kit.plots.widgets.polling_view import POLLING, PollingView
from realtime_kit.plots.widgets.scale import round_up
from realtime_kit.plots.widgets.scene import Scene
from realtime_kit.plots.words import format_rate, format_seconds, format_share

_CURVE_IN = (0.75, 0.62, 4.65, 2.2)
_REQUESTS_IN = (6.15, 2.22, 2.9, 0.6)
_EMPTY_IN = (6.15, 0.62, 2.9, 0.6)
_BAR = 0.42
_ABOVE = 0.79
"""Where the numbers stand, in heights of the bar's axes from its middle."""

_MARKED = (0.50, 0.90, 0.99)
_ROOM = 1.12
"""The axis of latency in longest waits."""


class PollingScene(Scene[PollingView]):
    """Left: the share of deliveries seen against latency. Right: requests, and the share asked in vain."""

    size_in = (9.4, 3.5)

    def __init__(self) -> None:
        super().__init__()
        self._ends = (0.0, 0.0)

    def build(self, figure: Figure, theme: Theme) -> None:
        """Three axes; their ends come with the first view."""
        self._theme = theme
        self._curve = self._add_curve(figure)
        requests, empty = add_axes(figure, _REQUESTS_IN, theme), add_axes(figure, _EMPTY_IN, theme)
        head(requests, "Origin requests per second", "", theme)
        head(empty, "Answers without an event", "", theme)
        empty.set_xlim(0, 1)
        empty.set_xticks([0, 0.25, 0.5, 0.75, 1], ["0 %", "25 %", "50 %", "75 %", "100 %"])
        self._requests, self._empty = _Cost(requests, theme, format_rate), _Cost(empty, theme, format_share)
        style, colour = look(POLLING), theme.colour(POLLING)
        self._theory = self._add_line(
            color=theme.theory_colour(POLLING), linestyle=(0, style.dash), linewidth=THEORY_WIDTH_PT, zorder=4
        )
        self._measured = self._add_line(color=colour, linestyle="-", linewidth=style.width_pt, zorder=3)
        self._marks = self._add_line(
            color=colour,
            linestyle="",
            marker=style.marker,
            markersize=7,
            markeredgecolor=theme.background,
            zorder=5,
        )
        self._remarks = Lettering(self._curve)
        lines = [self._measured, self._theory, self._marks, self._remarks]
        self.moving = [*lines, *self._requests.moving, *self._empty.moving]

    def update(self, view: PollingView) -> bool:
        """Theory follows the sliders, the rest what is measured."""
        changed = self._fit(view)
        self._move_curve(view)
        load, found = view.settings.load(), view.measured
        for cost, predicted, measured in (
            (self._requests, load.origin_requests_per_s, found.requests_per_s if found else None),
            (self._empty, load.empty_fraction, found.empty_fraction if found else None),
        ):
            cost.move(predicted or 0.0, measured)
        return changed

    def _fit(self, view: PollingView) -> bool:
        """Give the axes the ends that this view needs; whether they are others than before."""
        settings = [view.settings, *([view.measured.settings] if view.measured else [])]
        longest_s = max(each.interval_s for each in settings)
        most = max(each.load().origin_requests_per_s or 0.0 for each in settings)
        ends = (round_up(_ROOM * longest_s), round_up(_ROOM * most))
        if ends == self._ends:
            return False
        self._ends = ends
        self._curve.set_xlim(0, ends[0])
        _set_ticks(self._curve, ends[0], format_seconds)
        self._requests.axes.set_xlim(0, ends[1])
        _set_ticks(self._requests.axes, ends[1], format_rate)
        return True

    # Left

    def _add_curve(self, figure: Figure) -> Axes:
        axes = add_axes(figure, _CURVE_IN, self._theme)
        axes.set_ylim(-0.02, 1.06)
        axes.set_yticks([0, 0.25, 0.5, 0.75, 1], ["0 %", "25 %", "50 %", "75 %", "100 %"])
        head(
            axes,
            "When an event is seen",
            "dashed: theory   ·   solid: measured, with marks at 50, 90 and 99 %",
            self._theme,
            left_pt=44,
        )
        name_axes(axes, self._theme, x="latency since the event was due", y="share of deliveries seen")
        return axes

    def _add_line(self, **style: Any) -> Line2D:
        (line,) = self._curve.plot([], [], **({"marker": ""} | style))
        return line

    def _move_curve(self, view: PollingView) -> None:
        law = view.settings.latency(view.downstream_s)
        self._theory.set_data([0, law.min, law.max, self._ends[0]], [0, 0, 1, 1])
        points = view.measured.curve() if view.measured else np.empty((0, 2))
        self._measured.set_data(points[:, 0], points[:, 1])
        found = view.measured.quantiles_s(*_MARKED) if view.measured else []
        self._marks.set_data(found, _MARKED[: len(found)])
        theory = f"theory: evenly spread up to {format_seconds(law.max)}"
        remarks = [(theory, self._theme.theory_colour(POLLING))]
        if view.measured is not None:
            measured = f"measured: {view.measured.deliveries:,} deliveries"
            if view.measured.is_sampled:
                measured += f", one in {view.measured.sampled} drawn"
            remarks.append((measured, self._theme.colour(POLLING)))
            if view.differs:
                remarks.append((str(view.measured.settings), self._theme.muted))
        self._remarks.write(  # in the corner that the curve of a uniform law leaves free
            Word(text, self._ends[0], 0.24 - 0.095 * row, colour, SMALL_PT + 0.5, right_pt=-6, align=1.0)
            for row, (text, colour) in enumerate(remarks)
        )


class _Cost:
    """A bar on axes of its own, the line where theory has its end, and both as numbers above it."""

    def __init__(self, axes: Axes, theme: Theme, write: Callable[[float | None], str]) -> None:
        axes.set_ylim(-0.5, 0.5)
        axes.set_yticks([])
        self.axes = axes
        self._theme = theme
        self._write = write
        self._bar = Bars(axes, [0.0], [theme.colour(POLLING)], thick=_BAR)
        (self._mark,) = axes.plot(
            [],
            [],
            color=theme.theory_colour(POLLING),
            linewidth=THEORY_WIDTH_PT + 0.4,
            linestyle=(0, SHORT_DASH),
            marker="",
            zorder=4,
            clip_on=False,
        )
        self._numbers = Lettering(axes)
        self.moving = [self._bar, self._mark, self._numbers]

    def move(self, predicted: float, measured: float | None) -> None:
        """Show these two values."""
        self._bar.grow([measured or 0.0])
        self._mark.set_data([predicted, predicted], [-0.36, 0.36])
        words = f"theory {self._write(predicted)}"
        if measured is not None:
            words = f"measured {self._write(measured)}   ·   {words}"
        self._numbers.write([Word(words, 0, _ABOVE, self._theme.text, SMALL_PT + 0.5)])


def _set_ticks(axes: Axes, end: float, write: Callable[[float], str]) -> None:
    steps = 4 if f"{end:e}".startswith("2") else 5
    ticks = np.linspace(0, end, steps + 1)
    axes.set_xticks(ticks, [write(float(tick)) for tick in ticks])
