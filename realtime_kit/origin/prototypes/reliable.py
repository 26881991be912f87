"""Reliable streaming: each event reaches a connected client once and in order, although a push may be lost.

`GET /events` streams from now on, `?after=17` what came after event 17 as well; `POST /events` adds an event, and tells
Pushpin. Each push names the event before it. After a gap, and after a silence, Pushpin reads here what it has missed.
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
LINK_TIMEOUT_S = 5
"""Silence after which Pushpin asks whether the last event was lost: no gap shows that."""

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
    body = "".join(event(number, text) for number, text in history)
    if reached < log.last_id:
        grip = {"Grip-Link": f"</events/after/{reached}>; rel=next"}
    else:  # and a comment every 20 s, because proxies on the way cut what is silent
        grip = {
            "Grip-Hold": "stream",
            "Grip-Channel": f"{CHANNEL}; prev-id={reached}",  # what the next push has to follow
            "Grip-Link": f"</events/after/{reached}>; rel=next; timeout={LINK_TIMEOUT_S}",
            "Grip-Keep-Alive": r":\n\n; format=cstring; timeout=20",
        }
        # A client has something to read at once; Pushpin's own question, at its link, needs no answer.
        body = body or ("" if "after" in request.match_info else ":\n\n")
    return web.Response(text=body, content_type="text/event-stream", headers=grip)


@routes.post("/events")
async def add(request: web.Request) -> web.Response:
    """Something happens: it is remembered first, then told."""
    async with in_order:
        number = log.append((await request.text()).rstrip("\n"))
        await publish(number)
    return web.json_response({"id": number})


async def publish(number: int) -> None:
    """Pushpin sends it to all who listen and have the one before. If this is lost, it reads the event at its link."""
    content = "".join(event(*each) for each in log.after(number - 1))
    item = {
        "channel": CHANNEL,
        "id": str(number),
        "prev-id": str(number - 1),
        "formats": {"http-stream": {"content": content}},
    }
    try:
        async with (
            aiohttp.ClientSession(timeout=aiohttp.ClientTimeout(total=5)) as session,
            session.post(f"{GRIP_URL}/publish/", json={"items": [item]}) as confirmed,
        ):
            confirmed.raise_for_status()
    except (aiohttp.ClientError, TimeoutError) as error:
        logging.warning("event %d was not published: %s", number, error)


def position(request: web.Request) -> int:
    """The id after which to go on.

    Pushpin knows what it has delivered since its link was made: of the two the later counts. Without either it is a
    client that comes back or one that asks; without any, from now on.
    """
    delivered = re.search("last-id=([^;,]+)", request.headers.get("Grip-Last", ""))
    of_pushpin = [delivered and delivered[1], request.match_info.get("after")]
    of_client = request.headers.get("Last-Event-ID") or request.query.get("after") or str(log.last_id)
    texts = [text for text in of_pushpin if text] or [of_client]
    if not all(re.fullmatch("[0-9]{1,18}", text) for text in texts):
        raise web.HTTPBadRequest(text="after is the id of an event, 0 or more\n")
    return max(int(text) for text in texts)


def event(number: int, text: str) -> str:
    """One event of the stream: its fields, a line each, and an empty line."""
    lines = "".join(f"data: {line}\n" for line in re.split("\r\n|\r|\n", text))
    return f"id: {number}\n{lines}\n"


if __name__ == "__main__":
    app = web.Application()
    app.add_routes(routes)
    web.run_app(app, host="127.0.0.1", port=PORT)
