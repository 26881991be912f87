"""Every flag, provoked: runs in which as much goes wrong as can be arranged."""

from __future__ import annotations

import asyncio
import contextlib
import itertools
import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Coroutine, Iterator
from dataclasses import dataclass
from typing import Any

from aiohttp import web

from realtime_kit import background
from realtime_kit.clients.swarm import REPEATED, plan_swarm
from realtime_kit.lab.fanout import LEAD_S, Fanout, FanoutSettings, afanout
from realtime_kit.lab.race import Race
from realtime_kit.lab.rig import CHANNEL, Rig
from realtime_kit.lab.service import awatch
from realtime_kit.lab.settings import RaceSettings
from realtime_kit.listening import web_server
from realtime_kit.measurements.fanout import FanoutRun
from realtime_kit.measurements.run import Run
from realtime_kit.measurements.verdict import Flag
from realtime_kit.publisher import item_in_all_formats
from realtime_kit.pushpin import Pushpin, PushpinSettings, Route
from realtime_kit.pushpin.attached import AttachedPushpin
from realtime_kit.pushpin.ports import reserved_port
from realtime_kit.taps.origin_faults import paused
from realtime_kit.taps.tcp_faults import HOST, ToxicProxy

HOW = {
    "too-few-samples": "a few seconds with two clients",
    "publisher-slip": "the origin's process was stopped for half a second",
    "client-loop-lag": "the clients' process was stopped for a moment, four times",
    "window-late": "the clients' process was stopped when the window ended",
    "reconnected": "every connection was cut, and the way shut for a second",
    "processor-saturated": "a program that does nothing but count, on every processor",
    "others-busy": "the same programs, beside a fan-out",
    "more-received-than-expected": "events were published that have not happened",
    "clock": "some of these had the ids of events that were due later",
    "rate-limiter-unknown": "a Pushpin that is only known by its address",
    "rate-limiter": "a message_rate of 40",
    "not-published": "the way to the publish port was shut for half a second",
    "yardstick-missed": "the bare socket was cut off like everybody else",
    "aliasing": "four events a second, exactly, and polling twice a second",
    "interrupted": "the run was ended early",
    "cut-short": "a watch was ended while an event was on its way",
    "not-rearmed": "the origin of a fan-out was stopped as long-polls asked again",
    "unfinished": "the same origin was killed before the second push",
    "not-connected": "the service that was watched turned four clients away",
    "connections-ended": "it ended two streams",
    "flood": "it sent two hundred different events at once",
}
"""By flag, in the order of the verdict's own text: what was done to provoke it."""

_STOPPED_S = 0.5
_MOMENT_S = 0.15
_SHUT_S = 1.0
_FORGED = range(15, 24)
"""Ids of the forged events, counted from that of the window's first: some are due later, others never."""

_SERVED, _CUT_OFF, _TURNED_AWAY = 8, 2, 4
"""Clients of the service that is watched: who finds room there, whose streams of these it ends, and the others."""

_FLOOD = b"".join(b"data: flood %d\n\n" % number for number in range(200))
_LIMITED = 20
"""Long-polls, and how many of them are answered a second: that leaves time to stop the origin meanwhile."""

_IMPATIENT_S = 2.0
_NEIGHBOUR = "import os\nparent = os.getppid()\nwhile os.getppid() == parent:\n    pass"
_COURTESY = 19
"""How nice a neighbour is: it takes what nobody else wants, so the run gets through, and no processor is idle."""


@dataclass(frozen=True, slots=True)
class Provoked:
    """A flag that was raised.

    Attributes:
        flag: As the verdict has it.
        how: What was done to provoke it.
    """

    flag: Flag
    how: str

    def __str__(self) -> str:
        return f"{self.flag.name:<28} {self.how}"


