"""Prototypes against the kit's own clients, which know nothing of them but the API."""

from __future__ import annotations

import asyncio
import json
import sys
from collections.abc import Callable
from functools import partial
from pathlib import Path

import aiohttp
import pytest

from realtime_kit import (
    Backend,
    LongPollingClient,
    PollingClient,
    Site,
    StreamingClient,
    WebSocketClient,
    background,
)
from realtime_kit.clients import Client
from realtime_kit.lab import export

pytestmark = pytest.mark.live

CLIENTS: dict[str, Callable[..., Client]] = {
    "polling": partial(PollingClient, interval_s=0.05),
    "long-polling": LongPollingClient,
    "streaming": StreamingClient,
    "websocket": WebSocketClient,
    "reliable": StreamingClient,
}
HISTORY = [f"event {number}: ä\n\u2028" for number in range(1, 251)]
"""More than two pages, and texts that are easily garbled."""


def prototype(name: str, folder: Path) -> Backend:
    export(name, folder)
    (folder / "events.jsonl").write_text("".join(f"{json.dumps(text)}\n" for text in HISTORY))
    return Backend((sys.executable, "app.py"), folder)


@pytest.mark.usefixtures("nothing_left_behind")
@pytest.mark.parametrize("name", CLIENTS)
def test_a_client_gets_all_of_the_history_and_what_happens_then_once_and_in_order(
    name: str, tmp_path: Path
) -> None:
    async def run() -> list[tuple[str, str]]:
        got: list[tuple[str, str]] = []
        async with (
            Site(prototype(name, tmp_path)) as site,
            CLIENTS[name](site.url / "events", last_event_id="0") as client,
            aiohttp.ClientSession() as session,
            asyncio.timeout(20),
        ):
            assert await asked_for_yesterday(session, site, name) == 400
            async for receipt in client:
                got.append((receipt.event.id, receipt.event.data))
                if len(got) == len(HISTORY):
                    if name in ("streaming", "websocket", "reliable"):
                        await site.pushpin.auntil(lambda statistics: statistics.subscribers("events") == 1)
                    async with session.post(site.url / "events", data=b"live"):
                        pass  # an answer that nobody closes is a warning, if it is still being read
                if len(got) > len(HISTORY):
                    return got
        raise AssertionError

    got = background.run(run())

    assert got == [(str(number), text) for number, text in enumerate([*HISTORY, "live"], start=1)]


async def asked_for_yesterday(session: aiohttp.ClientSession, site: Site, name: str) -> int:
    """The status for a position that is no number."""
    address = site.url / "events" % {"after": "yesterday"}
    if name != "websocket":
        async with session.get(address) as answer:
            return answer.status
    with pytest.raises(aiohttp.WSServerHandshakeError) as raised:
        await session.ws_connect(address)
    return raised.value.status


@pytest.mark.usefixtures("nothing_left_behind")
def test_what_was_never_pushed_comes_all_the_same_from_the_reliable_one(tmp_path: Path) -> None:
    async def run() -> tuple[str, str]:
        backend, app = prototype("reliable", tmp_path), tmp_path / "app.py"
        forgetful = app.read_text().replace("    await publish(number)\n", "")
        app.write_text(forgetful.replace("LINK_TIMEOUT_S = 5", "LINK_TIMEOUT_S = 1"))
        async with (
            Site(backend) as site,
            StreamingClient(site.url / "events", last_event_id=str(len(HISTORY))) as client,
            aiohttp.ClientSession() as session,
            asyncio.timeout(20),
        ):
            reading = asyncio.create_task(anext(aiter(client)))
            await site.pushpin.auntil(lambda statistics: statistics.subscribers("events") == 1)
            async with session.post(site.url / "events", data=b"unheard"):
                pass
            receipt = await reading
            assert client.requests == 1
            return receipt.event.id, receipt.event.data

    assert background.run(run()) == (str(len(HISTORY) + 1), "unheard")
