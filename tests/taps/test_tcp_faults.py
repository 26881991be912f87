"""A TCP proxy with faults."""

import asyncio
import contextlib
import time

import pytest

from realtime_kit.taps.tcp_faults import ToxicProxy, Toxics

LATENCY_S = 0.2


@contextlib.asynccontextmanager
async def echo():
    """An echo behind a proxy: gives the proxy, and a connection through it."""

    async def answer(reader, writer):
        with contextlib.suppress(OSError):
            while data := await reader.read(100):
                writer.write(data)
        writer.close()

    server = await asyncio.start_server(answer, "127.0.0.1", 0)
    async with (
        asyncio.timeout(20),
        server,
        ToxicProxy(server.sockets[0].getsockname()[1]) as proxy,
    ):
        reader, writer = await asyncio.open_connection("127.0.0.1", proxy.port)
        try:
            yield proxy, reader, writer
        finally:
            writer.transport.abort()


async def say(text, reader, writer):
    writer.write(text)
    return await reader.readexactly(len(text))


def test_without_toxics_everything_passes():
    async def main():
        async with echo() as (_, reader, writer):
            return await say(b"hello", reader, writer)

    assert asyncio.run(main()) == b"hello"


def test_latency_delays_answers_by_as_much_at_least():
    async def main():
        async with echo() as (proxy, reader, writer):
            proxy.toxics = Toxics(latency_s=LATENCY_S)
            begun = time.monotonic()
            await say(b"hello", reader, writer)
            return time.monotonic() - begun

    assert asyncio.run(main()) >= LATENCY_S


def test_bandwidth_lets_so_much_through_in_a_second_at_most():
    async def main():
        async with echo() as (proxy, reader, writer):
            proxy.toxics = Toxics(bandwidth_bytes_per_s=1000)
            begun = time.monotonic()
            for _ in range(4):
                await say(b"x" * 50, reader, writer)
            return time.monotonic() - begun

    assert asyncio.run(main()) >= 3 * 50 / 1000


def test_one_that_stands_still_reads_nothing_and_gets_everything_when_it_goes_on():
    size = 1_000_000

    async def main():
        async def talk(_, writer):
            writer.write(b"x" * size)
            writer.close()

        server = await asyncio.start_server(talk, "127.0.0.1", 0)
        async with asyncio.timeout(20), server, ToxicProxy(server.sockets[0].getsockname()[1]) as proxy:
            proxy.toxics = Toxics(bandwidth_bytes_per_s=0.0)
            reader, writer = await asyncio.open_connection("127.0.0.1", proxy.port)
            while not (waiting := proxy.waiting_bytes):  # noqa: ASYNC110 - the system tells nobody
                await asyncio.sleep(0.01)
            with pytest.raises(TimeoutError):
                await asyncio.wait_for(asyncio.shield(first := asyncio.create_task(reader.read(1))), 0.1)
            proxy.toxics = Toxics()
            rest = bytearray(await first)
            while len(rest) < size:
                rest += await reader.read(65536)
            writer.transport.abort()
            return waiting

    assert 0 < asyncio.run(main()) < size


def test_one_that_hangs_up_while_it_stands_still_has_nothing_waiting():
    async def main():
        connected = asyncio.Queue()
        server = await asyncio.start_server(
            lambda reader, writer: connected.put_nowait((reader, writer)), "127.0.0.1", 0
        )
        async with asyncio.timeout(20), server, ToxicProxy(server.sockets[0].getsockname()[1]) as proxy:
            proxy.toxics = Toxics(bandwidth_bytes_per_s=0.0)
            _, writer = await asyncio.open_connection("127.0.0.1", proxy.port)
            there, to_there = await connected.get()
            writer.transport.abort()
            with contextlib.suppress(ConnectionResetError):
                assert await there.read() == b""  # the proxy has hung up too
            to_there.transport.abort()
            return proxy.waiting_bytes

    assert asyncio.run(main()) == 0


def test_a_timeout_swallows_everything_and_cuts_the_connection_when_it_ends():
    async def main():
        async with echo() as (proxy, reader, writer):
            proxy.toxics = Toxics(timeout=True)
            writer.write(b"hello")
            with pytest.raises(TimeoutError):
                await asyncio.wait_for(asyncio.shield(first := asyncio.create_task(reader.read(1))), 0.1)
            proxy.toxics = Toxics()
            with contextlib.suppress(ConnectionResetError):
                assert await first == b""
            return True

    assert asyncio.run(main())


def test_a_reset_peer_sees_a_reset_and_may_come_back():
    async def main():
        async with echo() as (proxy, reader, writer):
            await say(b"hello", reader, writer)
            proxy.reset_peer()
            with pytest.raises(ConnectionResetError):
                await reader.readexactly(1)
            again, to_again = await asyncio.open_connection("127.0.0.1", proxy.port)
            said = await say(b"again", again, to_again)
            to_again.transport.abort()
            return said

    assert asyncio.run(main()) == b"again"


def test_down_takes_no_connection_until_it_is_up():
    async def main():
        async with echo() as (proxy, _, _):
            proxy.down()
            reader, writer = await asyncio.open_connection("127.0.0.1", proxy.port)
            with contextlib.suppress(ConnectionResetError):
                assert await reader.read() == b""
            proxy.up()
            reader, again = await asyncio.open_connection("127.0.0.1", proxy.port)
            said = await say(b"up", reader, again)
            for each in (writer, again):
                each.transport.abort()
            return said

    assert asyncio.run(main()) == b"up"


def test_a_slow_close_tells_the_end_later():
    async def main():
        async def hang_up(_, writer):
            writer.write(b"bye")
            writer.close()

        server = await asyncio.start_server(hang_up, "127.0.0.1", 0)
        async with server, ToxicProxy(server.sockets[0].getsockname()[1]) as proxy:
            proxy.toxics = Toxics(slow_close_s=LATENCY_S)
            reader, writer = await asyncio.open_connection("127.0.0.1", proxy.port)
            assert await reader.readexactly(3) == b"bye"
            begun = time.monotonic()
            with contextlib.suppress(ConnectionResetError):
                assert await reader.read() == b""
            writer.transport.abort()
            return time.monotonic() - begun

    assert asyncio.run(main()) > LATENCY_S / 2