def provoke_flags() -> tuple[Provoked, ...]:
    """Let everything go wrong that can, in two races, a fan-out and a watch at the same time and another fan-out.

    It takes about fifteen seconds.

    Returns:
        One of each flag that was raised, in the order of `HOW`. A flag that did not show up is missing.

    Raises:
        MissingDependency: if there is no Pushpin.
        Exception: what kept one of the mishaps from happening.
    """
    return background.run(_provoke())


async def aprovoke_flags() -> tuple[Provoked, ...]:
    """Like `provoke_flags`, for coroutines."""
    return await background.arun(_provoke())


async def _provoke() -> tuple[Provoked, ...]:
    try:
        async with asyncio.TaskGroup() as group:
            stopped = group.create_task(_race_with_stopped_processes())
            cut = group.create_task(_race_with_cut_connections())
            left = group.create_task(_fanout_left_by_its_origin())
            watched = group.create_task(_watch_of_a_bad_service())
    except ExceptionGroup as failed:
        raise failed.exceptions[0] from None  # one reason is what a person can act on
    crowd = await _fanout_with_neighbours()
    verdicts = [result.verdict for run in (stopped.result(), cut.result()) for result in run.results]
    verdicts += [push.verdict for run in (left.result(), watched.result(), crowd) for push in run.results]
    flags = {flag.name: flag for verdict in reversed(verdicts) for flag in verdict.flags}
    return tuple(Provoked(flags[name], how) for name, how in HOW.items() if name in flags)


async def _race_with_stopped_processes() -> Run:
    settings = RaceSettings(
        ("polling", "streaming"), clients=2, rate=4, interval_s=0.5, seconds=5, arrivals="periodic"
    )
    rig = Rig(settings, pushpin_settings=PushpinSettings(message_rate=40))

    async def mishaps(race: Race) -> None:
        with _busy_neighbours():
            await stop_processes(race)

    async def stop_processes(race: Race) -> None:
        with paused(rig.origin.pid):
            await asyncio.sleep(_STOPPED_S)
        # First a sleep for the clients, then what has not happened, so that they are awake to receive it.
        for _ in range(4):
            with paused(rig.loads["streaming"].pid):
                await asyncio.sleep(_MOMENT_S)
            await asyncio.sleep(_MOMENT_S)
        for number in _FORGED:
            event_id = race.first_id + number
            await rig.pushpin.apublish(
                CHANNEL, item_in_all_formats(event_id, "forged", prev_number=event_id - 1)
            )
        await asyncio.sleep(_left_s(race) - _MOMENT_S)
        with paused(rig.loads["streaming"].pid):
            await asyncio.sleep(2 * _MOMENT_S)

    return await _race(settings, rig, mishaps)


async def _race_with_cut_connections() -> Run:
    settings = RaceSettings(("streaming",), clients=2, rate=10, seconds=10)
    async with contextlib.AsyncExitStack() as stack:
        port = stack.enter_context(reserved_port())
        pushpin = await stack.enter_async_context(Pushpin([Route(f"{HOST}:{port}", over_http=True)]))
        front = await stack.enter_async_context(ToxicProxy(pushpin.addresses.http_port))
        control = await stack.enter_async_context(ToxicProxy(pushpin.addresses.publish_port))
        elsewhere = AttachedPushpin(f"http://{HOST}:{front.port}", f"http://{HOST}:{control.port}")

        async def mishaps(race: Race) -> None:
            await asyncio.sleep(_STOPPED_S)
            for way, shut_s in ((front, _SHUT_S), (control, _STOPPED_S)):
                way.down()
                await asyncio.sleep(shut_s)
                way.up()
                await asyncio.sleep(_STOPPED_S)
            race.end_early()

        return await _race(settings, Rig(settings, pushpin=elsewhere, origin_port=port), mishaps)


async def _fanout_with_neighbours() -> FanoutRun:
    with contextlib.ExitStack() as neighbours:

        def crowd_in(phase: str) -> None:
            if phase.startswith("push 1"):  # everybody is connected
                neighbours.enter_context(_busy_neighbours())

        return await afanout(clients=50, pushes=2, on_phase=crowd_in)


