"""The race as a board: dots while it is run, the finished comparison afterwards."""

from __future__ import annotations

import asyncio
import math
from collections.abc import Callable, Coroutine
from dataclasses import replace
from typing import Any

from matplotlib.figure import Figure

from realtime_kit.measurements.progress import Progress, ProgressReport
from realtime_kit.measurements.run import Run
from realtime_kit.plots.race import race_figure
from realtime_kit.plots.sentences import verdict
from realtime_kit.plots.style import Theme
from realtime_kit.plots.widgets.board import Board, Tabular
from realtime_kit.plots.widgets.page import DataTable
from realtime_kit.plots.widgets.race_scene import RaceScene
from realtime_kit.plots.widgets.race_view import Course, RaceView
from realtime_kit.plots.words import format_seconds

StartRace = Callable[[ProgressReport, asyncio.Event], Coroutine[Any, Any, Run]]
"""Runs a race on the kit's loop; it reports as it goes, and ends early when the event is set."""

_HEADINGS = (
    ("transport", "how the clients get their events"),
    ("delivered", "deliveries so far, of all clients together"),
    (
        "median, last 15 s",
        "median latency of the last 15 seconds' deliveries; of very many, an even sample of them",
    ),
    ("origin requests", "requests that have reached the origin so far"),
    ("in vain", "answers of the origin without an event"),
)


class RaceBoard(Board[RaceView, Run]):
    """Four transports side by side, live, and the finished run at the end.

    Args:
        start: Runs the race.
        course: What has been set for it.
        theme: Colours; None follows the notebook's.
    """

    start_words, start_why = (
        "Start the race",
        "Start Pushpin, the origin and the clients, and let events happen",
    )

    def __init__(self, start: StartRace, course: Course, *, theme: Theme | None = None) -> None:
        self._start_race = start
        self._course = course
        super().__init__(
            title="The race",
            lead=f"{course.clients} clients of each kind wait for the same events, "
            f"{course.rate_per_s:g} a second on average, for {format_seconds(course.seconds)}.",
            describe="Latency of every delivery against time, and requests at the origin, by transport. "
            "The table below has the same numbers.",
            first=RaceView(course),
            theme=theme,
        )

    @property
    def run(self) -> Run | None:
        """The finished race; None while there is none."""
        return self._view.run

    def _make_scene(self) -> RaceScene:
        return RaceScene(self._course)

    async def _measure(self, stop: asyncio.Event) -> Run:
        self._change(lambda _: RaceView(self._course))
        return await self._start_race(self._progressed, stop)

    def _progressed(self, progress: Progress) -> None:
        self._say_phase(progress)
        self._change(lambda view: view.after(progress))

    def _finished(self, outcome: Run) -> str:
        self._change(lambda view: replace(view, share=1.0, run=outcome))
        return f"Done. {verdict(outcome)}."

    def _finale(self, view: RaceView, theme: Theme) -> Figure | None:
        return race_figure(view.run, theme=theme) if view.run is not None else None

    def _table(self, view: RaceView) -> Tabular:
        if view.run is not None:
            return view.run
        rows = [
            (
                transport,
                f"{view.received.get(transport, 0):,}",
                format_seconds(view.median_s.get(transport, math.nan)),
                f"{view.origin_requests.get(transport, 0):,}",
                f"{view.empty_responses.get(transport, 0):,}",
            )
            for transport in self._course.transports
        ]
        return DataTable("The race so far", _HEADINGS, rows)
