"""Streaming: history in pages that lead to each other, the last of them held."""

import asyncio

import pytest
from aiohttp.test_utils import TestClient, TestServer
from hypothesis import given, settings, strategies as st

from realtime_kit.clients import EventStreamParser
from realtime_kit.origin import EventLog, streaming_app


def log_of(count):
    log = EventLog()
    for number in range(1, count + 1):
        log.append(str(number))
    return log


async def pages(log, start, headers=None, *, page_events=100):
    """All answers on the way from `start` to the hold, as Pushpin would follow them."""
    async with TestClient(TestServer(streaming_app(log, page_events=page_events))) as client:
        answers = []
        while start:
            answer = await client.get(start, headers=headers)
            assert (answer.status, answer.content_type) == (200, "text/event-stream")
            answers.append((answer.headers, await answer.read()))
            link = answer.headers.get("Grip-Link")
            start = link and link[1 : link.index(">")]
            headers = None  # Pushpin follows a link with headers of its own
        return answers


def read(answers):
    parser = EventStreamParser()
    return [int(event.id) for _, body in answers for event in parser.feed(body)]


@settings(max_examples=25, deadline=None)
@given(count=st.integers(0, 30), after=st.integers(0, 40), page_events=st.integers(1, 12))
def test_pages_bring_everything_after_the_position_once_and_in_order_and_end_in_a_hold(
    count, after, page_events
):
    answers = asyncio.run(pages(log_of(count), f"/events?after={after}", page_events=page_events))
    assert read(answers) == list(range(after + 1, count + 1))
    *before, last = (headers for headers, _ in answers)
    assert all("Grip-Hold" not in headers for headers in before)
    assert (last["Grip-Hold"], last["Grip-Channel"]) == ("stream", "events")


def test_where_the_next_page_is_stands_in_the_path_because_pushpin_does_not_look_at_the_query():
    first, *_ = asyncio.run(pages(log_of(5), "/events?after=0", page_events=2))
    assert first[0]["Grip-Link"] == "</events/after/2>; rel=next"


def test_a_stream_without_history_begins_with_a_comment_to_be_read_at_once():
    ((headers, body),) = asyncio.run(pages(log_of(3), "/events"))
    assert body == b":\n\n"
    assert "timeout=20" in headers["Grip-Keep-Alive"]


def test_a_client_that_reconnects_continues_after_its_last_event():
    answers = asyncio.run(pages(log_of(5), "/events?after=0", {"Last-Event-ID": "3"}))
    assert read(answers) == [4, 5]


def test_an_id_from_the_future_waits_for_what_comes():
    ((headers, body),) = asyncio.run(pages(log_of(5), "/events?after=99"))
    assert (body, headers["Grip-Hold"]) == (b":\n\n", "stream")


def test_events_that_come_between_two_pages_are_on_the_next():
    log = log_of(3)

    async def main():
        async with TestClient(TestServer(streaming_app(log, page_events=2))) as client:
            first = await client.get("/events?after=0")
            log.append("4")
            second = await client.get(first.headers["Grip-Link"].split(">")[0][1:])
            return [(first.headers, await first.read()), (second.headers, await second.read())]

    assert read(asyncio.run(main())) == [1, 2, 3, 4]


@pytest.mark.parametrize("bad", ["x", "-1"])
def test_a_bad_position_is_refused(bad):
    async def main():
        async with TestClient(TestServer(streaming_app(EventLog()))) as client:
            answer = await client.get("/events", params={"after": bad})
            return answer.status, await answer.text()

    assert asyncio.run(main())[0] == 400
