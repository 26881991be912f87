"""A neighbour on the same route of Pushpin who sends more than its limiter lets through."""

from __future__ import annotations

import asyncio
import contextlib
import time

import aiohttp
from gripcontrol import HttpStreamFormat
from pubcontrol import Item
from yarl import URL

from realtime_kit.publisher import QueueingPublisher

CHANNEL = "neighbour"
LISTENERS = 20
GREETING = b"hello\n"
CONNECTED_WITHIN_S = 3.0
_EVERY_S = 0.002


class Neighbour:
    """Listens on a channel of its own, and floods it. Use it with `async with`.

    It has as many listeners as get through: with other faults at the same time there may be none.

    Args:
        url: Address of a stream of `CHANNEL`.
        publisher: Sends what it says.
        deliveries_per_s: Of its messages, each to every listener.

    Attributes:
        listeners: How many have got through, `LISTENERS` at most.
        sent: Deliveries that it has asked for.
        lasted_s: For how long, seconds.
    """

    def __init__(self, url: URL, publisher: QueueingPublisher, *, deliveries_per_s: float) -> None:
        self.listeners = 0
        self.sent = 0
        self.lasted_s = 0.0
        self._url = url
        self._publisher = publisher
        self._deliveries_per_s = deliveries_per_s
        self._stack = contextlib.AsyncExitStack()
        self._begun_s = 0.0
        self._flooding: asyncio.Task[None] | None = None

    @property
    def deliveries_per_s(self) -> float:
        """How many it has really asked for in a second."""
        return self.sent / self.lasted_s if self.lasted_s else 0.0

    async def __aenter__(self) -> Neighbour:
        try:
            session = await self._stack.enter_async_context(
                aiohttp.ClientSession(timeout=aiohttp.ClientTimeout(total=None))
            )
            await asyncio.gather(*(self._listen(session) for _ in range(LISTENERS)))
        except BaseException:
            await self._stack.aclose()
            raise
        self._begun_s = time.monotonic()
        self._flooding = asyncio.create_task(self._flood())
        return self

    async def __aexit__(self, *_: object) -> None:
        self.lasted_s = time.monotonic() - self._begun_s
        if self._flooding is not None:
            self._flooding.cancel()
            await asyncio.wait([self._flooding])
        await self._stack.aclose()

    async def _listen(self, session: aiohttp.ClientSession) -> None:
        with contextlib.suppress(aiohttp.ClientError, OSError, TimeoutError):
            async with asyncio.timeout(CONNECTED_WITHIN_S):
                answer = await session.get(self._url)
                if await answer.content.readany() == GREETING:  # Pushpin holds it
                    self._stack.callback(answer.close)
                    self.listeners += 1

    async def _flood(self) -> None:
        item = Item([HttpStreamFormat("noise\n")])
        while self.listeners:
            # As many as are due by now: what a late turn has missed is caught up with.
            due = (time.monotonic() - self._begun_s) * self._deliveries_per_s
            while self.sent < due:
                self._publisher.send(CHANNEL, item)
                self.sent += self.listeners
            await asyncio.sleep(_EVERY_S)
