"""Plain polling: clients ask again and again, and are answered at once.

`GET /events?after=17` answers with what came after event 17, `POST /events` adds an event.
"""

import json
import os
import re
from pathlib import Path

from aiohttp import web

PORT = int(os.environ.get("PORT", "8001"))
"""Where Pushpin finds this application; `routes` says the same."""

routes = web.RouteTableDef()


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
    """What is new for this client; 304 and no body if its `ETag` says that it knows."""
    after, tag = position(request), f'"{log.last_id}"'
    if request.headers.get("If-None-Match") == tag:
        return web.Response(status=304, headers={"ETag": tag})
    return web.Response(text=page(after), content_type="application/json", headers={"ETag": tag})


@routes.post("/events")
async def add(request: web.Request) -> web.Response:
    """Something happens."""
    return web.json_response({"id": log.append((await request.text()).rstrip("\n"))})


def position(request: web.Request) -> int:
    """The id after which the client wants to go on; without any, from now on."""
    text = request.query.get("after") or str(log.last_id)
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
