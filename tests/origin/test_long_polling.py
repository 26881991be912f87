"""Long-polling: answered from history at once, or held with what Pushpin needs to lose nothing."""

import asyncio

from aiohttp.test_utils import TestClient, TestServer

from realtime_kit.origin import EventLog, long_polling_app


def ask(log, headers=None, **params):
    async def main():
        async with TestClient(TestServer(long_polling_app(log, hold_timeout_s=7))) as client:
            answer = await client.get("/events", params=params, headers=headers)
            return answer.status, answer.headers, await answer.json()

    return asyncio.run(main())


def log_of(count):
    log = EventLog()
    for number in range(1, count + 1):
        log.append(str(number))
    return log


def test_news_are_answered_at_once_without_a_hold():
    status, headers, body = ask(log_of(3), after=1)
    assert (status, body["cursor"], [event["id"] for event in body["events"]]) == (200, 3, [2, 3])
    assert "Grip-Hold" not in headers


def test_without_news_the_answer_is_held_with_the_id_it_is_based_on():
    status, headers, body = ask(log_of(3), after=3)
    assert (status, body) == (200, {"events": [], "cursor": 3})  # what the client gets after the timeout
    assert headers["Grip-Hold"] == "response"
    assert headers["Grip-Channel"].startswith("events; prev-id=3, ")
    assert headers["Grip-Timeout"] == "7"


def test_a_hold_says_where_it_stands_so_that_only_the_late_are_called():
    _, headers, _ = ask(log_of(3))
    assert headers["Grip-Channel"].endswith(", events:late; filter=skip-users")
    assert headers["Grip-Set-Meta"] == 'user="3"'


def test_without_a_cursor_the_hold_begins_now():
    assert ask(log_of(3))[1]["Grip-Channel"].startswith("events; prev-id=3, ")


def test_when_pushpin_asks_again_its_own_position_counts():
    _, headers, body = ask(log_of(5), {"Grip-Last": "events; last-id=4"}, after=2)
    assert [event["id"] for event in body["events"]] == [5]
    assert "Grip-Hold" not in headers
