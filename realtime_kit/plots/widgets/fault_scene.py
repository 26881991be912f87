"""A strip of deliveries for each transport, while things are broken; and the ledger beside it."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

import numpy as np
from matplotlib.figure import Figure

from realtime_kit.measurements.fault_run import RECOVERING
from realtime_kit.plots.fates import FATES, MISSING, fates
from realtime_kit.plots.style import BODY_PT, SMALL_PT, Theme, blend
from realtime_kit.plots.widgets.fault_view import FaultView
from realtime_kit.plots.widgets.lettering import Lettering, Word
from realtime_kit.plots.widgets.paper import add_axes, add_bare_axes, head, name_axes, write
from realtime_kit.plots.widgets.scene import Scene
from realtime_kit.plots.widgets.spans import Spans

STRIP_S = 24.0
"""How far back the picture reaches."""

_LEFT_IN, _BOTTOM_IN, _ROW_IN = 1.25, 0.6, 0.36
_STRIP_IN = 5.1
_LEDGER_LEFT_IN, _LEDGER_IN = 6.5, 2.55
_HEAD_IN = 0.95
_BETWEEN_ROWS = 0.55
"""Between those that recover and those that do not, in rows."""

_SEAM_S = 0.03
_COLUMNS = ("owed", "late", "recovered", "missing")


class FaultScene(Scene[FaultView]):
    """A row for each transport.

    Args:
        transports: From top to bottom.
    """

    def __init__(self, transports: Sequence[str]) -> None:
        super().__init__()
        self._transports = tuple(transports)
        self._rows, self._high = _places(self._transports)
        self.size_in = (9.4, _BOTTOM_IN + self._high * _ROW_IN + _HEAD_IN)

    def build(self, figure: Figure, theme: Theme) -> None:
        """The strip with its key, and the heads of the ledger."""
        self._theme = theme
        high_in = self._high * _ROW_IN
        self._axes = add_axes(figure, (_LEFT_IN, _BOTTOM_IN, _STRIP_IN, high_in), theme)
        self._axes.set_xlim(-STRIP_S, 0)
        self._axes.set_ylim(self._high - 0.5, -0.5)
        ticks = np.arange(-STRIP_S, 1, 6)
        self._axes.set_xticks(
            ticks,
            [f"{-tick:g} s ago" if tick == ticks[0] else f"{-tick:g} s" for tick in ticks[:-1]] + ["now"],
        )
        self._axes.set_yticks([])
        self._axes.grid(False)
        name_axes(self._axes, theme, x="when the event was due")
        head(self._axes, "Every event, and what became of it", "", theme, left_pt=72 * (_LEFT_IN - 0.4))
        for name, row in self._rows.items():
            write(self._axes, -STRIP_S, row, name, theme.text, right_pt=-8, align="right", bold=True)
            self._axes.axhline(row + 0.5, color=theme.grid, linewidth=0.8, zorder=0.6)
        self._draw_key(figure, high_in)
        self._bands = Spans(
            self._axes,
            blend(theme.background, theme.muted, 0.22),
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

    def _draw_key(self, figure: Figure, high_in: float) -> None:
        key = add_bare_axes(figure, (0.4, _BOTTOM_IN + high_in + 0.24, 5.95, 0.2))
        key.set_xlim(0, 5.95)
        key.set_ylim(0, 1)
        bars = []
        for number, each in enumerate(FATES):
            left = 0.02 + 1.1 * number
            bars.append(
                Spans(key, each.colour(self._theme), self._theme.background, thick=0.95 * each.height)
            )
            bars[-1].place([(0.5, left, left + 0.08)])
            write(key, left + 0.08, 0.5, each.name, self._theme.muted, right_pt=5, size_pt=SMALL_PT)

    def _build_ledger(self, figure: Figure, high_in: float) -> None:
        self._ledger = add_bare_axes(figure, (_LEDGER_LEFT_IN, _BOTTOM_IN, _LEDGER_IN, high_in))
        self._ledger.set_xlim(0, len(_COLUMNS))
        self._ledger.set_ylim(self._high - 0.5, -0.5)
        head(self._ledger, "The ledger", "", self._theme)
        colours = {each.name: each.colour(self._theme) for each in FATES}
        for number, name in enumerate(_COLUMNS):
            colour = colours.get(name, self._theme.muted)
            write(
                self._ledger,
                number + 0.93,
                -0.5 - 0.34 / _ROW_IN,
                name,
                colour,
                align="right",
                size_pt=SMALL_PT,
            )
        self._numbers = Lettering(self._ledger)

    def update(self, view: FaultView) -> bool:
        """The strip moves to the left."""
        ago_s = view.due_s - view.now_s
        shown = view.settled & (ago_s >= -STRIP_S)
        spans: list[list[tuple[float, float, float]]] = [[] for _ in FATES]
        step_s = float(np.diff(ago_s[:2])[0]) if len(ago_s) > 1 else 1.0
        for name, deliveries in view.deliveries.items():
            # What is drawn of an event is the worst that became of it with any client.
            worst = fates(deliveries)[:, shown].max(axis=0, initial=0)
            for left, fate in zip(ago_s[shown].tolist(), worst.tolist(), strict=True):
                spans[fate].append((self._rows[name], left, min(0.0, left + step_s - _SEAM_S)))
        for bars, places in zip(self._bars, spans, strict=True):
            bars.place(places)
        self._draw_presses(view)
        self._numbers.write(self._ledger_words(view))
        return False

    def _draw_presses(self, view: FaultView) -> None:
        bands, names = [], []
        free_from = -np.inf
        for each in view.presses:
            left = each.from_s - view.now_s
            right = 0.0 if each.until_s is None else each.until_s - view.now_s
            if right < -STRIP_S:
                continue
            left = max(left, -STRIP_S)
            bands.append((self._high / 2 - 0.5, left, right))
            at = max(left, free_from)
            free_from = at + 0.42 * len(each.fault) + 0.6
            names.append(Word(each.fault, at, -0.5 - 0.1 / _ROW_IN, self._theme.text, SMALL_PT, bold=True))
        self._bands.place(bands)
        self._names.write(names)

    def _ledger_words(self, view: FaultView) -> Iterator[Word]:
        for name, row in self._rows.items():
            total = view.ledger(name)
            for number, (column, value) in enumerate(
                zip(_COLUMNS, (total.expected, total.late, total.recovered, total.lost), strict=True)
            ):
                fate = next((each for each in FATES if each.name == column), None)
                colour = self._theme.muted if fate is None or not value else fate.colour(self._theme)
                yield Word(
                    f"{value:,}",
                    number + 0.93,
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
