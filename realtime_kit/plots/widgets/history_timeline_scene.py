"""History and then live: event ids against time, the first milliseconds magnified."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import pairwise

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.lines import Line2D

from realtime_kit.plots.style import BODY_PT, SMALL_PT, Theme, blend
from realtime_kit.plots.widgets.history_timeline_view import Connection, HistoryView
from realtime_kit.plots.widgets.lettering import Lettering, Word
from realtime_kit.plots.widgets.paper import Box, add_axes, head, name_axes, write
from realtime_kit.plots.widgets.scale import round_up
from realtime_kit.plots.widgets.scene import Scene
from realtime_kit.plots.widgets.spans import Spans

_FIRST_IN = (1.15, 1.32, 3.0, 2.3)
_ALL_IN = (4.75, 1.32, 4.25, 2.3)
_ASKED_BELOW_IN, _ASKED_HIGH_IN = 0.8, 0.52
_LEFT_PT = 72
"""From the axes to the figure's own left edge, points."""

_SQUARE_PT = (1.6, 4.6)
_LIVE_PT = 5.6
_PALE = 0.5
"""How far the tint of every other page moves towards the paper."""

_LEAST_MS = 5.0
_ROOM_FOR_NAME = 0.25
"""Share of the axis that a page's name needs to its left."""

_SEVERAL_PAGES = 12
"""More pages than this are not named one by one."""


class HistoryScene(Scene[HistoryView]):
    """Left: history, page by page. Right: all of it. Beneath both what Pushpin asked the origin for it.

    Args:
        page_events: Events in a page.
    """

    size_in = (9.4, 4.15)

    def __init__(self, page_events: int) -> None:
        super().__init__()
        self._page_events = page_events
        self._first_ms = self._until_s = self._top = 0.0

    def build(self, figure: Figure, theme: Theme) -> None:
        """Two views of the same events; the axes get their ends with the first of them."""
        self._theme = theme
        self._first = _Events(figure, _FIRST_IN, theme)
        self._all = _Events(figure, _ALL_IN, theme)
        each = f"{self._page_events} events" if self._page_events != 1 else "1 event"
        head(self._first.axes, "First history", f"a tint for each page of {each}", theme, left_pt=_LEFT_PT)
        head(
            self._all.axes,
            "Then live",
            "triangle: pushed   ·   square: history   ·   dashed: Pushpin holds",
            theme,
        )
        name_axes(self._first.axes, theme, y="event id")
        for asked in (self._first.asked, self._all.asked):
            name_axes(asked, theme, x="time since connecting")
        for row, text, colour in ((1, "for the client", theme.muted), (0, "next link", theme.text)):
            write(self._first.asked, 0, row, text, colour, right_pt=-8, align="right", size_pt=SMALL_PT)
        self._first.asked.annotate(
            "Pushpin asks the origin",
            (0, 1),
            (-_LEFT_PT, 8),
            xycoords="axes fraction",
            textcoords="offset points",
            fontsize=BODY_PT,
            fontweight="bold",
            fontfamily="DejaVu Sans",
            color=theme.text,
        )
        self.moving = [*self._first.moving, *self._all.moving]

    def update(self, view: HistoryView) -> bool:
        """Marks come; an axis changes when they do not fit it."""
        changed = self._fit(view)
        self._first.show(view, 1e3, self._first_ms, self._first_words(view))
        self._all.show(view, 1.0, self._until_s, self._all_words(view))
        return changed

    def _fit(self, view: HistoryView) -> bool:
        held_s = view.connections[0].held_s if view.connections else None
        first_ms = self._first_ms or 2 * _LEAST_MS
        if held_s is not None:
            came_s = [each.at_s for each in view.connections[0].arrivals if each.page is not None]
            first_ms = float(f"{max(_LEAST_MS, 1.12e3 * max(held_s, *came_s, 0.0)):.2g}")
        ends = first_ms, view.until_s, float(view.events_until)
        if ends == (self._first_ms, self._until_s, self._top):
            return False
        self._first_ms, self._until_s, self._top = ends
        _mark_time(self._first, first_ms, [f"{tick:g}" for tick in _ticks(first_ms)], " ms")
        _mark_time(self._all, view.until_s, [f"{tick:g}" for tick in _ticks(view.until_s)], " s")
        step = round_up(self._top / 6)
        ids = np.arange(0, self._top + 1e-9, step)
        for events in (self._first, self._all):
            events.fit(self._top)
            events.axes.set_yticks(ids, [f"{event:g}" for event in ids] if events is self._first else [])
        return True

    def _first_words(self, view: HistoryView) -> list[Word]:
        if not view.connections:
            return []
        first, theme = view.connections[0], self._theme
        words = []
        for number, page in enumerate(first.pages if len(first.pages) <= _SEVERAL_PAGES else ()):
            came = [1e3 * each.at_s for each in first.arrivals if each.page == number]
            if came:
                left = came[0] > _ROOM_FOR_NAME * self._first_ms
                words.append(
                    Word(
                        f"page {number + 1}",
                        came[0],
                        sum(page.events) / len(page.events),
                        theme.text,
                        SMALL_PT,
                        right_pt=-8 if left else 8,
                        align=1.0 if left else 0.0,
                    )
                )
        if first.held_s is not None:
            words.append(
                Word(
                    "from here on live",
                    1e3 * first.held_s,
                    0.97 * self._top,
                    theme.text,
                    SMALL_PT,
                    bold=True,
                    right_pt=-5,
                    align=1.0,
                )
            )
        return words

    def _all_words(self, view: HistoryView) -> list[Word]:
        words = []
        for before, after in pairwise(view.connections):
            closed_s = before.closed_s if before.closed_s is not None else after.opened_s
            middle_s = (closed_s + after.opened_s) / 2
            words.append(Word("away", middle_s, 0.97 * self._top, self._theme.muted, SMALL_PT, align=0.5))
            missed = sum(len(page.events) for page in after.pages)
            for row, text in enumerate((f"resumes after {after.after}", _missed(len(after.pages), missed))):
                words.append(
                    Word(
                        text,
                        after.opened_s,
                        (0.16 - 0.085 * row) * self._top,
                        self._theme.text,
                        SMALL_PT,
                        bold=not row,
                        right_pt=-6,
                        align=1.0,
                    )
                )
        return words


