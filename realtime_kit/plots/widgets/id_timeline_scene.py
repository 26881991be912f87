"""One client's ids against time: what is missing is a gap in the line, and what is recovered is a bar that ends."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

import numpy as np
from matplotlib.axes import Axes
from matplotlib.collections import LineCollection
from matplotlib.figure import Figure
from matplotlib.lines import Line2D

from realtime_kit.plots.fates import FATES, MISSING, ON_TIME, fates
from realtime_kit.plots.style import BODY_PT, HEADING_PT, SMALL_PT, Theme, blend
from realtime_kit.plots.widgets.fault_view import FaultView
from realtime_kit.plots.widgets.lettering import Lettering, Word
from realtime_kit.plots.widgets.paper import add_axes, add_bare_axes, name_axes, write
from realtime_kit.plots.widgets.scale import round_up
from realtime_kit.plots.widgets.scene import Scene
from realtime_kit.plots.widgets.spans import Spans
from realtime_kit.plots.words import format_seconds

_LEFT_IN, _BOTTOM_IN, _HIGH_IN, _RIGHT_IN, _BETWEEN_IN = 0.95, 0.62, 2.75, 0.4, 0.4
_HEAD_IN = 0.85
_NAMES_IN, _KEYS_IN = 0.55, 0.28
_KEY_IN = 1.15
_MARKS_PT = (4.6, 4.2, 5.2, 5.4)
_ROOM = 1.03


class IdScene(Scene[FaultView]):
    """A panel for each transport, side by side.

    Args:
        transports: From left to right.
        seconds: How long events happen: the picture reaches at least as far.
        events: How many there will be.
    """

    def __init__(self, transports: Sequence[str], *, seconds: float, events: int) -> None:
        super().__init__()
        self._transports = tuple(transports)
        self._seconds, self._events = seconds, events
        self._until_s = 0.0
        self.size_in = (9.4, _BOTTOM_IN + _HIGH_IN + _HEAD_IN)

    def build(self, figure: Figure, theme: Theme) -> None:
        """Axes with the same ends, and the key above them."""
        count = len(self._transports)
        width_in = (self.size_in[0] - _LEFT_IN - _RIGHT_IN - _BETWEEN_IN * (count - 1)) / count
        lefts_in = [_LEFT_IN + number * (width_in + _BETWEEN_IN) for number in range(count)]
        self._panels = [_Panel(figure, (left, _BOTTOM_IN, width_in, _HIGH_IN), theme) for left in lefts_in]
        step = max(1.0, round_up(self._events / 6))
        ids = np.arange(0, self._events + 1e-9, step)
        for number, panel in enumerate(self._panels):
            panel.axes.set_ylim(-0.03 * self._events, _ROOM * self._events)
            panel.axes.set_yticks(ids, [] if number else [f"{each:g}" for each in ids])
            name_axes(panel.axes, theme, x="time since the first event", y="" if number else "event")
        sheet = add_bare_axes(figure, (0, _BOTTOM_IN + _HIGH_IN, self.size_in[0], _HEAD_IN))
        sheet.set_xlim(0, self.size_in[0])
        sheet.set_ylim(0, _HEAD_IN)
        for left, name in zip(lefts_in, self._transports, strict=True):
            write(sheet, left, _NAMES_IN, name, theme.text, size_pt=HEADING_PT, bold=True)
        for number, (fate, size_pt) in enumerate(zip(FATES, _MARKS_PT, strict=True)):
            at_in = _LEFT_IN + 0.05 + _KEY_IN * number
            mark = _marks(sheet, fate.marker, size_pt, fate.colour(theme), theme)
            mark.set_data([at_in], [_KEYS_IN])
            write(sheet, at_in, _KEYS_IN, fate.name, theme.muted, right_pt=8, size_pt=SMALL_PT)
        at_in = _LEFT_IN + 0.05 + _KEY_IN * len(FATES)
        write(sheet, at_in, _KEYS_IN, "bar: from due to come", theme.muted, size_pt=SMALL_PT)
        self.moving = [artist for panel in self._panels for artist in panel.moving]

    def update(self, view: FaultView) -> bool:
        """Marks come; the axis of time changes when they do not fit it."""
        changed = self._fit(view)
        for name, panel in zip(self._transports, self._panels, strict=True):
            panel.show(view, name, self._until_s)
        return changed

    def _fit(self, view: FaultView) -> bool:
        until_s = self._seconds
        if view.now_s > self._seconds:
            # In steps, so that the axis changes seldom.
            until_s += 2.0 * np.ceil((view.now_s - self._seconds) / 2.0)
        if until_s == self._until_s:
            return False
        self._until_s = float(until_s)
        step = round_up(until_s / 6)
        ticks = np.arange(0, until_s + 1e-9, step).tolist()
        for panel in self._panels:
            panel.axes.set_xlim(0, until_s)
            panel.axes.set_xticks(ticks, [*(f"{tick:g}" for tick in ticks[:-1]), f"{ticks[-1]:g} s"])
        return True


class _Panel:
    """One transport."""

    def __init__(self, figure: Figure, box_in: tuple[float, float, float, float], theme: Theme) -> None:
        self._theme = theme
        self.axes = add_axes(figure, box_in, theme)
        band = blend(theme.background, theme.muted, 0.25)
        self._bands = Spans(self.axes, band, theme.background, thick=1.0, zorder=0.5)
        self._bands.set_transform(self.axes.get_xaxis_transform())
        self._due = Line2D([], [], color=theme.muted, linewidth=0.9, linestyle=(0, (3, 2)), zorder=1.5)
        self.axes.add_line(self._due)
        self._waits = [_bars(self.axes, blend(fate.colour(theme), theme.background, 0.5)) for fate in FATES]
        self._marks = [
            _marks(self.axes, fate.marker, size_pt, fate.colour(theme) if number else theme.muted, theme)
            for number, (fate, size_pt) in enumerate(zip(FATES, _MARKS_PT, strict=True))
        ]
        self._words = Lettering(self.axes)
        self.moving = [self._bands, self._due, *self._waits, *self._marks, self._words]

    def show(self, view: FaultView, name: str, until_s: float) -> None:
        """What has become of every event until now."""
        self._bands.place(
            [
                (0.5, each.from_s, view.now_s if each.until_s is None else each.until_s)
                for each in view.presses
            ]
        )
        due_s = view.due_s
        numbers = np.arange(1.0, len(due_s) + 1)
        self._due.set_data(due_s, numbers)
        deliveries = view.deliveries.get(name)
        if deliveries is None:
            kinds, came_s = np.empty(0, np.int8), np.empty(0)
        else:
            kinds = fates(deliveries)[0]
            came_s = np.where(deliveries.came[0], due_s + deliveries.after_s[0], min(view.now_s, until_s))
        known = view.settled | (kinds != MISSING)
        for kind, (waits, marks) in enumerate(zip(self._waits, self._marks, strict=True)):
            of = known & (kinds == kind)
            marks.set_data((due_s if kind == MISSING else came_s)[of], numbers[of])
            if kind != ON_TIME:
                ends = np.stack([due_s[of], numbers[of], came_s[of], numbers[of]], axis=1)
                waits.set_segments(list(ends.reshape(-1, 2, 2)))
        self._words.write(self._said(view, name, until_s))

    def _said(self, view: FaultView, name: str, until_s: float) -> Iterator[Word]:
        """What is broken, and the sums."""
        top = self.axes.get_ylim()[1]
        for press in view.presses:
            yield Word(
                press.fault, press.from_s, 0.96 * top, self._theme.text, SMALL_PT, bold=True, right_pt=4
            )
        ledger = view.ledger(name)
        deliveries = view.deliveries.get(name)
        if deliveries is None or not ledger.expected:
            return
        took_s = deliveries.recovery_s
        lines = [
            (
                f"{ledger.lost:,} missing",
                FATES[MISSING].colour(self._theme) if ledger.lost else self._theme.muted,
            ),
            (f"{ledger.recovered:,} recovered, {ledger.late:,} late", self._theme.text),
        ]
        if len(took_s):
            lines.append((f"the slowest after {format_seconds(float(took_s.max()))}", self._theme.muted))
        for row, (text, colour) in enumerate(reversed(lines)):
            yield Word(
                text,
                until_s,
                (0.05 + 0.075 * row) * top,
                colour,
                BODY_PT - 0.5,
                bold=row == len(lines) - 1,
                right_pt=-6,
                align=1.0,
            )


def _bars(axes: Axes, colour: str) -> LineCollection:
    bars = LineCollection([], colors=[colour], linewidths=1.3, zorder=2)
    axes.add_collection(bars, autolim=False)
    return bars


def _marks(axes: Axes, marker: str, size_pt: float, colour: str, theme: Theme) -> Line2D:
    line = Line2D(
        [],
        [],
        linestyle="",
        marker=marker,
        markersize=size_pt,
        color=colour,
        markeredgecolor=theme.background,
        markeredgewidth=0.0 if marker == "." else 0.4,
        zorder=4,
        clip_on=False,
    )
    axes.add_line(line)
    return line
