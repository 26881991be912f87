"""Reliable streaming: push is the fast path, the log is the truth, and Pushpin closes every gap between the two.

What plain streaming (`streaming.py`) leaves open, two lines of the answer close:

- `Grip-Channel: events; prev-id=17` tells Pushpin which event the answer ends with. Pushpin then delivers a message
  only if its own `prev-id` says that it comes next. One that was pushed between the reading of the log and the
  subscription is noticed; one that comes twice is dropped; two in the wrong order wait for each other.
- `Grip-Link: </events/after/17>; rel=next; timeout=5` tells where to read what is missing. Pushpin reads it after a
  gap (once `message_wait` is over), and after so long a silence, because the loss of a *last* message shows no gap.

So each event reaches a connected client once and in order, as long as the origin answers in the end. Two prices:
an empty answer for each client and each `timeout` of silence, and the wait before a gap is believed.

What it does not do: a client whose connection breaks still has to come back with `Last-Event-ID`.
"""

from __future__ import annotations

from aiohttp import web

from realtime_kit.origin import grip
from realtime_kit.origin.cursor import position
from realtime_kit.origin.event_log import EventLog
from realtime_kit.origin.streaming import EVENTS, KEEP_ALIVE_S, PAGE, PAGE_EVENTS, page_link
from realtime_kit.publisher import encode_event

LINK_TIMEOUT_S = 5
"""Silence after which Pushpin asks whether something was lost: a lost last event is so late, plus what it takes."""


def reliable_streaming_app(
    log: EventLog,
    *,
    channel: str = "events",
    page_events: int = PAGE_EVENTS,
    link_timeout_s: int = LINK_TIMEOUT_S,
) -> web.Application:
    """`GET /events` streams from now on, `?after=0` or `Last-Event-ID: 0` from the beginning.

    Every event has to be published with its id and the id before it, as `Announcer` does.

    Args:
        log: What it answers from.
        channel: Where its events are published.
        page_events: Events in a page of history.
        link_timeout_s: Whole seconds of silence after which Pushpin asks again.
    """

    async def events(request: web.Request) -> web.Response:
        # Also Pushpin's own question: Grip-Last says what it has delivered since the link was made.
        after = position(request, channel=channel, last_id=log.last_id)
        history = log.after(after, limit=page_events)
        body = b"".join(encode_event(data, id=str(number)) for number, data in history)
        reached = history[-1][0] if history else after
        if reached < log.last_id:
            return grip.page(body, next_link=page_link(request, reached))
        is_first = "after" not in request.match_info
        return grip.hold_stream(
            grip.Channel(channel, prev_id=str(reached)),
            # A comment, so that a client has something to read as soon as it is connected.
            body=body or (b":\n\n" if is_first else b""),
            next_link=grip.Link(page_link(request, reached), timeout_s=link_timeout_s),
            keep_alive=grip.KeepAlive(":\n\n", timeout_s=KEEP_ALIVE_S),
        )

    app = web.Application()
    app.router.add_get("/events", events, name=EVENTS)
    app.router.add_get("/events/after/{after}", events, name=PAGE)
    return app
