"""Byte counts against a count that is known: that of the kernel, and that of the other side."""

import asyncio
import socket
import struct
import sys

import aiohttp
import pytest
import uvloop
from aiohttp import web
from aiohttp.test_utils import TestServer

from realtime_kit.errors import UsageError
from realtime_kit.taps import ByteCount

linux = pytest.mark.skipif(sys.platform != "linux", reason="TCP_INFO with byte counts is Linux's")


class Sockets(ByteCount):
    """Keeps its sockets, to ask the kernel about them."""

    def __init__(self):
        super().__init__()
        self.made = []

    def make_socket(self, address_info):
        self.made.append(super().make_socket(address_info))
        return self.made[-1]

    def of_the_kernel(self):
        """(received, sent) over all sockets, from `struct tcp_info`; what a busy kernel sends again counts once."""
        infos = [made.getsockopt(socket.IPPROTO_TCP, socket.TCP_INFO, 256) for made in self.made]
        at = {"tcpi_bytes_received": 128, "tcpi_bytes_sent": 200, "tcpi_bytes_retrans": 208}
        received, sent, again = (
            sum(struct.unpack_from("=Q", info, offset)[0] for info in infos) for offset in at.values()
        )
        return received, sent - again


def session(count):
    return aiohttp.ClientSession(connector=aiohttp.TCPConnector(socket_factory=count.make_socket))


def app():
    async def echo(request):
        return web.Response(body=await request.read())

    async def echo_socket(request):
        ws = web.WebSocketResponse()
        await ws.prepare(request)
        async for message in ws:
            await ws.send_bytes(message.data)
        return ws

    made = web.Application(client_max_size=2**30)
    made.router.add_post("/echo", echo)
    made.router.add_get("/socket", echo_socket)
    return made


@linux
@pytest.mark.parametrize("size", [0, 1, 1_000, 100_000, 1_000_000])
def test_an_http_exchange_is_counted_as_the_kernel_counts_it(size):
    async def main():
        count = Sockets()
        async with TestServer(app()) as server, session(count) as client:
            for _ in range(2):
                async with client.post(server.make_url("/echo"), data=b"x" * size) as answer:
                    assert len(await answer.read()) == size
            assert (count.received, count.sent) == count.of_the_kernel()
        assert count.received > 2 * size
        assert count.sent > 2 * size

    asyncio.run(main())


@linux
@pytest.mark.parametrize("size", [0, 125, 126, 65_535, 65_536, 1_000_000])
def test_a_websocket_exchange_is_counted_as_the_kernel_counts_it(size):
    async def main():
        count = Sockets()
        async with (
            TestServer(app()) as server,
            session(count) as client,
            client.ws_connect(server.make_url("/socket"), compress=0) as ws,
        ):
            before = count.received, count.sent
            for _ in range(3):
                await ws.send_bytes(b"x" * size)
                assert len((await ws.receive()).data) == size
            assert (count.received, count.sent) == count.of_the_kernel()
            # RFC 6455 §5.2: two bytes, two or eight more for the length, four for the client's mask.
            header = 2 if size < 126 else 4 if size < 65_536 else 10
            assert count.received - before[0] == 3 * (size + header)
            assert count.sent - before[1] == 3 * (size + header + 4)

    asyncio.run(main())


def test_one_count_adds_up_many_connections():
    async def main():
        count = ByteCount()
        async with TestServer(app()) as server:
            for expected in (1, 2, 3):
                async with (
                    session(count) as client,
                    client.post(server.make_url("/echo"), data=b"x" * 1000) as answer,
                ):
                    await answer.read()
                assert count.connections == expected
        assert count.received > 3000
        assert repr(count).startswith(f"<ByteCount: {count.received} received, ")

    asyncio.run(main())


def test_a_connection_that_is_refused_counts_as_made_and_moves_nothing():
    async def main():
        count = ByteCount()
        with socket.create_server(("127.0.0.1", 0)) as closed:
            port = closed.getsockname()[1]
        async with session(count) as client:
            with pytest.raises(aiohttp.ClientConnectorError):
                await client.get(f"http://127.0.0.1:{port}/")
        assert (count.received, count.sent, count.connections) == (0, 0, 1)

    asyncio.run(main())


def test_on_a_loop_that_goes_around_the_socket_it_refuses_to_give_a_number():
    async def main():
        count = ByteCount()
        async with (
            TestServer(app()) as server,
            session(count) as client,
            client.post(server.make_url("/echo")) as answer,
        ):
            await answer.read()
        with pytest.raises(UsageError, match="bytes cannot be counted on uvloop"):
            _ = count.received
        with pytest.raises(UsageError, match="run the client on asyncio's own event loop"):
            _ = count.sent
        assert repr(count) == "<ByteCount: not counted on uvloop, 1 connections>"

    uvloop.run(main())
