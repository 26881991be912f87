"""Reading the position a client continues from, out of whatever it comes in."""

from __future__ import annotations

from aiohttp import web

from realtime_kit.origin import grip

_MAX_DIGITS = 18  # what still fits 64 bits; Python itself refuses to read thousands of digits


def position(request: web.Request, *, channel: str, last_id: int) -> int:
    """The id after which to continue.

    Asked in this order: `Grip-Last` (Pushpin knows best what it has delivered already) and the path of a next
    page, `…/after/17`, of which the later counts; `Last-Event-ID` (an event-stream client that reconnects); the
    query's `after`. Without any of them, `last_id`: from now on.

    Why the later: while Pushpin reads one page after another, `Grip-Last` stands still at what was before them.

    Args:
        request: The request.
        channel: Channel whose `Grip-Last` counts.
        last_id: Id of the latest event of the log.

    Raises:
        HTTPBadRequest: if a position is there but is not a number; the text says which.
    """
    reached = [
        _number(name, text)
        for name, text in (
            ("Grip-Last", grip.last_ids(request).get(channel)),
            ("after", request.match_info.get("after")),
        )
        if text
    ]
    if reached:
        return max(reached)
    for name, text in (
        ("Last-Event-ID", request.headers.get("Last-Event-ID")),
        ("after", request.query.get("after")),
    ):
        if text:
            return _number(name, text)
    return last_id


def _number(name: str, text: str) -> int:
    if not (text.isascii() and text.isdigit() and len(text) <= _MAX_DIGITS):
        raise web.HTTPBadRequest(
            text=f"{name} is {text[:40]!r}: it has to be the id of an event, 0 or more\n"
        )
    return int(text)
