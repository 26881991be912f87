"""Plain polling: the client asks again and again, the origin answers at once. No GRIP, nothing held."""

from __future__ import annotations

from aiohttp import web

from realtime_kit.origin.cursor import position
from realtime_kit.origin.event_log import EventLog
from realtime_kit.publisher import JSON_TYPE, json_page


def polling_app(log: EventLog, *, channel: str = "events") -> web.Application:
    """`GET /events?after=17` answers with what came after event 17, or 304 if the client's ETag is current."""

    async def events(request: web.Request) -> web.Response:
        after = position(request, channel=channel, last_id=log.last_id)
        current = f'"{log.last_id}"'
        if any(tag.value == str(log.last_id) for tag in request.if_none_match or ()):
            return web.Response(status=304, headers={"ETag": current})
        body = json_page(log.after(after), log.last_id)
        return web.Response(body=body, content_type=JSON_TYPE, headers={"ETag": current})

    app = web.Application()
    app.router.add_get("/events", events)
    return app
