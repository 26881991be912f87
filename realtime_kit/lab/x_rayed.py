"""A bench to look at one transport closely: a site under the X-ray, events on its log, readers in the background."""

from __future__ import annotations

import asyncio
import contextlib
import time
from collections.abc import AsyncIterator, Callable, Iterable, Iterator
from dataclasses import dataclass
from typing import TypeVar

from aiohttp import web
from yarl import URL

from realtime_kit.clients.client import Client
from realtime_kit.lab.site import Site
from realtime_kit.origin import Announcer, EventLog
from realtime_kit.publisher import Pacer
from realtime_kit.schedule import Schedule
from realtime_kit.taps.x_ray import XRay
from realtime_kit.taps.x_ray.x_ray import KEPT_MESSAGES

View = TypeVar("View")

LOOK_EVERY_S = 0.25
LEAD_S = 0.05
"""Between the decision to begin and the schedule's zero."""


@dataclass(frozen=True, slots=True)
class XRayed:
    """What is up.

    Attributes:
        url: Where clients find the events.
        log: Events that are appended are published.
        x_ray: What has crossed the wires.
    """

    url: URL
    log: EventLog
    x_ray: XRay


@contextlib.asynccontextmanager
async def x_rayed(
    app: web.Application, log: EventLog, *, kept_messages: int = KEPT_MESSAGES
) -> AsyncIterator[XRayed]:
    """Brings everything up, on the kit's loop, and takes it down.

    Args:
        app: The origin; answers `/events`.
        log: What it answers from.
        kept_messages: How many of the newest messages the X-ray keeps.
    """
    async with (
        Site(app, x_ray=XRay(kept_messages=kept_messages)) as site,
        site.pushpin.publisher() as publisher,
    ):
        announcer = Announcer(log, publisher)
        try:
            yield XRayed(site.url / "events", log, site.x_ray)
        finally:
            announcer.close()


class Readers:
    """Reads clients in the background until it is left. What makes one give up is raised by `check`.

    Args:
        clients: Not yet entered.
    """

    def __init__(self, clients: Iterable[Client]) -> None:
        self._clients = list(clients)
        self._tasks: list[asyncio.Task[None]] = []

    async def __aenter__(self) -> Readers:
        self._tasks = [asyncio.create_task(_read(client)) for client in self._clients]
        return self

    async def __aexit__(self, *_: object) -> None:
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)

    def check(self) -> None:
        """Raises the error of a client that gave up, if one did."""
        for task in self._tasks:
            if task.done():
                task.result()


async def _read(client: Client) -> None:
    async with client:
        async for _ in client:
            pass


async def until(
    look: Callable[[], View], seen: Callable[[View], bool], longest_s: float, stop: asyncio.Event
) -> None:
    """Looks four times a second; returns when it is seen, after the longest time, or when the end is asked for.

    Args:
        look: Looks once; raises what is wrong.
        seen: Whether that is what is waited for.
        longest_s: Longest time, seconds.
        stop: Ends the wait when it is set.
    """
    end_s = time.monotonic() + longest_s
    while not seen(look()):
        left_s = end_s - time.monotonic()
        if left_s <= 0 or stop.is_set():
            return
        with contextlib.suppress(TimeoutError):
            await asyncio.wait_for(stop.wait(), min(LOOK_EVERY_S, left_s))


@contextlib.contextmanager
def happening(schedule: Schedule, log: EventLog, start_ns: int) -> Iterator[Callable[[], bool]]:
    """Lets the scheduled events happen while it lasts; gives what tells whether all have."""

    def fire(index: int) -> None:
        log.append(f"event {index + 1}")

    pacer = Pacer(schedule.intended_ns(start_ns), fire)
    running = asyncio.ensure_future(pacer.run())
    try:
        yield running.done
    finally:
        pacer.stop()
        running.cancel()
