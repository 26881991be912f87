"""The faults of the lab: what is broken, how, and what that is in real life."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING

import psutil

from realtime_kit.errors import MissingDependency, UsageError
from realtime_kit.lab.stand_still import QUEUE_MESSAGES, WAKES_WITHIN_S
from realtime_kit.taps.publish_faults import PublishFault
from realtime_kit.taps.tcp_faults import Toxics
from realtime_kit.taps.wall_clock import library

if TYPE_CHECKING:
    from realtime_kit.lab.fault_bench import FaultBench

EVERY = 3
"""One in so many events is harmed on its way to Pushpin."""

LATENCY_S = 0.25
BANDWIDTH_BYTES_PER_S = 300.0
SLOW_CLOSE_S = 0.5

FULL_QUEUES = 3
"""So many times as many events as Pushpin queues for a connection happen while a reader stands still."""

LARGE_BYTES = 2000
"""Size of an event then, so that the system's buffers hold few."""

LIMITER_HEADROOM = 3
"""So many times as much as the clients need the limiter lets through."""

STEP_S = 2 * 60 * 60
"""How far the wall clock is stepped. From 1.33 on Pushpin's timers go by it (`rtimer.cpp`, `statsmanager.cpp`). After a
step back by more than the minute for which a request may be silent, each timer is over as it begins: requests are given
up at once, and until 1.38 the first connection that the statistics announce anew is announced for ever, in a loop that
the right time does not end either (fastly/pushpin 47939)."""

MUTE_S = 60.0
"""So long stays a stream open that Pushpin has given up without a word, until Condure misses a sign of life."""

FLOOD = 10
"""So many times as much as the limiter lets through a neighbour sends."""

Step = Callable[["FaultBench"], Awaitable[object]]


async def _nothing(_: FaultBench) -> None: ...


@dataclass(frozen=True, slots=True)
class Scenario:
    """A fault with a beginning and an end.

    Attributes:
        name: Its name; that of Toxiproxy where it has one.
        meaning: What it is in real life.
        begin: Breaks something.
        end: Mends it.
        is_silent: Whether connections stay open while nothing passes, so that no client knows of its outage.
        silent_s: Seconds for which a connection is dead each time before its client knows.
        mute_s: Seconds for which a stream that was held when it began stays open, with nothing on it.
        least_events: Events that have to happen meanwhile for it to be felt; they happen as often as that takes.
        payload_bytes: Size of an event's text at least.
        limits_rate: Whether Pushpin's limiter is on.
        own_clock: Whether Pushpin has a wall clock of its own, which takes a C compiler.
        wakes_within_s: Seconds after its end within which a connection that has become mute goes on; 0 if none has.
        reason: Why push loses what it loses, if this is a special one.
    """

    name: str
    meaning: str
    begin: Step = _nothing
    end: Step = _nothing
    is_silent: bool = False
    silent_s: float = 0.0
    mute_s: float = 0.0
    least_events: int = 0
    payload_bytes: int = 0
    limits_rate: bool = False
    own_clock: bool = False
    wakes_within_s: float = 0.0
    reason: str = ""


def _publish(fault: PublishFault, meaning: str, reason: str = "") -> Scenario:
    async def begin(bench: FaultBench) -> None:
        bench.publishes.fault = lambda number: None if number % EVERY else fault

    async def end(bench: FaultBench) -> None:
        bench.publishes.fault = lambda _: None
        bench.publishes.let_go()

    return Scenario(fault.value, meaning, begin, end, reason=reason)


def _toxic(name: str, toxics: Toxics, meaning: str) -> Scenario:
    async def begin(bench: FaultBench) -> None:
        bench.network.toxics = toxics

    async def end(bench: FaultBench) -> None:
        bench.network.toxics = Toxics()

    return Scenario(name, meaning, begin, end, is_silent=toxics.timeout)


async def _reset_peer(bench: FaultBench) -> None:
    bench.network.reset_peer()


async def _down(bench: FaultBench) -> None:
    bench.network.down()


async def _up(bench: FaultBench) -> None:
    bench.network.up()


async def _stall(bench: FaultBench) -> None:
    bench.origin_faults.stall()


async def _go_on(bench: FaultBench) -> None:
    bench.origin_faults.go_on()


def _answers(status: int) -> Step:
    async def begin(bench: FaultBench) -> None:
        bench.origin_faults.status = status

    return begin


async def _answers_again(bench: FaultBench) -> None:
    bench.origin_faults.status = None


async def _stop_origin(bench: FaultBench) -> None:
    await bench.origin.__aexit__(None, None, None)


async def _start_origin(bench: FaultBench) -> None:
    await bench.origin.__aenter__()


def _kill(chosen: slice) -> Step:
    """Kill some of Pushpin's processes: the first is the runner, the others are its services."""

    async def begin(bench: FaultBench) -> None:
        for process in (await asyncio.to_thread(bench.pushpin.processes))[chosen]:
            with contextlib.suppress(psutil.NoSuchProcess):  # another fault was quicker
                process.kill()

    return begin


async def _restart_pushpin(bench: FaultBench) -> None:
    await bench.pushpin.astart()


async def _stop_front(bench: FaultBench) -> None:
    bench.front.stop()


async def _continue_front(bench: FaultBench) -> None:
    bench.front.go_on()


async def _stand_still(bench: FaultBench) -> None:
    await bench.stop_reading()


async def _read_on(bench: FaultBench) -> None:
    bench.read_on()


async def _restart_and_close_slowly(bench: FaultBench) -> None:
    bench.network.toxics = Toxics(slow_close_s=SLOW_CLOSE_S)
    await _restart_pushpin(bench)


async def _flood(bench: FaultBench) -> None:
    await bench.flood(FLOOD)


