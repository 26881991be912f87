"""Finding a lesson's origin, and all of them in one application."""

import asyncio
import contextlib
import io

import pytest
from aiohttp.test_utils import TestClient, TestServer

from realtime_kit.errors import UsageError
from realtime_kit.origin import LESSONS, EventLog, find_lesson, lessons_app


@contextlib.asynccontextmanager
async def served(log):
    async with TestClient(TestServer(lessons_app(log))) as client:
        yield client


@pytest.mark.parametrize("lesson", LESSONS)
def test_a_lesson_is_found_by_its_name_and_by_its_number(lesson):
    assert find_lesson(lesson.name) is find_lesson(str(lesson.number)) is lesson


@pytest.mark.parametrize("wanted", ["polls", "", "0", "99", "²", "1.0", "-1"])
def test_an_unknown_lesson_is_answered_with_all_there_are(wanted):
    with pytest.raises(UsageError, match=r"there are polling, long-polling, streaming, websocket, reliable$"):
        find_lesson(wanted)


def test_every_lesson_is_on_its_own_path_over_the_same_log():
    async def main():
        log = EventLog()
        log.append("one")
        async with served(log) as client:
            for path in ("/polling/events", "/long-polling/events"):
                answer = await client.get(path, params={"after": 0})
                assert await answer.json() == {"events": [{"id": 1, "data": "one"}], "cursor": 1}
            for path in ("/streaming/events", "/reliable/events", "/reference/streaming/events"):
                answer = await client.get(path, params={"after": 0})
                assert await answer.text() == "id: 1\ndata: one\n\n"
            answer = await client.get("/websocket/events")
            assert answer.status == 405

    asyncio.run(main())


def test_what_is_posted_becomes_an_event_whatever_its_bytes():
    async def main():
        log = EventLog()
        async with served(log) as client:
            for body in (b"hello\n", "ü".encode(), b"\xff"):
                answer = await client.post("/events", data=body)
            assert await answer.json() == {"id": 3}
        assert log.after(0) == [(1, "hello"), (2, "ü"), (3, "\ufffd")]

    asyncio.run(main())


@pytest.mark.parametrize("text", ["x" * 16_364, "ü" * 2_727 + "xx", '"' * 8_182])
def test_an_event_that_just_fits_a_websocket_message_is_taken_and_one_byte_more_is_refused(text):
    async def main():
        log = EventLog()
        async with served(log) as client:
            answer = await client.post("/events", data=text)
            assert await answer.json() == {"id": 1}
            answer = await client.post("/events", data=text + "x")
            assert answer.status == 413
            assert await answer.text() == (
                "an event has at most 16,382 bytes as the JSON of a WebSocket message, not 16,383\n"
            )
        assert log.after(0) == [(1, text)]

    asyncio.run(main())


def test_an_event_longer_than_is_read_at_all_is_refused_in_the_same_way():
    async def main():
        log = EventLog()
        async with served(log) as client:
            answer = await client.post("/events", data=io.BytesIO(b"x" * 2**21))
            assert answer.status == 413
            assert await answer.text() == (
                "an event has at most 16,382 bytes as the JSON of a WebSocket message, not more\n"
            )
        assert log.last_id == 0

    asyncio.run(main())
