"""One resource, three ways to read it: GET, long-poll, stream. It never writes, and never publishes."""

from aiohttp import web
from backends.leaderboard.board import CHANNEL, Board

from realtime_kit import grip
from realtime_kit.publisher import JSON_TYPE


def leaderboard(board: Board) -> web.RouteTableDef:
    routes = web.RouteTableDef()

    @routes.get("/leaderboard")
    async def get(request: web.Request) -> web.Response:
        top = board.top
        channel = grip.Channel(CHANNEL, prev_id=top.version)
        if "stream" in request.query or "text/event-stream" in request.headers.get("Accept", ""):
            seen = grip.last_ids(request).get(CHANNEL) or request.headers.get("Last-Event-ID")
            body = "" if seen == top.version else top.event
            return grip.hold_stream(channel, body=body, next_link="/leaderboard?stream")
        headers = {"ETag": top.etag}
        if request.headers.get("If-None-Match") != top.etag:
            return web.Response(text=top.body, content_type=JSON_TYPE, headers=headers)
        if "Wait" in request.headers:
            return grip.hold_response(channel, status=304, headers=headers, timeout_s=25)
        return web.Response(status=304, headers=headers)

    return routes
