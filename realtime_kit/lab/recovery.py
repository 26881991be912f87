"""Gaps in a reliable stream, and how long Pushpin takes to close them: by its timers, and when it is told."""

from __future__ import annotations

import asyncio
import contextlib
import time
from collections import Counter
from collections.abc import Awaitable, Callable
from typing import Any, Self

from aiohttp import web
from aiohttp.typedefs import Handler
from gripcontrol import HttpStreamFormat
from pubcontrol import Item

from realtime_kit import background
from realtime_kit.clients import StreamingClient
from realtime_kit.errors import ClientError, UsageError
from realtime_kit.lab.site import Site
from realtime_kit.measurements.recovery import Recoveries, RecoveryTimes
from realtime_kit.origin import EventLog
from realtime_kit.origin.reliable_streaming import reliable_streaming_app
from realtime_kit.publisher import item_in_all_formats
from realtime_kit.pushpin import PushpinSettings

WAITS_MS = (5000, 1000)
"""What is compared: `message_wait` of Pushpin as it comes, and of the kit."""

TICK_S = 1.0
"""Pushpin looks once a second whether a wait is over."""

LINKS_PER_S = 10
"""Pushpin reads so many different next links in a second; who is not the first waits for a tenth each."""

QUIET_S = 60
"""The links' own timeout: so long that no silence closes a gap."""

MOST_GAPS = 8
PATIENCE_S = 20.0
_LOOK_EVERY_S = 0.01


def recovery_times(gaps: int = 5) -> Recoveries:
    """Lose an event, and measure until it comes all the same; takes about ten seconds.

    Args:
        gaps: How many of each kind, 2 to 8.

    Raises:
        UsageError: for a number outside that.
        MissingDependency: if there is no Pushpin.
    """
    _check(gaps)
    return background.run(_measure(gaps))


async def arecovery_times(gaps: int = 5) -> Recoveries:
    """Like `recovery_times`, for coroutines."""
    _check(gaps)
    return await background.arun(_measure(gaps))


def _check(gaps: int) -> None:
    if not (isinstance(gaps, int) and 2 <= gaps <= MOST_GAPS):
        message = f"gaps is {gaps!r}: it has to be a whole number from 2 to {MOST_GAPS}"
        raise UsageError(message)


async def _measure(gaps: int) -> Recoveries:
    waited, others = await asyncio.gather(_waits(gaps, WAITS_MS[0]), _all_ways(gaps, WAITS_MS[1]))
    return Recoveries((waited, *others))


async def _waits(gaps: int, wait_ms: int) -> RecoveryTimes:
    async with _Streams(gaps, wait_ms) as streams:
        return await streams.waits()


async def _all_ways(gaps: int, wait_ms: int) -> tuple[RecoveryTimes, ...]:
    async with _Streams(gaps, wait_ms) as streams:
        waited = await streams.waits()
        # With one stream left nobody has to wait for another's link.
        await streams.leave_one()
        told = await streams.one_by_one("told to recover", streams.tell)
        return waited, told, await streams.one_by_one("an item without ids", streams.publish_without_ids)


