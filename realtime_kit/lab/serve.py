"""Serving one lesson by itself, to try with curl."""

from __future__ import annotations

from collections.abc import Callable

from aiohttp import web
from pubcontrol import Item

from realtime_kit.errors import PublishError
from realtime_kit.lab.site import serving
from realtime_kit.origin import Announcer, EventLog, LessonOrigin, find_lesson, lessons_app
from realtime_kit.origin.process import CHANNEL
from realtime_kit.publisher import HttpPublisher

FIRST_EVENTS = ("the first event", "the second event", "the third event")
"""A little history, so that there is something to see before anything happens."""


_UPGRADE = (
    "--http1.1 -H 'Connection: Upgrade' -H 'Upgrade: websocket' -H 'Sec-WebSocket-Version: 13'"
    " -H 'Sec-WebSocket-Key: cmVhbHRpbWVfa2l0IQ=='"
)
"""The handshake by hand: older versions of curl do not know ws:// addresses."""


async def serve_lesson(
    name: str, port: int, *, show: Callable[[str], object], show_failure: Callable[[str], object]
) -> None:
    """Serve a lesson's origin behind Pushpin until cancelled; to be run on the kit's loop, as the origin is.

    Args:
        name: The lesson's name or number.
        port: Port for clients; 0 is a free one.
        show: Called with what to tell a person, once everything is up.
        show_failure: Called with one line for each event that Pushpin refused or did not confirm, and why.

    Raises:
        UsageError: if there is no such lesson.
    """
    lesson = find_lesson(name)
    log = EventLog()
    for text in FIRST_EVENTS:
        log.append(text)
    app: web.Application = lessons_app(log)

    def tell(item: Item, error: PublishError) -> None:
        if item.id is not None:  # a call to ask again is no event
            show_failure(f"Pushpin did not accept event {item.id}: {' '.join(str(error).split())}")

    async with (
        serving(app, http_port=port) as site,
        HttpPublisher(site.pushpin.control_url, on_failure=tell) as publisher,
    ):
        announcer = Announcer(log, publisher, channel=CHANNEL)
        show(_invitation(lesson, str(site.url).rstrip("/")))
        try:
            await site.pushpin.auntil(lambda _: False)  # for ever, or until Pushpin dies: that raises
        finally:
            announcer.close()


def curl_lines(name: str, address: str) -> list[str]:
    """How to listen to a lesson's events with curl, once three of them have happened."""
    return {
        "polling": [f"curl -i '{address}?after=0'", f"curl -i -H 'If-None-Match: \"3\"' '{address}?after=3'"],
        "long-polling": [f"curl -i '{address}?after=0'", f"curl -i '{address}?after=3'    # waits"],
        "streaming": [f"curl -N '{address}?after=0'"],
        "websocket": [f"curl -iN {_UPGRADE} '{address}?after=0'"],
        "reliable": [
            f"curl -N '{address}?after=0'",
            f"curl -N -H 'Last-Event-ID: 3' '{address}'    # comes back",
        ],
    }[name]


def _invitation(lesson: LessonOrigin, url: str) -> str:
    lines = [
        f"The origin of {lesson.name} behind a real Pushpin, at {url}",
        "",
        "Listen:",
        *(f"  {line}" for line in curl_lines(lesson.name, f"{url}{lesson.path}")),
        "Make something happen, from another terminal:",
        f"  curl -d 'hello' {url}/events",
        "",
        "Ctrl-C stops both.",
    ]
    return "\n".join(lines)
