"""Streaming: history first, page by page, then live, on one answer that never ends (server-sent events).

`GET /events` streams from now on, `?after=17` what came after event 17 as well; `POST /events` adds an event, and tells
Pushpin, which sends it to everybody who listens.
"""

import asyncio
import json
import logging
import os
import re
from pathlib import Path

import aiohttp
from aiohttp import web

PORT = int(os.environ.get("PORT", "8001"))
"""Where Pushpin finds this application; `routes` says the same."""

GRIP_URL = os.environ.get("GRIP_URL", "http://127.0.0.1:8002").rstrip("/")
"""Pushpin's publish port; `pushpin.conf` says the same."""

CHANNEL = "events"
PAGE_EVENTS = 100

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


@routes.get("/events")
@routes.get("/events/after/{after}")
async def events(request: web.Request) -> web.Response:
    """One page of what is new. Pushpin reads the next link for the rest; the last page it holds open instead.

    The link says in its path where to go on, not in its query: Pushpin lets clients that read the same path at the same
    time share one answer, whatever their queries.
    """
    after = position(request)
    history = log.after(after)[:PAGE_EVENTS]
    reached = history[-1][0] if history else after
    if reached < log.last_id:
        grip = {"Grip-Link": f"</events/after/{reached}>; rel=next"}
    else:  # and a comment every 20 s, because proxies on the way cut what is silent
        keep_alive = r":\n\n; format=cstring; timeout=20"
        grip = {"Grip-Hold": "stream", "Grip-Channel": CHANNEL, "Grip-Keep-Alive": keep_alive}
    body = "".join(event(number, text) for number, text in history) or ":\n\n"
    return web.Response(text=body, content_type="text/event-stream", headers=grip)


@routes.post("/events")
async def add(request: web.Request) -> web.Response:
    """Something happens: it is remembered first, then told."""
    async with in_order:
        number = log.append((await request.text()).rstrip("\n"))
        await publish(number)
    return web.json_response({"id": number})


async def publish(number: int) -> None:
    """Pushpin sends it to all who listen. Without it they find the event when they come back."""
    content = "".join(event(*each) for each in log.after(number - 1))
    item = {"channel": CHANNEL, "formats": {"http-stream": {"content": content}}}
    try:
        async with (
            aiohttp.ClientSession(timeout=aiohttp.ClientTimeout(total=5)) as session,
            session.post(f"{GRIP_URL}/publish/", json={"items": [item]}) as confirmed,
        ):
            confirmed.raise_for_status()
    except (aiohttp.ClientError, TimeoutError) as error:
        logging.warning("event %d was not published: %s", number, error)


def position(request: web.Request) -> int:
    """The id after which to go on, from a client that comes back or one that asks; without any, from now on."""
    asked = request.headers.get("Last-Event-ID") or request.query.get("after") or str(log.last_id)
    text = request.match_info.get("after") or asked
    if not re.fullmatch("[0-9]{1,18}", text):
        raise web.HTTPBadRequest(text="after is the id of an event, 0 or more\n")
    return int(text)


def event(number: int, text: str) -> str:
    """One event of the stream: its fields, a line each, and an empty line."""
    lines = "".join(f"data: {line}\n" for line in re.split("\r\n|\r|\n", text))
    return f"id: {number}\n{lines}\n"


if __name__ == "__main__":
    app = web.Application()
    app.add_routes(routes)
    web.run_app(app, host="127.0.0.1", port=PORT)
