"""Stateless WebSocket: Pushpin holds the socket, the origin sees short HTTP requests with events in them.

As with streaming (see there), an event that falls between reading the log and Pushpin's subscription is missed,
or comes twice; over WebSockets Pushpin has no remedy, so a client that must not miss any compares the ids.
"""

from __future__ import annotations

from aiohttp import web

from realtime_kit.origin import grip
from realtime_kit.origin.cursor import position
from realtime_kit.origin.event_log import EventLog
from realtime_kit.origin.grip.websocket_over_http import MAX_MESSAGE_BYTES, MAX_MESSAGES
from realtime_kit.publisher import websocket_message

PAGE_EVENTS = MAX_MESSAGES
"""Messages in one answer."""

PAGE_BYTES = 500_000
"""Bytes of messages in one answer; Pushpin allows 1,000,000 with all their framing."""

COME_BACK = 1013
"""Close code "try again later": there is more history than fits one answer."""

TOO_BIG = 1009
"""Close code for a message that could never be sent again."""


def websocket_app(log: EventLog, *, channel: str = "events") -> web.Application:
    """A socket at `/events` that gets every event; `?after=17` begins with what came after event 17.

    A client far behind gets a page of history and the close code 1013, and comes back for more. What a client
    sends is added to the log, so two sockets can talk to each other.
    """

    async def events(request: web.Request) -> web.Response:
        socket = await grip.websocket(request)
        if socket.opening:
            socket.accept()
            history = log.after(position(request, channel=channel, last_id=log.last_id))
            page = page_of([websocket_message(number, data) for number, data in history[:PAGE_EVENTS]])
            for message in page:
                socket.send(message)
            if len(page) < len(history):
                socket.close(COME_BACK, "there is more: come back after the last id")
            else:
                socket.subscribe(channel)
        for received in socket:
            text = received if isinstance(received, str) else received.decode(errors="replace")
            if size_of_next(log, text) > MAX_MESSAGE_BYTES:
                socket.close(TOO_BIG, f"at most {MAX_MESSAGE_BYTES:,} bytes as JSON")
                break
            log.append(text)
        return socket.response()

    app = web.Application()
    app.router.add_post("/events", events)
    return app


def size_of_next(log: EventLog, text: str) -> int:
    """Bytes of the WebSocket message that would carry this text as the log's next event."""
    return len(websocket_message(log.last_id + 1, text))  # JSON of ASCII alone: a character, a byte


def page_of(messages: list[str]) -> list[str]:
    """The first of these messages, as many as have `PAGE_BYTES` together."""
    size = 0
    for count, message in enumerate(messages):
        size += len(message)
        if size > PAGE_BYTES:
            return messages[:count]
    return messages
