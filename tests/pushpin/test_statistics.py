"""Counting what Pushpin's statistics socket says, message by message."""

import asyncio
import json
import threading
from collections.abc import Iterator
from pathlib import Path

import pytest
import zmq

from realtime_kit.errors import PushpinStopped
from realtime_kit.pushpin import statistics as module
from realtime_kit.pushpin.statistics import Statistics, StatisticsSocket


def event(kind: str, **values: object) -> bytes:
    return f"{kind} J{json.dumps(values)}".encode()


def counted(*events: bytes) -> Statistics:
    statistics = Statistics()
    for each in events:
        statistics.take(each)
    return statistics


def test_a_connection_counts_from_its_announcement_to_its_end() -> None:
    open_and_end = [event("conn", id="1", type="http"), event("conn", id="1", unavailable=True)]
    assert counted(open_and_end[0]).connections == 1
    assert counted(*open_and_end).connections == 0
    assert counted(*open_and_end).connections_seen == 1


def test_a_connection_that_is_announced_again_counts_once() -> None:
    statistics = counted(*[event("conn", id="1")] * 3)
    assert (statistics.connections, statistics.connections_seen) == (1, 1)


def test_a_connection_announced_after_its_end_does_not_count() -> None:
    # Seen on 1.36 with clients that leave at once: the proxy's announcement overtaken by the handler's farewell.
    statistics = counted(
        event("conn", id="1"), event("conn", id="1", unavailable=True), event("conn", id="1")
    )
    assert (statistics.connections, statistics.connections_seen) == (0, 1)


