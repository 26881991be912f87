"""A crew of each transport: armed, a receipt for every event, and back after a refusal."""

import asyncio
import contextlib
import gc
import json

import pytest
from aiohttp import web
from aiohttp.test_utils import TestServer

from realtime_kit.clients.swarm import Swarm, SwarmPlan
from realtime_kit.clients.swarm.crew import CrewWorker


@pytest.fixture(autouse=True)
def thaw():
    """A push freezes the garbage collector for its process; a test has to find its own garbage."""
    yield
    gc.enable()
    gc.unfreeze()


class Server:
    """Events over WebSockets and long-polls. It refuses the first few polls, and hangs up instead of some answers."""

    def __init__(self, refuse=0, drop=0):
        self.refuse, self.drop = refuse, drop
        self.last_id = self.polls = self.holding = self.most_arriving = 0
        self.arriving = 0
        self.changed = asyncio.Condition()
        self.sockets = []

    async def socket(self, request):
        socket = web.WebSocketResponse()
        await socket.prepare(request)
        self.sockets.append(socket)
        async for _ in socket:
            pass
        return socket

    async def poll(self, request):
        self.polls += 1
        if self.refuse:
            self.refuse -= 1
            return web.Response(status=502)
        after = int(request.query.get("after", self.last_id))
        async with self.changed:
            await self.changed.wait_for(lambda: self.last_id > after)
        if self.drop:
            self.drop -= 1
            request.transport.close()
        events = [{"id": number, "data": "x"} for number in range(after + 1, self.last_id + 1)]
        return web.json_response({"events": events, "cursor": self.last_id})

    async def push(self):
        self.last_id += 1
        for socket in self.sockets:
            if not socket.closed:
                await socket.send_str(json.dumps({"id": self.last_id, "data": "x"}))
        async with self.changed:
            self.changed.notify_all()
        return self.last_id

    async def requests(self):
        return self.polls

    @contextlib.asynccontextmanager
    async def serving(self):
        app = web.Application()
        app.router.add_get("/websocket", self.socket)
        app.router.add_get("/long-polling", self.poll)
        async with TestServer(app) as server:
            yield server

    @contextlib.asynccontextmanager
    async def swarm(self, transport, counts=(3, 2)):
        async with (
            self.serving() as server,
            Swarm(
                SwarmPlan(sum(counts), counts),
                [str(server.make_url(f"/{transport}"))],
                transport=transport,
                origin_requests=self.requests,
            ) as swarm,
        ):
            assert (await swarm.open(cursor=0)).connected == sum(counts)
            yield swarm


def rows(receipts):
    return sorted(zip(receipts.client.tolist(), receipts.event_id.tolist(), strict=True))


@pytest.mark.parametrize("transport", ["websocket", "long-polling"])
def test_every_client_has_a_receipt_for_every_event(transport):
    async def main():
        server = Server()
        async with server.swarm(transport) as swarm:
            assert await swarm.arm(server.push, next_id=1, timeout_s=20) == 0
            for number in (2, 3):
                await swarm.expect(number)
                await server.push()
                assert await swarm.reached(timeout_s=20) == []
                assert await swarm.ask(number)
            receipts, state = await swarm.collect()
            assert rows(receipts) == [(client, number) for client in range(5) for number in (1, 2, 3)]
            assert (state.connected, state.losses) == (5, 0)
            asks = transport == "long-polling"
            assert server.polls == (5 * 4 if asks else 0)
            assert (receipts.opened_ns == 0).all() == asks

    asyncio.run(main())


def test_a_poll_that_is_refused_or_cut_off_is_asked_again():
    async def main():
        server = Server(refuse=3)
        async with server.swarm("long-polling") as swarm:
            assert server.polls == 5 + 3
            server.drop = 2
            await swarm.expect(1)
            await server.push()
            assert await swarm.ask(1)
            assert server.drop == 0
            assert await swarm.reached(timeout_s=20) == []
            receipts, state = await swarm.collect()
            assert rows(receipts) == [(client, 1) for client in range(5)]
            assert state.retries == 5
            assert state.connected == 5

    asyncio.run(main())


def test_nobody_asks_out_of_turn():
    async def main():
        server = Server()
        async with server.serving() as site:
            crew = CrewWorker()
            url = str(site.make_url("/long-polling"))
            await crew.open(urls=[url], sources=[], count=9, in_flight=3, transport="long-polling")
            try:
                assert (await crew.ask(count=4, after=0))["due"] == 5
                while server.polls < 4:  # noqa: ASYNC110 - what comes is seen at the server
                    await asyncio.sleep(0.001)
                told = await crew.ask(count=9, after=0)
                assert told == {"due": 0, "requests": 9, "refusals": 0, "armed": 9}
                assert (await crew.ask(count=0, after=1))["armed"] == 0
            finally:
                await crew.close()

    asyncio.run(main())


def test_an_origin_that_does_not_tell_is_supposed_to_keep_up():
    async def main():
        server = Server()
        async with server.serving() as site:
            urls = [str(site.make_url("/long-polling"))]
            async with Swarm(SwarmPlan(100, (60, 40)), urls, transport="long-polling") as swarm:
                await swarm.open()
                assert server.polls == 100

    asyncio.run(main())


def test_a_long_poll_that_is_answered_with_something_else_is_told():
    async def main():
        app = web.Application()
        async with TestServer(app) as server:
            urls = [str(server.make_url("/nowhere"))]
            async with Swarm(SwarmPlan(1, (1,)), urls, transport="long-polling") as swarm:
                with pytest.raises(Exception, match=r"no page of events: HTTP/1\.1 404"):
                    await swarm.open()

    asyncio.run(main())
