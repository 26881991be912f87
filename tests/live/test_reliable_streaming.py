"""Reliable streaming through a real Pushpin: what is not published, or wrongly, still comes once and in order."""

from __future__ import annotations

import asyncio

import pytest

from realtime_kit.clients import StreamingClient
from realtime_kit.lab import Site
from realtime_kit.origin import Announcer, EventLog
from realtime_kit.origin.reliable_streaming import reliable_streaming_app
from realtime_kit.taps.publish_faults import FaultyPublisher, PublishFault

pytestmark = [pytest.mark.live, pytest.mark.usefixtures("nothing_left_behind")]

EVENTS = 9
HARMED = 4


async def _read(client: StreamingClient, ids: asyncio.Queue[int]) -> None:
    async for receipt in client:
        await ids.put(int(receipt.event.id))


async def _until(last: int, ids: asyncio.Queue[int]) -> list[int]:
    """What comes, up to an id."""
    came = [await ids.get()]
    while last not in came:
        came.append(await ids.get())
    return came


async def _received(fault: PublishFault, harmed: int) -> list[int]:
    """Ids that a client receives; before the last of them every repetition has come."""
    log, ids = EventLog(), asyncio.Queue[int]()
    async with (
        asyncio.timeout(30),
        Site(reliable_streaming_app(log, link_timeout_s=1)) as site,
        site.pushpin.publisher() as publisher,
        StreamingClient(site.url / "events") as client,
    ):
        faulty = FaultyPublisher(publisher, delay_s=0.1)
        faulty.fault = lambda number: fault if number == harmed else None
        announcer = Announcer(log, faulty)
        reading = asyncio.create_task(_read(client, ids))
        await site.pushpin.auntil(lambda s: s.subscribers("events") == 1)
        for _ in range(EVENTS):
            log.append("x")
        faulty.let_go()
        came = await _until(EVENTS, ids)
        log.append("the end")
        came += await _until(EVENTS + 1, ids)
        announcer.close()
        faulty.close()
        reading.cancel()
        await asyncio.wait([reading])
    return came


@pytest.mark.parametrize("fault", PublishFault)
def test_an_event_that_is_published_wrongly_comes_once_and_in_order(fault: PublishFault) -> None:
    assert asyncio.run(_received(fault, HARMED)) == list(range(1, EVENTS + 2))


def test_a_lost_last_event_is_found_after_the_silence_of_the_link() -> None:
    assert asyncio.run(_received(PublishFault.DROP, EVENTS)) == list(range(1, EVENTS + 2))
