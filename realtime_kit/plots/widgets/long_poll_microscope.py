"""The long-poll microscope: what Pushpin holds, and the moment between two questions, seen on the wire."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Coroutine
from typing import Any

from realtime_kit.plots.style import Theme
from realtime_kit.plots.widgets.board import Board, Tabular
from realtime_kit.plots.widgets.long_poll_microscope_scene import LongPollScene
from realtime_kit.plots.widgets.long_poll_microscope_view import LongPollView
from realtime_kit.plots.widgets.page import DataTable
from realtime_kit.plots.words import NOTHING, format_seconds, format_share

ReportLongPolls = Callable[[LongPollView], object]
WatchLongPolls = Callable[[ReportLongPolls, asyncio.Event], Coroutine[Any, Any, LongPollView]]
"""Lets clients ask, on the kit's loop, and reports what the X-ray sees; ends early when the event is set."""

_HEADINGS = (
    ("client", "each has a lane of its own"),
    ("questions", "requests that it sent"),
    ("with news", "answers with an event, or several"),
    ("not held", "answered by the origin at once, because there was news already"),
    ("held", "share of the time in which Pushpin held its question"),
    ("median W", "from an answer until Pushpin holds the next question"),
)
_CAUSES = {
    "client request": "to pass on a client's question",
    "repeat": "by itself, to repeat one",
    "next link": "to follow a link",
    "websocket": "for a WebSocket",
    "unknown": "for reasons unknown",
}


class LongPollMicroscope(Board[LongPollView, LongPollView]):
    """Lanes of clients, what they wait for, and what Pushpin asks; from what the X-ray sees on all three wires.

    Args:
        watch: Lets it happen.
        clients: How many clients there are.
        until_s: How far the picture reaches at first, seconds.
        theme: Colours; None follows the notebook's.
    """

    start_words, start_why = "Start", "Start Pushpin, the origin and the clients, and let events happen"

    def __init__(
        self, watch: WatchLongPolls, *, clients: int, until_s: float, theme: Theme | None = None
    ) -> None:
        self._watch = watch
        self._clients = clients
        super().__init__(
            title="Long-polls under the microscope",
            lead="Pushpin holds a question until an event answers it. In between, the client is not there: "
            "for the window W nothing can be pushed to it.",
            describe="A lane for each client with a bar while Pushpin holds its question, the requests of Pushpin "
            "to the origin beneath, and the moment between two questions magnified at the right. "
            "The table below has the same numbers.",
            first=LongPollView(clients, until_s),
            theme=theme,
        )

    def _make_scene(self) -> LongPollScene:
        return LongPollScene(self._clients)

    async def _measure(self, stop: asyncio.Event) -> LongPollView:
        return await self._watch(self._seen, stop)

    def _seen(self, view: LongPollView) -> None:
        self._say(view.phase)
        self._change(lambda _: view)

    def _finished(self, outcome: LongPollView) -> str:
        self._change(lambda _: outcome)
        return f"Done. {_reached(outcome)}"

    def _table(self, view: LongPollView) -> Tabular:
        rows = [_row(view, client, f"client {client + 1}") for client in range(view.clients)]
        notes = [_asked(view)]
        if view.second_requests:
            notes.append(
                "About a second after a channel's first subscriber Pushpin repeats what it holds, once: "
                "an event might have slipped through before it listened."
            )
        if view.published:
            notes.append(_reached(view))
        return DataTable("Seen on the wire", _HEADINGS, [*rows, _row(view, None, "all")], notes)


def _row(view: LongPollView, client: int | None, name: str) -> tuple[str, ...]:
    asked = view.questions if client is None else view.of_client(client)
    answered = [each for each in asked if each.answered_s is not None]
    return (
        name,
        f"{len(asked):,}",
        f"{sum(bool(each.events) for each in answered):,}",
        f"{sum(each.held_from_s is None for each in answered):,}",
        format_share(view.held_share(client)),
        format_seconds(view.median_gap_s(client)) if view.between else NOTHING,
    )


def _asked(view: LongPollView) -> str:
    if not view.origin:
        return "Pushpin has asked the origin nothing yet."
    counted = sorted(view.origin_requests.items(), key=lambda item: -item[1])
    parts = ", ".join(f"{count:,} {_CAUSES[why]}" for why, count in counted)
    return f"Pushpin asked the origin {len(view.origin):,} times: {parts}."


def _reached(view: LongPollView) -> str:
    if view.dropped:
        return f"The X-ray has kept the newest messages, {view.dropped:,} are gone: what came first is not counted."
    events = f"{view.events:,} event{'s' if view.events != 1 else ''}"
    lost = sum(len(view.missing(client)) for client in range(view.clients))
    if not view.events:
        return "No event happened."
    if lost:
        return f"{events} happened; {lost:,} deliveries are missing."
    return f"{events} happened, and every one reached every client."
