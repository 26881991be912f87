r"""GRIP for `aiohttp.web` handlers: answers that Pushpin holds open, and requests that it passes on.

from realtime_kit.origin import grip

async def news(request: web.Request) -> web.Response:
    return grip.hold_stream("news", body=b"data: welcome\n\n")
"""

from realtime_kit.origin.grip.holds import MAX_HELD_BODY_BYTES, hold_response, hold_stream, page
from realtime_kit.origin.grip.incoming import BadGripRequest, is_grip, last_ids
from realtime_kit.origin.grip.instructions import Channel, KeepAlive, Link
from realtime_kit.origin.grip.signature import UnprovenRequest, require_signature, verify
from realtime_kit.origin.grip.websocket_over_http import WebSocketOverHttp, websocket

__all__ = [
    "MAX_HELD_BODY_BYTES",
    "BadGripRequest",
    "Channel",
    "KeepAlive",
    "Link",
    "UnprovenRequest",
    "WebSocketOverHttp",
    "hold_response",
    "hold_stream",
    "is_grip",
    "last_ids",
    "page",
    "require_signature",
    "verify",
    "websocket",
]
