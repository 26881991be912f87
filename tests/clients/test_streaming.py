"""The streaming client: every event once, however the bytes come and wherever the stream breaks."""

import asyncio
import random
import time

import pytest

from realtime_kit.clients import StreamingClient
from realtime_kit.errors import ClientError, UsageError


def event(number, text="x"):
    return f"id: {number}\ndata: {text}\n\n".encode()


async def take(client, count):
    receipts = []
    async for receipt in client:
        receipts.append(receipt)
        if len(receipts) == count:
            break
    return receipts


def ids(receipts):
    return [int(receipt.event.id) for receipt in receipts]


def test_events_cut_into_any_pieces_arrive_whole_and_in_order(server):
    text = b"".join(event(number, "ü\ndata: two lines") for number in range(1, 101))
    cuts = sorted(random.Random(1).sample(range(1, len(text)), 60))
    parts = [text[a:b] for a, b in zip([0, *cuts], [*cuts, len(text)], strict=True)]

    async def in_pieces(_, writer):
        writer.write(server.STREAM)
        for part in parts:
            writer.write(part)
            await writer.drain()
            await asyncio.sleep(0)

    async def main():
        async with server.serving(in_pieces) as seen, StreamingClient(seen.url) as client:
            receipts = await take(client, 100)
        assert ids(receipts) == list(range(1, 101))
        assert {receipt.event.data for receipt in receipts} == {"ü\ntwo lines"}

    asyncio.run(main())


def test_it_comes_back_with_the_id_of_the_last_whole_event(server, fast):
    took_s = []

    async def main():
        async with (
            server.serving(
                server.saying(server.STREAM, event(1), event(2), b"id: 3\ndata: cut o", close=True),
                server.saying(server.STREAM, event(3)),
            ) as seen,
            StreamingClient(seen.url, backoff=fast()) as client,
        ):
            client.on_connected = took_s.append
            assert ids(await take(client, 3)) == [1, 2, 3]
        assert len(took_s) == 2  # either try tells how long it took
        assert min(took_s) > 0
        assert "Last-Event-ID" not in seen.requests[0]
        assert "Last-Event-ID: 2\r\n" in seen.requests[1]

    asyncio.run(main())


def test_it_begins_after_the_event_it_is_given(server):
    async def main():
        async with (
            server.serving(server.saying(server.STREAM, event(8))) as seen,
            StreamingClient(seen.url, last_event_id="7") as client,
        ):
            await take(client, 1)
        assert "Last-Event-ID: 7\r\n" in seen.requests[0]

    asyncio.run(main())


def test_leaving_at_an_event_in_the_middle_of_a_chunk_loses_none_of_the_rest(server):
    async def main():
        chunk = event(1) + event(2) + event(3)
        async with (
            server.serving(server.saying(server.STREAM, chunk)) as seen,
            StreamingClient(seen.url) as client,
        ):
            await take(client, 2)
            assert client.last_event_id == "2"

    asyncio.run(main())


def test_an_id_without_data_counts_for_coming_back(server, fast):
    async def main():
        async with (
            server.serving(
                server.saying(server.STREAM, b"id: 9\n\n", close=True),
                server.saying(server.STREAM, event(10)),
            ) as seen,
            StreamingClient(seen.url, backoff=fast()) as client,
        ):
            await take(client, 1)
        assert "Last-Event-ID: 9\r\n" in seen.requests[1]

    asyncio.run(main())


def test_receipts_say_when_the_event_came_and_when_its_connection_was_asked_for(server, fast):
    async def main():
        async with server.serving(
            server.saying(server.STREAM, event(1), close=True), server.saying(server.STREAM, event(2))
        ) as seen:
            before_ns = time.monotonic_ns()
            async with StreamingClient(seen.url, backoff=fast()) as client:
                first, second = await take(client, 2)
        assert before_ns <= first.opened_ns <= first.received_ns <= second.opened_ns <= second.received_ns

    asyncio.run(main())


def test_it_is_connected_as_soon_as_the_stream_is_open(server):
    async def main():
        async with server.serving(server.saying(server.STREAM)) as seen, StreamingClient(seen.url) as client:
            reading = asyncio.create_task(take(client, 1))
            await client.connected.wait()
            assert not reading.done()
            reading.cancel()
            await asyncio.wait([reading])

    asyncio.run(main())


def test_a_stream_that_falls_silent_counts_as_broken_if_asked_to(server, fast):
    async def main():
        async with (
            server.serving(
                server.saying(server.STREAM, event(1)), server.saying(server.STREAM, event(2))
            ) as seen,
            StreamingClient(seen.url, backoff=fast(), silence_timeout_s=0.05) as client,
        ):
            assert ids(await take(client, 2)) == [1, 2]
            assert client.failures == 1

    asyncio.run(main())


def test_an_answer_that_does_not_begin_in_time_is_asked_for_again(server, fast):
    async def main():
        async with (
            server.serving(server.saying(), server.saying(server.STREAM, event(1))) as seen,
            StreamingClient(seen.url, backoff=fast(), answer_timeout_s=0.05) as client,
        ):
            assert ids(await take(client, 1)) == [1]
            assert client.failures == 1

    asyncio.run(main())


@pytest.mark.parametrize("seconds", [0, -1, float("nan")])
def test_an_answer_timeout_that_is_none_is_refused(seconds):
    with pytest.raises(UsageError, match="answer_timeout_s"):
        StreamingClient("http://there/", answer_timeout_s=seconds)


@pytest.mark.parametrize("silence", [0, -1, float("nan")])
def test_a_silence_that_is_none_is_refused(silence):
    with pytest.raises(UsageError, match="it has to be above 0, or None"):
        StreamingClient("http://there/", silence_timeout_s=silence)


def test_a_stream_without_end_of_line_is_an_error_and_not_a_full_memory(server):
    async def main():
        async with (
            server.serving(server.saying(server.STREAM, b"data: " + b"x" * 2**21)) as seen,
            StreamingClient(seen.url) as client,
        ):
            with pytest.raises(ClientError, match=r"/events: The event stream has a line of at least"):
                await take(client, 1)

    asyncio.run(main())
