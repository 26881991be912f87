"""The reliable WebSocket client: order, gaps, repetitions, and questions."""

import asyncio
import contextlib
import json

import pytest
from aiohttp import web
from aiohttp.test_utils import TestServer
from hypothesis import given, strategies as st

from realtime_kit.clients import Event, ReliableWebSocketClient
from realtime_kit.clients.reliable_websocket import Sequencer
from realtime_kit.errors import ClientError, UsageError

NEVER_S = 60.0


def event(number):
    return Event("message", "x", str(number))


@given(st.lists(st.integers(1, 12), max_size=40))
def test_whatever_comes_is_passed_on_once_and_in_order_as_far_as_nothing_is_missing(numbers):
    events = Sequencer(0)
    passed = [int(each.id) for number in numbers for each in events.take(event(number))]
    whole = next(number for number in range(1, 14) if number not in numbers) - 1
    assert passed == list(range(1, whole + 1))
    assert events.repeated == len(numbers) - len(set(numbers))
    assert events.has_gap == (max(numbers, default=0) > whole)


def test_an_answer_that_goes_less_far_than_the_log_is_a_gap():
    events = Sequencer(None)
    events.hear_of(7, reached=5)
    assert (events.position, events.has_gap) == (5, True)


@contextlib.asynccontextmanager
async def sockets(log, *pushes, opens_at=0):
    """An origin whose sockets push these ids, and answer questions out of `log`; gives address and questions."""
    questions = []

    async def handle(request):
        socket = web.WebSocketResponse()
        await socket.prepare(request)
        after = int(request.query.get("after", opens_at))
        await socket.send_json({"reached": after, "last": after})
        for number in pushes:
            await socket.send_json({"id": number, "data": "x"})
        async for message in socket:
            after = json.loads(message.data)["after"]
            questions.append(after)
            for number in (number for number in log if number > after):
                await socket.send_json({"id": number, "data": "x"})
            reached = max([after, *log])
            await socket.send_json({"reached": reached, "last": reached})
        return socket

    app = web.Application()
    app.router.add_get("/events", handle)
    async with asyncio.timeout(20), TestServer(app) as server:
        yield server.make_url("/events"), questions


async def take(client, count):
    ids = []
    async for receipt in client:
        ids.append(int(receipt.event.id))
        if len(ids) == count:
            break
    return ids


def taken(pushes, count, *, log=(1, 2, 3, 4, 5), **options):
    """Ids that a client passes on, and the client."""

    async def main():
        async with sockets(log, *pushes) as (url, _), ReliableWebSocketClient(url, **options) as client:
            return await take(client, count), client

    return asyncio.run(main())


def test_a_gap_is_asked_for_once_and_what_waited_follows():
    ids, client = taken([1, 4, 5], 5, gap_wait_s=0.01, silence_s=NEVER_S)
    assert ids == [1, 2, 3, 4, 5]
    assert client.questions == 1


def test_two_in_the_wrong_order_and_repetitions_cost_no_question():
    ids, client = taken([2, 1, 1, 3], 3, gap_wait_s=NEVER_S, silence_s=NEVER_S)
    assert ids == [1, 2, 3]
    assert (client.questions, client.repeated) == (0, 1)


def test_a_lost_last_event_is_asked_for_after_a_silence():
    ids, client = taken([1, 2], 5, gap_wait_s=NEVER_S, silence_s=0.05)
    assert ids == [1, 2, 3, 4, 5]
    assert client.questions == 1


def test_a_socket_that_opens_without_an_event_still_has_a_position_to_come_back_to():
    async def main():
        async with (
            sockets((), opens_at=7) as (url, questions),
            ReliableWebSocketClient(url, silence_s=0.02) as client,
        ):
            reading = asyncio.create_task(take(client, 1))
            while len(questions) < 2:  # noqa: ASYNC110 - the questions of another task
                await asyncio.sleep(0.005)
            reading.cancel()
            await asyncio.wait([reading])
            return client.last_event_id, questions

    position, questions = asyncio.run(main())
    assert position == "7"
    assert set(questions) == {7}


def test_a_socket_that_does_not_answer_is_left_for_another(fast):
    async def main():
        opened = []

        async def handle(request):
            socket = web.WebSocketResponse()
            await socket.prepare(request)
            opened.append(request.query_string)
            if len(opened) > 1:
                await socket.send_json({"reached": 0, "last": 1})
                await socket.send_json({"id": 1, "data": "x"})
            async for _ in socket:
                pass
            return socket

        app = web.Application()
        app.router.add_get("/events", handle)
        async with asyncio.timeout(20), TestServer(app) as server:
            url = server.make_url("/events")
            async with ReliableWebSocketClient(url, answer_timeout_s=0.05, backoff=fast()) as client:
                return await take(client, 1), client.last_failure

    ids, failure = asyncio.run(main())
    assert ids == [1]
    assert "did not answer a question within 0.05 s" in failure


@pytest.mark.parametrize("number", ["seven", "7" * 5000])
def test_an_id_that_is_no_number_is_said(number):
    async def main():
        async with sockets((), number) as (url, _), ReliableWebSocketClient(url) as client:
            await take(client, 1)

    with pytest.raises(ClientError, match=rf"id '{number[:50]}.*has to be a number"):
        asyncio.run(main())


@pytest.mark.parametrize(
    ("options", "said"),
    [
        ({"silence_s": 0}, "silence_s is 0"),
        ({"answer_timeout_s": -1}, "answer_timeout_s is -1"),
        ({"gap_wait_s": -1}, "gap_wait_s is -1"),
        (
            {"last_event_id": "news:7"},
            "last_event_id is 'news:7': an event's id has to be a text of 1 to 18 digits",
        ),
        ({"last_event_id": "²"}, "last_event_id is '²'"),
        ({"last_event_id": "7" * 19}, "last_event_id is '7777777"),
        ({"last_event_id": 7}, "last_event_id is 7: an event's id has to be a text"),
    ],
)
def test_times_and_positions_that_cannot_be_are_refused(options, said):
    with pytest.raises(UsageError, match=said):
        ReliableWebSocketClient("ws://127.0.0.1", **options)
