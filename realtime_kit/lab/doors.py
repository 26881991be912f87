"""What a publish costs Pushpin, by the door it comes through: measured on the processor time of its handler."""

from __future__ import annotations

import asyncio
import contextlib
import time
from collections.abc import AsyncIterator
from dataclasses import dataclass
from typing import TYPE_CHECKING

from aiohttp import web

from realtime_kit import background
from realtime_kit.clients import StreamingClient
from realtime_kit.errors import ClientError, UsageError
from realtime_kit.lab.site import Site
from realtime_kit.origin import grip
from realtime_kit.plots.words import format_rate, format_seconds
from realtime_kit.processors import used_s
from realtime_kit.publisher import QueueingPublisher, ZeroMqPublisher, text_item

if TYPE_CHECKING:
    from realtime_kit.plots.widgets.page import DataTable

CHANNEL = "costs"
HANDLER = "pushpin-handler"
FEWER = 20
"""One at a time is so much slower that a twentieth of the items tells as much."""

MOST_ITEMS = 100_000
SAY_EVERY_S = 0.02
WAIT_S = 20.0


@dataclass(frozen=True, slots=True)
class PublishCost:
    """One way to publish.

    Attributes:
        way: Which.
        items: How many items were published.
        seconds: How long that took, until Pushpin had passed on the last.
        handler_s: Processor time that Pushpin's handler used meanwhile, seconds.
    """

    way: str
    items: int
    seconds: float
    handler_s: float

    @property
    def per_second(self) -> float:
        """Items per second."""
        return self.items / self.seconds

    @property
    def handler_s_each(self) -> float:
        """Processor time of the handler for each item, seconds."""
        return self.handler_s / self.items


@dataclass(frozen=True, slots=True)
class PublishCosts:
    """All ways beside each other; a table in a notebook and in a terminal, `costs["ZeroMQ"]` for one.

    Attributes:
        ways: One for each.
    """

    ways: tuple[PublishCost, ...]

    def __getitem__(self, way: str) -> PublishCost:
        for cost in self.ways:
            if cost.way == way:
                return cost
        message = f"there is no way {way!r}: there are {', '.join(cost.way for cost in self.ways)}"
        raise UsageError(message)

    def __str__(self) -> str:
        return str(self._table())

    def _repr_html_(self) -> str:
        return self._table()._repr_html_()

    def _table(self) -> DataTable:
        from realtime_kit.plots.widgets.page import DataTable

        headings = (
            ("way", "through which door, and how"),
            ("items", "how many were published"),
            ("items/s", "published per second"),
            ("handler, each", "processor time of Pushpin's handler for each item"),
        )
        rows = [
            (cost.way, f"{cost.items:,}", format_rate(cost.per_second), format_seconds(cost.handler_s_each))
            for cost in self.ways
        ]
        return DataTable("What a publish costs Pushpin, with one subscriber", headings, rows)


def publish_costs(items: int = 20_000) -> PublishCosts:
    """Publish through each door of a Pushpin of its own, and measure what that costs its handler.

    Args:
        items: How many items, `FEWER` to `MOST_ITEMS`; a twentieth of them where one waits for the other.

    Raises:
        UsageError: for another number.
        ClientError: if the last item does not come through.
    """
    return background.run(_costs(_checked(items)))


async def apublish_costs(items: int = 20_000) -> PublishCosts:
    """Like `publish_costs`, for coroutines."""
    return await background.arun(_costs(_checked(items)))


def _checked(items: int) -> int:
    if not (isinstance(items, int) and FEWER <= items <= MOST_ITEMS):
        message = f"items is {items!r}: it has to be a whole number from {FEWER} to {MOST_ITEMS:,}"
        raise UsageError(message)
    return items


async def _costs(items: int) -> PublishCosts:
    routes = web.RouteTableDef()

    @routes.get("/")
    async def hold(_: web.Request) -> web.Response:
        return grip.hold_stream(CHANNEL, body=b":\n\n")

    async with Site(routes) as site, _reading(site) as heard:
        pushpin = site.pushpin
        async with pushpin.publisher() as one_by_one:
            waiting = await _cost(site, heard, "HTTP, one at a time", items // FEWER, one_by_one, waits=True)
        async with pushpin.publisher() as gathering:
            gathered = await _cost(site, heard, "HTTP, gathered", items, gathering)
        async with ZeroMqPublisher(pushpin.addresses.socket("pull")) as pushing:
            pushed = await _cost(site, heard, "ZeroMQ", items, pushing)
        return PublishCosts((waiting, gathered, pushed))


async def _cost(
    site: Site, heard: set[str], way: str, items: int, publisher: QueueingPublisher, *, waits: bool = False
) -> PublishCost:
    handler = next(process for process in site.pushpin.processes() if process.name() == HANDLER)
    item = text_item("x" * 64)
    before, begun_s = used_s([handler.pid]), time.monotonic()
    for _ in range(items):
        if waits:
            await publisher.publish(CHANNEL, item)
        else:
            publisher.send(CHANNEL, item)
    await publisher.flush()
    await _pass(f"{way} is over", publisher, heard)
    seconds = time.monotonic() - begun_s
    took_s = used_s([handler.pid]).get(handler.pid, 0.0) - before.get(handler.pid, 0.0)
    return PublishCost(way, items, seconds, took_s)


async def _pass(word: str, publisher: QueueingPublisher, heard: set[str]) -> None:
    """Return when a word has come through the same door, and with it all before it.

    Pushpin drops what a reader leaves lying beyond a hundred messages, so it may have to be said again.
    """
    until_s = time.monotonic() + WAIT_S
    while word not in heard:
        if time.monotonic() > until_s:
            message = f"{word!r} did not come through within {WAIT_S:g} s"
            raise ClientError(message)
        await publisher.publish(CHANNEL, text_item(word))
        await asyncio.sleep(SAY_EVERY_S)


@contextlib.asynccontextmanager
async def _reading(site: Site) -> AsyncIterator[set[str]]:
    """One subscriber, and what it has heard."""
    heard: set[str] = set()

    async def read(client: StreamingClient) -> None:
        async for receipt in client:
            heard.add(receipt.event.data)

    async with StreamingClient(site.url) as client:
        reading = asyncio.create_task(read(client))
        try:
            await site.pushpin.auntil(lambda statistics: statistics.subscribers(CHANNEL) == 1)
            yield heard
        finally:
            reading.cancel()
            await asyncio.gather(reading, return_exceptions=True)
