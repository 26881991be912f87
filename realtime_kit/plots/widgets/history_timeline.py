"""The history timeline: history page by page, then live, on one stream; seen on the wire."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Coroutine
from typing import Any

from realtime_kit.plots.style import Theme
from realtime_kit.plots.widgets.board import Board, Tabular
from realtime_kit.plots.widgets.history_timeline_scene import HistoryScene
from realtime_kit.plots.widgets.history_timeline_view import Connection, HistoryView
from realtime_kit.plots.widgets.page import DataTable
from realtime_kit.plots.words import NOTHING, format_seconds

ReportHistory = Callable[[HistoryView], object]
WatchHistory = Callable[[ReportHistory, asyncio.Event], Coroutine[Any, Any, HistoryView]]
"""Lets a client read a stream, on the kit's loop, and reports what the X-ray sees; ends early when the event is set."""

_HEADINGS = (
    ("connection", "one time that the client was there"),
    ("after", "id after which it wants to go on"),
    ("pages", "answers of the origin with history"),
    ("from history", "events that came in pages"),
    ("live", "events that were pushed"),
    ("live after", "time from its request until Pushpin held its stream"),
)


class HistoryTimeline(Board[HistoryView, HistoryView]):
    """Event ids against time on a client's stream; from what the X-ray sees before and behind Pushpin.

    Args:
        watch: Lets it happen.
        page_events: Events in a page.
        until_s: How far the picture reaches, seconds.
        events_until: How far its axis of ids reaches.
        theme: Colours; None follows the notebook's.
    """

    start_words, start_why = (
        "Start",
        "Start Pushpin and the origin, connect the client, and let events happen",
    )

    def __init__(
        self,
        watch: WatchHistory,
        *,
        page_events: int,
        until_s: float,
        events_until: int,
        theme: Theme | None = None,
    ) -> None:
        self._watch = watch
        self._page_events = page_events
        super().__init__(
            title="First history, then live",
            lead="One request brings both: Pushpin fetches history page by page, and holds the stream after the last "
            "page. A client that comes back says which event it saw last.",
            describe="Ids of events against time since connecting, the first milliseconds magnified at the left, "
            "and beneath the requests of Pushpin to the origin. The table below has the same numbers.",
            first=HistoryView(until_s, events_until),
            theme=theme,
        )

    def _make_scene(self) -> HistoryScene:
        return HistoryScene(self._page_events)

    async def _measure(self, stop: asyncio.Event) -> HistoryView:
        return await self._watch(self._seen, stop)

    def _seen(self, view: HistoryView) -> None:
        self._say(view.phase)
        self._change(lambda _: view)

    def _finished(self, outcome: HistoryView) -> str:
        self._change(lambda _: outcome)
        return f"Done. {_complete(outcome)}"

    def _table(self, view: HistoryView) -> Tabular:
        rows = [_row(each, number) for number, each in enumerate(view.connections, 1)]
        notes = [_asked(view)]
        if view.connections:
            notes.append(_complete(view))
        return DataTable("Seen on the wire", _HEADINGS, rows or [("none yet", *[""] * 5)], notes)


def _row(connection: Connection, number: int) -> tuple[str, ...]:
    held_s = connection.held_s
    return (
        "first" if number == 1 else f"again, {number}" if number > 2 else "again",
        f"{connection.after:,}",
        f"{len(connection.pages):,}",
        f"{len(connection.arrivals) - connection.pushed:,}",
        f"{connection.pushed:,}",
        format_seconds(held_s - connection.opened_s) if held_s is not None else NOTHING,
    )


def _asked(view: HistoryView) -> str:
    if not view.origin:
        return "Pushpin has asked the origin nothing yet."
    asked = dict(view.origin_requests)
    client, link = asked.pop("client request", 0), asked.pop("next link", 0)
    others = f", {sum(asked.values()):,} for another reason" if asked else ""
    total = f"Pushpin asked the origin {len(view.origin):,} times"
    return f"{total}: {client:,} for a request of the client, {link:,} to follow a next link{others}."


def _complete(view: HistoryView) -> str:
    came = f"{view.events:,} events came, {view.from_history:,} from history and {view.pushed:,} live"
    troubles = [
        f"{what}: {', '.join(map(str, ids[:10]))}{' …' if len(ids) > 10 else ''}"
        for what, ids in (("missing", view.missing), ("twice", view.doubled))
        if ids
    ]
    return f"{came}; {'; '.join(troubles) or 'no id is missing and none came twice'}."
