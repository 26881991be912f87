"""What the bench's own clients know of their outages."""

import asyncio
import time

import pytest
from aiohttp import web
from aiohttp.test_utils import TestServer

from realtime_kit.lab.fault_bench import ForgetfulClient


def test_an_absence_counts_while_it_lasts_and_only_where_events_were_due():
    async def main():
        visits, is_asked, is_back = 0, asyncio.Event(), asyncio.Event()

        async def handle(request):
            nonlocal visits
            visits += 1
            if visits == 2:
                is_asked.set()
                await is_back.wait()
            response = web.StreamResponse(headers={"Content-Type": "text/event-stream"})
            await response.prepare(request)
            await response.write(b"id: %d\ndata: x\n\n" % visits)
            if visits == 2:
                await asyncio.Event().wait()
            return response

        app = web.Application()
        app.router.add_get("/events", handle)
        begun_s = time.monotonic()
        async with (
            TestServer(app, shutdown_timeout=0) as server,
            ForgetfulClient(server.make_url("/events")) as client,
        ):
            receipts = aiter(client)
            await anext(receipts)
            assert client.away_s(begun_s, time.monotonic()) == 0
            coming_back = asyncio.ensure_future(anext(receipts))
            await is_asked.wait()
            gone_s = time.monotonic()
            assert client.away_s(gone_s, gone_s + 60) == pytest.approx(60)
            assert client.away_s(begun_s - 60, begun_s) == 0
            is_back.set()
            await coming_back
            back_s = time.monotonic()
            assert client.away_s(back_s, back_s + 60) == 0
            assert 0 < client.away_s(begun_s, back_s) <= back_s - begun_s

    asyncio.run(main())
