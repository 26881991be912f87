"""The long-polling client: asks again at once, counts its turnarounds, and does not hammer."""

import asyncio
import json

import pytest
from aiohttp import web
from aiohttp.test_utils import TestServer

from realtime_kit.clients import LongPollingClient
from realtime_kit.clients.long_polling import NOT_HELD_S
from realtime_kit.errors import ClientError, UsageError
from realtime_kit.origin import EventLog, long_polling_app


def page(server, *numbers, cursor=None):
    events = [{"id": number, "data": "x"} for number in numbers]
    body = {"events": events, "cursor": numbers[-1] if cursor is None else cursor}
    return server.saying(server.http("200 OK", json.dumps(body).encode(), Connection="close"), close=True)


async def take(client, count):
    ids = []
    async for receipt in client:
        ids.append(int(receipt.event.id))
        if len(ids) == count:
            break
    return ids


def test_it_asks_for_what_comes_after_the_last_event(server):
    async def main():
        async with (
            server.serving(page(server, 1, 2), page(server, 3), page(server, 4)) as seen,
            LongPollingClient(seen.url) as client,
        ):
            assert await take(client, 4) == [1, 2, 3, 4]
        paths = [request.split()[1] for request in seen.requests]
        assert paths == ["/events", "/events?after=2", "/events?after=3"]

    asyncio.run(main())


def test_every_way_from_an_answer_to_the_next_request_is_a_turnaround(server, fast):
    async def main():
        broken = server.saying(server.http("502 Oops", Connection="close"), close=True)
        scripts = (page(server, 1), page(server, 2), broken, page(server, 3), page(server, 4))
        async with server.serving(*scripts) as seen, LongPollingClient(seen.url, backoff=fast()) as client:
            assert await take(client, 4) == [1, 2, 3, 4]
            # 1-2, 2-broken and 3-4; the wait after the failure is none.
            assert client.turnarounds == 3
            assert client.turnaround_s > 0
            assert client.empty_responses == 0

    asyncio.run(main())


def test_a_question_that_is_never_answered_is_asked_again_from_where_it_was(server, fast):
    async def main():
        scripts = (page(server, 1), server.saying(), page(server, 2))
        async with (
            server.serving(*scripts) as seen,
            LongPollingClient(seen.url, answer_timeout_s=2, backoff=fast()) as client,
        ):
            assert await take(client, 2) == [1, 2]
            assert client.failures > 0
        paths = [request.split()[1] for request in seen.requests]
        assert paths[0] == "/events"
        assert set(paths[1:]) == {"/events?after=1"}

    asyncio.run(main())


@pytest.mark.parametrize("timeout_s", [0, -1, float("nan")])
def test_a_wait_for_an_answer_has_to_be_one(timeout_s):
    with pytest.raises(UsageError, match="answer_timeout_s"):
        LongPollingClient("http://127.0.0.1/events", answer_timeout_s=timeout_s)


def test_leaving_in_the_middle_of_a_page_loses_none_of_the_rest(server):
    async def main():
        async with server.serving(page(server, 1, 2, 3)) as seen, LongPollingClient(seen.url) as client:
            await take(client, 2)
            assert client.last_event_id == "2"

    asyncio.run(main())


def test_an_empty_answer_with_a_new_cursor_is_continued_from(server):
    async def main():
        async with (
            server.serving(page(server, cursor=7), page(server, 8)) as seen,
            LongPollingClient(seen.url) as client,
        ):
            assert await take(client, 1) == [8]
            assert client.empty_responses == 1
            assert client.failures == 0
        assert seen.requests[1].split()[1] == "/events?after=7"

    asyncio.run(main())


def test_without_a_proxy_that_holds_it_waits_between_tries_and_gives_up_with_a_hint(fast):
    async def main():
        app = web.Application()
        app.add_subapp("/lesson", long_polling_app(EventLog()))
        async with TestServer(app) as server:
            url = server.make_url("/lesson/events")
            async with LongPollingClient(url, backoff=fast(), max_failures=3) as client:
                with pytest.raises(
                    ClientError, match=r"answered at once without an event: is there a Pushpin"
                ):
                    await take(client, 1)
                assert client.requests == 4  # the first one learns where to begin

    asyncio.run(main())


def test_an_empty_answer_that_was_held_is_no_failure(server, monkeypatch):
    monkeypatch.setattr("realtime_kit.clients.long_polling.NOT_HELD_S", 0.0)

    async def main():
        async with (
            server.serving(page(server, cursor=7), page(server, cursor=7), page(server, 8)) as seen,
            LongPollingClient(seen.url, last_event_id="7") as client,
        ):
            assert await take(client, 1) == [8]
            assert (client.empty_responses, client.failures) == (2, 0)

    asyncio.run(main())
    assert NOT_HELD_S < 5  # Pushpin's shortest hold