class _Streams:
    """Reliable streams, each on a channel of its own with one client. Use it with `async with`."""

    def __init__(self, count: int, wait_ms: int) -> None:
        self._wait_ms = wait_ms
        self._logs = {f"stream-{number}": EventLog() for number in range(count)}
        self._asked: Counter[str] = Counter()
        self._came: dict[tuple[str, int], asyncio.Future[int]] = {}
        self._readers: dict[str, asyncio.Task[None]] = {}
        self._stack = contextlib.AsyncExitStack()
        self._site: Site

    async def __aenter__(self) -> Self:
        async with contextlib.AsyncExitStack() as stack:
            settings = PushpinSettings(message_wait_ms=self._wait_ms)
            self._site = await stack.enter_async_context(Site(self._app(), settings=settings))
            stack.push_async_callback(self._close_all)
            for name in self._logs:
                await self._open(name)
            await self._until_checked()
            await asyncio.gather(*map(self._pass_one_on, self._logs))
            self._stack = stack.pop_all()
        return self

    async def __aexit__(self, *_: object) -> None:
        await self._stack.aclose()

    def _app(self) -> web.Application:
        @web.middleware
        async def count(request: web.Request, handler: Handler) -> web.StreamResponse:
            answer = await handler(request)
            self._asked[request.path.split("/")[1]] += 1
            return answer

        app = web.Application(middlewares=[count])
        for name, log in self._logs.items():
            app.add_subapp(f"/{name}", reliable_streaming_app(log, channel=name, link_timeout_s=QUIET_S))
        return app

    async def _open(self, name: str) -> None:
        first = self._next(name)
        self._readers[name] = asyncio.create_task(self._read(name))
        await self._arrival(name, first)

    async def _read(self, name: str) -> None:
        async with StreamingClient(self._site.url / name / "events", last_event_id="0") as client:
            async for receipt in client:
                came = self._came.get((name, int(receipt.event.id)))
                if came is not None and not came.done():
                    came.set_result(receipt.received_ns)

    async def _until_checked(self) -> None:
        """Pushpin reads each link once, about a second after a channel's first subscriber: let that pass."""
        async with asyncio.timeout(PATIENCE_S):
            while any(self._asked[name] < 2 for name in self._logs):  # noqa: ASYNC110 - it tells nobody
                await asyncio.sleep(_LOOK_EVERY_S)

    async def _pass_one_on(self, name: str) -> None:
        """Pushpin waits only where it has passed a message on before: a channel's first gap is closed at once."""
        number = self._next(name)
        await self._site.apublish(name, item_in_all_formats(number, "event", prev_number=number - 1))
        await self._arrival(name, number)

    def _next(self, name: str) -> int:
        """Something happens, and nobody is told."""
        number = self._logs[name].append("event")
        self._came[name, number] = asyncio.get_running_loop().create_future()
        return number

    async def _arrival(self, name: str, number: int) -> int:
        """When it came, on `CLOCK_MONOTONIC`."""
        came = self._came[name, number]
        await asyncio.wait(
            (came, self._readers[name]), timeout=PATIENCE_S, return_when=asyncio.FIRST_COMPLETED
        )
        if self._readers[name].done():
            self._readers[name].result()
        if not came.done():
            message = f"a lost event has not come within {PATIENCE_S:g} s"
            raise ClientError(message)
        return came.result()

    async def waits(self) -> RecoveryTimes:
        """A gap in every stream, each at another moment of Pushpin's second."""
        count, wait_s = len(self._logs), self._wait_ms / 1e3
        delays = (TICK_S * number / count for number in range(count))
        took_s = await asyncio.gather(*map(self._gap, self._logs, delays))
        latest_s = wait_s + TICK_S + (count - 1) / LINKS_PER_S
        return RecoveryTimes(f"message_wait {wait_s:g} s", wait_s, latest_s, tuple(sorted(took_s)))

    async def _gap(self, name: str, delay_s: float) -> float:
        await asyncio.sleep(delay_s)  # spreads the gaps over the second
        lost, follows = self._next(name), self._next(name)
        begun_ns = time.monotonic_ns()
        await self._site.apublish(name, item_in_all_formats(follows, "event", prev_number=lost))
        return (await self._arrival(name, lost) - begun_ns) / 1e9

    async def one_by_one(self, way: str, act: Callable[[str], Awaitable[Any]]) -> RecoveryTimes:
        """Gaps in the stream that is left; nothing follows them, and no timer closes them."""
        (name,) = self._readers
        took_s = []
        for _ in range(len(self._logs)):
            lost = self._next(name)
            begun_ns = time.monotonic_ns()
            await act(name)
            took_s.append((await self._arrival(name, lost) - begun_ns) / 1e9)
        return RecoveryTimes(way, 0.0, 1 / LINKS_PER_S, tuple(sorted(took_s)))

    async def tell(self, _: str) -> None:
        """Tell Pushpin that something may be missing: the command `recover`, as `POST /recover/`."""
        await self._site.pushpin.acommand("recover")

    async def publish_without_ids(self, name: str) -> None:
        """A message out of the sequence: Pushpin looks at once whether it has everything."""
        await self._site.apublish(name, Item([HttpStreamFormat(":\n\n")]))

    async def leave_one(self) -> None:
        """All streams but the first end."""
        for name in list(self._readers)[1:]:
            await _end(self._readers.pop(name))

    async def _close_all(self) -> None:
        for reader in self._readers.values():
            await _end(reader)


async def _end(reader: asyncio.Task[None]) -> None:
    reader.cancel()
    await asyncio.gather(reader, return_exceptions=True)
