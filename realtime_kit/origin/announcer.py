"""Tells everybody of an event: publishes it in all formats, and calls those whom it may have missed."""

from __future__ import annotations

import asyncio
from typing import Protocol

from pubcontrol import Format, Item

from realtime_kit.origin.event_log import EventLog
from realtime_kit.publisher import item_in_all_formats

LATE_CALLS_S = (0.01, 0.05, 0.25, 1.0)
"""When the late are called, in seconds after the last event: soon, and again for those who hold later than that,
because after an event everybody asks the origin at once."""

LATE_SUFFIX = ":late"
LATE_FILTER = "skip-users"


def late_channel(channel: str) -> str:
    """The channel on which held long-polls that are behind are told to ask again."""
    return channel + LATE_SUFFIX


class _AskAgain(Format):  # type: ignore[misc]  # pubcontrol has no types
    """The `hint` action: Pushpin repeats a held request to the origin at once."""

    def name(self) -> str:
        return "http-response"

    def export(self) -> dict[str, str]:
        return {"action": "hint"}


def late_call(last_id: int) -> Item:
    """What is published on the late channel: everybody is to ask again but those whose hold is based on this id."""
    return Item([_AskAgain()], meta={"skip_users": str(last_id)})


class Sender(Protocol):
    """Publishes without waiting, as a `QueueingPublisher` does."""

    def send(self, channel: str, item: Item) -> None:
        """Publish one item."""


class Announcer:
    """Publishes every event of a log.

    A long-poll that is on its way to being held when an event is published holds with an old `prev_id`.
    Pushpin notices the first such request and repeats it, but then forgets the id it compared with (read in
    1.36): a second one waits until the *next* event shows the gap, however long that takes. So a moment after
    an event everybody is told to ask again, except (by a filter) those whose hold is based on it. Who is up to
    date costs nothing, who is behind hears of the event now instead of maybe never.

    Args:
        log: Whose events to publish.
        publisher: How; it must be open while events are appended.
        channel: Where to.
    """

    def __init__(self, log: EventLog, publisher: Sender, *, channel: str = "events") -> None:
        self._log = log
        self._publisher = publisher
        self._channel = channel
        self._calls: list[asyncio.TimerHandle] = []
        log.on_append(self._announce)

    def close(self) -> None:
        """Announce nothing more; call it before the publisher is closed."""
        self._log.remove_listener(self._announce)
        self._cancel_calls()

    def _announce(self, number: int, data: str) -> None:
        self._publisher.send(self._channel, item_in_all_formats(number, data, prev_number=number - 1))
        self._cancel_calls()
        loop = asyncio.get_running_loop()
        self._calls = [loop.call_later(after_s, self._call_the_late) for after_s in LATE_CALLS_S]

    def _cancel_calls(self) -> None:
        for call in self._calls:
            call.cancel()

    def _call_the_late(self) -> None:
        self._publisher.send(late_channel(self._channel), late_call(self._log.last_id))
