"""The wall: a dot for each client, that lights when the push reaches it, and beside it the curve of all."""

from __future__ import annotations

import math

import numpy as np
from matplotlib.axes import Axes
from matplotlib.colors import to_rgb
from matplotlib.figure import Figure
from matplotlib.lines import Line2D
from numpy.typing import NDArray

from realtime_kit.errors import UsageError
from realtime_kit.plots.style import BODY_PT, SMALL_PT, THEORY_WIDTH_PT, TITLE_PT, Theme, blend, look
from realtime_kit.plots.widgets.frames import DPI
from realtime_kit.plots.widgets.lettering import Lettering, Word
from realtime_kit.plots.widgets.paper import add_axes, add_bare_axes, head, name_axes
from realtime_kit.plots.widgets.pixels import Pixels
from realtime_kit.plots.widgets.scene import Scene
from realtime_kit.plots.widgets.wall_view import Audience, WallView, last_s
from realtime_kit.plots.words import format_seconds
from realtime_kit.quantities import LOST

_WALL_IN = (0.25, 0.2, 4.5, 3.72)
_CURVE_IN = (5.75, 0.7, 3.35, 2.95)
_ABOVE_IN = (0.25, 3.95, 4.5, 0.75)
_GAP_FROM_PX = 3
"""Dots of fewer pixels stand without a gap between them."""

_LATEST = 0.35
"""How far the last to be reached are on their way to the paper: the wall keeps who was late."""

_WAITING, _SHINING, _NEVER, _REACHED = 1, 2, 3, 4
"""Numbers of the inks; the last is the first of nine, from sooner to later."""

_FLASH = 0.04
"""Share of a push's time for which a dot shines after it was reached."""


class WallScene(Scene[WallView]):
    """Left: the clients. Right: how many have it by when, beside the line `kτ`.

    Args:
        audience: Who is to be reached.
    """

    size_in = (9.4, 4.75)

    def __init__(self, audience: Audience) -> None:
        super().__init__()
        self._audience = audience
        self._end_s = 0.0

    def build(self, figure: Figure, theme: Theme) -> None:
        """The dots are one picture: ten thousand artists would take a second."""
        self._theme = theme
        self._dots = _Dots(self._audience, theme)
        self._wall = Pixels(_WALL_IN[0], _WALL_IN[1] + _WALL_IN[3])
        figure.add_artist(self._wall)
        above = add_bare_axes(figure, _ABOVE_IN)
        above.set_xlim(0, _ABOVE_IN[2])
        above.set_ylim(0, _ABOVE_IN[3])
        self._words = Lettering(above)
        self._curve_axes = self._add_curve(figure)
        colour, transport = theme.colour(self._audience.transport), self._audience.transport
        faint = blend(colour, theme.background, 0.6)
        self._others = self._add_line(color=faint, linewidth=1.4, zorder=2)
        self._theory = self._add_line(
            color=theme.theory_colour(transport),
            linestyle=(0, look(transport).dash),
            linewidth=THEORY_WIDTH_PT,
            zorder=4,
        )
        self._curve = self._add_line(color=colour, linewidth=2.8, zorder=3)
        self._remarks = Lettering(self._curve_axes)
        self.moving = [self._wall, self._words, self._others, self._curve, self._theory, self._remarks]

    def _add_curve(self, figure: Figure) -> Axes:
        axes = add_axes(figure, _CURVE_IN, self._theme)
        most = self._audience.clients
        axes.set_ylim(0, most * 1.04)
        axes.set_yticks([0, most / 2, most], ["0", f"{most / 2:,.0f}", f"{most:,}"])
        axes.set_xlim(0, 1)
        axes.set_xticks([])
        head(axes, "Who has it by when", "solid: measured   ·   dashed: the line kτ", self._theme, left_pt=44)
        name_axes(axes, self._theme, x="time since the event was due", y="clients")
        return axes

    def _add_line(self, **style: object) -> Line2D:
        (line,) = self._curve_axes.plot([], [], marker="", **style)  # type: ignore[arg-type]
        return line

    def update(self, view: WallView) -> bool:
        """Light what has been reached, and let the curve grow as far."""
        changed = self._fit(view)
        self._wall.show(self._dots.pixels(view))
        self._write(view)
        push = view.push
        if push is None or view.run is None:
            return changed
        seconds, reached = _curve(push.completion, push.clients)
        seen = seconds <= view.passed_s
        self._curve.set_data(
            [*seconds[seen], min(view.passed_s, last_s(push))], [*reached[seen], view.reached]
        )
        others = [_curve(each.completion, each.clients) for each in view.run.results[: view.number - 1]]
        gap = np.array([np.nan])  # between two lines
        self._others.set_data(
            np.concatenate([part for times, _ in others for part in (times, gap)] or [gap]),
            np.concatenate([part for _, counts in others for part in (counts, gap)] or [gap]),
        )
        tau_s = push.per_delivery_s
        count = push.ledger.received
        self._theory.set_data([0, count * tau_s], [0, count])
        self._remark(tau_s)
        return changed

    def _fit(self, view: WallView) -> bool:
        """Give the axis of time its end, when it is known."""
        if not view.end_s or view.end_s == self._end_s:
            return False
        self._end_s = view.end_s
        step = _round_step(view.end_s / 3)
        ticks = np.arange(0, view.end_s * 1.05, step)
        self._curve_axes.set_xlim(0, view.end_s * 1.05)
        self._curve_axes.set_xticks(ticks, [format_seconds(float(tick)) for tick in ticks])
        return True

    def _remark(self, tau_s: float) -> None:
        if not tau_s:
            self._remarks.write([])
            return
        text = f"τ = {format_seconds(tau_s)} a delivery"
        place = (self._end_s * 1.04, 0.08 * self._audience.clients)
        colour = self._theme.theory_colour(self._audience.transport)
        self._remarks.write([Word(text, *place, colour, SMALL_PT + 0.5, align=1.0)])

    def _write(self, view: WallView) -> None:
        theme, clients = self._theme, self._audience.clients
        words = [Word(f"{view.reached:,} of {clients:,} have it", 0, 0.5, theme.text, TITLE_PT)]
        words.append(Word(self._beneath(view), 0, 0.2, theme.muted, BODY_PT))
        self._words.write(words)

    def _beneath(self, view: WallView) -> str:
        instances = self._audience.instances
        dots = "a dot for each client" if instances == 1 else f"{instances} Pushpins, one below the other"
        if view.run is None:
            return dots
        if view.slowed == 1:
            return f"{dots}; the paler, the later"
        push = f"push {view.number} of {len(view.run.results)}"
        when = format_seconds(view.passed_s)
        return f"{push}: {when} after it was due, {view.slowed:,.0f} times slowed"


