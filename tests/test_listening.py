"""Whoever is cancelled while it begins to listen does not go on listening."""

from __future__ import annotations

import asyncio
import gc
from collections.abc import AsyncIterator, Callable
from contextlib import AbstractAsyncContextManager, asynccontextmanager

import psutil
import pytest
from aiohttp import web
from yarl import URL

from realtime_kit.origin import OriginServer
from realtime_kit.origin.event_log import EventLog
from realtime_kit.origin.hold_server import HoldServer
from realtime_kit.plots.widgets.relay import Relay
from realtime_kit.pushpin.readiness import Probe
from realtime_kit.taps.tcp_faults import ToxicProxy
from realtime_kit.taps.x_ray.wire import Wire

MOST_STEPS = 30


class Deaf:
    """Hears nothing."""

    def opened(self, *, at_ns: int) -> None: ...
    def received(self, data: bytes, *, from_opener: bool, at_ns: int) -> None: ...
    def ended(self, *, from_opener: bool, at_ns: int) -> None: ...
    def failed(self, reason: str, *, from_opener: bool, at_ns: int) -> None: ...


@asynccontextmanager
async def relayed() -> AsyncIterator[None]:
    relay = Relay(URL("http://127.0.0.1:9"), seconds=60.0, on_end=lambda: None)
    try:
        await relay._start()
        yield
    finally:
        await relay._stop()


@pytest.mark.parametrize(
    "server",
    [
        lambda: OriginServer(web.RouteTableDef()),
        lambda: HoldServer(EventLog(), "news"),
        lambda: ToxicProxy(9),
        lambda: Wire(("127.0.0.1", 9), Deaf),
        Probe,
        relayed,
    ],
    ids=["origin", "holds", "toxics", "wire", "probe", "relay"],
)
def test_one_that_is_cancelled_at_any_step_of_its_beginning_listens_no_more(
    server: Callable[[], AbstractAsyncContextManager[object]],
) -> None:
    async def main() -> None:
        before = listeners()
        for steps in range(MOST_STEPS):
            is_up = asyncio.Event()
            task = asyncio.create_task(use(server(), is_up))
            for _ in range(steps):
                await asyncio.sleep(0)
            came_up = is_up.is_set()
            task.cancel()
            await asyncio.gather(task, return_exceptions=True)
            assert listeners() <= before, f"after {steps} steps"
            if came_up:
                return
        pytest.fail(f"not up within {MOST_STEPS} steps")

    asyncio.run(main())
    gc.collect()


async def use(server: AbstractAsyncContextManager[object], is_up: asyncio.Event) -> None:
    async with server:
        is_up.set()
        await asyncio.get_running_loop().create_future()


def listeners() -> set[int]:
    found = psutil.Process().net_connections("tcp")
    return {each.laddr.port for each in found if each.status == psutil.CONN_LISTEN}
