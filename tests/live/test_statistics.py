"""What Pushpin counts of itself, against what was really done."""

import asyncio
import contextlib
import socket
from collections.abc import Callable

import aiohttp
import psutil
import pytest
import requests

from realtime_kit.pushpin import Pushpin, Statistics

pytestmark = [pytest.mark.live, pytest.mark.usefixtures("nothing_left_behind")]


async def until(pushpin: Pushpin, **expected: int) -> None:
    """Wait for subscribers by channel and for connections."""

    def reached(statistics: Statistics) -> bool:
        connections = expected.get("connections", statistics.connections)
        channels = {name: count for name, count in expected.items() if name != "connections"}
        return statistics.connections == connections and all(
            statistics.subscribers(name) == count for name, count in channels.items()
        )

    async with asyncio.timeout(20):
        await pushpin.auntil(reached)


def test_the_probe_is_not_counted(origin: int) -> None:
    with Pushpin(origin) as pushpin:
        pushpin.set_routes(origin)
        assert requests.get(str(pushpin.url), timeout=10).ok
        pushpin.publish("news", "hello")
        statistics = pushpin.statistics
        asyncio.run(pushpin.auntil(lambda s: s.connections_seen == 1 and s.connections == 0))
        assert statistics.subscriptions == {}
        assert statistics.messages.total() == statistics.receivers.total() == 0


def test_the_probe_leaves_no_connection_open(
    origin: int, eventually: Callable[[Callable[[], bool], str], None]
) -> None:
    with Pushpin(origin) as pushpin:
        front = pushpin.processes()[1]
        eventually(
            lambda: (
                not any(
                    found.laddr.port == pushpin.url.port and found.status == psutil.CONN_ESTABLISHED
                    for found in front.net_connections("tcp")
                )
            ),
            "still connected",
        )


def test_a_stream_is_counted_from_its_subscription_to_its_end(origin: int) -> None:
    async def count() -> None:
        async with Pushpin(origin) as pushpin, aiohttp.ClientSession() as session:
            async with session.get(pushpin.url / "stream/news") as first:
                await until(pushpin, news=1, connections=1)
                async with session.get(pushpin.url / "stream/news"):
                    await until(pushpin, connections=2)
                    await pushpin.apublish("news", "hello")
                    await pushpin.auntil(lambda s: s.receivers["http-stream"] == 2)
                    assert pushpin.statistics.messages == {"http-stream": 1}
                await until(pushpin, connections=1)
                assert await first.content.readline() == b"welcome\n"
            await until(pushpin, news=0, connections=0)
            assert pushpin.statistics.connections_seen == 2

    asyncio.run(count())


def test_a_long_poll_is_counted_while_it_waits(origin: int) -> None:
    async def count() -> None:
        async with Pushpin(origin) as pushpin, aiohttp.ClientSession() as session:
            polling = asyncio.create_task(session.get(pushpin.url / "poll/news"))
            await until(pushpin, news=1, connections=1)
            assert ("news", "response") in pushpin.statistics.subscriptions
            await pushpin.apublish("news", "hello")
            async with await polling as response:
                assert await response.text() == "hello"
            await pushpin.auntil(lambda s: s.receivers["http-response"] == 1)
            await until(pushpin, connections=0)

    asyncio.run(count())


def test_a_websocket_is_counted_while_it_is_open(origin: int) -> None:
    async def count() -> None:
        async with Pushpin(origin) as pushpin, aiohttp.ClientSession() as session:
            async with session.ws_connect(pushpin.url / "socket/news") as websocket:
                await until(pushpin, news=1, connections=1)
                await pushpin.apublish("news", "hello")
                assert await websocket.receive_str() == "hello"
                await pushpin.auntil(lambda s: s.receivers["ws-message"] == 1)
                await websocket.send_str("to the origin and back")
                assert await websocket.receive_str() == "to the origin and back"
            await until(pushpin, news=0, connections=0)

    asyncio.run(count())


def test_a_client_that_is_cut_off_is_seen_to_go(origin: int) -> None:
    async def count() -> None:
        async with Pushpin(origin) as pushpin:
            port = pushpin.url.port or 0
            with contextlib.closing(socket.create_connection(("127.0.0.1", port))) as client:
                client.sendall(b"GET /stream/news HTTP/1.1\r\nHost: localhost\r\n\r\n")
                await until(pushpin, news=1)
                client.setsockopt(
                    socket.SOL_SOCKET, socket.SO_LINGER, b"\1\0\0\0\0\0\0\0"
                )  # reset, no goodbye
            await until(pushpin, news=0, connections=0)

    asyncio.run(count())


def test_a_condition_that_raises_raises_where_it_is_waited_for(origin: int) -> None:
    with Pushpin(origin) as pushpin, pytest.raises(ZeroDivisionError):
        asyncio.run(pushpin.auntil(lambda _: bool(1 / 0)))


def test_what_was_counted_can_be_read_after_the_end(origin: int) -> None:
    async def count() -> Pushpin:
        async with Pushpin(origin) as pushpin, aiohttp.ClientSession() as session:
            async with session.get(pushpin.url):
                pass
            await pushpin.auntil(lambda s: s.connections_seen == 1)
        return pushpin

    assert asyncio.run(count()).statistics.connections_seen == 1