class _Dots:
    """The clients as pixels: those of an instance side by side, those of the next below.

    Attributes:
        size_px: Width and height of them all.
    """

    def __init__(self, audience: Audience, theme: Theme) -> None:
        room = round(_WALL_IN[2] * DPI), round(_WALL_IN[3] * DPI)
        groups = audience.by_instance()
        each, columns, side_px = _layout([len(group) for group in groups], *room)
        self._clients = np.concatenate(groups)
        starts, cells, row, first = [], [], 0, 0
        for group in groups:
            dots = np.arange(math.ceil(len(group) / each))
            starts.append(first + dots * each)
            cells.append(row * columns + dots)
            first += len(group)
            row += math.ceil(len(dots) / columns) + 1  # and one that stays empty
        self._starts, self._cells = np.concatenate(starts), np.concatenate(cells)
        self._grid = (row - 1, columns)
        self._side_px, self._gap_px = side_px, int(side_px >= _GAP_FROM_PX)
        self.size_px = columns * side_px, (row - 1) * side_px
        colour = theme.colour(audience.transport)
        steps = (blend(colour, theme.background, _LATEST * 2 * step / 8) for step in range(9))
        inks = [theme.background, theme.grid, theme.text, theme.colour("polling"), *steps]
        self._inks = np.array([[round(255 * part) for part in to_rgb(ink)] + [255] for ink in inks], np.uint8)

    def pixels(self, view: WallView) -> NDArray[np.uint8]:
        """Shape (height, width, 4)."""
        kinds = np.zeros(self._grid[0] * self._grid[1], np.uint8)
        kinds[self._cells] = self._kinds(view)
        side, gap = self._side_px, self._gap_px
        paper = self._inks[0]
        rows = self._inks[kinds.reshape(self._grid)].repeat(side, 1)
        if gap:
            rows[:, side - 1 :: side] = paper
        picture = rows.repeat(side, 0)
        if gap:
            picture[side - 1 :: side] = paper
        return picture

    def _kinds(self, view: WallView) -> NDArray[np.uint8]:
        """Which ink each dot has: waiting, shining, lost, or reached sooner or later."""
        kinds = np.full(len(self._cells), _WAITING, np.uint8)
        push = view.push
        if push is None:
            return kinds
        # A dot that stands for several clients waits for the last of them.
        reached_s = np.maximum.reduceat(push.reached_s[self._clients], self._starts)
        end_s = last_s(push) or 1.0
        lit = reached_s <= view.passed_s
        kinds[lit] = _REACHED + np.minimum(8, 8 * np.maximum(0.0, reached_s[lit]) / end_s).astype(np.uint8)
        if view.slowed != 1:
            kinds[lit & (reached_s > view.passed_s - _FLASH * end_s)] = _SHINING
        elif view.passed_s >= end_s:
            kinds[reached_s == LOST] = _NEVER
        return kinds


def _layout(counts: list[int], width_px: int, height_px: int) -> tuple[int, int, int]:
    """Clients for each dot, columns, and a dot's side in pixels: the largest dots that all have room."""
    for each, side in [*((1, side) for side in range(40, 0, -1)), *((each, 1) for each in range(2, 1000))]:
        columns = width_px // side
        rows = sum(math.ceil(math.ceil(count / each) / columns) + 1 for count in counts) - 1
        if rows * side <= height_px:
            return each, columns, side
    raise UsageError("there are more clients than a wall has room for")


def _curve(
    points: tuple[tuple[float, float], ...], clients: int
) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Seconds and clients of a completion curve, from nothing on."""
    pairs = np.array([(0.0, 0.0), *points])
    return pairs[:, 0], pairs[:, 1] * clients


def _round_step(least: float) -> float:
    """1, 2 or 5 with as many noughts as it takes to be no less."""
    decade = 10.0 ** math.floor(math.log10(least))
    return next(step * decade for step in (1, 2, 5, 10) if step * decade >= least * (1 - 1e-9))