class _Events:
    """Ids against time, and beneath them the requests to the origin."""

    def __init__(self, figure: Figure, box_in: Box, theme: Theme) -> None:
        left, bottom, width, _ = box_in
        self._theme = theme
        self.axes = add_axes(figure, box_in, theme)
        self.axes.tick_params(labelbottom=False)
        self.asked = add_axes(figure, (left, bottom - _ASKED_BELOW_IN, width, _ASKED_HIGH_IN), theme)
        self.asked.set_ylim(-0.7, 1.6)
        self.asked.set_yticks([])
        for row in (0, 1):
            self.asked.axhline(row, color=theme.grid, linewidth=0.8, zorder=0.6)
        colour = theme.colour("streaming")
        pale = blend(colour, theme.background, _PALE)
        self._away = Spans(self.axes, blend(theme.background, theme.grid, 0.5), theme.background, thick=1.0)
        self._away.set_transform(self.axes.get_xaxis_transform())
        self._away.set_zorder(0.6)  # just above the grid
        self._way = _line(self.axes, color=blend(colour, theme.background, 0.35), linewidth=1.1, zorder=2)
        self._pages = [
            _line(self.axes, color=tint, linestyle="", marker="s", markeredgewidth=0, zorder=3)
            for tint in (colour, pale)
        ]
        self._live = _line(
            self.axes,
            color=theme.text,
            linestyle="",
            marker="^",
            markersize=_LIVE_PT,
            markeredgecolor=theme.background,
            markeredgewidth=0.6,
            zorder=4,
        )
        self._held = _line(self.axes, color=theme.text, linewidth=1.2, linestyle=(0, (4, 2)), zorder=2.5)
        tick = {"linestyle": "", "markeredgewidth": 1.6}
        self._clients = _line(self.asked, color=colour, marker="|", markersize=11, **tick)
        self._links = _line(
            self.asked,
            color=theme.text,
            linestyle="",
            marker=">",
            markersize=6,
            markeredgecolor=theme.background,
            markeredgewidth=0.6,
        )
        self._words = Lettering(self.axes)
        self.moving = [
            self._away,
            self._way,
            self._held,
            *self._pages,
            self._live,
            self._clients,
            self._links,
            self._words,
        ]

    def fit(self, top: float) -> None:
        """Let ids reach up there; squares are as high as an id's step, within limits."""
        self.axes.set_ylim(-0.02 * top, 1.04 * top)
        step_pt = 72 * _FIRST_IN[3] / (1.06 * top)
        for pages in self._pages:
            pages.set_markersize(float(np.clip(0.8 * step_pt, *_SQUARE_PT)))

    def show(self, view: HistoryView, scale: float, end: float, words: Sequence[Word]) -> None:
        """What lies before the axis' end, in its unit."""
        points = np.array(
            [
                (scale * each.at_s, each.event, -1 if each.page is None else each.page % 2)
                for one in view.connections
                for each in one.arrivals
            ],
            dtype=np.float64,
        ).reshape(-1, 3)
        points = points[points[:, 0] <= end]
        for tint, pages in enumerate(self._pages):
            pages.set_data(*points[points[:, 2] == tint][:, :2].T)
        self._live.set_data(*points[points[:, 2] == -1][:, :2].T)
        self._way.set_data(*_ways(view.connections, scale, end))
        gone = [
            (0.5, scale * before.closed_s, scale * after.opened_s)
            for before, after in pairwise(view.connections)
            if before.closed_s is not None and scale * after.opened_s <= end
        ]
        self._away.place(gone)
        self._draw_holds(view.connections, scale, end)
        for marks, row, wanted in ((self._clients, 1, False), (self._links, 0, True)):
            at = [scale * each.at_s for each in view.origin if (each.why == "next link") == wanted]
            at = [each for each in at if each <= end]
            marks.set_data(at, [row] * len(at))
        self._words.write(words)

    def _draw_holds(self, connections: Sequence[Connection], scale: float, end: float) -> None:
        """From the last event of the first history upwards; full height where the client came back."""
        low, high = self.axes.get_ylim()
        x: list[float] = []
        y: list[float] = []
        for number, each in enumerate(connections):
            if each.held_s is not None and scale * each.held_s <= end:
                reached = max([low, *(event for page in each.pages for event in page.events)])
                x += [scale * each.held_s, scale * each.held_s, np.nan]
                y += [low if number else min(reached, 0.75 * high), 0.93 * high, np.nan]
        self._held.set_data(x, y)


