"""Four transports for one API: when an event is seen, what the origin is asked, what is sent."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from functools import cache

from matplotlib.axes import Axes
from matplotlib.collections import LineCollection, PathCollection
from matplotlib.figure import Figure
from matplotlib.markers import MarkerStyle
from matplotlib.path import Path
from matplotlib.transforms import IdentityTransform

from realtime_kit.plots.style import GRID_WIDTH_PT, HEADING_PT, SMALL_PT, Theme, look
from realtime_kit.plots.widgets.bars import Bars
from realtime_kit.plots.widgets.choice_view import TRANSPORTS, ChoiceView
from realtime_kit.plots.widgets.lettering import Lettering, Word
from realtime_kit.plots.widgets.paper import add_bare_axes, name_transport, write
from realtime_kit.plots.widgets.predictions import Prediction
from realtime_kit.plots.widgets.scene import Scene
from realtime_kit.plots.words import format_bytes, format_rate, format_seconds

_WIDTH_IN, _HEIGHT_IN = 9.4, 3.7
_NAMES_IN = 0.2
_ROW_IN = 0.62
_FIRST_ROW_IN = 2.62
_PREDICTED_IN, _MEASURED_IN = 0.09, -0.12
"""Heights of both kinds of marks from the middle of a row."""

_MARK_PT = 7.5
_BESIDE_PT = 8.0


@dataclass(frozen=True, slots=True)
class Column:
    """One question, with an axis of decades.

    Attributes:
        heading: What is asked.
        key: What the numbers are, with their unit.
        left_in: Where its axis begins, inches; `width_in` is its length.
        ends: Smallest and largest value of its axis; what lies beyond stands at the end.
        ticks: Values that are written below it.
        values: The one or two values of a prediction or a measurement.
        write: Puts a value in words.
    """

    heading: str
    key: str
    left_in: float
    width_in: float
    ends: tuple[float, float]
    ticks: tuple[float, ...]
    values: Callable[[Prediction], tuple[float, ...]]
    write: Callable[[float], str]

    def place_in(self, value: float) -> float:
        """Where a value stands, inches from the left edge of the picture."""
        low, high = (math.log10(end) for end in self.ends)
        at = math.log10(min(max(value, self.ends[0]), self.ends[1]))
        return self.left_in + self.width_in * (at - low) / (high - low)


COLUMNS = (
    Column(
        "When an event is seen",
        "latency of half of all  ·  of 99 %",
        1.75,
        2.7,
        (1e-3, 100.0),
        (1e-3, 1e-2, 0.1, 1.0, 10.0, 100.0),
        lambda each: (each.latency.p50, each.latency.p99),
        format_seconds,
    ),
    Column(
        "Origin asked",
        "requests per second",
        4.95,
        1.85,
        (1e-2, 1e6),
        (1e-2, 1.0, 100.0, 1e4, 1e6),
        lambda each: (each.origin_requests_per_s,),
        format_rate,
    ),
    Column(
        "Sent",
        "bytes per second, to all",
        7.3,
        1.8,
        (1.0, 1e11),
        (1.0, 1e3, 1e6, 1e9),
        lambda each: (each.bytes_per_s,),
        format_bytes,
    ),
)


class ChoiceScene(Scene[ChoiceView]):
    """A row for each transport; hollow marks are theory's, solid ones are measured."""

    size_in = (_WIDTH_IN, _HEIGHT_IN)

    def build(self, figure: Figure, theme: Theme) -> None:
        """One sheet whose coordinates are inches: what moves on it is drawn in three goes."""
        self._theme = theme
        sheet = add_bare_axes(figure, (0, 0, _WIDTH_IN, _HEIGHT_IN))
        sheet.set(xlim=(0, _WIDTH_IN), ylim=(0, _HEIGHT_IN))
        for column in COLUMNS:
            self._rule(sheet, column, theme)
        for row, name in enumerate(TRANSPORTS):
            name_transport(sheet, _NAMES_IN, _row_in(row), name, theme)
        self._time = Bars(sheet, [0.02], [theme.muted], thick=0.04)
        self._spans = LineCollection([], zorder=2)
        self._marks = PathCollection([], sizes=[_MARK_PT**2], linewidths=1.3, zorder=3)
        self._marks.set_offset_transform(sheet.transData)
        self._marks.set_transform(IdentityTransform())
        for artist in (self._spans, self._marks):
            sheet.add_collection(artist, autolim=False)
        self._numbers = Lettering(sheet)
        self.moving = [self._time, self._spans, self._marks, self._numbers]

    def update(self, view: ChoiceView) -> bool:
        """Marks and numbers move; the axes are wide enough for everything."""
        self._time.grow([view.share * _WIDTH_IN])
        marks = [
            *self._place(view.predictions(), measured=False),
            *self._place(view.measured(), measured=True),
        ]
        self._spans.set_segments([mark.span for mark in marks])
        self._spans.set(
            color=[mark.colour for mark in marks],
            linewidth=[2.4 if mark.measured else 1.4 for mark in marks],
            linestyle=["-" if mark.measured else (0, (2.2, 1.2)) for mark in marks],
        )
        self._marks.set_paths([_marker(mark.transport) for mark in marks])
        self._marks.set_offsets([mark.span[0] for mark in marks])
        paper = self._theme.background
        self._marks.set_facecolor([mark.colour if mark.measured else paper for mark in marks])
        self._marks.set_edgecolor([mark.colour for mark in marks])
        self._numbers.write([*(mark.word for mark in marks), *self._remarks(view)])
        return False

    def _rule(self, sheet: Axes, column: Column, theme: Theme) -> None:
        """Heading, lines to read along, and what they stand for."""
        top_in, bottom_in = _row_in(-0.5), _row_in(len(TRANSPORTS) - 0.5)
        for height_pt, text, size_pt, colour, bold in (
            (29, column.heading, HEADING_PT, theme.text, True),
            (14, column.key, SMALL_PT, theme.muted, False),
        ):
            write(sheet, column.left_in, top_in + height_pt / 72, text, colour, size_pt=size_pt, bold=bold)
        for tick in column.ticks:
            x = column.place_in(tick)
            sheet.vlines(x, bottom_in, top_in, color=theme.grid, linewidth=GRID_WIDTH_PT, linestyle="-")
            write(
                sheet, x, bottom_in - 0.12, column.write(tick), theme.text, size_pt=SMALL_PT, align="center"
            )

    def _place(self, values: Mapping[str, Prediction], *, measured: bool) -> Iterator[_Mark]:
        for row, name in enumerate(TRANSPORTS):
            if name in values:
                height_in = _row_in(row) + (_MEASURED_IN if measured else _PREDICTED_IN)
                for column in COLUMNS:
                    yield self._mark(column, name, column.values(values[name]), height_in, measured)

    def _mark(
        self, column: Column, name: str, values: tuple[float, ...], height_in: float, measured: bool
    ) -> _Mark:
        first_in, last_in = column.place_in(values[0]), column.place_in(values[-1])
        text = "  ·  ".join(column.write(value) for value in values)
        # To the left of marks on the right half, where there is room.
        left = last_in > column.left_in + 0.55 * column.width_in
        word = Word(
            text,
            first_in if left else last_in,
            height_in,
            self._theme.text if measured else self._theme.muted,
            SMALL_PT,
            bold=measured,
            right_pt=-_BESIDE_PT if left else _BESIDE_PT,
            align=1.0 if left else 0.0,
        )
        colour = self._theme.colour(name) if measured else self._theme.theory_colour(name)
        return _Mark(name, measured, colour, ((first_in, height_in), (last_in, height_in)), word)

    def _remarks(self, view: ChoiceView) -> list[Word]:
        """What the marks mean, and what the measured ones belong to."""
        text = "hollow: theory for the sliders"
        if view.check is not None:
            text += f"   ·   solid: measured with {view.check.api}"
        return [Word(text, _NAMES_IN, 0.16, self._theme.muted, SMALL_PT)]


@dataclass(frozen=True, slots=True)
class _Mark:
    """A marker, the line from it to the second value, and both values in words."""

    transport: str
    measured: bool
    colour: str
    span: tuple[tuple[float, float], tuple[float, float]]
    word: Word


def _row_in(row: float) -> float:
    return _FIRST_ROW_IN - row * _ROW_IN


@cache
def _marker(transport: str) -> Path:
    style = MarkerStyle(look(transport).marker)
    return style.get_path().transformed(style.get_transform())
