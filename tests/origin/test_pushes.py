"""The origin of a fan-out: who listened at its old door has the first event of the new one."""

import asyncio
import contextlib
import time

import pytest
import zmq
import zmq.asyncio

from realtime_kit.origin.process import CHANNEL
from realtime_kit.origin.pushes import _Origin
from realtime_kit.publisher import due_of


@contextlib.asynccontextmanager
async def pushpin(channel=CHANNEL):
    """The address of a socket that subscribes, and reads, as Pushpin's does."""
    with zmq.asyncio.Context() as context, context.socket(zmq.SUB) as socket:
        socket.subscribe(channel.encode())
        port = socket.bind_to_random_port("tcp://127.0.0.1")
        reading = asyncio.create_task(read(socket))
        yield f"tcp://127.0.0.1:{port}"
        reading.cancel()
        await asyncio.gather(reading, return_exceptions=True)


async def read(socket):
    while True:
        await socket.recv_multipart()


@contextlib.asynccontextmanager
async def origin_of(*specs):
    """An origin that publishes to these, which listen by now."""
    origin = _Origin()
    await origin.publish_to(publishers=[], payload_bytes=0, sub_specs=specs)
    async with asyncio.timeout(20):
        while await deaf(origin):  # noqa: ASYNC110 - it tells when it is asked
            await asyncio.sleep(0)
    yield origin
    await origin._doors.aclose()


async def deaf(origin):
    """How many of them an event does not reach."""
    return len((await origin.push(due_ns=0))["not_published"])


@pytest.mark.parametrize("payload_bytes", [0, 64])
def test_an_event_may_say_when_it_was_due_and_is_no_longer_for_it(payload_bytes):
    async def main():
        origin = _Origin()
        for stamp in (False, True):
            await origin.publish_to(publishers=[], payload_bytes=payload_bytes, stamp=stamp)
            before_ns = time.time_ns()
            due_ns = time.monotonic_ns() + 1_000_000
            data = [(await origin.push(due_ns=each))["data"] for each in (due_ns, 0)]
            after_ns = time.time_ns()
            for text in data:
                assert (due_of(text) is not None) == stamp
                assert not payload_bytes or len(text) == payload_bytes
                assert not stamp or before_ns <= due_of(text) <= after_ns

    asyncio.run(main())


def test_who_listens_has_the_first_event_of_a_new_door():
    async def main():
        async with pushpin() as first, pushpin() as second, origin_of(first, second) as origin:
            for _ in range(20):
                await origin.publish_to(publishers=[], payload_bytes=0, sub_specs=[first, second])
                assert await deaf(origin) == 0

    asyncio.run(main())


def test_who_does_not_listen_any_more_is_not_waited_for_for_ever():
    async def main():
        async with pushpin() as first, pushpin("another") as other, origin_of(first) as origin:
            async with asyncio.timeout(20):
                await origin.publish_to(publishers=[], payload_bytes=0, sub_specs=[other])
            assert await deaf(origin) == 1

    asyncio.run(main())
