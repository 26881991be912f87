"""Two events close together, then silence: nobody may wait for a third to hear of the second."""

import asyncio
import random

import pytest
from yarl import URL

from realtime_kit import LongPollingClient, serving
from realtime_kit.origin import Announcer, EventLog, long_polling_app
from realtime_kit.publisher import HttpPublisher

pytestmark = pytest.mark.live

CLIENTS = 20
PAIRS = 25
PATIENCE_S = 5.0
"""A fifth of the hold timeout, after which a client would ask again by itself."""


def test_the_second_of_two_quick_events_reaches_every_client_before_anything_else_happens() -> None:
    rng = random.Random(1)

    async def main() -> None:
        log = EventLog()
        reached = [0] * CLIENTS
        news = asyncio.Condition()

        async def receive(number: int, url: URL) -> None:
            async with LongPollingClient(url) as client:
                async for receipt in client:
                    reached[number] = int(receipt.event.id)
                    async with news:
                        news.notify_all()

        async def all_have(event_id: int) -> None:
            async with asyncio.timeout(PATIENCE_S), news:
                await news.wait_for(lambda: min(reached) >= event_id)

        async with (
            serving(long_polling_app(log)) as site,
            HttpPublisher(site.pushpin.control_url) as publisher,
        ):
            announcer = Announcer(log, publisher)
            receivers = [asyncio.create_task(receive(n, site.url / "events")) for n in range(CLIENTS)]
            await site.pushpin.auntil(lambda s: s.subscribers("events") > 0)
            try:
                while min(reached) == 0:  # until every client is on board
                    log.append("is everybody here?")
                    await asyncio.wait([asyncio.create_task(all_have(1))], timeout=0.2)
                for _ in range(PAIRS):
                    log.append("the first")
                    await asyncio.sleep(rng.uniform(0.001, 0.02))  # within the time it takes to hold again
                    await all_have(log.append("the second"))
            finally:
                announcer.close()
                for receiver in receivers:
                    receiver.cancel()
                await asyncio.gather(*receivers, return_exceptions=True)

    asyncio.run(main())
