"""Plain polling: ask, wait, ask again."""

from __future__ import annotations

import asyncio
import json
import time
from collections.abc import AsyncGenerator, Iterator
from dataclasses import dataclass
from typing import Any

import aiohttp
from yarl import URL

from realtime_kit.clients.client import ANSWER_TIMEOUT_S, Client, query
from realtime_kit.clients.event_stream import Event
from realtime_kit.clients.receipt import Receipt
from realtime_kit.errors import ClientError, UsageError


class PollingClient(Client):
    """Asks every `interval_s`, counted from start to start, with a random phase.

    Counting from start to start keeps the period what it says, whatever an answer takes; a loop that sleeps
    after each answer drifts by the answer's time. The random phase keeps many clients from asking together.
    The first request goes out at once, to learn where to begin; the phase counts from there. So it does after
    a failure.

    Args:
        url: Address of the events; it answers JSON `{"events": [{"id": …, "data": …}], "cursor": …}`.
        interval_s: Seconds from one request's start to the next one's, above 0.
        phase_s: Seconds until the second request, 0 to `interval_s`; None is random.
        **options: Those of `Client`.
    """

    def __init__(
        self, url: str | URL, *, interval_s: float, phase_s: float | None = None, **options: Any
    ) -> None:
        super().__init__(url, **options)
        if not 0 < interval_s < float("inf"):
            message = f"interval_s is {interval_s!r}: it has to be a number of seconds above 0"
            raise UsageError(message)
        if phase_s is not None and not 0 <= phase_s <= interval_s:
            message = f"phase_s is {phase_s!r}: it has to be from 0 to interval_s, which is {interval_s:g}"
            raise UsageError(message)
        self.interval_s = interval_s
        self._phase_s = self._rng.uniform(0, interval_s) if phase_s is None else phase_s
        self._etag = ""

    async def _connection(self) -> AsyncGenerator[Receipt, None]:
        loop = asyncio.get_running_loop()
        due_s = loop.time() + self._phase_s
        for receipt in await self._ask():
            yield receipt
        while True:
            await asyncio.sleep(due_s - loop.time())
            for receipt in await self._ask():
                yield receipt
            # A request slower than the interval costs whole turns, never the rhythm.
            due_s += self.interval_s * max(1, -(-(loop.time() - due_s) // self.interval_s))

    async def _ask(self) -> Iterator[Receipt]:
        headers = self._request_headers() | ({"If-None-Match": self._etag} if self._etag else {})
        async with self.session.get(
            self.url,
            params=query(after=self.last_event_id),
            headers=headers,
            timeout=aiohttp.ClientTimeout(total=ANSWER_TIMEOUT_S),
        ) as response:
            if response.status == 304:
                self.empty_responses += 1
                return iter(())
            await self._check(response, "application/json")
            page = await read_answer(response)
        self.empty_responses += not page.events
        return self._deliver(page, response.headers.get("ETag", ""))

    def _deliver(self, page: Page, etag: str) -> Iterator[Receipt]:
        for event in page.events:
            self.last_event_id = event.id
            yield Receipt(event, page.received_ns)
        # Only now: whoever leaves the loop in the middle of a page gets the rest of it next time.
        self.last_event_id, self._etag = page.cursor, etag


@dataclass(frozen=True, slots=True)
class Page:
    """An answer's events, the id to continue after, and when its last byte was read."""

    events: list[Event]
    cursor: str
    received_ns: int


async def read_answer(response: aiohttp.ClientResponse) -> Page:
    """The page in an answer.

    Raises:
        ClientError: if there is none.
    """
    text = await response.read()
    received_ns = time.monotonic_ns()
    try:
        body = json.loads(text)
    except ValueError as error:
        message = f"{response.url} answered with {text[:200]!r}, which is no JSON: {error}"
        raise ClientError(message) from error
    return Page(*read_page(body, str(response.url)), received_ns)


def read_page(body: Any, url: str) -> tuple[list[Event], str]:
    """The events of a JSON page, and the id to continue after.

    Raises:
        ClientError: if the page is of another shape.
    """
    try:
        events = [Event("message", str(entry["data"]), str(entry["id"])) for entry in body["events"]]
        return events, str(body["cursor"])
    except (KeyError, TypeError) as error:
        message = f'{url} did not answer {{"events": [{{"id", "data"}}], "cursor"}} but {str(body)[:200]}'
        raise ClientError(message) from error
