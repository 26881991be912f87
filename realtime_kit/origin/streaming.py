"""Streaming: history first, page by page, then live events, on one response that never ends (event stream).

What is guaranteed, and what is not:

- History comes complete, in order and once, however many pages it takes. So does what is published while a
  client is connected and reads.
- Between the moment the last page is read from the log and Pushpin's subscription lies a gap of about half a
  millisecond. An event that is published in it is neither in the history nor pushed: it is lost, until the
  client reconnects with the id before it. At 300 events a second 16 of 150 new connections missed one; at one
  event a second it is one connection in two thousand.
- The other way round, an event that is in the log but still on its way to Pushpin comes twice, once from each.
  The id tells.
- Pushpin drops what a slow reader leaves lying, beyond 100 messages, without a word.

Reliable streaming, a later lesson, closes all of these with a `prev_id` and a next link.
"""

from __future__ import annotations

from aiohttp import web

from realtime_kit.origin import grip
from realtime_kit.origin.cursor import position
from realtime_kit.origin.event_log import EventLog
from realtime_kit.publisher import encode_event

PAGE_EVENTS = 100
"""Events in a page of history: small answers for the origin, whatever the length of its history."""

EVENTS, PAGE = "events", "page"
"""Names of the two addresses: where a client begins, and where the next page is."""

KEEP_ALIVE_S = 20
"""Comments sent into silence, because proxies on the way cut what is silent for 30 s or more."""


def streaming_app(
    log: EventLog, *, channel: str = "events", page_events: int = PAGE_EVENTS
) -> web.Application:
    """`GET /events` streams from now on, `?after=0` or `Last-Event-ID: 0` from the beginning."""

    async def events(request: web.Request) -> web.Response:
        after = position(request, channel=channel, last_id=log.last_id)
        history = log.after(after, limit=page_events)
        body = b"".join(encode_event(data, id=str(number)) for number, data in history)
        reached = history[-1][0] if history else after
        if reached < log.last_id:
            return grip.page(body, next_link=page_link(request, reached))
        return grip.hold_stream(
            channel,
            # A comment, so that the client has something to read as soon as it is connected.
            body=body or b":\n\n",
            keep_alive=grip.KeepAlive(":\n\n", timeout_s=KEEP_ALIVE_S),
        )

    app = web.Application()
    app.router.add_get("/events", events, name=EVENTS)
    app.router.add_get("/events/after/{after}", events, name=PAGE)
    return app


def page_link(request: web.Request, reached: int) -> str:
    """Where the page after event `reached` is.

    It says so in the path, not in the query: Pushpin lets clients that read next links with the same path at the
    same time share one answer, whatever their queries (read in 1.36 to 1.41). Of two clients at different places of
    a history the second got the first's page.
    """
    return str(request.app.router[PAGE].url_for(after=str(reached)))
