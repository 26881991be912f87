"""The statistics panel: what a Pushpin counts by itself, live."""

from __future__ import annotations

import asyncio
import contextlib
import time
from functools import partial

from realtime_kit.errors import UsageError
from realtime_kit.plots.style import Theme
from realtime_kit.plots.widgets.board import Board, Tabular
from realtime_kit.plots.widgets.page import DataTable
from realtime_kit.plots.widgets.statistics_scene import StatisticsScene
from realtime_kit.plots.widgets.statistics_view import MODES, SAMPLE_S, Sample, StatisticsView
from realtime_kit.plots.words import format_seconds
from realtime_kit.pushpin import Pushpin, State

LONGEST_S = 600.0
"""A panel that is forgotten stops looking after ten minutes."""

_ROWS = 12
_HEADINGS = (
    ("channel", "where events are published"),
    ("transport", "how its subscribers get them"),
    ("subscribers", "how many there are"),
)


class StatisticsPanel(Board[StatisticsView, None]):
    """Connections, subscribers and deliveries of an embedded Pushpin, from its own statistics.

    Args:
        pushpin: The one to look at; has to be running when the panel is started.
        seconds: How long a start looks at it, seconds.
        theme: Colours; None follows the notebook's.
    """

    start_words, start_why = "Look", "Follow Pushpin's statistics"

    def __init__(self, pushpin: Pushpin, *, seconds: float = LONGEST_S, theme: Theme | None = None) -> None:
        if not 0 < seconds < float("inf"):
            message = f"seconds is {seconds:g}: a panel looks for a time above 0 that ends"
            raise UsageError(message)
        self._pushpin = pushpin
        self._seconds = seconds
        super().__init__(
            title="What Pushpin sees",
            lead="Its own count. A long-poll's subscription outlives the poll, so that the next one finds it warm.",
            describe="Connections and subscribers, and deliveries per second, over the last minute. "
            "The table below has the latest numbers.",
            first=StatisticsView(),
            theme=theme,
        )

    def _make_scene(self) -> StatisticsScene:
        return StatisticsScene()

    async def _measure(self, stop: asyncio.Event) -> None:
        if self._pushpin.state is not State.READY:
            message = f"there is nothing to see: {self._pushpin!r}. Start it first"
            raise UsageError(message)
        until_s = time.monotonic() + self._seconds
        self._say(f"Looking, for {format_seconds(self._seconds)} at most.")
        while self._pushpin.state is State.READY:
            sample = Sample.of(self._pushpin.statistics, time.monotonic())
            self._change(partial(StatisticsView.after, sample=sample))
            if stop.is_set() or time.monotonic() >= until_s:
                return
            with contextlib.suppress(TimeoutError):
                await asyncio.wait_for(stop.wait(), SAMPLE_S)

    def _finished(self, outcome: None) -> str:
        del outcome
        running = self._pushpin.state is State.READY
        return "Not looking any more." if running else f"Pushpin is {self._pushpin.state.value}."

    def _table(self, view: StatisticsView) -> Tabular:
        latest = view.latest
        busiest = sorted(latest.subscriptions.items(), key=lambda item: (-item[1], item[0]))
        rows = [
            (channel, MODES.get(mode, mode), f"{count:,}") for (channel, mode), count in busiest[:_ROWS]
        ] or [("no channel has subscribers", "", "")]
        published, meant = sum(latest.messages.values()), sum(latest.receivers.values())
        sent = f"{published:,} messages published for {meant:,} receivers"
        notes = [f"{latest.connections:,} connections; {sent}, each message counted once for each transport."]
        if len(busiest) > _ROWS:
            notes.append(f"{len(busiest) - _ROWS:,} more channels are not shown.")
        return DataTable("Subscribers now", _HEADINGS, rows, notes, words=["transport"])
