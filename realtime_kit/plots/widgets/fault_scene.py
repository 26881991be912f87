"""A strip of deliveries for each transport, while things are broken; and the ledger beside it."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

import numpy as np
from matplotlib.figure import Figure
from matplotlib.ticker import MaxNLocator

from realtime_kit.measurements.fault_run import RECOVERING
from realtime_kit.plots.fates import FATES, MISSING, fates
from realtime_kit.plots.style import BODY_PT, HEADING_PT, SMALL_PT, Theme, blend
from realtime_kit.plots.widgets.fault_view import FaultView
from realtime_kit.plots.widgets.frames import DPI
from realtime_kit.plots.widgets.lettering import Lettering, Word, measure
from realtime_kit.plots.widgets.paper import add_axes, add_bare_axes, name_axes, write
from realtime_kit.plots.widgets.scene import Scene
from realtime_kit.plots.widgets.spans import Spans

STRIP_S = 24.0
"""How far back the picture reaches, while events happen."""

WHOLE_S = 60.0
"""How much of its end it shows, when nothing more will come: all of it, unless that is longer."""

_LEFT_IN, _BOTTOM_IN, _ROW_IN = 1.8, 0.6, 0.36
_STRIP_IN = 4.6
_LEDGER_LEFT_IN, _LEDGER_IN = 6.5, 2.5
_HEAD_IN = 1.0
_HEADING_IN, _KEYS_IN, _NAMES_IN = 0.68, 0.42, 0.12
"""Above the strip, inches: headings, the key, and names of columns and faults."""

_KEY_IN = 1.1
_BETWEEN_ROWS = 0.55
"""Between those that recover and those that do not, in rows."""

_SEAM_S = 0.03
_BETWEEN_NAMES_IN = 0.1
_COLUMNS = {"owed": 0.2, "late": 0.42, "recovered": 0.74, "missing": 1.0}
"""Of the ledger, and where each ends."""


class FaultScene(Scene[FaultView]):
    """A row for each transport.

    Args:
        transports: From top to bottom.
        course_s: For how long events have happened, seconds, when nothing more will come: the picture then has all of
            it. None: it ends now and moves on.
    """

    def __init__(self, transports: Sequence[str], *, course_s: float | None = None) -> None:
        super().__init__()
        self._transports = tuple(transports)
        self._is_whole = course_s is not None
        self._right_s = course_s or 0.0
        self._left_s = max(0.0, self._right_s - WHOLE_S) if self._is_whole else -STRIP_S
        self._rows, self._high = _places(self._transports)
        self.size_in = (9.4, _BOTTOM_IN + self._high * _ROW_IN + _HEAD_IN)

    def build(self, figure: Figure, theme: Theme) -> None:
        """The strip with its key, and the heads of the ledger."""
        self._theme = theme
        high_in = self._high * _ROW_IN
        self._axes = add_axes(figure, (_LEFT_IN, _BOTTOM_IN, _STRIP_IN, high_in), theme)
        self._axes.set_xlim(self._left_s, self._right_s)
        self._axes.set_ylim(self._high - 0.5, -0.5)
        self._axes.set_xticks(*self._ticks())
        self._axes.set_yticks([])
        self._axes.grid(False)
        name_axes(self._axes, theme, x="when the event was due")
        for name, row in self._rows.items():
            write(self._axes, self._left_s, row, name, theme.text, right_pt=-8, align="right", bold=True)
            self._axes.axhline(row + 0.5, color=theme.grid, linewidth=0.8, zorder=0.6)
        self._draw_head(figure, high_in)
        self._bands = Spans(
            self._axes,
            blend(theme.background, theme.muted, 0.25),
            theme.background,
            thick=self._high,
            zorder=0.5,
        )
        self._bars = [
            Spans(self._axes, each.colour(theme), each.colour(theme), thick=0.86 * each.height, zorder=2)
            for each in FATES
        ]
        for bars in self._bars:
            bars.set_linewidth(0)
        self._names = Lettering(self._axes)
        self._build_ledger(figure, high_in)
        self.moving = [self._bands, *self._bars, self._names, self._numbers]

    def _ticks(self) -> tuple[Sequence[float], list[str]]:
        if self._is_whole:
            found = MaxNLocator(nbins=5, steps=(1, 2, 5, 10)).tick_values(self._left_s, self._right_s)
            within = [float(each) for each in found if self._left_s <= each <= self._right_s]
            return within, [f"{each:g} s" for each in within]
        ticks = np.arange(-STRIP_S, 1, 6).tolist()
        return ticks, [f"{STRIP_S:g} s ago", *(f"{-each:g} s" for each in ticks[1:-1]), "now"]

    def _draw_head(self, figure: Figure, high_in: float) -> None:
        left_in, width_in = 0.4, self.size_in[0] - 0.8
        sheet = add_bare_axes(figure, (left_in, _BOTTOM_IN + high_in, width_in, _HEAD_IN))
        sheet.set_xlim(left_in, left_in + width_in)
        sheet.set_ylim(0, _HEAD_IN)
        for at_in, heading in (
            (left_in, "Every event, and what became of it"),
            (_LEDGER_LEFT_IN, "The ledger"),
        ):
            write(sheet, at_in, _HEADING_IN, heading, self._theme.text, size_pt=HEADING_PT, bold=True)
        for number, each in enumerate(FATES):
            at_in, colour = left_in + _KEY_IN * number, each.colour(self._theme)
            bar = Spans(sheet, colour, colour, thick=0.2 * each.height)
            bar.place([(_KEYS_IN, at_in, at_in + 0.07)])
            write(sheet, at_in + 0.07, _KEYS_IN, each.name, self._theme.muted, right_pt=5, size_pt=SMALL_PT)
        for name, share in _COLUMNS.items():
            fate = next((each for each in FATES if each.name == name), None)
            colour = fate.colour(self._theme) if fate else self._theme.muted
            at_in = _LEDGER_LEFT_IN + _LEDGER_IN * share
            write(sheet, at_in, _NAMES_IN, name, colour, align="right", size_pt=SMALL_PT)

    def _build_ledger(self, figure: Figure, high_in: float) -> None:
        self._ledger = add_bare_axes(figure, (_LEDGER_LEFT_IN, _BOTTOM_IN, _LEDGER_IN, high_in))
        self._ledger.set_xlim(0, 1)
        self._ledger.set_ylim(self._high - 0.5, -0.5)
        self._numbers = Lettering(self._ledger)

    def update(self, view: FaultView) -> bool:
        """The strip moves to the left."""
        at_s = view.due_s - self._zero_s(view)
        shown = view.settled & (at_s >= self._left_s)
        spans: list[list[tuple[float, float, float]]] = [[] for _ in FATES]
        step_s = float(np.diff(at_s[:2])[0]) if len(at_s) > 1 else 1.0
        for name, deliveries in view.deliveries.items():
            # What is drawn of an event is the worst that became of it with any client.
            worst = fates(deliveries)[:, shown].max(axis=0, initial=0)
            for left, fate in zip(at_s[shown].tolist(), worst.tolist(), strict=True):
                spans[fate].append((self._rows[name], left, min(self._right_s, left + step_s - _SEAM_S)))
        for bars, places in zip(self._bars, spans, strict=True):
            bars.place(places)
        self._draw_presses(view)
        self._numbers.write(self._ledger_words(view))
        return False

    def _zero_s(self, view: FaultView) -> float:
        """Where the axis has its zero, in time since the first event was due."""
        return 0.0 if self._is_whole else view.now_s

    def _draw_presses(self, view: FaultView) -> None:
        bands, names = [], []
        room_until, zero_s = self._right_s, self._zero_s(view)
        for each in reversed(view.presses):
            left = max(each.from_s - zero_s, self._left_s)
            right = self._right_s if each.until_s is None else min(each.until_s - zero_s, self._right_s)
            if right < self._left_s:
                break
            bands.append((self._high / 2 - 0.5, left, right))
            wide_in = measure(each.fault, SMALL_PT, True, DPI)[0]
            wide_s = wide_in * (self._right_s - self._left_s) / _STRIP_IN
            at = min(left, room_until - wide_s)
            if at < self._left_s:
                continue
            room_until = at - wide_s / wide_in * _BETWEEN_NAMES_IN
            above = -0.5 - _NAMES_IN / _ROW_IN
            names.append(Word(each.fault, at, above, self._theme.text, SMALL_PT, bold=True))
        self._bands.place(bands)
        self._names.write(names)

    def _ledger_words(self, view: FaultView) -> Iterator[Word]:
        for name, row in self._rows.items():
            total = view.ledger(name)
            values = (total.expected, total.late, total.recovered, total.lost)
            for (column, share), value in zip(_COLUMNS.items(), values, strict=True):
                fate = next((each for each in FATES if each.name == column), None)
                colour = self._theme.muted if fate is None or not value else fate.colour(self._theme)
                yield Word(
                    f"{value:,}",
                    share,
                    row,
                    colour,
                    BODY_PT,
                    bold=fate is FATES[MISSING] and bool(value),
                    align=1.0,
                )


def _places(transports: Sequence[str]) -> tuple[dict[str, float], float]:
    """The row of each, and how high all are together; a gap lies before the first that recovers."""
    rows, at = {}, 0.0
    before: str | None = None
    for name in transports:
        if before is not None and name in RECOVERING and before not in RECOVERING:
            at += _BETWEEN_ROWS
        rows[name], before = at, name
        at += 1
    return rows, at
