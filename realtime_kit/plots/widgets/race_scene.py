"""A race while it is run: every delivery as a dot, and what the origin has paid so far."""

from __future__ import annotations

import math
from collections.abc import Iterator

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from numpy.typing import NDArray

from realtime_kit.origin.long_polling import HOLD_TIMEOUT_S
from realtime_kit.plots.style import (
    BODY_PT,
    SHORT_DASH,
    SMALL_PT,
    THEORY_WIDTH_PT,
    Theme,
    blend,
    look,
)
from realtime_kit.plots.widgets.bars import Bars
from realtime_kit.plots.widgets.dots import Dots
from realtime_kit.plots.widgets.lettering import Lettering, Word
from realtime_kit.plots.widgets.paper import add_axes, add_bare_axes, head, name_axes, name_transport, write
from realtime_kit.plots.widgets.race_view import STRIP_S, Course, RaceView
from realtime_kit.plots.widgets.scale import apart
from realtime_kit.plots.widgets.scene import Scene
from realtime_kit.plots.words import format_seconds
from realtime_kit.theory import long_polling

FASTEST_S = 0.5e-3
"""Lower end of the latency axis; what was faster lies on its edge."""

_TICKS_S = (1e-3, 1e-2, 0.1, 1.0, 10.0, 100.0, 1000.0)
_STRIP_IN = (0.9, 0.64, 4.3, 2.44)
_LOAD_IN = (7.05, 0.4, 2.05, 2.68)
_NAMES_APART = 0.08
_BAR = 0.25
_NUMBER_ROOM = 1.45
"""The longest bar and its number, in lengths of the bar."""


