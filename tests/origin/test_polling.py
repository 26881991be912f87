"""Plain polling: an answer at once, and none twice."""

import asyncio

import pytest
from aiohttp.test_utils import TestClient, TestServer

from realtime_kit.origin import EventLog, polling_app


def ask(log, *requests):
    """Status, entity tag and JSON of each answer."""

    async def main():
        answers = []
        async with TestClient(TestServer(polling_app(log))) as client:
            for params, headers in requests:
                answer = await client.get("/events", params=params, headers=headers)
                body = await answer.json() if answer.status == 200 else await answer.text()
                answers.append((answer.status, answer.headers.get("ETag"), body))
        return answers

    return asyncio.run(main())


def log_of(*texts):
    log = EventLog()
    for text in texts:
        log.append(text)
    return log


def test_an_answer_has_what_came_after_the_cursor_and_the_next_cursor():
    assert ask(log_of("a", "b", "c"), ({"after": 1}, {})) == [
        (200, '"3"', {"events": [{"id": 2, "data": "b"}, {"id": 3, "data": "c"}], "cursor": 3})
    ]


def test_without_a_cursor_the_answer_says_where_to_begin():
    assert ask(log_of("a"), ({}, {})) == [(200, '"1"', {"events": [], "cursor": 1})]


def test_a_cursor_from_the_future_of_a_restarted_origin_leads_back_to_its_present():
    assert ask(log_of("a"), ({"after": 50}, {})) == [(200, '"1"', {"events": [], "cursor": 1})]


@pytest.mark.parametrize("tag", ['"2"', 'W/"2"', '"1", "2"'])
def test_who_has_the_current_state_gets_304_without_a_body(tag):
    assert ask(log_of("a", "b"), ({"after": 2}, {"If-None-Match": tag})) == [(304, '"2"', "")]


def test_an_outdated_entity_tag_gets_the_news():
    ((status, tag, body),) = ask(log_of("a", "b"), ({"after": 1}, {"If-None-Match": '"1"'}))
    assert (status, tag, len(body["events"])) == (200, '"2"', 1)


def test_a_bad_cursor_is_refused():
    assert ask(EventLog(), ({"after": "x"}, {})) == [
        (400, None, "after is 'x': it has to be the id of an event, 0 or more\n")
    ]
