"""Long-polling: ask, be answered when there is something, ask again at once."""

from __future__ import annotations

import time
from collections.abc import AsyncGenerator
from typing import Any

import aiohttp
from yarl import URL

from realtime_kit.clients.client import Client, Trouble, query
from realtime_kit.clients.polling import Page, read_answer
from realtime_kit.clients.receipt import Receipt
from realtime_kit.errors import UsageError

HELD_ANSWER_TIMEOUT_S = 70.0
"""Above the 55 s that Pushpin holds a request by default."""

NOT_HELD_S = 1.0
"""An empty answer that comes sooner was not held: Pushpin's shortest hold is 5 s."""


class LongPollingClient(Client):
    """Asks again as soon as it is answered, continuing after the last event.

    An answer without an event that comes at once counts as a failure, to be tried again after a wait: without
    a proxy that holds its requests this client would ask as fast as it can.

    Args:
        url: Address of the events; it answers as for polling, but holds an answer that would be empty.
        answer_timeout_s: Longest wait for an answer before the question counts as lost, seconds, above 0. Choose it
            longer than the origin lets a question be held. A Pushpin that has just started may never answer one that
            came in its first moments.
        **options: Those of `Client`.

    Attributes:
        turnaround_s: Seconds spent so far between an answer and the next request.
        turnarounds: How many those were.
    """

    def __init__(
        self, url: str | URL, *, answer_timeout_s: float = HELD_ANSWER_TIMEOUT_S, **options: Any
    ) -> None:
        super().__init__(url, **options)
        if not answer_timeout_s > 0:
            message = f"answer_timeout_s is {answer_timeout_s!r}: it has to be above 0"
            raise UsageError(message)
        self._timeout = aiohttp.ClientTimeout(total=answer_timeout_s)
        self.turnaround_s = 0.0
        self.turnarounds = 0
        self._answered_ns = 0

    async def _connection(self) -> AsyncGenerator[Receipt, None]:
        self._answered_ns = 0  # the wait after a failure is no turnaround
        while True:
            page = await self._ask()
            for event in page.events:
                self.last_event_id = event.id
                yield Receipt(event, page.received_ns)
            self.last_event_id = page.cursor

    async def _ask(self) -> Page:
        headers = self._request_headers()
        self._note_turnaround()
        asked_ns = time.monotonic_ns()
        async with self.session.get(
            self.url,
            params=query(after=self.last_event_id),
            headers=headers,
            timeout=self._timeout,
        ) as response:
            await self._check(response, "application/json")
            page = await read_answer(response)
        self._answered_ns = page.received_ns
        self.empty_responses += not page.events
        in_vain = not page.events and page.cursor == self.last_event_id
        if in_vain and page.received_ns - asked_ns < NOT_HELD_S * 1e9:
            message = (
                f"{response.url} answered at once without an event: is there a Pushpin to hold the request?"
            )
            raise Trouble(message)
        return page

    def _note_turnaround(self) -> None:
        if self._answered_ns:
            self.turnaround_s += (time.monotonic_ns() - self._answered_ns) / 1e9
            self.turnarounds += 1
            self._answered_ns = 0
