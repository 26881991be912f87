"""The lessons' origins by name and number, each on its own path of one application."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from aiohttp import web

from realtime_kit.errors import UsageError
from realtime_kit.origin.event_log import EventLog
from realtime_kit.origin.grip.websocket_over_http import MAX_MESSAGE_BYTES
from realtime_kit.origin.long_polling import long_polling_app
from realtime_kit.origin.polling import polling_app
from realtime_kit.origin.reliable_streaming import reliable_streaming_app
from realtime_kit.origin.reliable_websocket import reliable_websocket_app
from realtime_kit.origin.streaming import streaming_app
from realtime_kit.origin.websocket import size_of_next, websocket_app


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
    LessonOrigin(6, "reliable", reliable_streaming_app),
)


def find_lesson(wanted: str) -> LessonOrigin:
    """The lesson of that name or number.

    Raises:
        UsageError: if there is none; the text lists them.
    """
    for lesson in LESSONS:
        if wanted == lesson.name or (wanted.isdecimal() and int(wanted) == lesson.number):
            return lesson
    message = f"there is no lesson {wanted!r} with an origin of its own; there are {lesson_names()}"
    raise UsageError(message)


def lesson_names() -> str:
    """All of them, for a sentence."""
    return ", ".join(lesson.name for lesson in LESSONS)


def lessons_app(log: EventLog) -> web.Application:
    """Every lesson's origin in one application, over one log; `POST /events` adds the body as an event.

    What could not be sent over a WebSocket is refused with 413: every transport carries the same events.

    Below `/reliable-websocket` stands the WebSocket whose client asks.

    Below `/reference` stand a stream and a poll of their own, for the yardstick of a measurement.
    """

    async def add(request: web.Request) -> web.Response:
        try:
            text = (await request.read()).decode(errors="replace").rstrip("\n")
        except web.HTTPRequestEntityTooLarge:  # more than aiohttp reads
            return _too_large("more")
        if (size := size_of_next(log, text)) > MAX_MESSAGE_BYTES:
            return _too_large(f"{size:,}")
        return web.json_response({"id": log.append(text)})

    app = web.Application()
    app.router.add_post("/events", add)
    for lesson in LESSONS:
        app.add_subapp(f"/{lesson.name}", lesson.make_app(log))
    app.add_subapp("/reliable-websocket", reliable_websocket_app(log))
    app.add_subapp("/reference/streaming", streaming_app(log))
    app.add_subapp("/reference/polling", polling_app(log))
    return app


def _too_large(size: str) -> web.Response:
    text = (
        f"an event has at most {MAX_MESSAGE_BYTES:,} bytes as the JSON of a WebSocket message, not {size}\n"
    )
    return web.Response(status=413, text=text)
