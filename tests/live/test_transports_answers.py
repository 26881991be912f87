"""What single requests and sockets get through a real Pushpin: answers, time-outs, closings, reasons."""

from __future__ import annotations

import asyncio
import json
from typing import TYPE_CHECKING

import aiohttp
import pytest
from aiohttp import web

from realtime_kit.errors import ClientError
from realtime_kit.origin import EventLog, long_polling_app

if TYPE_CHECKING:
    from conftest import OpenSite

pytestmark = [pytest.mark.live, pytest.mark.usefixtures("nothing_left_behind")]

PATIENCE_S = 20.0


def test_polls_reach_the_origin_with_their_entity_tag_and_come_back_as_304(site: OpenSite) -> None:
    async def main() -> None:
        async with site() as where, aiohttp.ClientSession() as session:
            where.log.append("one")
            url = where.pushpin.url / "polling" / "events"
            async with session.get(url) as answer:
                tag = answer.headers["ETag"]
            async with session.get(url, headers={"If-None-Match": tag}) as answer:
                assert (answer.status, await answer.read()) == (304, b"")
            where.log.append("two")
            async with session.get(url, headers={"If-None-Match": tag}, params={"after": 1}) as answer:
                assert (await answer.json())["events"] == [{"id": 2, "data": "two"}]

    asyncio.run(main())


def test_a_long_poll_that_nothing_happens_to_is_answered_empty_after_its_timeout(site: OpenSite) -> None:
    async def main() -> None:
        app = web.Application()
        app.add_subapp("/quick", long_polling_app(EventLog(), hold_timeout_s=5))
        async with (
            site(app=app) as where,
            aiohttp.ClientSession() as session,
            session.get(where.pushpin.url / "quick" / "events") as answer,
        ):
            assert await answer.json() == {"events": [], "cursor": 0}

    asyncio.run(main())


def test_what_one_socket_says_all_sockets_hear(site: OpenSite) -> None:
    async def main() -> None:
        async with site() as where, aiohttp.ClientSession() as session:
            url = where.pushpin.url / "websocket" / "events"
            async with session.ws_connect(url) as first, session.ws_connect(url) as second:
                await where.pushpin.auntil(lambda s: s.subscriptions.get(("events", "ws")) == 2)
                await first.send_str("hello")
                for socket in (first, second):
                    assert json.loads((await socket.receive(PATIENCE_S)).data) == {"id": 1, "data": "hello"}
                await first.close(code=1000)
                assert first.close_code == 1000
                await second.send_str("x" * 20_000)
                closing = await second.receive(PATIENCE_S)
                assert (closing.type, closing.data) == (aiohttp.WSMsgType.CLOSE, 1009)

    asyncio.run(main())


@pytest.mark.parametrize("name", ["polling", "long-polling", "streaming"])
def test_pushpins_own_reason_for_a_wrong_grip_header_reaches_the_client(site: OpenSite, name: str) -> None:
    async def main() -> None:
        async def wrong(_: web.Request) -> web.Response:
            return web.Response(headers={"Grip-Hold": "for ever", "Grip-Channel": "events"})

        app = web.Application()
        app.router.add_get("/{name}/events", wrong)
        async with site(app=app) as where, where.client(name, max_failures=1) as client:
            with pytest.raises(
                ClientError, match=r"502 .*Grip-Hold must be set to either 'response' or 'stream'"
            ):
                await anext(aiter(client))

    asyncio.run(main())
