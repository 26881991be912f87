"""A Pushpin's last minute: who is connected, and what is delivered."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np
from matplotlib.figure import Figure
from matplotlib.lines import Line2D

from realtime_kit.plots.style import BODY_PT, Theme, look
from realtime_kit.plots.widgets.lettering import Lettering, Word
from realtime_kit.plots.widgets.paper import Box, add_axes, head
from realtime_kit.plots.widgets.scale import apart, round_up
from realtime_kit.plots.widgets.scene import Scene
from realtime_kit.plots.widgets.statistics_view import MESSAGES, MODES, STRIP_S, StatisticsView
from realtime_kit.plots.words import format_rate

_CONNECTIONS_IN = (0.55, 0.42, 2.7, 2.05)
_DELIVERIES_IN = (5.3, 0.42, 2.5, 2.05)
_NAMES_APART = 0.1
_LEAST_TOP = 5.0
_ROOM = 1.08


class StatisticsScene(Scene[StatisticsView]):
    """Left: connections and subscribers. Right: deliveries per second."""

    size_in = (9.4, 3.15)

    def build(self, figure: Figure, theme: Theme) -> None:
        """Two strips of one minute."""
        self._connections = _Strip(
            figure,
            _CONNECTIONS_IN,
            theme,
            "Who is connected",
            "connections, and subscribers by transport",
            (*MODES.values(), "connections"),
        )
        self._deliveries = _Strip(
            figure,
            _DELIVERIES_IN,
            theme,
            "What is delivered",
            "messages per second, mean of 5 s",
            tuple(MESSAGES.values()),
        )
        self.moving = [*self._connections.moving, *self._deliveries.moving]

    def update(self, view: StatisticsView) -> bool:
        """The lines move to the left; an axis changes when a line outgrows it, or would fit into a smaller one."""
        ago_s = view.ago_s()
        connected = {"connections": [each.connections for each in view.samples]}
        connected |= {name: [each.subscribers(mode) for each in view.samples] for mode, name in MODES.items()}
        delivered = {name: view.per_second(kind) for kind, name in MESSAGES.items()}
        changes = self._connections.move(ago_s, connected), self._deliveries.move(ago_s, delivered)
        return any(changes)


class _Strip:
    """Lines over the last minute, each named at its end."""

    def __init__(
        self, figure: Figure, box_in: Box, theme: Theme, heading: str, key: str, names: Sequence[str]
    ) -> None:
        self._axes = add_axes(figure, box_in, theme)
        self._theme = theme
        self._top = 0.0
        head(self._axes, heading, key, theme, left_pt=26)
        self._axes.set_xlim(-STRIP_S, 0)
        self._axes.set_xticks([-60, -40, -20, 0], ["60 s ago", "40 s", "20 s", "now"])
        self._lines = {name: self._add_line(name) for name in names}
        self._names = Lettering(self._axes)
        self.moving = [*self._lines.values(), self._names]

    def _add_line(self, name: str) -> Line2D:
        own = name == "connections"
        (line,) = self._axes.plot(
            [],
            [],
            color=self._theme.colour(name),
            linestyle="-",
            linewidth=1.2 if own else 0.6 * look(name).width_pt,
            marker="",
            clip_on=False,
            zorder=4 if own else 3,
        )
        return line

    def move(self, ago_s: Sequence[float], values: Mapping[str, Sequence[float]]) -> bool:
        """Let the lines have these values; whether the axis had to change."""
        shown = np.asarray(ago_s) >= -STRIP_S
        for name, line in self._lines.items():
            line.set_data(np.asarray(ago_s)[shown], np.asarray(values[name], dtype=np.float64)[shown])
        self._name({name: each[-1] for name, each in values.items() if len(each)})
        top = round_up(max([_LEAST_TOP, *(_ROOM * value for each in values.values() for value in each)]))
        changed, self._top = top != self._top, top
        if changed:
            ticks = np.linspace(0, top, 5 if f"{top:e}".startswith("2") else 6)
            self._axes.set_ylim(0, top)
            self._axes.set_yticks(ticks, [format_rate(float(tick)) for tick in ticks])
            self._name({name: each[-1] for name, each in values.items() if len(each)})
        return changed

    def _name(self, latest: Mapping[str, float]) -> None:
        """Name and value at each line's end, never on one another."""
        top = self._axes.get_ylim()[1]
        names = sorted(latest, key=latest.__getitem__)
        heights = apart([latest[name] / top for name in names], _NAMES_APART)
        self._names.write(
            Word(
                f"{name}  {format_rate(latest[name])}",
                0,
                height * top,
                self._theme.colour(name),
                BODY_PT - 0.5,
                bold=True,
                right_pt=10,
            )
            for name, height in zip(names, heights, strict=True)
        )
