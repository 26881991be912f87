"""Publishing over ZeroMQ, against a pull socket and against nobody."""

import asyncio
import contextlib
import json

import pytest
import zmq
import zmq.asyncio

from realtime_kit.errors import PublishError, UsageError
from realtime_kit.publisher import ZeroMqPublisher, text_item


@contextlib.asynccontextmanager
async def pull_socket():
    """A socket that pulls, as Pushpin's does, and its address."""
    context = zmq.asyncio.Context()
    pulling = context.socket(zmq.PULL)
    try:
        port = pulling.bind_to_random_port("tcp://127.0.0.1")
        yield pulling, f"tcp://127.0.0.1:{port}"
    finally:
        pulling.close(linger=0)
        context.term()


def test_items_arrive_in_order_a_message_each_marked_as_json():
    async def main():
        async with pull_socket() as (pulling, spec), ZeroMqPublisher(spec) as publisher:
            for number in range(300):
                publisher.send("news", text_item(str(number)))
            messages = [await pulling.recv() for _ in range(300)]
        assert {message[:1] for message in messages} == {b"J"}
        contents = [json.loads(message[1:])["formats"]["ws-message"]["content"] for message in messages]
        assert contents == [str(number) for number in range(300)]

    asyncio.run(main())


def test_leaving_the_block_waits_for_messages_on_their_way():
    async def main():
        async with pull_socket() as (pulling, spec):
            async with ZeroMqPublisher(spec) as publisher:
                await publisher.publish("news", text_item("last words"))
            assert b"last words" in await pulling.recv()

    asyncio.run(main())


@pytest.mark.parametrize("spec", ["ipc:///tmp/nobody-listens-here", "tcp://127.0.0.1:9"])
def test_against_nobody_every_item_fails_after_one_wait(spec):
    async def main():
        publisher = ZeroMqPublisher(spec, timeout_s=0.05)
        tries = 0
        send_batch = publisher._send_batch

        async def counted(encoded):
            nonlocal tries
            tries += 1
            await send_batch(encoded)

        publisher._send_batch = counted
        for number in range(200):
            publisher.send("news", text_item(str(number)))
        with pytest.raises(
            PublishError, match=r"200 items were not published: nothing took an item off .*: is Pushpin up\?"
        ):
            await publisher.aclose()
        assert tries == 1

    asyncio.run(main())


def test_an_address_that_is_none_is_refused_at_once_and_leaves_nothing_open():
    async def main():
        with pytest.raises(UsageError, match="push_spec is 'nonsense'"):
            async with ZeroMqPublisher("nonsense"):
                pass

    asyncio.run(main())
