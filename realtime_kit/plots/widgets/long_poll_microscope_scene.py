"""Long-polls under the microscope: a lane for each client, and the moment between two of its questions."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.lines import Line2D

from realtime_kit.plots.style import BODY_PT, SMALL_PT, Theme, blend
from realtime_kit.plots.widgets.lettering import Lettering, Word
from realtime_kit.plots.widgets.long_poll_microscope_view import LongPollView
from realtime_kit.plots.widgets.paper import Box, add_axes, head, name_axes, write
from realtime_kit.plots.widgets.scale import round_up
from realtime_kit.plots.widgets.scene import Scene
from realtime_kit.plots.widgets.spans import Span, Spans
from realtime_kit.plots.words import format_seconds

ACCENT = "polling"
"""Whose colour marks what nobody asked for; no polling is in this picture."""

_LANES_IN = (1.05, 0.55, 4.7, 2.9)
_MOMENT_IN = (6.3, 0.55, 2.15, 2.9)
_THICK = 0.5
_REMARK_BELOW = 0.62
_W_ABOVE = 0.62
_LANE_GAP = 1.25
"""From the last client's lane to the origin's first, in lanes; their heading stands in it."""

_BEFORE = 0.16
"""Share of the magnified moment that lies before its event."""

_LEAST_MS = 2.0
_TICKS = {1: 4, 2: 4, 5: 5}


class LongPollScene(Scene[LongPollView]):
    """Left: the whole run. Right: its last event, magnified. Both have the same lanes.

    Args:
        clients: How many lanes.
    """

    size_in = (9.4, 4.1)

    def __init__(self, clients: int) -> None:
        super().__init__()
        self._clients = clients
        self._asked_row = clients - 1 + _LANE_GAP + 0.55
        self._repeat_row = self._asked_row + 0.95
        self._until_s = 0.0
        self._moment_ms = 0.0

    def build(self, figure: Figure, theme: Theme) -> None:
        """The lanes; the time axes get their ends with the first view."""
        self._theme = theme
        self._run = _Lanes(figure, _LANES_IN, theme, self._rows())
        self._moment = _Lanes(figure, _MOMENT_IN, theme, self._rows())
        head(
            self._run.axes,
            "Held by Pushpin",
            "bar: held   ·   hairline: an event is published   ·   notch: in between",
            theme,
            left_pt=62,
        )
        head(
            self._moment.axes,
            "The moment in between",
            "gap: not there   ·   line: asks again",
            theme,
        )
        name_axes(self._run.axes, theme, x="time since the clients came")
        name_axes(self._moment.axes, theme, x="time since the last event")
        self._name_rows(theme)
        self._remarks = Lettering(self._run.axes)
        self._windows = Lettering(self._moment.axes)
        self.moving = [*self._run.moving, *self._moment.moving, self._remarks, self._windows]

    def update(self, view: LongPollView) -> bool:
        """Bars grow to the right; an axis changes when the run, or the moment, does not fit it."""
        changes = self._fit_run(view), self._fit_moment(view)
        held = [
            (each.client, each.held_from_s, view.now_s if each.held_until_s is None else each.held_until_s)
            for each in view.questions
            if each.held_from_s is not None
        ]
        under_way = [
            (each.client, each.asked_s, _first(each.held_from_s, each.answered_s, view.now_s))
            for each in view.questions
        ]
        published = [each.at_s for each in view.published]
        asked = [each.at_s for each in view.origin if each.why != "repeat"]
        repeated = [each.at_s for each in view.origin if each.why == "repeat"]
        self._run.show(held, under_way, published, asked, repeated)
        self._remark(view)
        self._magnify(view, held, under_way, published, asked, repeated)
        return any(changes)

    # Rows

    def _rows(self) -> tuple[int, float, float]:
        return self._clients, self._asked_row, self._repeat_row

    def _name_rows(self, theme: Theme) -> None:
        axes = self._run.axes
        for client in range(self._clients):
            write(axes, 0, client, f"client {client + 1}", theme.text, right_pt=-10, align="right")
        heading = self._asked_row - 0.85
        write(axes, 0, heading, "Pushpin asks the origin", theme.text, right_pt=-62, bold=True)
        accent = theme.colour(ACCENT)
        write(axes, 0, self._asked_row, "for a client", theme.muted, right_pt=-10, align="right", size_pt=9)
        write(
            axes,
            0,
            self._repeat_row,
            "by itself",
            accent,
            right_pt=-10,
            align="right",
            size_pt=SMALL_PT,
            bold=True,
        )

    # Left

    def _fit_run(self, view: LongPollView) -> bool:
        if view.until_s == self._until_s:
            return False
        self._until_s = view.until_s
        axes = self._run.axes
        axes.set_xlim(0, view.until_s)
        step = round_up(view.until_s / 6)
        ticks = np.arange(0, view.until_s + 1e-9, step)
        axes.set_xticks(ticks, [format_seconds(float(tick)) for tick in ticks])
        return True

    def _remark(self, view: LongPollView) -> None:
        """What the second request is, beside it."""
        second = view.second_requests
        if not second:
            self._remarks.write([])
            return
        first_held_s = min(each.held_from_s for each in view.questions if each.held_from_s is not None)
        after_s = format_seconds(second[0].at_s - first_held_s)
        self._remarks.write(
            [
                Word(
                    f"{_second_requests(len(second))}, {after_s} after the first hold",
                    second[0].at_s,
                    self._repeat_row + _REMARK_BELOW,
                    self._theme.colour(ACCENT),
                    SMALL_PT,
                    right_pt=-4,
                )
            ]
        )

    # Right

    def _fit_moment(self, view: LongPollView) -> bool:
        found = view.moment
        if found is None:
            longest_ms = self._moment_ms or 10 * _LEAST_MS
        else:
            event, between = found
            longest_ms = max(1e3 * (each.held_s - event.at_s) for each in between)
        end_ms = round_up(max(_LEAST_MS, 1.15 * longest_ms)) if found else longest_ms
        if end_ms == self._moment_ms:
            return False
        self._moment_ms = end_ms
        self._moment.axes.set_xlim(-_BEFORE * end_ms, end_ms)
        steps = _TICKS[int(f"{end_ms:e}"[0])]
        ticks = np.linspace(0, end_ms, steps + 1)
        self._moment.axes.set_xticks(ticks, [f"{tick:g}" for tick in ticks[:-1]] + [f"{end_ms:g} ms"])
        return True

    def _magnify(
        self,
        view: LongPollView,
        held: Sequence[Span],
        under_way: Sequence[Span],
        published: Sequence[float],
        asked: Sequence[float],
        repeated: Sequence[float],
    ) -> None:
        found = view.moment
        if found is None:
            self._moment.show([], [], [], [], [])
            self._windows.write(
                [Word("comes with the first event", 0, 0, self._theme.muted, SMALL_PT, right_pt=-10)]
            )
            return
        event, between = found
        low, high = -_BEFORE * self._moment_ms, self._moment_ms

        def spans(these: Sequence[Span]) -> list[Span]:
            there = [(row, 1e3 * (a - event.at_s), 1e3 * (b - event.at_s)) for row, a, b in these]
            return [(row, max(a, low), min(b, high)) for row, a, b in there if b > low and a < high]

        def points(these: Sequence[float]) -> list[float]:
            there = [1e3 * (at - event.at_s) for at in these]
            return [at for at in there if low <= at <= high]

        self._moment.show(spans(held), spans(under_way), points(published), points(asked), points(repeated))
        windows = [(each.client, format_seconds(each.gap_s), self._theme.text) for each in between]
        self._windows.write(
            Word(text, high, row, colour, BODY_PT, bold=True, right_pt=9)
            for row, text, colour in [(-_W_ABOVE, "W", self._theme.muted), *windows]
        )


class _Lanes:
    """A lane for each client, and two for Pushpin's requests to the origin."""

    def __init__(self, figure: Figure, box_in: Box, theme: Theme, rows: tuple[int, float, float]) -> None:
        clients, self._asked_row, self._repeat_row = rows
        self._clients = clients
        self.axes = add_axes(figure, box_in, theme)
        self.axes.set_ylim(self._repeat_row + 1.05, -0.6)
        self.axes.set_yticks([])
        self.axes.grid(False)
        self._draw_paper(theme)
        colour = theme.colour("long-polling")
        self._hairlines = _line(self.axes, color=theme.muted, linewidth=0.9, zorder=1)
        self._under_way = _line(self.axes, color=colour, linewidth=1.6, zorder=1.8)
        self._held = Spans(self.axes, colour, theme.background, thick=_THICK)
        self._asked = _line(
            self.axes, color=colour, linestyle="", marker="|", markersize=11, markeredgewidth=1.5, zorder=3
        )
        self._repeated = _line(
            self.axes,
            color=theme.colour(ACCENT),
            linestyle="",
            marker="D",
            markersize=6.5,
            markeredgecolor=theme.background,
            markeredgewidth=0.8,
            zorder=4,
        )
        self.moving = [self._hairlines, self._under_way, self._held, self._asked, self._repeated]

    def _draw_paper(self, theme: Theme) -> None:
        tint = blend(theme.background, theme.grid, 0.5)
        for client in range(self._clients):
            self.axes.axhspan(client - 0.36, client + 0.36, color=tint, linewidth=0, zorder=0.5)
        for row in (self._asked_row, self._repeat_row):
            self.axes.axhline(row, color=theme.grid, linewidth=0.8, zorder=0.6)

    def show(
        self,
        held: Sequence[Span],
        under_way: Sequence[Span],
        published: Sequence[float],
        asked: Sequence[float],
        repeated: Sequence[float],
    ) -> None:
        """Let these be what is on the lanes."""
        self._held.place(held)
        x, y = _cut([(left, right) for _, left, right in under_way], [(row, row) for row, _, _ in under_way])
        self._under_way.set_data(x, y)
        ends = (-0.6, self._clients - 0.4)
        self._hairlines.set_data(*_cut([(at, at) for at in published], [ends for _ in published]))
        self._asked.set_data(asked, [self._asked_row] * len(asked))
        self._repeated.set_data(repeated, [self._repeat_row] * len(repeated))


def _cut(
    x: Sequence[tuple[float, float]], y: Sequence[tuple[float, float]]
) -> tuple[list[float], list[float]]:
    """One line of many pieces."""
    nan = float("nan")
    return [at for pair in x for at in (*pair, nan)], [at for pair in y for at in (*pair, nan)]


def _line(axes: Axes, **style: object) -> Line2D:
    given: dict[str, object] = {"marker": "", "clip_on": False, "solid_capstyle": "butt"} | style
    line = Line2D([], [], **given)  # type: ignore[arg-type]
    axes.add_line(line)
    return line


def _second_requests(count: int) -> str:
    return "second request" if count == 1 else f"{count} second requests"


def _first(*moments: float | None) -> float:
    """The first that is known."""
    return next(each for each in moments if each is not None)
