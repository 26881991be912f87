"""Every transport through a real Pushpin and after every interruption: all events, once and in order."""

from __future__ import annotations

import asyncio
import random
from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from conftest import OpenSite

pytestmark = [pytest.mark.live, pytest.mark.usefixtures("nothing_left_behind")]

TRANSPORTS = ["polling", "long-polling", "streaming", "websocket"]


@pytest.mark.parametrize("name", TRANSPORTS)
def test_a_proxy_that_dies_and_comes_back_costs_no_event_and_repeats_none(
    site: OpenSite, steady_ports: tuple[int, int], name: str
) -> None:
    http_port, publish_port = steady_ports

    async def main() -> None:
        async with (
            site(http_port=http_port, publish_port=publish_port) as where,
            where.relayed() as relay,
            where.reading(name, port=relay.port, last_event_id="0") as reader,
        ):
            for _ in range(2):
                await where.subscribed(name)
                for _ in range(10):
                    where.log.append("while it is up")
                await reader.until_last(where.log.last_id)
                await where.pushpin.astop()
                relay.down = True  # or it could subscribe before the statistics are there to say so
                for _ in range(10):
                    where.log.append("while it is down")
                await where.publisher.flush()
                await where.pushpin.astart()
                relay.down = False
                await reader.until_last(where.log.last_id)
            assert reader.ids == list(range(1, 41))
            assert reader.client.failures >= 2

    asyncio.run(main())


@pytest.mark.parametrize("name", ["streaming", "websocket"])
def test_a_cut_connection_is_continued_after_the_last_event(site: OpenSite, name: str) -> None:
    async def main() -> None:
        async with (
            site() as where,
            where.relayed() as relay,
            where.reading(name, port=relay.port, last_event_id="0") as reader,
        ):
            for _ in range(5):
                await where.subscribed(name)
                where.log.append("connected")
                await reader.until_last(where.log.last_id)
                relay.cut()
                await where.unsubscribed(name)
                where.log.append("cut off")
                relay.down = False
                await reader.until_last(where.log.last_id)
            assert reader.ids == list(range(1, 11))
            assert reader.client.failures >= 5

    asyncio.run(main())


@pytest.mark.parametrize("name", ["polling", "long-polling"])
def test_answers_cut_off_anywhere_under_a_stream_of_events_cost_none_and_repeat_none(
    site: OpenSite, name: str
) -> None:
    async def main() -> None:
        rng = random.Random(3)
        async with (
            site() as where,
            where.relayed() as relay,
            where.reading(name, port=relay.port, last_event_id="0") as reader,
        ):
            relay.limit = lambda: rng.randint(1, 2000) if relay.cuts < 20 else None
            while relay.cuts < 20:
                where.log.append("x" * rng.randint(1, 100))
                await asyncio.sleep(0.005)
            await reader.until_last(where.log.last_id)
            assert reader.ids == list(range(1, where.log.last_id + 1))

    asyncio.run(main())
