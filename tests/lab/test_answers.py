"""Marks on events that came in an answer on an open connection."""

import asyncio

import pytest
from aiohttp.test_utils import TestClient, TestServer

from realtime_kit.lab.answers import MARK, MarkingLog, is_marked, mark_answers
from realtime_kit.origin import lessons_app

SOCKET = {"Content-Type": "application/websocket-events", "Connection-Id": "1"}


def asked(method, path, **request):
    """What the lab's origin answers, and what it published."""

    async def main():
        log, published = MarkingLog(), []
        log.on_append(lambda _, data: published.append(data))
        app = lessons_app(log)
        app.middlewares.append(mark_answers)
        log.append("first")
        log.append("second")
        async with TestClient(TestServer(app)) as client:
            async with client.request(method, path, **request) as response:
                answer = await response.text()
            # The mark is this request's alone.
            async with client.get("/polling/events?after=0") as response:
                assert not is_marked((await response.json())["events"][-1]["data"])
        assert published == ["first", "second"]
        return answer

    return asyncio.run(main())


@pytest.mark.parametrize(
    ("method", "path", "request_", "expected"),
    [
        ("GET", "/reliable/events/after/1", {}, True),
        ("GET", "/reliable/events?after=1", {}, False),
        ("GET", "/streaming/events?after=1", {}, False),
        (
            "POST",
            "/reliable-websocket/events",
            {"data": b'TEXT c\r\n{"after": 1}\r\n', "headers": SOCKET},
            True,
        ),
        (
            "POST",
            "/reliable-websocket/events?after=1",
            {"data": b"OPEN\r\n", "headers": SOCKET},
            False,
        ),
    ],
)
def test_only_an_answer_on_an_open_connection_is_marked(method, path, request_, expected):
    answer = asked(method, path, **request_)
    assert "second" in answer
    assert (f"second{MARK}" in answer) is expected
