"""A server that stands still for a moment, asked at a constant rate; and a publisher that waits for its Pushpin."""

from __future__ import annotations

import asyncio
import contextlib
import time
from collections.abc import AsyncIterator
from dataclasses import dataclass

import aiohttp
import numpy as np
from numpy.typing import NDArray

from realtime_kit import background, schedule
from realtime_kit.errors import UsageError
from realtime_kit.measurements.stall import StallRun
from realtime_kit.numbers import check_number
from realtime_kit.origin.lessons import find_lesson
from realtime_kit.origin.process import CHANNEL
from realtime_kit.publisher import HttpPublisher, Pacer, text_item
from realtime_kit.pushpin import Pushpin, Route
from realtime_kit.taps.origin_faults import paused
from realtime_kit.worker import Worker

STALLED_AT = 0.4
"""Share of the run after which the stall begins."""

_LEAD_S = 0.1
_WARM_UP = 20


def stalled_origin(*, stall_s: float = 1.4, rate_per_s: float = 100.0, seconds: float = 8.0) -> StallRun:
    """Ask a polling origin through Pushpin at a constant rate, and stop the origin's process once.

    Args:
        stall_s: For how long it is stopped (SIGSTOP), seconds, above 0.
        rate_per_s: Requests per second, 10 to 500; one connection has to manage them.
        seconds: How long requests are due, 2 to 60; more than twice `stall_s`.

    Raises:
        UsageError: for an argument outside its range.
        MissingDependency: if there is no Pushpin.
    """
    return background.run(_stalled_origin(stall_s, rate_per_s, seconds))


async def astalled_origin(
    *, stall_s: float = 1.4, rate_per_s: float = 100.0, seconds: float = 8.0
) -> StallRun:
    """Like `stalled_origin`, for coroutines."""
    return await background.arun(_stalled_origin(stall_s, rate_per_s, seconds))


async def _stalled_origin(stall_s: float, rate_per_s: float, seconds: float) -> StallRun:
    _check_stall(stall_s, rate_per_s, seconds, shortest_s=2)
    async with contextlib.AsyncExitStack() as stack:
        origin = await stack.enter_async_context(Worker("realtime_kit.origin.process", name="the origin"))
        port = (await origin.ask("start", port=0))["port"]
        pushpin = await stack.enter_async_context(Pushpin([Route(f"127.0.0.1:{port}")]))
        session = await stack.enter_async_context(aiohttp.ClientSession())
        url = str(pushpin.url / find_lesson("polling").path.lstrip("/"))
        for _ in range(_WARM_UP):
            await _ask(session, url)
        generator = _Generator(session, url, schedule.periodic(rate_per_s=rate_per_s, duration_s=seconds))
        at_ns = generator.start_ns + int(STALLED_AT * seconds * 1e9)
        async with _stalling(origin.pid, at_ns, stall_s) as stalling:
            await generator.run()
            stalled_ns, went_on_ns = await stalling
        return generator.result(rate_per_s, stalled_ns, went_on_ns)


@contextlib.asynccontextmanager
async def _stalling(pid: int, at_ns: int, stall_s: float) -> AsyncIterator[asyncio.Task[tuple[int, int]]]:
    """Stops a process beside what is done; if that fails, the process is left alone from then on."""
    task = asyncio.create_task(_stall(pid, at_ns, stall_s))
    try:
        yield task
    finally:
        task.cancel()
        await asyncio.gather(task, return_exceptions=True)


async def _stall(pid: int, at_ns: int, stall_s: float) -> tuple[int, int]:
    await asyncio.sleep((at_ns - time.monotonic_ns()) / 1e9)
    begun_ns = time.monotonic_ns()
    with paused(pid):
        await asyncio.sleep(stall_s)
    return begun_ns, time.monotonic_ns()


async def _ask(session: aiohttp.ClientSession, url: str) -> None:
    async with session.get(url) as response:
        await response.read()
        response.raise_for_status()


class _Generator:
    """Sends each request when it is due, or, if the answer before it is not there yet, as soon as that is."""

    def __init__(self, session: aiohttp.ClientSession, url: str, due: schedule.Schedule) -> None:
        self.start_ns = time.monotonic_ns() + int(_LEAD_S * 1e9)
        self._session, self._url = session, url
        self._due_ns = self.start_ns + due.offsets_ns
        self._sent_ns = np.zeros(len(due), np.int64)
        self._answered_ns = np.zeros(len(due), np.int64)

    async def run(self) -> None:
        for number, due_ns in enumerate(self._due_ns.tolist()):
            if (left_ns := due_ns - time.monotonic_ns()) > 0:
                await asyncio.sleep(left_ns / 1e9)
            self._sent_ns[number] = time.monotonic_ns()
            await _ask(self._session, self._url)
            self._answered_ns[number] = time.monotonic_ns()

    def result(self, rate_per_s: float, stalled_ns: int, went_on_ns: int) -> StallRun:
        first_ns = self._due_ns[0]
        return StallRun(
            rate_per_s,
            (went_on_ns - stalled_ns) / 1e9,
            (stalled_ns - first_ns) / 1e9,
            (self._due_ns - first_ns) / 1e9,
            (self._sent_ns - first_ns) / 1e9,
            (self._answered_ns - first_ns) / 1e9,
        )