def _ways(connections: Sequence[Connection], scale: float, end: float) -> tuple[list[float], list[float]]:
    """From event to event, with a gap where the client was away."""
    x: list[float] = []
    y: list[float] = []
    for each in connections:
        there = [(scale * arrival.at_s, arrival.event) for arrival in each.arrivals]
        there = [point for point in there if point[0] <= end]
        x += [*(at for at, _ in there), np.nan]
        y += [*(float(event) for _, event in there), np.nan]
    return x, y


def _ticks(end: float) -> list[float]:
    step = round_up(end / 6)
    return [float(tick) for tick in np.arange(0, end + 1e-9, step)]


def _mark_time(events: _Events, end: float, words: list[str], unit: str) -> None:
    ticks = _ticks(end)
    words = [*words[:-1], words[-1] + unit]
    for axes in (events.axes, events.asked):
        axes.set_xlim(0, end)
        axes.set_xticks(ticks, words)


def _missed(pages: int, events: int) -> str:
    if not pages:
        return "nothing was missed"
    return f"{events} event{'s' if events != 1 else ''}, {pages} page{'s' if pages != 1 else ''}"


def _line(axes: Axes, **style: object) -> Line2D:
    given: dict[str, object] = {"marker": "", "clip_on": False, "solid_capstyle": "butt"} | style
    line = Line2D([], [], **given)  # type: ignore[arg-type]
    axes.add_line(line)
    return line
