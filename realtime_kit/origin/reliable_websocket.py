"""Reliable WebSocket: the ids are in the messages, and a client that misses one asks for it on the same socket.

Pushpin does for a stream what the client has to do here itself: over WebSockets it knows neither `prev-id` nor next
links. Three rules make up for that.

- Every message has its id, `{"id": 17, "data": …}`, and ids grow by one: so the client sees a gap, and a repetition.
- The client asks, `{"after": 16}`. The answer is what came after that, a page at most, and at the end
  `{"reached": 17, "last": 40}`: how far the answer goes and how far the log does. The client asks on while they differ.
- After a silence the client asks as well, because the loss of a *last* message shows no gap. Since there is always an
  answer, none at all means that the socket is dead.

The origin remembers nothing about a socket: the question has all it needs, like the address of a next link.
"""

from __future__ import annotations

import json

from aiohttp import web

from realtime_kit.origin import grip
from realtime_kit.origin.cursor import position
from realtime_kit.origin.event_log import EventLog
from realtime_kit.origin.websocket import PAGE_EVENTS, page_of
from realtime_kit.publisher import websocket_message

BAD_QUESTION = 1007
"""Close code for a message that is no question (RFC 6455 §7.4.1: data that are not what they should be)."""


def reliable_websocket_app(log: EventLog, *, channel: str = "events") -> web.Application:
    """A socket at `/events` that gets every event, and answers `{"after": 17}` with what came after event 17.

    `?after=17` asks the same as it opens; without it, it begins from now on. It is told where that is.
    """

    async def events(request: web.Request) -> web.Response:
        socket = await grip.websocket(request)
        after = None
        if socket.opening:
            socket.accept()
            after = position(request, channel=channel, last_id=log.last_id)
        try:
            for question in socket:  # of several that came together the last says where the client is
                after = _after(question)
        except ValueError as error:
            socket.close(BAD_QUESTION, str(error))
            return socket.response()
        if after is not None:
            _answer(socket, log, after)
        if socket.opening:
            # Last, so that the client knows where it is when the first push comes. What is pushed in between is a gap.
            socket.subscribe(channel)
        return socket.response()

    app = web.Application()
    app.router.add_post("/events", events)
    return app


def _answer(socket: grip.WebSocketOverHttp, log: EventLog, after: int) -> None:
    history = log.after(after, limit=PAGE_EVENTS - 1)  # one message is the end of the answer
    page = page_of([websocket_message(number, data) for number, data in history])
    for message in page:
        socket.send(message)
    reached = history[len(page) - 1][0] if page else after
    socket.send(json.dumps({"reached": reached, "last": max(reached, log.last_id)}))


def _after(question: str | bytes) -> int:
    try:
        after = json.loads(question)["after"]
    except (ValueError, KeyError, TypeError):
        after = None
    if type(after) is not int or after < 0:
        raise ValueError('ask {"after": 17}, with the id of an event')
    return after
