"""Reading very many sockets: several receipts for one waking, where there are clients enough for it."""

import asyncio
import contextlib
import random
import socket
import threading

import numpy as np
import pytest

from realtime_kit.clients.swarm import reception as module
from realtime_kit.clients.swarm.reading import SWARM_TRANSPORTS
from realtime_kit.clients.swarm.reception import Reception

HEAD = (
    b"HTTP/1.1 200 OK\r\nContent-Type: text/event-stream\r\nTransfer-Encoding: chunked\r\n\r\n3\r\n:\n\n\r\n"
)
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


def event(number, wire_bytes=40):
    """A chunk with an event, of so many bytes in all."""

    def chunk(filling):
        text = b"id: %d\ndata: %s\n\n" % (number, b"x" * filling)
        return b"%x\r\n%s\r\n" % (len(text), text)

    # The length of the length depends on the filling.
    return next(made for filling in range(wire_bytes) if len(made := chunk(filling)) >= wire_bytes)


@pytest.mark.parametrize("size", [40, 2_000, 16_382, 16_383, 16_384, 16_385, 40_000])
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


@pytest.mark.parametrize("wire_bytes", [41, 8_192, 16_384])
def test_a_piece_behind_which_there_is_more_is_not_taken_for_all(wire_bytes):
    """Events that fill the read to its last byte, with another behind them, at everybody at once."""
    count = 2 if wire_bytes == 41 else 16_384 // wire_bytes + 1

    async def main():
        async with connected() as (reception, servers):
            for first in (1, 2):  # from the second time on they know an event of 40 bytes
                reception.expect(first)
                for server in servers:
                    server.sendall(event(first, 40))
                async with asyncio.timeout(30):
                    await reception.arrived.wait()
            reception.expect(2 + count)
            for server in servers:
                server.sendall(b"".join(event(number, wire_bytes) for number in range(3, 3 + count)))
            async with asyncio.timeout(30):
                await reception.arrived.wait()
            assert reception.latest.tolist() == [2 + count] * CLIENTS

    asyncio.run(main())


@pytest.mark.parametrize("gets_it", [False, True])
def test_whoever_comes_back_while_a_push_is_in_the_air_is_not_waited_for(gets_it):
    async def main():
        async with connected() as (reception, servers):
            reception.expect(1)
            for server in servers[5:]:
                server.sendall(event(1))
            servers[0].close()
            async with asyncio.timeout(30):
                while reception.is_connected(0):  # noqa: ASYNC110 - a loss tells nobody here
                    await asyncio.sleep(0.001)
            servers[0], client = socket.socketpair()
            client.setblocking(False)
            agreed = reception.take(0, client, 1)
            servers[0].sendall(HEAD + event(1) * gets_it)
            async with asyncio.timeout(30):
                await agreed
            assert reception.latest[0] == gets_it
            assert not reception.arrived.is_set()
            for server in servers[1:5]:
                server.sendall(event(1))
            async with asyncio.timeout(30):
                await reception.arrived.wait()
            assert reception.latest.tolist() == [int(gets_it)] + [1] * (CLIENTS - 1)

    asyncio.run(main())


@pytest.mark.parametrize("seed", range(5))
def test_whoever_gets_what_and_in_whatever_pieces_every_receipt_has_its_event(seed):
    chance = random.Random(seed)

    async def main():
        async with connected() as (reception, servers):
            owed = []
            for number in range(1, 61, 2):
                one, two = event(number), event(number + 1, 50)
                kinds = {
                    "one": ([one], [number]),
                    "both": ([one + two], [number, number + 1]),
                    "in pieces": ([one[:17], one[17:] + two], [number, number + 1]),
                    "the other": ([two], [number + 1]),
                    "nothing new": ([b"3\r\n:\n\n\r\n"], []),
                }
                most = chance.choice([*kinds])
                reception.expect(number)
                for client, server in enumerate(servers):
                    pieces, ids = kinds[most if chance.random() < 0.7 else chance.choice([*kinds])]
                    for piece in pieces:
                        server.sendall(piece)
                        if len(pieces) > 1:
                            await asyncio.sleep(0)  # the first is read by itself
                    owed += [(client, each) for each in ids]
                async with asyncio.timeout(30):
                    while len(reception.book) < len(owed):  # noqa: ASYNC110 - a book tells nobody
                        await asyncio.sleep(0.001)
            receipts = reception.receipts()
            got = [*zip(receipts.client.tolist(), receipts.event_id.tolist(), strict=True)]
            assert sorted(got) == sorted(owed)
            for client in range(CLIENTS):
                mine = receipts.only(receipts.client == client)
                assert mine.event_id.tolist() == [each for whose, each in owed if whose == client]
                assert (np.diff(mine.received_ns) >= 0).all()
                assert reception.latest[client] == max(mine.event_id)
            assert (receipts.opened_ns == 1).all()

    asyncio.run(main())


