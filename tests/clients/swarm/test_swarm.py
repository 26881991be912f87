"""A swarm over processes of its own: armed or named, receipts under the right numbers."""

import asyncio
import contextlib
from collections import Counter

import pytest
from aiohttp import web
from aiohttp.test_utils import TestServer

from realtime_kit.clients.swarm import Swarm, SwarmPlan
from realtime_kit.clients.swarm.crews import IN_FLIGHT
from realtime_kit.errors import ClientError


class Server:
    """Streams that all say the same, but for those that are deaf."""

    def __init__(self, deaf=0):
        self.deaf = deaf
        self.requests = 0
        self.responses = []
        self.hang_up = asyncio.Event()
        self.last_id = 0

    async def handle(self, request):
        self.requests += 1
        response = web.StreamResponse(headers={"Content-Type": "text/event-stream"})
        await response.prepare(request)
        await response.write(b":\n\n")
        if self.deaf:
            self.deaf -= 1
        else:
            self.responses.append(response)
        await self.hang_up.wait()
        return response

    async def push(self):
        self.last_id += 1
        for response in self.responses:
            with contextlib.suppress(ConnectionError):  # somebody has hung up to come again
                await response.write(b"id: %d\ndata: x\n\n" % self.last_id)
        return self.last_id

    @contextlib.asynccontextmanager
    async def swarm(self):
        app = web.Application()
        app.router.add_get("/events", self.handle)
        async with (
            TestServer(app) as server,
            Swarm(SwarmPlan(5, (3, 2)), [str(server.make_url("/events"))]) as swarm,
        ):
            state = await swarm.open()
            assert (state.connected, state.retries, state.losses) == (5, 0, 0)
            yield swarm
            self.hang_up.set()


def test_receipts_carry_the_numbers_of_the_whole_swarm():
    async def main():
        server = Server()
        async with server.swarm() as swarm:
            assert await swarm.arm(server.push, next_id=1, timeout_s=20) == 0
            receipts, state = await swarm.collect()
            assert sorted(receipts.client.tolist()) == [0, 1, 2, 3, 4]
            assert receipts.event_id.tolist() == [1] * 5
            assert state.losses == 0

    asyncio.run(main())


def test_each_address_is_given_as_many_at_a_time_as_it_can_take_and_not_the_share_of_another():
    async def main():
        server = Server()
        opening, most, answered = {1: 0, 2: 0}, {1: 0, 2: 0}, {1: 0, 2: 0}
        go_on = asyncio.Event()

        def look():
            if answered[2] == 2 * IN_FLIGHT and opening[1] >= IN_FLIGHT:
                go_on.set()

        def handle_at(address):
            async def handle(request):
                opening[address] += 1
                most[address] = max(most[address], opening[address])
                look()
                if address == 1:  # answers nobody until the other has answered everybody
                    await go_on.wait()
                opening[address] -= 1
                answered[address] += 1
                look()
                return await server.handle(request)

            return handle

        app = web.Application()
        for address in (1, 2):
            app.router.add_get(f"/{address}/events", handle_at(address))
        async with TestServer(app) as listening:
            urls = [str(listening.make_url(f"/{address}/events")) for address in (1, 2)]
            async with Swarm(SwarmPlan(4 * IN_FLIGHT, (2 * IN_FLIGHT,) * 2), urls) as swarm:
                state = await swarm.open()
                assert (state.connected, state.retries) == (4 * IN_FLIGHT, 0)
                server.hang_up.set()
        assert most[1] == IN_FLIGHT
        assert most[2] <= IN_FLIGHT

    asyncio.run(main())


def test_no_address_gets_more_than_its_share_of_the_whole_swarm():
    async def main():
        server = Server()
        asked = Counter()

        async def handle(request):
            asked[request.match_info["address"]] += 1
            return await server.handle(request)

        app = web.Application()
        app.router.add_get("/{address}/events", handle)
        async with TestServer(app) as listening:
            urls = [str(listening.make_url(f"/{address}/events")) for address in "ab"]
            async with Swarm(SwarmPlan(6, (3, 3)), urls) as swarm:
                assert (await swarm.open()).connected == 6
                server.hang_up.set()
        assert asked == {"a": 3, "b": 3}

    asyncio.run(main())


def test_a_dropped_hold_is_found_by_the_roll_call_and_opened_anew():
    async def main():
        server = Server(deaf=2)
        async with server.swarm() as swarm:
            reopened = await swarm.arm(server.push, next_id=1, timeout_s=0.5)
            assert (
                reopened == server.requests - 5 >= 2
            )  # more if a process of the swarm had no turn for so long
            assert server.last_id >= 2
            assert await swarm.unconnected() == []
            await swarm.expect(server.last_id + 1)
            await server.push()
            assert await swarm.reached(timeout_s=20) == []

    asyncio.run(main())


def test_who_is_silent_to_the_end_is_named():
    async def main():
        server = Server(deaf=10**6)
        async with server.swarm() as swarm:
            said = "5 of 5 clients received nothing in 8 roll calls: 0, 1, 2, 3, 4"
            with pytest.raises(ClientError, match=said):
                await swarm.arm(server.push, next_id=1, timeout_s=0.01)

    asyncio.run(main())
