"""One PUB socket to many: who listens has it, who listens is counted, who has moved is found again."""

import asyncio
import contextlib
import json

import pytest
import zmq
import zmq.asyncio

from realtime_kit.errors import PublishError, UsageError
from realtime_kit.publisher import ZeroMqBroadcast, text_item


@contextlib.asynccontextmanager
async def sub_sockets(count):
    """Sockets that subscribe, as Pushpin's do, and their addresses."""
    context = zmq.asyncio.Context()
    sockets = [context.socket(zmq.SUB) for _ in range(count)]
    try:
        ports = [socket.bind_to_random_port("tcp://127.0.0.1") for socket in sockets]
        yield sockets, [f"tcp://127.0.0.1:{port}" for port in ports]
    finally:
        for socket in sockets:
            socket.close(linger=0)
        context.term()


async def until_listeners(publisher, channel, count, sockets):
    async with asyncio.timeout(20):
        while await publisher.listeners(channel) != count:
            for socket in sockets:
                if not socket.closed:
                    socket.get(zmq.EVENTS)  # it sends its subscriptions when it is looked after
            await asyncio.sleep(0.001)


def test_everybody_who_listens_gets_each_item_in_order():
    async def main():
        async with sub_sockets(3) as (sockets, specs), ZeroMqBroadcast(specs) as publisher:
            for socket in sockets[:2]:
                socket.subscribe(b"news")
            sockets[2].subscribe(b"sports")
            await until_listeners(publisher, "news", 2, sockets)
            await until_listeners(publisher, "sports", 1, sockets)
            for number in range(100):
                publisher.send("news", text_item(str(number)))
            await publisher.publish("sports", text_item("goal"))
            for socket in sockets[:2]:
                messages = [await socket.recv_multipart() for _ in range(100)]
                assert {channel for channel, _ in messages} == {b"news"}
                items = [json.loads(item.removeprefix(b"J")) for _, item in messages]
                assert [item["formats"]["ws-message"]["content"] for item in items] == [
                    str(number) for number in range(100)
                ]
            assert (await sockets[2].recv_multipart())[0] == b"sports"

    asyncio.run(main())


def test_who_leaves_is_not_counted_any_more():
    async def main():
        async with sub_sockets(2) as (sockets, specs), ZeroMqBroadcast(specs) as publisher:
            for socket in sockets:
                socket.subscribe(b"news")
            await until_listeners(publisher, "news", 2, sockets)
            sockets[0].unsubscribe(b"news")
            await until_listeners(publisher, "news", 1, sockets)
            sockets[1].close(linger=0)
            await until_listeners(publisher, "news", 0, sockets)

    asyncio.run(main())


def test_who_has_moved_is_found_at_the_new_address():
    async def main():
        async with sub_sockets(2) as (sockets, specs), ZeroMqBroadcast(specs[:1]) as publisher:
            for socket in sockets:
                socket.subscribe(b"news")
            await until_listeners(publisher, "news", 1, sockets)
            publisher.move(*specs)
            await publisher.publish("news", text_item("nobody is left at the old one"))
            async with asyncio.timeout(20):  # the old subscription is counted until its end is known
                while True:
                    await publisher.publish("news", text_item("here"))
                    if await sockets[1].poll(10) and b"here" in (await sockets[1].recv_multipart())[1]:
                        break

    asyncio.run(main())


def test_what_is_no_address_is_refused():
    async def main():
        with pytest.raises(UsageError, match="a sub_spec is 'nonsense'"):
            async with ZeroMqBroadcast(["nonsense"]):
                pass

    asyncio.run(main())


def test_closed_it_knows_nobody():
    async def main():
        publisher = ZeroMqBroadcast(["tcp://127.0.0.1:9"])
        with pytest.raises(PublishError, match="closed"):
            await publisher.listeners("news")

    asyncio.run(main())
