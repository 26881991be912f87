"""The id timeline: the ids that one client of each transport sees, with gaps and recoveries."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Coroutine, Sequence
from itertools import groupby
from typing import Any

import numpy as np

from realtime_kit.plots.style import Theme
from realtime_kit.plots.widgets.board import Board, Tabular
from realtime_kit.plots.widgets.fault_board import ReportFaults, promise
from realtime_kit.plots.widgets.fault_view import FaultView
from realtime_kit.plots.widgets.id_timeline_scene import IdScene
from realtime_kit.plots.widgets.page import DataTable
from realtime_kit.plots.words import NOTHING, format_seconds

WatchIds = Callable[[ReportFaults, asyncio.Event], Coroutine[Any, Any, FaultView]]
"""Breaks something while events happen, on the kit's loop, and reports it; ends early when the event is set."""

_HEADINGS = (
    ("transport", "whose client"),
    ("events", "that are counted"),
    ("recovered", "came another way than the usual one"),
    ("late", "came too late"),
    ("missing", "have not come; in the end they are lost"),
    ("gaps", "how many stretches of ids are missing"),
    ("median", "time from due to come of what was recovered or late"),
    ("slowest", "the longest of these"),
    ("missing ids", "the first of them"),
)
_SHOWN = 6


class IdTimeline(Board[FaultView, FaultView]):
    """Ids against time, one panel for each transport.

    Args:
        watch: Lets it happen.
        fault: What is broken in the middle third.
        meaning: What that is in real life.
        transports: From left to right.
        seconds: How long events happen.
        events: How many of them.
        theme: Colours; None follows the notebook's.
    """

    start_words, start_why = "Start", "Let events happen, and break something in the middle third"

    def __init__(
        self,
        watch: WatchIds,
        *,
        fault: str,
        meaning: str,
        transports: Sequence[str],
        seconds: float,
        events: int,
        theme: Theme | None = None,
    ) -> None:
        self._watch = watch
        self._transports, self._seconds, self._events = tuple(transports), seconds, events
        super().__init__(
            title=f"One client's events: {fault}",
            lead=f"In the grey third {meaning}. On the dashed line every event would be there when it is due.",
            describe="The number of each event against the time at which it came, a panel for each transport. "
            "The table below has the same numbers.",
            first=FaultView(self._transports),
            theme=theme,
        )

    def _make_scene(self) -> IdScene:
        return IdScene(self._transports, seconds=self._seconds, events=self._events)

    async def _measure(self, stop: asyncio.Event) -> FaultView:
        return await self._watch(self._seen, stop)

    def _seen(self, view: FaultView) -> None:
        self._say(view.phase)
        self._change(lambda _: view)

    def _finished(self, outcome: FaultView) -> str:
        self._change(lambda _: outcome)
        return f"Over. {promise(outcome)}"

    def _table(self, view: FaultView) -> Tabular:
        rows = [_row(view, name) for name in view.transports]
        notes = [promise(view)] if view.events else ["Nothing has happened yet."]
        return DataTable("One client of each", _HEADINGS, rows, notes, words=["missing ids"])


def _row(view: FaultView, name: str) -> tuple[str, ...]:
    if not view.events:
        return (name, *[NOTHING] * (len(_HEADINGS) - 1))
    ledger, deliveries = view.ledger(name), view.deliveries[name]
    missing = ~deliveries.came[0] & view.settled
    ids = (np.flatnonzero(missing) + 1).tolist()
    gaps = sum(is_gap for is_gap, _ in groupby(missing.tolist()))
    took_s = deliveries.recovery_s
    return (
        name,
        f"{ledger.expected:,}",
        f"{ledger.recovered:,}",
        f"{ledger.late:,}",
        f"{ledger.lost:,}",
        f"{gaps:,}",
        format_seconds(float(np.median(took_s))) if len(took_s) else NOTHING,
        format_seconds(float(took_s.max())) if len(took_s) else NOTHING,
        ", ".join(map(str, ids[:_SHOWN])) + (" …" if len(ids) > _SHOWN else "") if ids else NOTHING,
    )