def test_only_the_latest_ends_are_remembered(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("realtime_kit.pushpin.statistics._REMEMBERED", 3)
    statistics = counted(*(event("conn", id=str(number), unavailable=True) for number in range(10)))
    assert list(statistics._ended) == ["7", "8", "9"]


def test_subscribers_are_those_of_all_modes() -> None:
    statistics = counted(
        event("sub", channel="news", mode="stream", subscribers=2),
        event("sub", channel="news", mode="ws", subscribers=3),
        event("sub", channel="other", mode="ws", subscribers=5),
    )
    assert statistics.subscribers("news") == 5
    statistics.take(event("sub", channel="news", mode="ws", unavailable=True))
    assert statistics.subscribers("news") == 2
    assert statistics.subscribers("nothing") == 0


def test_messages_and_their_receivers_count_by_transport() -> None:
    statistics = counted(*[event("message", channel="news", transport="http-stream", count=3)] * 2)
    assert statistics.messages == {"http-stream": 2}
    assert statistics.receivers == {"http-stream": 6}


def test_the_probe_does_not_count() -> None:
    statistics = counted(
        event("conn", id="1", route="realtime-kit-probe"),
        event("sub", channel="realtime-kit-probe-1", mode="stream", subscribers=1),
        event("message", channel="realtime-kit-probe-1", transport="http-stream", count=1),
        event("conn", id="1", unavailable=True),
    )
    assert statistics.connections_seen == statistics.messages.total() == len(statistics.subscriptions) == 0


def test_a_connection_of_the_probe_does_not_count_when_it_is_announced_without_its_route_as_well() -> None:
    # Seen on 1.36 when many start at once on a busy machine.
    with_route, without = (
        event("conn", id="1", route="realtime-kit-probe"),
        event("conn", id="1", type="http"),
    )
    other = event("conn", id="2")
    for announced in ([with_route, without], [without, with_route], [without, with_route, without]):
        statistics = counted(*announced, other)
        assert (statistics.connections, statistics.connections_seen) == (1, 1)


@pytest.mark.parametrize("message", [b"", b"conn", b"report J{}", b"conn T1:a,", b"activity J{}"])
def test_what_does_not_concern_it_is_passed_over(message: bytes) -> None:
    assert counted(message) == Statistics()


def test_it_can_be_read_while_another_thread_adds_to_it() -> None:
    statistics = Statistics()

    def add() -> None:
        for number in range(20_000):
            statistics.take(event("sub", channel=str(number), mode="ws", subscribers=1))

    adding = threading.Thread(target=add)
    adding.start()
    while adding.is_alive():
        statistics.subscribers("news")
    adding.join()
    assert len(statistics.subscriptions) == 20_000


@pytest.fixture
def publisher(tmp_path: Path) -> Iterator[tuple[zmq.Socket[bytes], str]]:
    context = zmq.Context()
    socket = context.socket(zmq.XPUB)
    spec = f"ipc://{tmp_path}/s"
    socket.bind(spec)
    yield socket, spec
    context.destroy(linger=0)


def test_it_hears_once_anything_has_arrived(publisher: tuple[zmq.Socket[bytes], str]) -> None:
    socket, spec = publisher

    async def listen() -> None:
        async with StatisticsSocket(spec) as following:
            assert not await following.hears()
            await asyncio.to_thread(socket.recv)
            socket.send(b"report J{}")
            assert await following.hears()

    asyncio.run(listen())


def test_it_does_not_call_a_fault_silence(publisher: tuple[zmq.Socket[bytes], str]) -> None:
    socket, spec = publisher

    async def listen() -> None:
        async with StatisticsSocket(spec) as following:
            await asyncio.to_thread(socket.recv)
            socket.send(b"conn J{broken")
            with pytest.raises(json.JSONDecodeError):
                await following.hears()

    asyncio.run(listen())


def test_a_flood_of_messages_leaves_turns_to_others(publisher: tuple[zmq.Socket[bytes], str]) -> None:
    socket, spec = publisher
    socket.setsockopt(zmq.SNDHWM, 0)
    count, turns = 20_000, 0

    async def take_turns() -> None:
        nonlocal turns
        while True:
            await asyncio.sleep(0)
            turns += 1

    async def listen() -> None:
        async with StatisticsSocket(spec) as following:
            await asyncio.to_thread(socket.recv)  # subscribed
            for _ in range(count):
                socket.send(event("message", transport="http-stream", count=1))
            others = asyncio.create_task(take_turns())
            await following.until(lambda s: s.messages["http-stream"] > count // 2)
            others.cancel()

    asyncio.run(listen())
    assert turns > count // 2 // 1000


def test_a_flood_that_nobody_counts_is_not_kept_without_an_end(
    publisher: tuple[zmq.Socket[bytes], str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(module, "_WAITING_MAX", 100)
    socket, spec = publisher
    socket.setsockopt(zmq.XPUB_NODROP, 1)
    socket.setsockopt(zmq.SNDTIMEO, 2000)

    def flood() -> None:
        for _ in range(20_000):
            socket.send(event("message", transport="http-stream", count=1))

    async def listen() -> None:
        async with StatisticsSocket(spec):
            await asyncio.to_thread(socket.recv)  # subscribed
            with pytest.raises(zmq.Again):
                flood()  # the loop counts nothing meanwhile

    asyncio.run(listen())


def test_until_waits_for_the_count_and_not_a_moment_longer(publisher: tuple[zmq.Socket[bytes], str]) -> None:
    socket, spec = publisher

    async def wait() -> None:
        async with StatisticsSocket(spec) as following:
            waiting = asyncio.create_task(following.until(lambda s: s.connections == 2))
            await asyncio.to_thread(socket.recv)  # subscribed
            for name in ("1", "2"):
                assert not waiting.done()
                socket.send(event("conn", id=name))
            await waiting

    asyncio.run(wait())


def test_until_says_so_when_the_socket_is_closed(publisher: tuple[zmq.Socket[bytes], str]) -> None:
    async def wait() -> None:
        async with StatisticsSocket(publisher[1]) as following:
            waiting = asyncio.create_task(following.until(lambda _: False))
            await asyncio.sleep(0)
        with pytest.raises(PushpinStopped, match="was stopped before its statistics were"):
            await waiting

    asyncio.run(wait())


def test_until_raises_what_keeps_it_from_counting(publisher: tuple[zmq.Socket[bytes], str]) -> None:
    socket, spec = publisher

    async def wait() -> None:
        async with StatisticsSocket(spec) as following:
            waiting = asyncio.create_task(following.until(lambda _: False))
            await asyncio.to_thread(socket.recv)
            socket.send(b"conn J{broken")
            with pytest.raises(json.JSONDecodeError):
                await waiting

    asyncio.run(wait())
