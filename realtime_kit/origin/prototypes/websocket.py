"""Stateless WebSocket: Pushpin holds the sockets, and this application sees short HTTP requests with messages in them.

A socket at `/events?after=17` gets what came after event 17, and what happens from then on. What a client says
happens, too; so does what is sent with an ordinary `POST /events`.
"""

import asyncio
import json
import logging
import os
import re
from pathlib import Path

import aiohttp
from aiohttp import web
from gripcontrol import (
    WebSocketEvent,
    decode_websocket_events,
    encode_websocket_events,
    websocket_control_message,
)

PORT = int(os.environ.get("PORT", "8001"))
"""Where Pushpin finds this application; `routes` says the same."""

GRIP_URL = os.environ.get("GRIP_URL", "http://127.0.0.1:8002").rstrip("/")
"""Pushpin's publish port; `pushpin.conf` says the same."""

CHANNEL = "events"
WEBSOCKET_EVENTS = "application/websocket-events"
PAGE_EVENTS = 100
MESSAGE_BYTES = 16_382
"""Longest message that Pushpin sends in one piece; of a longer one it may hold back the end."""

routes = web.RouteTableDef()
in_order = asyncio.Lock()


class EventLog:
    """Events in order, numbered from 1; in a file, a line each, so that a restart forgets nothing."""

    def __init__(self, file: Path) -> None:
        self._file = file
        file.touch()
        self._texts: list[str] = [json.loads(line) for line in file.read_text().splitlines()]

    @property
    def last_id(self) -> int:
        """Id of the latest event, 0 if there is none."""
        return len(self._texts)

    def append(self, text: str) -> int:
        """Remember an event; its id."""
        with self._file.open("a") as file:
            file.write(json.dumps(text) + "\n")
        self._texts.append(text)
        return self.last_id

    def after(self, event_id: int) -> list[tuple[int, str]]:
        """Later events, oldest first: (id, text) of each."""
        return list(enumerate(self._texts[event_id:], start=event_id + 1))


log = EventLog(Path(__file__).with_name("events.jsonl"))


@routes.post("/events")
async def add(request: web.Request) -> web.Response:
    """Something happens, or something comes from a client's socket."""
    if request.content_type == WEBSOCKET_EVENTS:
        return await from_socket(request)
    text = (await request.text()).rstrip("\n")
    if not fits(text):
        raise web.HTTPRequestEntityTooLarge(MESSAGE_BYTES, len(text))
    return web.json_response({"id": await happen(text)})


async def from_socket(request: web.Request) -> web.Response:
    """Answer WebSocket events with WebSocket events; all that is known of the client is in the request."""
    answer: list[WebSocketEvent] = []
    headers = {}
    for came in decode_websocket_events(await request.read()):
        match came.type:
            case "OPEN":
                headers["Sec-WebSocket-Extensions"] = "grip"
                answer += [came, *welcome(position(request))]
            case "TEXT" if fits(text := came.content.decode()):
                await happen(text)
            case "TEXT" | "BINARY":
                answer.append(close(1009, "only texts that fit one message"))
            case "PING":
                answer.append(WebSocketEvent("PONG", came.content))
            case "CLOSE":
                answer.append(came)
    body = encode_websocket_events(answer)
    return web.Response(body=body, content_type=WEBSOCKET_EVENTS, headers=headers)


def welcome(after: int) -> list[WebSocketEvent]:
    """A page of what is new, and then either live or, if there is more, the request to come back for it."""
    history = log.after(after)[:PAGE_EVENTS]
    page = [WebSocketEvent("TEXT", f"m:{message(number, text)}") for number, text in history]
    if history and history[-1][0] < log.last_id:
        return [*page, close(1013, "there is more: come back after the last id")]
    # c: is a command for Pushpin, m: a message for the client.
    subscribe = websocket_control_message("subscribe", {"channel": CHANNEL})
    return [*page, WebSocketEvent("TEXT", f"c:{subscribe}")]


async def happen(text: str) -> int:
    """Something happens: it is remembered first, then told."""
    async with in_order:
        number = log.append(text)
        await publish(number, text)
    return number


async def publish(number: int, text: str) -> None:
    """Pushpin sends it to every socket. Without it they find the event when they come back."""
    item = {"channel": CHANNEL, "formats": {"ws-message": {"content": message(number, text)}}}
    try:
        async with (
            aiohttp.ClientSession(timeout=aiohttp.ClientTimeout(total=5)) as session,
            session.post(f"{GRIP_URL}/publish/", json={"items": [item]}) as confirmed,
        ):
            confirmed.raise_for_status()
    except (aiohttp.ClientError, TimeoutError) as error:
        logging.warning("event %d was not published: %s", number, error)


def position(request: web.Request) -> int:
    """The id after which the client wants to go on; without any, from now on."""
    text = request.query.get("after") or str(log.last_id)
    if not re.fullmatch("[0-9]{1,18}", text):
        raise web.HTTPBadRequest(text="after is the id of an event, 0 or more\n")
    return int(text)


def message(number: int, text: str) -> str:
    """One event as a WebSocket message."""
    return json.dumps({"id": number, "data": text})


def fits(text: str) -> bool:
    """Whether it can be sent to a socket."""
    return len(message(log.last_id + 1, text)) <= MESSAGE_BYTES  # JSON of ASCII alone: a character, a byte


def close(code: int, reason: str) -> WebSocketEvent:
    """The end of a socket."""
    return WebSocketEvent("CLOSE", code.to_bytes(2, "big") + reason.encode())


if __name__ == "__main__":
    app = web.Application()
    app.add_routes(routes)
    web.run_app(app, host="127.0.0.1", port=PORT)
