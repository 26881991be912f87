"""The chat, for any platform: a request's parts come in, an answer's go out, and nothing is remembered in between."""

import json
import os
import urllib.request
from urllib.parse import parse_qs

from gripcontrol import (
    WebSocketEvent,
    decode_websocket_events,
    encode_websocket_events,
    websocket_control_message,
)

CHANNEL = "room"
WEBSOCKET_EVENTS = "application/websocket-events"

Answer = tuple[int, dict[str, str], bytes]
"""Status, headers and body."""


def answer(query: str, headers: dict[str, str], body: bytes) -> Answer:
    """Answer what Pushpin POSTs; the names of the headers are in lower case."""
    if headers.get("content-type") != WEBSOCKET_EVENTS:
        return 400, {"Content-Type": "text/plain"}, b"connect with a WebSocket, to Pushpin\n"
    name = parse_qs(query).get("name", ["somebody"])[0]
    said = int(headers.get("meta-said") or 0)
    events: list[WebSocketEvent] = []
    answered = {"Content-Type": WEBSOCKET_EVENTS}
    for came in decode_websocket_events(body):
        match came.type:
            case "OPEN":
                subscribe = websocket_control_message("subscribe", {"channel": CHANNEL})
                events += [came, WebSocketEvent("TEXT", f"c:{subscribe}")]
                answered["Sec-WebSocket-Extensions"] = "grip"
            case "TEXT":
                said += 1
                answered["Set-Meta-Said"] = str(said)
                publish(f"{name} ({said}): {came.content.decode()}")
            case "PING":
                events.append(WebSocketEvent("PONG", came.content))
            case "CLOSE":
                events.append(came)
    return 200, answered, encode_websocket_events(events)


def publish(text: str) -> None:
    """Pushpin sends it to everybody in the room."""
    item = {"channel": CHANNEL, "formats": {"ws-message": {"content": text}}}
    address = os.environ["GRIP_URL"].rstrip("/") + "/publish/"
    head = {"Content-Type": "application/json"}
    request = urllib.request.Request(address, json.dumps({"items": [item]}).encode(), head)
    urllib.request.urlopen(request, timeout=5).close()
