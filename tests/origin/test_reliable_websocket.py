"""The reliable WebSocket's origin, asked as Pushpin asks it."""

import asyncio
import json

import pytest
from aiohttp.test_utils import TestClient, TestServer
from gripcontrol import WebSocketEvent, decode_websocket_events, encode_websocket_events

from realtime_kit.origin import EventLog
from realtime_kit.origin.grip.websocket_over_http import MAX_MESSAGES
from realtime_kit.origin.reliable_websocket import BAD_QUESTION, reliable_websocket_app


def log_of(count, text="x"):
    log = EventLog()
    for _ in range(count):
        log.append(text)
    return log


def ask(log, *events, query=""):
    """Events of the answer to events from a client."""

    async def main():
        async with TestClient(TestServer(reliable_websocket_app(log))) as client:
            answer = await client.post(
                f"/events{query}",
                data=encode_websocket_events([WebSocketEvent(*event) for event in events]),
                headers={"Content-Type": "application/websocket-events", "Connection-Id": "1"},
            )
            return decode_websocket_events(await answer.read())

    return asyncio.run(main())


def question(after):
    return ("TEXT", json.dumps({"after": after}).encode())


def messages(events):
    return [json.loads(event.content[2:]) for event in events if event.content and event.content[:2] == b"m:"]


def test_a_socket_that_opens_is_told_where_it_is_before_it_is_subscribed():
    events = ask(log_of(3), ("OPEN",))
    assert messages(events) == [{"reached": 3, "last": 3}]
    assert json.loads(events[-1].content[2:]) == {"type": "subscribe", "channel": "events"}


def test_a_question_is_answered_with_what_came_after_it():
    answer = messages(ask(log_of(3), question(1)))
    assert answer == [{"id": 2, "data": "x"}, {"id": 3, "data": "x"}, {"reached": 3, "last": 3}]


def test_the_address_of_a_socket_that_opens_is_a_question_as_well():
    assert messages(ask(log_of(3), ("OPEN",), query="?after=2"))[0] == {"id": 3, "data": "x"}


def test_of_several_questions_at_once_the_last_counts():
    assert messages(ask(log_of(3), question(0), question(3))) == [{"reached": 3, "last": 3}]


@pytest.mark.parametrize("text", ["x", "x" * 10_000])
def test_whoever_asks_on_gets_the_whole_log_in_pages_that_fit(text):
    log, after, ids = log_of(250, text), 0, []
    while after < log.last_id:
        *page, end = messages(ask(log, question(after)))
        assert 0 < len(page) < MAX_MESSAGES
        ids += [each["id"] for each in page]
        assert end == {"reached": ids[-1], "last": 250}
        after = end["reached"]
    assert ids == list(range(1, 251))


@pytest.mark.parametrize("text", [b"hello", b"[]", b'{"after": -1}', b'{"after": "7"}', b'{"after": true}'])
def test_what_is_no_question_closes_the_socket_with_what_to_ask(text):
    (close,) = ask(log_of(1), ("TEXT", text))
    assert close.type == "CLOSE"
    assert int.from_bytes(close.content[:2], "big") == BAD_QUESTION
    assert b'{"after": 17}' in close.content


def test_a_position_from_the_future_is_nobody_s_gap():
    assert messages(ask(log_of(1), question(9))) == [{"reached": 9, "last": 9}]