async def _ebb(bench: FaultBench) -> None:
    await bench.ebb()


def _step_clock(seconds: int) -> Step:
    async def step(bench: FaultBench) -> None:
        if bench.clock is None:
            raise UsageError("this bench has no wall clock to step: make it with own_clock=True")
        bench.clock.step(seconds)

    return step


async def _close_at_once(bench: FaultBench) -> None:
    bench.network.toxics = Toxics()


SCENARIOS = (
    Scenario("none", "nothing is broken: what the others are compared with"),
    _publish(
        PublishFault.DROP,
        "every third publish is lost, as when an application ends between commit and publish",
        "no prev-id: nobody notices the gap that a lost publish leaves",
    ),
    _publish(PublishFault.DELAY, "every third publish comes 0.3 s late, after those that followed it"),
    _publish(PublishFault.REORDER, "every third publish changes places with the next"),
    _publish(PublishFault.DUPLICATE, "every third publish is sent twice, as after a retry"),
    _publish(
        PublishFault.WRONG_PREV_ID,
        "every third publish names a wrong event before it, as from a publisher that counts for itself",
    ),
    _toxic("latency", Toxics(latency_s=LATENCY_S), "every answer is 0.25 s late on its way to the client"),
    _toxic(
        "bandwidth",
        Toxics(bandwidth_bytes_per_s=BANDWIDTH_BYTES_PER_S),
        "a slow reader: 300 bytes a second",
    ),
    Scenario(
        "slow-reader",
        f"readers of streams stand still while {FULL_QUEUES} times as much happens as Pushpin queues for them",
        _stand_still,
        _read_on,
        least_events=FULL_QUEUES * QUEUE_MESSAGES,
        payload_bytes=LARGE_BYTES,
        wakes_within_s=WAKES_WITHIN_S,
        reason="what found no room was dropped without a word; then the connection was mute, for up to 45 s",
    ),
    _toxic(
        "timeout",
        Toxics(timeout=True),
        "connections stay open, and what is sent vanishes, until they are cut",
    ),
    Scenario("reset_peer", "every connection is cut once (RST); clients may come back at once", _reset_peer),
    Scenario(
        "slow_close",
        f"Pushpin restarts, and clients hear {SLOW_CLOSE_S:g} s later that their connections have ended",
        _restart_and_close_slowly,
        _close_at_once,
        silent_s=SLOW_CLOSE_S,
    ),
    Scenario("down", "every connection is cut, and none is taken for a while", _down, _up),
    Scenario("origin-stall", "the origin accepts requests and does not answer", _stall, _go_on),
    Scenario(
        "origin-sigstop",
        "the process before the origin is stopped (SIGSTOP): the system accepts, nobody answers",
        _stop_front,
        _continue_front,
    ),
    Scenario("origin-500", "the origin answers everything with 500", _answers(500), _answers_again),
    Scenario("origin-502", "the origin answers everything with 502", _answers(502), _answers_again),
    Scenario("origin-restart", "the origin is away for a while", _stop_origin, _start_origin),
    Scenario(
        "kill-service",
        "one of Pushpin's services is killed (kill -9); Pushpin comes back",
        _kill(slice(-1, None)),
        _restart_pushpin,
    ),
    Scenario(
        "kill-runner",
        "Pushpin's runner is killed (kill -9); Pushpin comes back",
        _kill(slice(1)),
        _restart_pushpin,
    ),
    Scenario(
        "kill-pushpin",
        "all of Pushpin is killed (kill -9); it comes back on the same ports",
        _kill(slice(None)),
        _restart_pushpin,
    ),
    Scenario(
        "limiter",
        f"a neighbour on the same route sends {FLOOD} times as much as message_rate lets through",
        _flood,
        _ebb,
        limits_rate=True,
        reason="the limiter drops what more than message_hwm wait for, whoever sent it",
    ),
    Scenario(
        "clock-step",
        f"the wall clock is put {STEP_S // 3600} hours back; Pushpin answers nobody until it is restarted",
        _step_clock(-STEP_S),
        _restart_pushpin,
        is_silent=True,
        own_clock=True,
    ),
    Scenario(
        "clock-leap",
        f"the wall clock is put {STEP_S // 3600} hours forward, as after its machine was suspended",
        _step_clock(STEP_S),
        mute_s=MUTE_S,
        own_clock=True,
        reason="what was held was over by the new time; Pushpin gave it up without a word, open and mute for a minute",
    ),
)


def find_scenarios(wanted: str) -> tuple[Scenario, ...]:
    """One by its name, several with commas between them, or `all`.

    Raises:
        UsageError: if there is none of that name; the text lists them.
    """
    if wanted == "all":
        return SCENARIOS
    by_name = {each.name: each for each in SCENARIOS}
    names = [name.strip() for name in wanted.split(",")]
    if "all" in names:
        message = f"scenario is {wanted!r}: all stands alone"
        raise UsageError(message)
    if unknown := [name for name in names if name not in by_name]:
        message = f"scenario is {unknown[0]!r}: allowed are all, {', '.join(by_name)}"
        raise UsageError(message)
    return tuple(by_name[name] for name in names)


def require(scenario: Scenario) -> None:
    """Make sure that it can be had on this machine.

    Raises:
        MissingDependency: if not; the text says why, and the cure.
    """
    if scenario.own_clock:
        library()


def impossible() -> dict[str, str]:
    """The names of those that cannot be had on this machine, and why."""
    found = {}
    for each in SCENARIOS:
        try:
            require(each)
        except MissingDependency as error:
            found[each.name] = str(error)
    return found


def possible() -> tuple[Scenario, ...]:
    """Those that can be had on this machine."""
    left_out = impossible()
    return tuple(each for each in SCENARIOS if each.name not in left_out)
