"""The bare origin of a fan-out answers what the lessons' origins answer."""

import asyncio

import aiohttp
import pytest
import uvloop

from realtime_kit.origin.event_log import EventLog
from realtime_kit.origin.hold_server import HoldServer
from realtime_kit.origin.lessons import lessons_app
from realtime_kit.origin.server import OriginServer

LIVELY = {"Date", "Server"}
OPEN = {
    "data": b"OPEN\r\n",
    "headers": {"Content-Type": "application/websocket-events", "Connection-Id": "1"},
}


async def both(method, path, events=0, **options):
    """Status, headers and body of the same request to either."""
    log = EventLog()
    for number in range(events):
        log.append(f"event {number + 1}")
    answers = []
    async with (
        HoldServer(log, "events") as bare,
        OriginServer(lessons_app(log)) as full,
        aiohttp.ClientSession() as session,
    ):
        for server in (bare, full):
            async with session.request(method, f"http://127.0.0.1:{server.port}{path}", **options) as answer:
                fields = {name: value for name, value in answer.headers.items() if name not in LIVELY}
                answers.append((answer.status, fields, await answer.read()))
        assert bare.requests == 1
    return answers


@pytest.mark.parametrize(
    ("method", "path", "events", "options"),
    [
        ("GET", "/long-polling/events?after=1", 3, {}),
        ("GET", "/long-polling/events?after=1", 3, {"headers": {"Grip-Last": "events; last-id=2"}}),
        ("GET", "/long-polling/events?x=y&after=0", 3, {}),
        ("POST", "/websocket/events", 3, OPEN),
        ("POST", "/websocket/events", 0, OPEN | {"data": b"PING 2\r\nhi\r\n"}),
        ("POST", "/websocket/events", 0, OPEN | {"data": b"DISCONNECT\r\n"}),
    ],
)
def test_it_answers_as_the_lessons_do(method, path, events, options):
    bare, full = asyncio.run(both(method, path, events, **options))
    assert bare == full


def test_a_stream_is_held_with_fewer_comments():
    bare, full = asyncio.run(both("GET", "/streaming/events", 3))
    lasting, usual = (fields.pop("Grip-Keep-Alive").split("timeout=") for _, fields, _ in (bare, full))
    assert bare == full
    assert lasting[0] == usual[0]
    assert int(lasting[1].split(";")[0]) > int(usual[1].split(";")[0])


def test_a_long_poll_is_held_from_where_the_log_is_and_long():
    (status, fields, body), (_, full, full_body) = asyncio.run(both("GET", "/long-polling/events?after=3", 3))
    assert status == 200
    assert fields["Grip-Hold"] == "response"
    assert int(fields.pop("Grip-Timeout")) > int(full.pop("Grip-Timeout"))
    assert fields == full
    assert fields["Grip-Channel"].startswith("events; prev-id=3")
    assert body == full_body


@pytest.mark.parametrize("new_loop", [asyncio.new_event_loop, uvloop.new_event_loop])
def test_requests_that_come_in_pieces_or_together_are_read(new_loop):
    async def main():
        async with HoldServer(EventLog(), "events") as server:
            reader, writer = await asyncio.open_connection("127.0.0.1", server.port)
            request = b"POST /websocket/events HTTP/1.1\r\nContent-Length: 6\r\n\r\nOPEN\r\n"
            for piece in (request[:10], request[10:-3], request[-3:] + request):
                writer.write(piece)
                await writer.drain()
                await asyncio.sleep(0)
            for _ in range(2):
                head = await reader.readuntil(b"\r\n\r\n")
                assert b"Sec-WebSocket-Extensions: grip" in head
                size = int(head.split(b"Content-Length: ")[1].split(b"\r\n")[0])
                assert (await reader.readexactly(size)).startswith(b"OPEN\r\n")
            assert server.requests == 2
            writer.close()

    with asyncio.Runner(loop_factory=new_loop) as runner:
        runner.run(main())


def test_what_pushpin_repeats_by_itself_is_counted_apart():
    async def main():
        async with HoldServer(EventLog(), "events") as server, aiohttp.ClientSession() as session:
            for headers in ({}, {"Grip-Last": "events; last-id=0"}):
                url = f"http://127.0.0.1:{server.port}/long-polling/events"
                async with session.get(url, headers=headers) as answer:
                    assert answer.headers["Grip-Hold"] == "response"
            assert (server.requests, server.repeats) == (2, 1)

    asyncio.run(main())


def test_elsewhere_nothing_is_held():
    (status, _, body), _ = asyncio.run(both("GET", "/nowhere"))
    assert (status, body) == (404, b"/nowhere: nothing is held\n")