# Publishing


@dataclass(frozen=True, slots=True, eq=False)
class SlipRun:
    """One schedule, kept by two publishers while Pushpin stood still for a moment.

    Attributes:
        stall_s: By publisher: for how long, seconds, as it was measured.
        slip_s: By publisher, shape (events,): how much later than due each event was handed over, seconds.
    """

    stall_s: dict[str, float]
    slip_s: dict[str, NDArray[np.float64]]

    def __str__(self) -> str:
        lines = (
            f"{name:<13} p99 of its slip {np.quantile(slip_s, 0.99) * 1000:,.1f} ms, "
            f"{int((slip_s > 0.05).sum()):,} of {len(slip_s):,} events more than 50 ms late"
            for name, slip_s in self.slip_s.items()
        )
        return "\n".join(lines)


WAITS, QUEUES = "waits", "does not wait"


def publisher_slip(*, stall_s: float = 0.5, rate_per_s: float = 100.0, seconds: float = 2.0) -> SlipRun:
    """Publish one schedule twice, waiting for each answer and not waiting, and stop Pushpin's handler each time.

    Args:
        stall_s: For how long it is stopped (SIGSTOP), seconds, above 0.
        rate_per_s: Events per second, 10 to 500.
        seconds: Length of the schedule, 1 to 60; more than twice `stall_s`.

    Raises:
        UsageError: for an argument outside its range.
        MissingDependency: if there is no Pushpin.
    """
    return background.run(_publisher_slip(stall_s, rate_per_s, seconds))


async def apublisher_slip(
    *, stall_s: float = 0.5, rate_per_s: float = 100.0, seconds: float = 2.0
) -> SlipRun:
    """Like `publisher_slip`, for coroutines."""
    return await background.arun(_publisher_slip(stall_s, rate_per_s, seconds))


async def _publisher_slip(stall_s: float, rate_per_s: float, seconds: float) -> SlipRun:
    _check_stall(stall_s, rate_per_s, seconds, shortest_s=1)
    offsets_ns = schedule.periodic(rate_per_s=rate_per_s, duration_s=seconds).offsets_ns
    slip_s, stalled_s = {}, {}
    async with Pushpin(9) as pushpin:  # a route that nobody asks for
        handler = next(process for process in pushpin.processes() if "handler" in process.name())
        async with HttpPublisher(**pushpin.publisher_options()) as publisher:
            for name, publish in ((WAITS, _one_by_one), (QUEUES, _concurrently)):
                start_ns = time.monotonic_ns() + int(_LEAD_S * 1e9)
                at_ns = start_ns + int(STALLED_AT * seconds * 1e9)
                async with _stalling(handler.pid, at_ns, stall_s) as stalling:
                    slip_s[name] = await publish(publisher, start_ns + offsets_ns)
                    stalled_ns, went_on_ns = await stalling
                stalled_s[name] = (went_on_ns - stalled_ns) / 1e9
    return SlipRun(stalled_s, slip_s)


async def _one_by_one(publisher: HttpPublisher, due_ns: NDArray[np.int64]) -> NDArray[np.float64]:
    late_s = np.zeros(len(due_ns))
    for number, at_ns in enumerate(due_ns.tolist()):
        if (left_ns := at_ns - time.monotonic_ns()) > 0:
            await asyncio.sleep(left_ns / 1e9)
        late_s[number] = (time.monotonic_ns() - at_ns) / 1e9
        await publisher.publish(CHANNEL, text_item(str(number)))
    return late_s


async def _concurrently(publisher: HttpPublisher, due_ns: NDArray[np.int64]) -> NDArray[np.float64]:
    pacer = Pacer(due_ns, lambda number: publisher.send(CHANNEL, text_item(str(number))))
    await pacer.run()
    await publisher.publish(CHANNEL, text_item("the last"))  # in order, so all are out
    return pacer.slip_s


def _check_stall(stall_s: float, rate_per_s: float, seconds: float, *, shortest_s: float) -> None:
    _check("rate_per_s", rate_per_s, 10, 500)
    _check("seconds", seconds, shortest_s, 60)
    check_number("stall_s", stall_s)
    if not 0 < stall_s < seconds / 2:
        message = f"stall_s is {stall_s:g}: it has to be above 0 and less than half of the {seconds:g} s"
        raise UsageError(message)


def _check(name: str, value: float, least: float, most: float) -> None:
    check_number(name, value)
    if not least <= value <= most:
        message = f"{name} is {value:g}: allowed is {least:g} to {most:g}"
        raise UsageError(message)
