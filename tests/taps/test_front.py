"""The process before the origin that can be stopped."""

import asyncio
import contextlib

import psutil
import pytest

from realtime_kit.taps.front import Front


async def echo(reader, writer):
    with contextlib.suppress(OSError):
        while data := await reader.read(100):
            writer.write(data)
    writer.close()


def test_stopped_it_accepts_and_says_nothing_and_goes_on_where_it_was():
    async def main():
        server = await asyncio.start_server(echo, "127.0.0.1", 0)
        async with asyncio.timeout(30), server, Front(server.sockets[0].getsockname()[1]) as front:
            front.stop()
            front.stop()
            reader, writer = await asyncio.open_connection("127.0.0.1", front.port)
            writer.write(b"hello")
            answer = asyncio.create_task(reader.readexactly(5))
            with pytest.raises(TimeoutError):
                await asyncio.wait_for(asyncio.shield(answer), 0.2)
            front.go_on()
            assert await answer == b"hello"
            writer.transport.abort()

    asyncio.run(main())


def test_stopped_it_can_still_be_ended():
    async def main():
        async with asyncio.timeout(30), Front(1) as front:
            front.stop()
            return psutil.Process().children()

    children = asyncio.run(main())
    assert children
    assert not any(child.is_running() for child in children)