class RaceScene(Scene[RaceView]):
    """Left: latency against the moment an event was due, on a logarithmic scale. Right: requests so far.

    Args:
        course: What has been set; decides the axes.
    """

    size_in = (9.4, 3.75)

    def __init__(self, course: Course) -> None:
        super().__init__()
        self._course = course
        # Decades by hand: matplotlib's logarithmic axes take twice as long to draw on.
        self._low, self._high = math.log10(FASTEST_S), math.log10(max(1.0, 2 * course.interval_s))
        self._most = max([1.0, *(expected_requests(course, name) for name in course.transports)])

    def build(self, figure: Figure, theme: Theme) -> None:
        """Both sides, and the line beneath them that grows with time."""
        self._theme = theme
        strip = add_axes(figure, _STRIP_IN, theme)
        self._dress_strip(strip, theme)
        self._dots = Dots(strip, self._course.transports, theme)
        self._names = Lettering(strip)
        load = add_bare_axes(figure, _LOAD_IN)
        self._dress_load(load, theme)
        self._numbers = Lettering(load)
        bottom = add_bare_axes(figure, (0, 0, self.size_in[0], 0.04))
        self._time = Bars(bottom, [0.5], [theme.muted], thick=1)
        self.moving = [self._time, self._bars, self._dots, self._names, self._numbers]

    def update(self, view: RaceView) -> bool:
        """Everything moves; the axes stay."""
        self._time.grow([view.share])
        self._dots.move({name: self._points(view, name) for name in self._course.transports})
        self._names.write(self._name(view))
        self._move_bars(view)
        return False

    def _points(self, view: RaceView, transport: str) -> NDArray[np.float64]:
        """Where a transport's dots stand."""
        recent = view.latest(transport)
        due_s, latency_s = recent.due_s[recent.shown], recent.latency_s[recent.shown]
        return np.column_stack([due_s - view.passed_s, self._heights(latency_s)])

    def _heights(self, latency_s: NDArray[np.float64]) -> NDArray[np.float64]:
        """Decades; what lies beyond the axis lies on its edge."""
        return np.clip(np.log10(np.maximum(latency_s, FASTEST_S)), self._low, self._high)

    # Left

    def _dress_strip(self, axes: Axes, theme: Theme) -> None:
        axes.set(xlim=(-STRIP_S, 0), ylim=(self._low, self._high))
        ticks_s = [tick for tick in _TICKS_S if self._low <= math.log10(tick) <= self._high]
        axes.set_yticks([math.log10(tick) for tick in ticks_s], [format_seconds(tick) for tick in ticks_s])
        axes.set_xticks([-15, -10, -5, 0], ["15 s ago", "10 s ago", "5 s ago", "now"])
        name_axes(axes, theme, x="when the event was due", y="latency (logarithmic)")
        nth = self._course.deliveries_per_dot
        what = "Every dot is a delivery" if nth == 1 else f"A dot for one delivery in {nth}"
        head(axes, what, "the higher, the later it was seen", theme, left_pt=58)
        self._shade_future(axes, theme)
        if "polling" in self._course.transports:
            self._draw_interval(axes, theme)

    def _shade_future(self, axes: Axes, theme: Theme) -> None:
        """An event that was due two seconds ago cannot have taken three: up there is nothing yet."""
        ago_s = np.concatenate([[0], np.geomspace(FASTEST_S, STRIP_S, 200)])
        axes.fill_between(
            -ago_s,
            self._heights(ago_s),
            self._high,
            color=blend(theme.background, theme.grid, 0.5),
            linewidth=0,
            zorder=0.5,
        )
        write(
            axes,
            0,
            self._above_interval(),
            "not seen yet",
            theme.muted,
            right_pt=-6,
            size_pt=SMALL_PT,
            align="right",
        )

    def _draw_interval(self, axes: Axes, theme: Theme) -> None:
        """Theory, before anything is measured: polling's longest wait is its interval."""
        height, colour = math.log10(self._course.interval_s), theme.theory_colour("polling")
        dash = (0, look("polling").dash)
        axes.axhline(height, color=colour, linestyle=dash, linewidth=THEORY_WIDTH_PT, zorder=4)
        words = f"theory: polling waits {format_seconds(self._course.interval_s)} at most + answer"
        write(axes, -STRIP_S, self._above_interval(), words, colour, right_pt=4, size_pt=SMALL_PT)

    def _above_interval(self) -> float:
        """Height of words just above the line of the polling interval."""
        return math.log10(self._course.interval_s) + 0.045 * (self._high - self._low)

    def _name(self, view: RaceView) -> Iterator[Word]:
        """Names and medians beside the strip, as high as the median but never on one another."""
        medians = {name: view.median_s.get(name, math.nan) for name in self._course.transports}
        known = sorted((name for name in medians if not math.isnan(medians[name])), key=medians.__getitem__)
        shares = (self._heights(np.array([medians[name] for name in known])) - self._low) / (
            self._high - self._low
        )
        for name, share in zip(known, apart(shares.tolist(), _NAMES_APART), strict=True):
            words = f"{name}  {format_seconds(float(f'{medians[name]:.2g}'))}"
            height = self._low + share * (self._high - self._low)
            yield Word(words, 0, height, self._theme.colour(name), BODY_PT - 0.5, bold=True, right_pt=8)

    # Right

    def _dress_load(self, axes: Axes, theme: Theme) -> None:
        transports = self._course.transports
        axes.set(xlim=(0, _NUMBER_ROOM), ylim=(len(transports) - 0.42, -0.5))
        head(axes, "What the origin pays", "requests so far · pale: in vain", theme)
        colours = [theme.colour(name) for name in transports]
        pale = [blend(theme.background, colour, 0.35) for colour in colours]
        rows = range(len(transports))
        self._bars = Bars(axes, [*rows, *rows], [*pale, *colours], thick=_BAR)
        ends = [(row - _BAR / 2, row + _BAR / 2) for row in rows]
        axes.vlines(
            [0.0] * len(ends), *zip(*ends, strict=True), color=theme.muted, linewidth=0.8, linestyle="-"
        )
        for row, name in enumerate(transports):
            name_transport(axes, 0.035, row - 0.31, name, theme)
            self._draw_expected(axes, row, name)

    def _draw_expected(self, axes: Axes, row: int, transport: str) -> None:
        """Theory: where the bar will end."""
        x = expected_requests(self._course, transport) / self._most
        axes.plot(
            [x, x],
            [row - _BAR / 2 - 0.07, row + _BAR / 2 + 0.07],
            color=self._theme.theory_colour(transport),
            linewidth=THEORY_WIDTH_PT + 0.4,
            linestyle=(0, SHORT_DASH),
            marker="",
            clip_on=False,
            zorder=4,
        )

    def _move_bars(self, view: RaceView) -> None:
        most = max([self._most, *view.origin_requests.values()])
        asked = [view.origin_requests.get(name, 0) for name in self._course.transports]
        vain = [view.empty_responses.get(name, 0) for name in self._course.transports]
        news = [max(0, count - empty) for count, empty in zip(asked, vain, strict=True)]
        self._bars.grow(count / most for count in (*asked, *news))
        words = []
        for row, name in enumerate(self._course.transports):
            end = max(asked[row], expected_requests(self._course, name)) / most
            words.append(Word(f"{asked[row]:,}", end, row, self._theme.text, right_pt=6))
            delivered = f"{view.received.get(name, 0):,} delivered"
            words.append(Word(delivered, 0, row + 0.33, self._theme.muted, SMALL_PT))
        self._numbers.write(words)


def expected_requests(course: Course, transport: str) -> float:
    """Requests at the origin over the whole window, by theory; long-polling's as if asking took no time."""
    if transport == "polling":
        return course.clients * course.seconds / course.interval_s
    if transport == "long-polling":
        load = long_polling.load(
            clients=course.clients,
            rate_per_s=course.rate_per_s,
            window_s=0.0,
            hold_timeout_s=float(HOLD_TIMEOUT_S),
        )
        return (load.origin_requests_per_s or 0.0) * course.seconds
    return 0.0
