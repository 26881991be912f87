"""Clients of a service that the kit knows nothing of: why they hang up, and what they use."""

import asyncio
import contextlib
import gc
import math
import socket
import sys
import time

import pytest
from aiohttp import web
from aiohttp.test_utils import TestServer
from yarl import URL

from realtime_kit.clients.swarm import watch_crew
from realtime_kit.clients.swarm.connect import Connector
from realtime_kit.clients.swarm.watch_crew import WatchCrew

HEAD = b"HTTP/1.1 200 OK\r\nContent-Type: text/event-stream\r\nTransfer-Encoding: chunked\r\n\r\n"


@pytest.fixture(autouse=True)
def thaw():
    """A watch freezes the garbage collector for its process; a test has to find its own garbage."""
    yield
    gc.enable()
    gc.unfreeze()


async def opened(url, count=1, sources=()):
    crew = WatchCrew()
    state = await crew.open_by(
        url=url, headers={}, sources=sources, count=count, in_flight=count, timeout_s=10
    )
    assert state["connected"] == count
    return crew


async def until(condition):
    async with asyncio.timeout(10):
        while not condition():  # noqa: ASYNC110 - a crew is looked at from outside
            await asyncio.sleep(0.005)


def test_a_stream_that_breaks_off_in_the_middle_says_why():
    async def main():
        is_open = asyncio.Event()

        async def serve(reader, writer):
            await reader.readuntil(b"\r\n\r\n")
            writer.write(HEAD)
            await is_open.wait()
            writer.write(b"no length\r\n")
            with contextlib.suppress(ConnectionError):
                await reader.read()
            writer.close()

        server = await asyncio.start_server(serve, "127.0.0.1", 0)
        async with server:
            port = server.sockets[0].getsockname()[1]
            crew = await opened(f"http://127.0.0.1:{port}/")
            is_open.set()
            await until(lambda: crew.losses)
        return crew.lost_because

    (reason,) = asyncio.run(main())
    assert "no length" in reason
    assert "the server ended" not in reason


def test_a_socket_that_is_hung_up_is_closed():
    async def main():
        codes = []

        async def handle(request):
            socket = web.WebSocketResponse()
            await socket.prepare(request)
            async for _ in socket:
                pass
            codes.append(socket.close_code)
            return socket

        app = web.Application()
        app.router.add_get("/", handle)
        async with TestServer(app) as server:
            crew = await opened(str(server.make_url("/")).replace("http", "ws"))
            crew.members[0].close()
            await until(lambda: codes)
            assert crew.losses == 0  # nobody took it away
            await crew._session.close()
        return codes

    assert asyncio.run(main()) == [1000]


def test_a_client_that_is_lost_does_not_hide_what_the_others_cost():
    async def main():
        crew = WatchCrew()
        crew._count = 3
        await crew.watch(start_ns=0, end_ns=2**63 - 1, most=1)
        for client in range(2):  # and never the third
            crew.receive(client, (2,), time.monotonic_ns(), 0)
            used_s = time.process_time()
            while time.process_time() - used_s < 0.01:
                math.sqrt(2)
        sighting = crew._sightings[2]
        return sighting.used_ns, sighting.clients

    used_ns, clients = asyncio.run(main())
    assert clients == 2
    assert used_ns >= 10_000_000


def test_garbage_is_not_collected_while_an_event_comes_and_is_again_when_it_has(monkeypatch):
    async def main():
        crew = WatchCrew()
        crew._count = 3
        crew.members = [None] * 3
        await crew.watch(start_ns=0, end_ns=2**63 - 1, most=2)
        assert gc.isenabled()
        crew.receive(0, (2,), time.monotonic_ns(), 0)
        assert not gc.isenabled()
        await crew.sightings()  # somebody has it since the last look
        assert not gc.isenabled()
        await crew.sightings()  # and nobody since this one
        assert gc.isenabled()
        monkeypatch.setattr(watch_crew, "_LONGEST_HOLD_OFF_S", 0.01)
        crew.receive(0, (4,), time.monotonic_ns(), 0)
        assert not gc.isenabled()
        await until(gc.isenabled)  # also if nobody looks
        crew.receive(0, (6,), time.monotonic_ns(), 0)  # which is not watched any more
        assert gc.isenabled()

    asyncio.run(main())


@pytest.mark.skipif(sys.platform != "linux", reason="elsewhere there is one loopback address")
@pytest.mark.parametrize("scheme", ["http", "ws"])
def test_clients_connect_from_every_source(scheme):
    async def main():
        peers, over = [], asyncio.Event()

        async def handle(request):
            peers.append(request.transport.get_extra_info("peername")[0])
            if scheme == "ws":
                response = web.WebSocketResponse()
            else:
                response = web.StreamResponse(headers={"Content-Type": "text/event-stream"})
            await response.prepare(request)
            await over.wait()
            return response

        app = web.Application()
        app.router.add_get("/", handle)
        async with TestServer(app) as server:
            url = str(server.make_url("/")).replace("http", scheme)
            crew = await opened(url, count=6, sources=("127.0.0.2", "127.0.0.3"))
            over.set()
            await until(lambda: crew.losses == 6)
            if crew._session:
                await crew._session.close()
        return peers

    assert sorted(asyncio.run(main())) == ["127.0.0.2"] * 3 + ["127.0.0.3"] * 3


def test_a_host_s_next_address_is_tried_if_the_first_does_not_answer(monkeypatch):
    async def main():
        async def handle(request):
            return web.Response(body=b"", headers={"Content-Type": "text/event-stream"})

        app = web.Application()
        app.router.add_get("/", handle)
        async with TestServer(app) as server:
            with socket.socket() as silent:  # bound, and not listening
                silent.bind(("127.0.0.1", 0))
                addresses = [silent.getsockname(), ("127.0.0.1", server.port)]
                found = [(socket.AF_INET, socket.SOCK_STREAM, 6, "", address) for address in addresses]
                monkeypatch.setattr(socket, "getaddrinfo", lambda *_, **__: found)
                connector = Connector(URL("http://service.example/"))
                for _ in range(2):  # and then only that one
                    with await connector.connect() as connection:
                        assert connection.getpeername() == addresses[1]
                    found.clear()

    asyncio.run(main())
