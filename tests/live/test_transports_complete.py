"""Every transport through a real Pushpin: all events, once and in order."""

from __future__ import annotations

import asyncio
import random
from typing import TYPE_CHECKING

import pytest
from aiohttp import web
from aiohttp.typedefs import Handler

if TYPE_CHECKING:
    from conftest import OpenSite, Site

pytestmark = [pytest.mark.live, pytest.mark.usefixtures("nothing_left_behind")]

TRANSPORTS = ["polling", "long-polling", "streaming", "websocket"]


@pytest.mark.parametrize("name", TRANSPORTS)
def test_every_event_arrives_once_and_in_order(site: OpenSite, name: str) -> None:
    async def main() -> None:
        rng = random.Random(2)
        async with site() as where, where.reading(name, last_event_id="0") as reader:
            await where.subscribed(name)
            for number in range(400):
                where.log.append(f"event {number}")
                if rng.random() < 0.2:
                    await asyncio.sleep(0.002)
            await reader.until_last(400)
            assert reader.ids == list(range(1, 401))

    asyncio.run(main())


@pytest.mark.parametrize("name", TRANSPORTS)
def test_a_long_history_arrives_complete_and_in_order_before_what_is_new(site: OpenSite, name: str) -> None:
    async def main() -> None:
        async with site() as where:
            for number in range(5000):
                where.log._texts.append(f"event {number}")  # without publishing it
            async with where.reading(name, last_event_id="0") as reader:
                await reader.until_last(5000)
                await where.subscribed(name)
                where.log.append("new")
                await reader.until_last(5001)
                assert reader.ids == list(range(1, 5002))

    asyncio.run(main())


class Meddler:
    """Lets one event happen, and be published, after a handler has read the log and before Pushpin holds its answer."""

    def __init__(self) -> None:
        self.where: Site | None = None

    @web.middleware
    async def middleware(self, request: web.Request, handler: Handler) -> web.StreamResponse:
        answer = await handler(request)
        if self.where is not None and "Grip-Hold" in answer.headers and "Grip-Last" not in request.headers:
            where, self.where = self.where, None
            where.log.append("meanwhile")
            await where.publisher.flush()
        return answer


def test_a_long_poll_loses_no_event_that_comes_between_reading_and_holding(site: OpenSite) -> None:
    async def main() -> None:
        meddler = Meddler()
        async with site(meddler.middleware) as where:
            for _ in range(30):
                meddler.where = where
                start = where.log.last_id
                async with where.reading("long-polling", last_event_id=str(start)) as reader:
                    await reader.until_last(start + 1)
                    assert reader.ids == [start + 1]

    asyncio.run(main())


def test_a_plain_stream_misses_such_an_event_until_it_comes_back_as_its_docstring_says(
    site: OpenSite,
) -> None:
    async def main() -> None:
        meddler = Meddler()
        async with site(meddler.middleware) as where:
            meddler.where = where
            async with where.reading("streaming", last_event_id="0") as reader:
                await where.subscribed("streaming")
                where.log.append("next")
                await reader.until_last(2)
                assert reader.ids == [2]
            async with where.reading("streaming", last_event_id="0") as reader:
                await reader.until_last(2)
                assert reader.ids == [1, 2]

    asyncio.run(main())


@pytest.mark.parametrize("name", ["long-polling", "streaming", "websocket"])
def test_an_id_from_the_future_gets_what_comes_next(site: OpenSite, name: str) -> None:
    async def main() -> None:
        async with site() as where:
            where.log.append("before")
            async with where.reading(name, last_event_id="999") as reader:
                await where.subscribed(name)
                where.log.append("after")
                await reader.until_last(2)
                assert reader.ids == [2]

    asyncio.run(main())
