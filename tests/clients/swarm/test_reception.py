"""Reading very many sockets: several receipts for one waking, where there are clients enough for it."""

import asyncio
import contextlib
import socket
import threading

import pytest

from realtime_kit.clients.swarm import reception as module
from realtime_kit.clients.swarm.reading import SWARM_TRANSPORTS
from realtime_kit.clients.swarm.reception import Reception

HEAD = b"HTTP/1.1 200 OK\r\nContent-Type: text/event-stream\r\n\r\n:\n\n"
CLIENTS = 20


@contextlib.asynccontextmanager
async def connected(on_loss=lambda _: None):
    """A reception, and the servers of its clients."""
    reception = Reception(
        SWARM_TRANSPORTS["streaming"],
        CLIENTS,
        on_answer=lambda *_: None,
        on_loss=lambda number, _: on_loss(number),
    )
    servers, agreed = [], []
    for number in range(CLIENTS):
        server, client = socket.socketpair()
        client.setblocking(False)
        agreed.append(reception.take(number, client, 1))
        server.sendall(HEAD)
        servers.append(server)
    await asyncio.gather(*agreed)
    for number in range(CLIENTS):
        reception.settle(number)
    try:
        yield reception, servers
    finally:
        reception.close()
        for server in servers:
            server.close()


def event(number, size=1):
    return b"id: %d\ndata: %s\n\n" % (number, b"x" * size)


@pytest.mark.parametrize("size", [1, 900, 944, 945, 946, 947, 2_000, 16_369, 16_370, 40_000])
def test_events_of_any_size_are_read_to_their_end(size):
    async def main():
        async with connected() as (reception, servers):
            for number in (1, 2, 3):
                reception.expect(number)
                for server in servers:
                    server.sendall(event(number, size))
                async with asyncio.timeout(30):
                    await reception.arrived.wait()
            receipts = reception.receipts()
            assert sorted(zip(receipts.client.tolist(), receipts.event_id.tolist(), strict=True)) == [
                (client, number) for client in range(CLIENTS) for number in (1, 2, 3)
            ]

    asyncio.run(main())


def test_what_is_said_last_counts_and_so_does_the_end_after_it():
    async def main():
        losses = asyncio.Queue()
        async with connected(losses.put_nowait) as (reception, servers):
            for number in (1, 2):
                reception.expect(number)
                for server in servers:
                    with contextlib.suppress(BrokenPipeError):
                        server.sendall(event(number))
                servers[number].shutdown(socket.SHUT_WR)
                async with asyncio.timeout(30):
                    assert await losses.get() == number
                    await reception.arrived.wait()
            receipts = reception.receipts()
            assert receipts.client[receipts.event_id == 1].tolist().count(1) == 1
            assert receipts.client[receipts.event_id == 2].tolist().count(2) == 1

    asyncio.run(main())


def test_with_a_push_in_the_air_several_are_read_for_one_waking_and_none_is_missed(monkeypatch):
    monkeypatch.setattr(module, "_NAP_PER_CLIENT_S", 0.2 / CLIENTS)

    async def main():
        async with connected() as (reception, servers):
            looks = []
            poll = reception._readiness.poll

            def look(timeout_s):
                found = poll(timeout_s)
                looks.append(len(found))
                return found

            monkeypatch.setattr(reception._readiness, "poll", look)
            reception.expect(1)

            def push():
                for server in servers:
                    server.sendall(event(1))
                    pause.wait(0.002)

            pause = threading.Event()
            pushing = threading.Thread(target=push)
            pushing.start()
            async with asyncio.timeout(30):
                await reception.arrived.wait()
            pushing.join()
            receipts = reception.receipts()
            assert sorted(receipts.client.tolist()) == list(range(CLIENTS))
            assert sum(looks) == CLIENTS
            assert len(looks) < CLIENTS

    asyncio.run(main())
