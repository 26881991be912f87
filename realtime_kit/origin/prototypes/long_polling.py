"""Long-polling: the same API as plain polling, but an answer that would be empty is held until it is not.

`GET /events?after=17` answers with what came after event 17, as soon as there is something; `POST /events` adds an
event, and tells Pushpin, which answers everybody who waits.
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
HOLD_TIMEOUT_S = 25

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
async def events(request: web.Request) -> web.Response:
    """What is new for this client. If nothing is, Pushpin keeps the answer until something happens, or for 25 s.

    `prev-id` tells Pushpin what the answer is based on: if something happens before it is held, it asks again.
    """
    after = position(request)
    hold = {
        "Grip-Hold": "response",
        "Grip-Channel": f"{CHANNEL}; prev-id={log.last_id}",
        "Grip-Timeout": str(HOLD_TIMEOUT_S),
    }
    headers = {} if log.after(after) else hold
    return web.Response(text=page(after), content_type="application/json", headers=headers)


@routes.post("/events")
async def add(request: web.Request) -> web.Response:
    """Something happens: it is remembered first, then told."""
    async with in_order:
        number = log.append((await request.text()).rstrip("\n"))
        await publish(number)
    return web.json_response({"id": number})


async def publish(number: int) -> None:
    """Pushpin answers all who wait. Without it nothing is lost: they find the event when they ask again."""
    answer = {"headers": {"Content-Type": "application/json"}, "body": page(number - 1)}
    ids = {"id": str(number), "prev-id": str(number - 1)}
    item = {"channel": CHANNEL, **ids, "formats": {"http-response": answer}}
    try:
        async with (
            aiohttp.ClientSession(timeout=aiohttp.ClientTimeout(total=5)) as session,
            session.post(f"{GRIP_URL}/publish/", json={"items": [item]}) as confirmed,
        ):
            confirmed.raise_for_status()
    except (aiohttp.ClientError, TimeoutError) as error:
        logging.warning("event %d was not published: %s", number, error)


def position(request: web.Request) -> int:
    """The id after which to go on: Pushpin's word first, when it asks again; without any, from now on."""
    last = re.search("last-id=([^;,]+)", request.headers.get("Grip-Last", ""))
    text = last[1] if last else request.query.get("after") or str(log.last_id)
    if not re.fullmatch("[0-9]{1,18}", text):
        raise web.HTTPBadRequest(text="after is the id of an event, 0 or more\n")
    return int(text)


def page(after: int) -> str:
    """The events, and the id to ask with next time."""
    news = [{"id": number, "data": text} for number, text in log.after(after)]
    return json.dumps({"events": news, "cursor": news[-1]["id"] if news else log.last_id}) + "\n"


if __name__ == "__main__":
    app = web.Application()
    app.add_routes(routes)
    web.run_app(app, host="127.0.0.1", port=PORT)
