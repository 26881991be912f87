"""Readers that stand still: what finds no room, in all and for each of them."""

import asyncio
import contextlib
import time

import numpy as np
import pytest

from realtime_kit.lab.stand_still import STREAM, StandStill, kept_for, most_overflow
from realtime_kit.taps.tcp_faults import ToxicProxy

SIZE = 1000


def simulated(messages, *, grows_at, reads_at, queue=10, first_room=5, more_room=50):
    """One message a turn into buffers, then a queue. The buffers grow once; a reader empties them now and then.

    Returns what had come, what had left, what the buffers held; and what was dropped.
    """
    buffered = queued = dropped = left = 0
    rows = []
    for now in range(messages):
        if now in reads_at:
            left, buffered = left + buffered, 0
        room = first_room + (more_room if now >= grows_at else 0)
        moved = min(queued, room - buffered)
        buffered, queued = buffered + moved, queued - moved
        if buffered < room:
            buffered += 1
        elif queued < queue:
            queued += 1
        else:
            dropped += 1
        rows.append((now + 1, left, buffered * SIZE))
    return np.array(rows).T, dropped


@pytest.mark.parametrize("reads_at", [range(0), range(30, 35), range(60, 200, 30)])
@pytest.mark.parametrize("grows_at", [0, 10, 40, 70, 200])
@pytest.mark.parametrize("messages", [5, 15, 80, 150])
def test_what_a_simulated_queue_drops_is_predicted_whatever_its_buffers_and_reader_do(
    messages, grows_at, reads_at
):
    (came, left, buffered), dropped = simulated(messages, grows_at=grows_at, reads_at=reads_at)
    assert most_overflow(came, left, buffered, queue=10, message_bytes=SIZE) == dropped


def test_pushpin_keeps_a_queue_for_a_stream_and_none_for_a_socket():
    assert kept_for("push only") == kept_for("reliable") == STREAM
    assert kept_for("websocket").messages == kept_for("reliable-websocket").messages == 0


def test_each_reader_is_judged_by_its_own_buffers_and_by_when_its_connection_went_on():
    async def main():
        async def talk(reader, writer):
            size = int(await reader.readline())
            writer.write(b"x" * size)
            with contextlib.suppress(ConnectionResetError):
                await reader.read()
            writer.transport.abort()

        server = await asyncio.start_server(talk, "127.0.0.1", 0)
        port = server.sockets[0].getsockname()[1]
        async with asyncio.timeout(20), server, ToxicProxy(port) as full, ToxicProxy(port) as empty:
            standing = StandStill({"websocket": [full, empty]})
            standing.begin()
            writers = []
            for proxy, asked in ((full, b"500000\n"), (empty, b"0\n")):
                _, writer = await asyncio.open_connection("127.0.0.1", proxy.port)
                writer.write(asked)
                writers.append(writer)
            while full.waiting_bytes < 100_000:  # noqa: ASYNC110 - the system tells nobody
                await asyncio.sleep(0.01)
            due_ns = np.linspace(standing.begun_ns, time.monotonic_ns(), 600).astype(np.int64)
            standing.end()
            standing.end()  # they read on already
            await standing.close()
            for writer in writers:
                writer.transport.abort()

        def lost(number, *received_ns):
            return standing.overflow(
                ("websocket", number), due_ns, np.array(received_ns, np.int64), message_bytes=SIZE
            )

        assert standing.concerns("websocket")
        assert not standing.concerns("polling")
        assert lost(1) == pytest.approx(600 - 8.192)
        assert lost(0) <= lost(1) - 100
        assert lost(1, *(due_ns[:50] + 1)) == pytest.approx(lost(1) - 50)
        assert lost(1, standing.ended_ns + 1) == lost(1)
        return True

    assert asyncio.run(main())
