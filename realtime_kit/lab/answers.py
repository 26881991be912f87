"""Which events came in an answer: the log says so in the event itself, so that nobody has to guess it from times."""

from __future__ import annotations

from contextvars import ContextVar

from aiohttp import web
from aiohttp.typedefs import Handler

from realtime_kit.origin import EventLog

MARK = " (asked for)"
_is_asked_again: ContextVar[bool] = ContextVar("_is_asked_again", default=False)


class MarkingLog(EventLog):
    """A log that marks what it hands out in answers on a connection that is open already.

    Such are the answers to a next link and to a question on a WebSocket. What is published carries no mark, nor does
    the first answer of a connection. `mark_answers` tells it which request it is.
    """

    def after(self, event_id: int, *, limit: int | None = None) -> list[tuple[int, str]]:
        """As for `EventLog`."""
        mark = MARK * _is_asked_again.get()
        return [(number, data + mark) for number, data in super().after(event_id, limit=limit)]


def is_marked(data: str) -> bool:
    """Whether an event came in such an answer."""
    return data.endswith(MARK)


@web.middleware
async def mark_answers(request: web.Request, handler: Handler) -> web.StreamResponse:
    """Tell a `MarkingLog` whether a request comes from a connection that is open already."""
    is_link = "after" in request.match_info
    is_socket = request.content_type == "application/websocket-events"
    token = _is_asked_again.set(is_link or (is_socket and not (await request.read()).startswith(b"OPEN")))
    try:
        return await handler(request)
    finally:
        _is_asked_again.reset(token)