async def _fanout_left_by_its_origin() -> FanoutRun:
    """The origin stands still until the long-polls are not waited for any more, and is gone before the next push."""

    def mishap(phase: str) -> None:
        if phase == "push 1 of 2":
            mishaps.append(asyncio.create_task(stop_origin()))
        elif phase == "push 2 of 2":
            os.kill(fanout.origin.pid, signal.SIGKILL)

    async def stop_origin() -> None:
        await asyncio.sleep(_STOPPED_S)  # some have been answered
        with paused(fanout.origin.pid):
            await asyncio.sleep(2 * _IMPATIENT_S)

    mishaps: list[asyncio.Task[None]] = []
    settings = FanoutSettings(clients=_LIMITED, pushes=2, transport=REPEATED, message_rate=_LIMITED)
    fanout = Fanout(settings, plan_swarm(_LIMITED), mishap)
    fanout.patience_s = _IMPATIENT_S
    try:
        return await fanout.run()
    finally:
        for each in mishaps:
            each.cancel()
        await asyncio.gather(*mishaps, return_exceptions=True)


async def _watch_of_a_bad_service() -> FanoutRun:
    """It does not take everybody, does not keep all that it took, and floods one; it ends with an event on its way."""
    begun, stop, over = asyncio.Event(), asyncio.Event(), asyncio.Event()
    requests = itertools.count()

    async def events(request: web.Request) -> web.StreamResponse:
        number = next(requests)  # the first asks just once, to see whether it is a stream
        if number > _SERVED:
            return web.Response(status=429)
        response = web.StreamResponse(headers={"Content-Type": "text/event-stream"})
        await response.prepare(request)
        await begun.wait()
        await asyncio.sleep(
            2 * LEAD_S
        )  # a watch counts what comes from a moment on that it tells the clients
        with contextlib.suppress(ConnectionError):
            await response.write(b"data: first\n\n")
            if number <= _CUT_OFF:
                return response
            await response.write(b"data: second\n\n")
            if number == _SERVED:
                await response.write(_FLOOD)
            await over.wait()
        return response

    def on_phase(phase: str) -> None:
        if phase.startswith("0 of 2 events"):
            begun.set()
        elif phase.startswith("2 of 2 events"):
            stop.set()

    app = web.Application()
    app.router.add_get("/", events)
    async with web_server(app, HOST, 0) as port:
        clients = _SERVED + _TURNED_AWAY
        try:
            return await awatch(
                f"http://{HOST}:{port}/", clients=clients, pushes=2, on_phase=on_phase, stop=stop
            )
        finally:
            begun.set()
            over.set()


async def _race(
    settings: RaceSettings, rig: Rig, mishaps: Callable[[Race], Coroutine[Any, Any, None]]
) -> Run:
    """A race, with mishaps from the start of its window on."""
    measuring = asyncio.Event()
    race = Race(
        settings,
        rig,
        asyncio.Event(),
        lambda progress: measuring.set() if progress.phase == "measuring" else None,
    )

    async def when_measuring() -> None:
        await measuring.wait()
        await mishaps(race)

    beside = asyncio.create_task(when_measuring())
    try:
        run = await race.run()
    finally:
        beside.cancel()
        (wrong,) = await asyncio.gather(beside, return_exceptions=True)
    if isinstance(wrong, Exception):  # which a cancellation is not
        raise wrong
    return run


def _left_s(race: Race) -> float:
    return max(0.0, (race.end_ns - time.monotonic_ns()) / 1e9)


@contextlib.contextmanager
def _busy_neighbours() -> Iterator[None]:
    """A program on every processor that does nothing but look for its parent, and ends with it."""
    neighbours = [
        subprocess.Popen([sys.executable, "-S", "-E", "-c", f"import os; os.nice({_COURTESY})\n{_NEIGHBOUR}"])
        for _ in range(os.cpu_count() or 1)
    ]
    try:
        yield
    finally:
        for each in neighbours:
            each.kill()
        for each in neighbours:
            each.wait()
