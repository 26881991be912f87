"""Clients that read different parts of a history at the same time, through the real Pushpin."""

from __future__ import annotations

import asyncio
import importlib.util
from collections.abc import Callable
from pathlib import Path

import pytest
from aiohttp import web
from aiohttp.typedefs import Handler

from realtime_kit.clients import StreamingClient
from realtime_kit.lab import Site, export
from realtime_kit.origin import EventLog, streaming_app

pytestmark = [pytest.mark.live, pytest.mark.usefixtures("nothing_left_behind")]

EVENTS, PAGE_EVENTS, ANSWER_S = 40, 5, 0.05


def kits_own(_: Path) -> web.Application:
    log = EventLog()
    for number in range(EVENTS):
        log.append(str(number))
    return streaming_app(log, page_events=PAGE_EVENTS)


def exported(folder: Path) -> web.Application:
    """The prototype, in this process and with short pages."""
    export("streaming", folder)
    (folder / "events.jsonl").write_text("".join(f'"{number}"\n' for number in range(EVENTS)))
    spec = importlib.util.spec_from_file_location("exported_streaming", folder / "app.py")
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    module.PAGE_EVENTS = PAGE_EVENTS
    app = web.Application()
    app.add_routes(module.routes)
    return app


@web.middleware
async def slow(request: web.Request, handler: Handler) -> web.StreamResponse:
    """Answers overlap only if they take their time."""
    await asyncio.sleep(ANSWER_S)
    return await handler(request)


async def read(site: Site, after: int) -> list[int]:
    """The ids of all that came after an event."""
    ids: list[int] = []
    async with StreamingClient(site.url / "events" % {"after": after}) as client:
        async for receipt in client:
            ids.append(int(receipt.event.id))
            if len(ids) == EVENTS - after:
                break
    return ids


@pytest.mark.parametrize("make_app", [kits_own, exported])
def test_each_client_gets_its_own_pages(make_app: Callable[[Path], web.Application], tmp_path: Path) -> None:
    async def main() -> list[list[int]]:
        app = make_app(tmp_path / "prototype")
        app.middlewares.append(slow)
        async with Site(app) as site, asyncio.timeout(20):
            return list(await asyncio.gather(read(site, 0), read(site, 20)))

    assert asyncio.run(main()) == [list(range(1, EVENTS + 1)), list(range(21, EVENTS + 1))]
