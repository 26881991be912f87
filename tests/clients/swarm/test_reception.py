"""Reading very many sockets: several receipts for one waking, where there are clients enough for it."""

import asyncio
import socket
import threading

from realtime_kit.clients.swarm import reception as module
from realtime_kit.clients.swarm.reading import SWARM_TRANSPORTS
from realtime_kit.clients.swarm.reception import Reception

HEAD = b"HTTP/1.1 200 OK\r\nContent-Type: text/event-stream\r\n\r\n:\n\n"
CLIENTS = 20


def test_with_a_push_in_the_air_several_are_read_for_one_waking_and_none_is_missed(monkeypatch):
    monkeypatch.setattr(module, "_NAP_PER_CLIENT_S", 0.2 / CLIENTS)

    async def main():
        reception = Reception(
            SWARM_TRANSPORTS["streaming"], CLIENTS, on_answer=lambda *_: None, on_loss=lambda *_: None
        )
        servers, agreed = [], []
        for number in range(CLIENTS):
            server, client = socket.socketpair()
            client.setblocking(False)
            agreed.append(reception.take(number, client, 1))
            server.sendall(HEAD)
            servers.append(server)
        await asyncio.gather(*agreed)
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
                server.sendall(b"id: 1\ndata: x\n\n")
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
        reception.close()
        for server in servers:
            server.close()

    asyncio.run(main())
