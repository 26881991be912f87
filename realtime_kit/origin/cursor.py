"""Reading the position a client continues from, out of whatever it comes in."""

from __future__ import annotations

from aiohttp import web

from realtime_kit.origin import grip

_MAX_DIGITS = 18  # what still fits 64 bits; Python itself refuses to read thousands of digits


def position(request: web.Request, *, channel: str, last_id: int) -> int:
    """The id after which to continue.

    Asked in this order: `Grip-Last` (Pushpin knows best what it has delivered already), `Last-Event-ID` (an
    event-stream client that reconnects), the query's `after`. Without any of them, `last_id`: from now on.

    Args:
        request: The request.
        channel: Channel whose `Grip-Last` counts.
        last_id: Id of the latest event of the log.

    Raises:
        HTTPBadRequest: if a position is there but is not a number; the text says which.
    """
    candidates = (
        ("Grip-Last", grip.last_ids(request).get(channel)),
        ("Last-Event-ID", request.headers.get("Last-Event-ID")),
        ("after", request.query.get("after")),
    )
    for name, text in candidates:
        if text:
            if not (text.isascii() and text.isdigit() and len(text) <= _MAX_DIGITS):
                raise web.HTTPBadRequest(
                    text=f"{name} is {text[:40]!r}: it has to be the id of an event, 0 or more\n"
                )
            return int(text)
    return last_id