def test_a_receipt_says_when_its_own_connection_was_opened_and_not_a_later_one():
    async def main():
        async with connected() as (reception, servers):
            for number, size in ((1, 40), (2, 40), (3, 20_000)):
                reception.expect(number)
                for server in servers:
                    server.sendall(event(number, size))
                async with asyncio.timeout(30):
                    await reception.arrived.wait()
                server, client = socket.socketpair()
                client.setblocking(False)
                agreed = reception.take(CLIENTS - 1, client, 10 + number)  # who reads last, with many others
                server.sendall(HEAD)
                servers[-1].close()
                servers[-1] = server
                await agreed
                reception.settle(CLIENTS - 1)
            receipts = reception.receipts()
            opened = zip(
                receipts.client.tolist(),
                receipts.event_id.tolist(),
                receipts.opened_ns.tolist(),
                strict=True,
            )
            of_last = {1: 1, 2: 11, 3: 12}
            assert sorted(opened) == [
                (client, number, of_last[number] if client == CLIENTS - 1 else 1)
                for client in range(CLIENTS)
                for number in of_last
            ]

    asyncio.run(main())


def test_an_answer_that_makes_no_sense_is_the_loss_of_one_and_the_others_are_read():
    async def main():
        losses, answers = [], []
        reception = Reception(
            SWARM_TRANSPORTS["long-polling"],
            3,
            on_answer=lambda number, cursor: answers.append((number, cursor)),
            on_loss=lambda number, _: losses.append(number),
        )
        servers = []
        for number, events in enumerate((b'[{"id": 7}]', b"null", b'[{"id": 7}]')):
            server, client = socket.socketpair()
            client.setblocking(False)
            reception.take(number, client, 1)
            reception.settle(number)
            content = b'{"events": %s, "cursor": 7}' % events
            head = b"HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nContent-Length: %d\r\n\r\n"
            server.sendall(head % len(content) + content)
            servers.append(server)
        async with asyncio.timeout(30):
            while len(losses) + len(answers) < 3:  # noqa: ASYNC110 - lists tell nobody
                await asyncio.sleep(0.001)
        assert losses == [1]
        assert answers == [(0, 7), (2, 7)]
        reception.close()
        for server in servers:
            server.close()

    asyncio.run(main())


def test_an_end_right_behind_the_head_is_a_loss():
    async def main():
        losses = asyncio.Queue()
        reception = Reception(
            SWARM_TRANSPORTS["streaming"],
            1,
            on_answer=lambda *_: None,
            on_loss=lambda number, _: losses.put_nowait(number),
        )
        server, client = socket.socketpair()
        client.setblocking(False)
        server.sendall(HEAD)
        server.close()
        agreed = reception.take(0, client, 1)
        async with asyncio.timeout(30):
            await agreed
            assert await losses.get() == 0
        assert not reception.is_connected(0)
        reception.close()

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
                servers[5 * number].shutdown(socket.SHUT_WR)
                async with asyncio.timeout(30):
                    assert await losses.get() == 5 * number
                    await reception.arrived.wait()
            receipts = reception.receipts()
            assert receipts.client[receipts.event_id == 1].tolist().count(5) == 1
            assert receipts.client[receipts.event_id == 2].tolist().count(10) == 1

    asyncio.run(main())


def test_in_the_middle_of_a_message_nothing_is_taken_for_what_the_others_are_sent():
    async def main():
        losses = asyncio.Queue()
        async with connected(losses.put_nowait) as (reception, servers):
            servers[-1].sendall(event(1)[:10])
            for number in (1, 2):  # the chunk that was begun would end amid the second
                for server in servers[: None if number == 2 else -1]:
                    server.sendall(event(number))
                async with asyncio.timeout(30):
                    while (reception.latest[:-1] < number).any():  # noqa: ASYNC110 - a column tells nobody
                        await asyncio.sleep(0.001)
            async with asyncio.timeout(30):
                assert await losses.get() == CLIENTS - 1
            assert reception.latest[-1] == 0

    asyncio.run(main())


def test_with_a_push_in_the_air_several_are_read_for_one_waking_and_none_is_missed(monkeypatch):
    monkeypatch.setattr(module, "_NAP_PER_CLIENT_S", 0.2 / CLIENTS)
    monkeypatch.setattr(module, "_FEWEST_TO_NAP", CLIENTS)

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
