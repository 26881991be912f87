"""Announcing events, and calling those whom one may have missed."""

import asyncio

import pytest

from realtime_kit.origin import Announcer, EventLog
from realtime_kit.publisher.formats import exported


class Notebook:
    """A publisher that only writes down."""

    def __init__(self):
        self.sent = []
        self.news = asyncio.Event()

    def send(self, channel, item):
        self.sent.append((channel, exported(channel, item)))
        self.news.set()

    async def until(self, count):
        while len(self.sent) < count:
            self.news.clear()
            await self.news.wait()


def announced(*texts, until):
    async def main():
        log, publisher = EventLog(), Notebook()
        announcer = Announcer(log, publisher, channel="news")
        for text in texts:
            log.append(text)
        await publisher.until(until)
        announcer.close()
        log.append("too late")
        return publisher.sent

    return asyncio.run(main())


def test_every_event_is_published_with_the_id_before_it():
    sent = announced("a", "b", until=2)
    assert [(channel, item["id"], item["prev-id"]) for channel, item in sent] == [
        ("news", "1", "0"),
        ("news", "2", "1"),
    ]


def test_after_a_burst_the_late_are_called_once_and_the_others_skipped():
    *_, (channel, call) = announced("a", "b", "c", until=4)
    assert channel == "news:late"
    assert call["formats"] == {"http-response": {"action": "hint"}}
    assert call["meta"] == {"skip_users": "3"}
    assert "id" not in call


@pytest.mark.parametrize("until", [1, 2])
def test_once_closed_it_announces_nothing(until):
    assert len(announced("a", until=until)) == until
