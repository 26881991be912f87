"""The yardstick's reading of bytes, whole or in pieces, and its measurement of a real server."""

import asyncio
import random

import pytest
from aiohttp import web
from aiohttp.test_utils import TestServer
from hypothesis import given, strategies as st

from realtime_kit.clients.reference import _Reference, read_receipts, read_response


def block(number, text="x"):
    body = f"id: {number}\ndata: {text}\n\n"
    return f"{len(body):x}\r\n{body}\r\n".encode()


def cut(text, seed, pieces):
    cuts = sorted(random.Random(seed).choices(range(len(text) + 1), k=pieces))
    return [text[a:b] for a, b in zip([0, *cuts], [*cuts, len(text)], strict=True)]


@given(seed=st.integers(0, 2**32), pieces=st.integers(0, 200))
def test_an_event_comes_with_the_piece_that_completes_its_id_however_the_bytes_are_cut(seed, pieces):
    head = b"HTTP/1.1 200 OK\r\nContent-Type: text/event-stream\r\n\r\n3\r\n:\n\n\r\n"
    stream = head + b"".join(block(number, "y" * 70) for number in range(1, 30))
    chunks = list(enumerate(cut(stream, seed, pieces)))
    expected, read = {}, b""
    for at, chunk in chunks:
        read += chunk
        for number in range(1, 30):
            if b"\nid: %d\n" % number in read:
                expected.setdefault(str(number), at)
    assert read_receipts(chunks) == expected


def test_an_id_within_an_events_text_is_none():
    assert read_receipts([(1, block(1, "my id: 7")), (2, b"2\r\ndata: id: 8\n\n\r\n")]) == {"1": 1}


def test_the_first_receipt_counts():
    assert read_receipts([(1, block(1)), (2, block(1))]) == {"1": 1}


RESPONSES = [
    b"HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nhello",
    b"HTTP/1.1 200 OK\r\nX: y\r\ncontent-length:5\r\nZ: 9\r\n\r\nhello",
    b"HTTP/1.1 304 Not Modified\r\nETag: x\r\n\r\n",
    b"HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n",
]


@pytest.mark.parametrize("response", RESPONSES)
@given(seed=st.integers(0, 2**32))
def test_a_response_is_whole_when_its_last_byte_has_come_and_not_before(response, seed):
    pieces = [piece for piece in cut(response, seed, 6) if piece]
    left = iter(pieces)
    assert read_response(lambda _: next(left))
    assert list(left) == []  # it read to the last byte, and no further


@pytest.mark.parametrize("response", [response[:-1] for response in RESPONSES])
def test_a_response_that_breaks_off_is_none(response):
    left = iter([response, b""])
    assert not read_response(lambda _: next(left))


async def until(condition):
    while not condition():  # noqa: ASYNC110 - a thread fills what is waited for
        await asyncio.sleep(0.001)


async def poll(request):
    return web.json_response({"events": [], "cursor": 0})


async def stream(request):
    response = web.StreamResponse(headers={"Content-Type": "text/event-stream"})
    await response.prepare(request)
    await response.write(b"id: 1\ndata: x\n\n")
    return response


def test_it_reads_a_stream_and_times_polls_until_it_is_asked_for_its_report(monkeypatch):
    monkeypatch.setattr("realtime_kit.clients.reference.POLL_EVERY_S", 0.001)

    async def main():
        app = web.Application()
        app.router.add_get("/reference/streaming/events", stream)
        app.router.add_get("/reference/polling/events", poll)
        async with TestServer(app) as server:
            reference = _Reference()
            await asyncio.to_thread(asyncio.run, reference.open(host=server.host, port=server.port))
            await until(lambda: len(reference._round_trips_ns) >= 3 and reference._chunks)
            report = await asyncio.to_thread(asyncio.run, reference.report(start_ns=0, end_ns=2**62))
        assert list(report["received_ns"]) == ["1"]
        assert report["round_trip_s"] > 0

    asyncio.run(main())


def test_a_stream_that_ends_early_is_begun_again(monkeypatch):
    monkeypatch.setattr("realtime_kit.clients.reference.AGAIN_AFTER_S", 0.001)

    async def main():
        begun = []

        async def short(request):
            begun.append(request)
            response = await stream(request)
            response.force_close()
            await response.write(b"id: %d\ndata: x\n\n" % (10 + len(begun)))
            return response

        app = web.Application()
        app.router.add_get("/reference/streaming/events", short)
        async with TestServer(app) as server:
            reference = _Reference()
            await asyncio.to_thread(asyncio.run, reference.open(host=server.host, port=server.port))
            await until(lambda: len(begun) >= 3)
            report = await asyncio.to_thread(asyncio.run, reference.report(start_ns=0, end_ns=1))
        assert {"1", "11", "12"} <= set(report["received_ns"])

    asyncio.run(main())


def test_a_server_that_goes_away_leaves_it_with_what_it_has(monkeypatch):
    monkeypatch.setattr("realtime_kit.clients.reference.POLL_EVERY_S", 0.001)

    async def main():
        app = web.Application()
        app.router.add_get("/reference/streaming/events", stream)
        server = TestServer(app)
        await server.start_server()
        reference = _Reference()
        await asyncio.to_thread(asyncio.run, reference.open(host=server.host, port=server.port))
        await until(lambda: reference._chunks and reference._round_trips_ns)
        await server.close()
        report = await asyncio.to_thread(asyncio.run, reference.report(start_ns=0, end_ns=1))
        assert list(report["received_ns"]) == ["1"]
        assert report["round_trip_s"] is None

    asyncio.run(main())
