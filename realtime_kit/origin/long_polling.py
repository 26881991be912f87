"""Long-polling: the same API as plain polling, but an answer that would be empty is held until it is not."""

from __future__ import annotations

from aiohttp import web

from realtime_kit.origin import grip
from realtime_kit.origin.announcer import LATE_FILTER, late_channel
from realtime_kit.origin.cursor import position
from realtime_kit.origin.event_log import EventLog
from realtime_kit.publisher import JSON_TYPE, json_page

HOLD_TIMEOUT_S = 25
"""How long an answer is held. Proxies on the way often give up at 30 s."""


def long_polling_app(
    log: EventLog, *, channel: str = "events", hold_timeout_s: int = HOLD_TIMEOUT_S
) -> web.Application:
    """`GET /events?after=17` answers with what came after event 17, as soon as there is something.

    `prev_id` tells Pushpin what this answer is based on. If an event is published after the log has been read
    but before Pushpin holds the request, the ids do not fit, and Pushpin asks again instead of losing it: at
    once, or when the `Announcer` calls those who are behind. The hold says in its meta where it stands.
    """

    async def events(request: web.Request) -> web.Response:
        after = position(request, channel=channel, last_id=log.last_id)
        if news := log.after(after):
            return web.Response(body=json_page(news, log.last_id), content_type=JSON_TYPE)
        return hold(channel, log.last_id, timeout_s=hold_timeout_s)

    app = web.Application()
    app.router.add_get("/events", events)
    return app


def hold(channel: str, last_id: int, *, timeout_s: int) -> web.Response:
    """The answer that is held, based on everything up to an event."""
    here = str(last_id)
    return grip.hold_response(
        [
            grip.Channel(channel, prev_id=here),
            grip.Channel(late_channel(channel), filters=(LATE_FILTER,)),
        ],
        meta={"user": here},
        body=json_page([], last_id),
        content_type=JSON_TYPE,
        timeout_s=timeout_s,
    )
