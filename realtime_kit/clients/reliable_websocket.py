"""Reliable WebSocket: the client compares ids, and asks on the same socket for what it misses."""

from __future__ import annotations

import contextlib
import json
import re
import time
from collections.abc import AsyncGenerator, Iterator
from typing import Any

import aiohttp
from aiohttp import WSMsgType
from yarl import URL

from realtime_kit.clients.client import ANSWER_TIMEOUT_S, Trouble
from realtime_kit.clients.event_stream import Event
from realtime_kit.clients.receipt import Receipt
from realtime_kit.clients.websocket import WebSocketClient, read_event
from realtime_kit.errors import ClientError, UsageError

SILENCE_S = 5.0
"""Silence after which it asks whether a last event was lost, as a next link with `timeout=5` does."""

GAP_WAIT_S = 0.1
"""How long a gap may be a matter of order only. Pushpin's own `message_wait` is at least 1 s, on a grid of 1 s."""


class Sequencer:
    """Puts events in order, drops repetitions, and knows whether one is missing. No input and output, no clock.

    Args:
        position: Id of the latest event that was passed on; None is not known yet.

    Attributes:
        position: Likewise, now.
        repeated: Events that came and had come before.
    """

    def __init__(self, position: int | None) -> None:
        self.position = position
        self.repeated = 0
        self._heard_of = position or 0
        self._waiting: dict[int, Event] = {}

    @property
    def has_gap(self) -> bool:
        """Whether there is an event that has not come, as far as is known."""
        return self.position is not None and self.position < self._heard_of

    def hear_of(self, last: int, *, reached: int) -> None:
        """An answer went as far as `reached`, and the log goes as far as `last`."""
        if self.position is None:
            self.position = reached
        self._heard_of = max(self._heard_of, last)

    def take(self, event: Event) -> list[Event]:
        """What can be passed on now, in order, after an event has come."""
        number = int(event.id)
        self.hear_of(number, reached=number - 1)
        assert self.position is not None  # noqa: S101 - for the type checker
        if number <= self.position or number in self._waiting:
            self.repeated += 1
            return []
        self._waiting[number] = event
        ready = []
        while (following := self._waiting.pop(self.position + 1, None)) is not None:
            self.position += 1
            ready.append(following)
        return ready


class ReliableWebSocketClient(WebSocketClient):
    """Reads `{"id": …, "data": …}` messages with ids that grow by one, each once and in order.

    After a gap it waits a moment, in case that two have changed places, and asks `{"after": 17}`; after a silence it
    asks, too. The answer ends with `{"reached": …, "last": …}`: without one the socket is dead, and it comes back with
    `?after=` on another. So a machine that has vanished is noticed after `silence_s` and `answer_timeout_s`.

    Args:
        url: Address of the socket, of an origin like `reliable_websocket_app`.
        silence_s: Silence after which it asks, seconds, above 0: how late a lost last event is, and the price of it,
            since every client asks once in so long a silence.
        gap_wait_s: How long a gap is awaited before it asks, seconds, 0 or more.
        answer_timeout_s: Longest wait for an answer, seconds, above 0.
        **options: Those of `Client`; `last_event_id` has to be a number, of at most 18 digits.

    Raises:
        UsageError: if one of them is not as it has to be.

    Attributes:
        questions: How often it has asked.
        repeated: Events that came twice and were passed on once.
    """

    def __init__(
        self,
        url: str | URL,
        *,
        silence_s: float = SILENCE_S,
        gap_wait_s: float = GAP_WAIT_S,
        answer_timeout_s: float = ANSWER_TIMEOUT_S,
        **options: Any,
    ) -> None:
        super().__init__(url, **options)
        if self.last_event_id and not _is_number(self.last_event_id):
            message = (
                f"last_event_id is {self.last_event_id!r:.60}: an event's id has to be a text of 1 to 18 digits here, "
                "so that ids can be compared; '' is from now on"
            )
            raise UsageError(message)
        for name, value in (("silence_s", silence_s), ("answer_timeout_s", answer_timeout_s)):
            if not value > 0:
                message = f"{name} is {value!r}: it has to be above 0"
                raise UsageError(message)
        if not gap_wait_s >= 0:
            message = f"gap_wait_s is {gap_wait_s!r}: it has to be 0 or more"
            raise UsageError(message)
        self.questions = 0
        self.repeated = 0
        self._silence_s = silence_s
        self._gap_wait_s = gap_wait_s
        self._answer_timeout_s = answer_timeout_s
        self._is_asking = False
        self._due_s = 0.0

    async def _connection(self) -> AsyncGenerator[Receipt, None]:
        opened_ns = time.monotonic_ns()
        events = Sequencer(int(self.last_event_id) if self.last_event_id else None)
        async with await self._open() as socket:
            self._answered()
            # The opening is a question as well: the answer says where this client is.
            self._await_answer()
            while (message := await self._next(socket, events)).type in (WSMsgType.TEXT, WSMsgType.BINARY):
                had_gap = events.has_gap
                if (end := _end_of_answer(message.data)) is not None:
                    await self._note_answer(socket, events, *end)
                else:
                    for event in self._take(message, events):
                        yield Receipt(event, time.monotonic_ns(), opened_ns)
                if not self._is_asking and not (had_gap and events.has_gap and end is None):
                    self._due_s = time.monotonic() + (self._gap_wait_s if events.has_gap else self._silence_s)
            self._end(message)

    async def _next(
        self, socket: aiohttp.ClientWebSocketResponse[Any], events: Sequencer
    ) -> aiohttp.WSMessage:
        """The next message; asks when it is time to.

        Raises:
            Trouble: if a question is not answered.
        """
        while True:
            if (left_s := self._due_s - time.monotonic()) > 0:
                with contextlib.suppress(TimeoutError):
                    return await socket.receive(timeout=left_s)
            elif self._is_asking:
                message = f"{self.url} did not answer a question within {self._answer_timeout_s:g} s"
                raise Trouble(message)
            else:
                await self._ask(socket, events)

    async def _ask(self, socket: aiohttp.ClientWebSocketResponse[Any], events: Sequencer) -> None:
        self.questions += 1
        self._await_answer()
        await socket.send_str(json.dumps({"after": events.position}))

    def _await_answer(self) -> None:
        self._is_asking, self._due_s = True, time.monotonic() + self._answer_timeout_s

    async def _note_answer(
        self, socket: aiohttp.ClientWebSocketResponse[Any], events: Sequencer, reached: int, last: int
    ) -> None:
        events.hear_of(last, reached=reached)
        self.last_event_id = str(events.position)
        self._is_asking = False
        self._succeed()
        if reached < last:  # there is another page
            await self._ask(socket, events)

    def _take(self, message: aiohttp.WSMessage, events: Sequencer) -> Iterator[Event]:
        event = read_event(message, str(self.url))
        if not _is_number(event.id):
            text = f"{self.url} sent an event with the id {event.id!r:.60}: it has to be a number of at most 18 digits"
            raise ClientError(text)
        before = events.repeated
        for ready in events.take(event):
            self.last_event_id = ready.id
            yield ready
        self.repeated += events.repeated - before


def _is_number(event_id: object) -> bool:
    """Whether it is the text of a whole number that the kit's origins understand."""
    return isinstance(event_id, str) and re.fullmatch("[0-9]{1,18}", event_id) is not None


def _end_of_answer(text: str | bytes) -> tuple[int, int] | None:
    """How far an answer went, and how far the log goes; None for any other message."""
    try:
        values = json.loads(text)
        return int(values["reached"]), int(values["last"])
    except (ValueError, KeyError, TypeError):
        return None
