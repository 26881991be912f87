"""The faults of the lab: what is broken, how, and what that is in real life."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING

from realtime_kit.errors import UsageError
from realtime_kit.taps.publish_faults import PublishFault
from realtime_kit.taps.tcp_faults import Toxics

if TYPE_CHECKING:
    from realtime_kit.lab.fault_bench import FaultBench

EVERY = 3
"""One in so many events is harmed on its way to Pushpin."""

LATENCY_S = 0.25
BANDWIDTH_BYTES_PER_S = 300.0

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
    """

    name: str
    meaning: str
    begin: Step = _nothing
    end: Step = _nothing
    is_silent: bool = False


def _publish(fault: PublishFault, meaning: str) -> Scenario:
    async def begin(bench: FaultBench) -> None:
        bench.publishes.fault = lambda number: None if number % EVERY else fault

    async def end(bench: FaultBench) -> None:
        bench.publishes.fault = lambda _: None
        bench.publishes.let_go()

    return Scenario(fault.value, meaning, begin, end)


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


def _kill(position: int) -> Step:
    """Kill one of Pushpin's processes: 0 is the runner, the last is a service."""

    async def begin(bench: FaultBench) -> None:
        processes = await asyncio.to_thread(bench.pushpin.processes)
        processes[position].kill()

    return begin


async def _restart_pushpin(bench: FaultBench) -> None:
    await bench.pushpin.astart()


SCENARIOS = (
    Scenario("none", "nothing is broken: what the others are compared with"),
    _publish(
        PublishFault.DROP,
        "every third publish is lost, as when an application ends between commit and publish",
    ),
    _publish(PublishFault.DELAY, "every third publish comes 0.3 s late, after those that followed it"),
    _publish(PublishFault.REORDER, "every third publish changes places with the next"),
    _publish(PublishFault.DUPLICATE, "every third publish is sent twice, as after a retry"),
    _toxic("latency", Toxics(latency_s=LATENCY_S), "every answer is 0.25 s late on its way to the client"),
    _toxic(
        "bandwidth",
        Toxics(bandwidth_bytes_per_s=BANDWIDTH_BYTES_PER_S),
        "a slow reader: 300 bytes a second",
    ),
    _toxic(
        "timeout",
        Toxics(timeout=True),
        "connections stay open, and what is sent vanishes, until they are cut",
    ),
    Scenario("reset_peer", "every connection is cut once (RST); clients may come back at once", _reset_peer),
    Scenario("down", "every connection is cut, and none is taken for a while", _down, _up),
    Scenario("origin-stall", "the origin accepts requests and does not answer", _stall, _go_on),
    Scenario("origin-500", "the origin answers everything with 500", _answers(500), _answers_again),
    Scenario("origin-502", "the origin answers everything with 502", _answers(502), _answers_again),
    Scenario("origin-restart", "the origin is away for a while", _stop_origin, _start_origin),
    Scenario(
        "kill-service",
        "one of Pushpin's services is killed (kill -9); Pushpin comes back",
        _kill(-1),
        _restart_pushpin,
    ),
    Scenario(
        "kill-runner", "Pushpin's runner is killed (kill -9); Pushpin comes back", _kill(0), _restart_pushpin
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
    if unknown := [name for name in names if name not in by_name]:
        message = f"scenario is {unknown[0]!r}: allowed are all, {', '.join(by_name)}"
        raise UsageError(message)
    return tuple(by_name[name] for name in names)
