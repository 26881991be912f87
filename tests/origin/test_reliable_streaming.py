"""Reliable streaming: what each answer tells Pushpin about where it ends, and where to read on."""

import asyncio

import pytest
from aiohttp.test_utils import TestClient, TestServer
from hypothesis import given, settings, strategies as st

from realtime_kit.clients import EventStreamParser
from realtime_kit.origin import EventLog
from realtime_kit.origin.reliable_streaming import reliable_streaming_app


def log_of(count):
    log = EventLog()
    for number in range(1, count + 1):
        log.append(str(number))
    return log


async def ask(log, address, *, grip_last=None, **options):
    headers = {"Grip-Last": grip_last} if grip_last else {}
    async with TestClient(TestServer(reliable_streaming_app(log, **options))) as client:
        answer = await client.get(address, headers=headers)
        return answer.headers, await answer.read()


def ids(body):
    return [int(event.id) for event in EventStreamParser().feed(body)]


def test_a_hold_names_the_event_it_ends_with_and_where_to_read_what_is_missing():
    headers, _ = asyncio.run(ask(log_of(5), "/events?after=3", link_timeout_s=7))
    assert headers["Grip-Channel"] == "events; prev-id=5"
    assert headers["Grip-Link"] == "</events/after/5>; rel=next; timeout=7"


@settings(max_examples=25, deadline=None)
@given(count=st.integers(0, 20), cursor=st.integers(0, 20), last=st.integers(0, 20))
def test_what_pushpin_has_delivered_wins_over_an_older_position_in_the_address(count, cursor, last):
    _, body = asyncio.run(ask(log_of(count), f"/events/after/{cursor}", grip_last=f"events; last-id={last}"))
    assert ids(body) == list(range(max(cursor, last) + 1, count + 1))


def test_a_page_that_is_not_the_last_is_not_held():
    headers, body = asyncio.run(ask(log_of(5), "/events?after=0", page_events=2))
    assert ids(body) == [1, 2]
    assert "Grip-Hold" not in headers
    assert headers["Grip-Link"] == "</events/after/2>; rel=next"


@pytest.mark.parametrize(("address", "body"), [("/events", b":\n\n"), ("/events/after/3", b"")])
def test_only_a_client_that_connects_is_greeted_not_the_question_of_pushpin(address, body):
    assert asyncio.run(ask(log_of(3), address))[1] == body
