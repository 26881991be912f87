"""The WebSocket lesson's origin, asked as Pushpin asks it."""

import asyncio
import json

from aiohttp.test_utils import TestClient, TestServer
from gripcontrol import WebSocketEvent, decode_websocket_events, encode_websocket_events

from realtime_kit.origin import EventLog, websocket_app
from realtime_kit.origin.websocket import PAGE_EVENTS


def log_of(count, text="x"):
    log = EventLog()
    for _ in range(count):
        log.append(text)
    return log


def ask(log, *events, query=""):
    """Status and events of the answer to events from a client."""

    async def main():
        async with TestClient(TestServer(websocket_app(log))) as client:
            answer = await client.post(
                f"/events{query}",
                data=encode_websocket_events([WebSocketEvent(*event) for event in events]),
                headers={"Content-Type": "application/websocket-events", "Connection-Id": "1"},
            )
            body = await answer.read()
            return answer.status, decode_websocket_events(body) if answer.status == 200 else body.decode()

    return asyncio.run(main())


def messages(events):
    return [json.loads(event.content[2:]) for event in events if event.content and event.content[:2] == b"m:"]


def commands(events):
    return [json.loads(event.content[2:]) for event in events if event.content and event.content[:2] == b"c:"]


def close_code(events):
    return int.from_bytes(events[-1].content[:2], "big") if events[-1].type == "CLOSE" else None


def test_an_opening_socket_is_accepted_and_subscribed_from_now_on():
    _, events = ask(log_of(3), ("OPEN",))
    assert events[0].type == "OPEN"
    assert commands(events) == [{"type": "subscribe", "channel": "events"}]
    assert messages(events) == []


def test_history_after_an_id_comes_with_the_opening():
    _, events = ask(log_of(3), ("OPEN",), query="?after=1")
    assert messages(events) == [{"id": 2, "data": "x"}, {"id": 3, "data": "x"}]


def test_history_that_just_fits_one_answer_is_followed_by_the_subscription():
    _, events = ask(log_of(PAGE_EVENTS), ("OPEN",), query="?after=0")
    assert len(messages(events)) == PAGE_EVENTS
    assert len(commands(events)) == 1


def test_of_more_history_a_page_is_sent_and_the_client_told_to_come_back():
    _, events = ask(log_of(PAGE_EVENTS + 1), ("OPEN",), query="?after=0")
    assert [message["id"] for message in messages(events)] == list(range(1, PAGE_EVENTS + 1))
    assert commands(events) == []
    assert close_code(events) == 1013


def test_a_page_of_long_messages_stays_below_what_pushpin_reads():
    status, events = ask(log_of(80, "x" * 16_000), ("OPEN",), query="?after=0")
    assert status == 200
    assert 20 < len(messages(events)) < 80
    assert close_code(events) == 1013


def test_what_a_client_sends_is_added_to_the_log():
    log = EventLog()
    _, events = ask(log, ("TEXT", b"hello"), ("BINARY", b"\xff"))
    assert [data for _, data in log.after(0)] == ["hello", "\ufffd"]
    assert events == []


def test_a_message_too_long_to_be_sent_again_closes_the_socket_and_is_not_kept():
    log = EventLog()
    _, events = ask(log, ("TEXT", b"x" * 16_400))
    assert log.last_id == 0
    assert close_code(events) == 1009


def test_a_close_is_confirmed():
    _, events = ask(EventLog(), ("CLOSE", (1000).to_bytes(2, "big")))
    assert close_code(events) == 1000


def test_a_bad_position_refuses_the_socket():
    assert ask(EventLog(), ("OPEN",), query="?after=x") == (
        400,
        "after is 'x': it has to be the id of an event, 0 or more\n",
    )
