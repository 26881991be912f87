"""The lessons' origins by name and number, each on its own path of one application."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from aiohttp import web

from realtime_kit.errors import UsageError
from realtime_kit.origin.event_log import EventLog
from realtime_kit.origin.long_polling import long_polling_app
from realtime_kit.origin.polling import polling_app
from realtime_kit.origin.streaming import streaming_app
from realtime_kit.origin.websocket import websocket_app


@dataclass(frozen=True, slots=True)
class LessonOrigin:
    """A lesson's origin.

    Attributes:
        number: The lesson's number.
        name: Its name; also the first part of its path.
        make_app: Makes its application over a log of events.
    """

    number: int
    name: str
    make_app: Callable[[EventLog], web.Application]

    @property
    def path(self) -> str:
        """Where its events are."""
        return f"/{self.name}/events"


LESSONS = (
    LessonOrigin(1, "polling", polling_app),
    LessonOrigin(2, "long-polling", long_polling_app),
    LessonOrigin(3, "streaming", streaming_app),
    LessonOrigin(4, "websocket", websocket_app),
)


def find_lesson(wanted: str) -> LessonOrigin:
    """The lesson of that name or number.

    Raises:
        UsageError: if there is none; the text lists them.
    """
    for lesson in LESSONS:
        if wanted == lesson.name or (wanted.isdecimal() and int(wanted) == lesson.number):
            return lesson
    known = ", ".join(f"{lesson.name} ({lesson.number})" for lesson in LESSONS)
    message = f"there is no lesson {wanted!r} to serve; there are {known}"
    raise UsageError(message)


def lessons_app(log: EventLog) -> web.Application:
    """Every lesson's origin in one application, over one log; `POST /events` adds the body as an event.

    Below `/reference` stand a stream and a poll of their own, for the yardstick of a measurement.
    """

    async def add(request: web.Request) -> web.Response:
        data = (await request.read()).decode(errors="replace")
        return web.json_response({"id": log.append(data.rstrip("\n"))})

    app = web.Application()
    app.router.add_post("/events", add)
    for lesson in LESSONS:
        app.add_subapp(f"/{lesson.name}", lesson.make_app(log))
    app.add_subapp("/reference/streaming", streaming_app(log))
    app.add_subapp("/reference/polling", polling_app(log))
    return app
