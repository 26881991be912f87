"""Publishing to a real Pushpin, over HTTP and ZeroMQ: batches, limits, refusals and a Pushpin that is gone."""

from __future__ import annotations

import asyncio
import contextlib
from typing import TYPE_CHECKING, NoReturn

import pytest
from gripcontrol import HttpStreamFormat
from pubcontrol import Format, Item

from realtime_kit.errors import PublishError
from realtime_kit.publisher import ZeroMqPublisher, item_in_all_formats, text_item

if TYPE_CHECKING:
    from conftest import OpenSite

pytestmark = [pytest.mark.live, pytest.mark.usefixtures("nothing_left_behind")]


class Unknown(Format):  # type: ignore[misc]  # pubcontrol has no types
    """A format that no Pushpin knows."""

    def name(self) -> str:
        return "smoke-signal"

    def export(self) -> dict[str, int]:
        return {"puffs": 3}


def test_a_refused_item_takes_no_good_one_along_and_repeats_none(site: OpenSite) -> None:
    async def main() -> None:
        async with site() as where, where.reading("streaming") as reader:
            await where.subscribed("streaming")
            for number in range(1, 61):
                item = item_in_all_formats(number, "x")
                if number % 20 == 0:
                    item.id = number  # a number, where Pushpin wants a text
                where.publisher.send("events", item)
            await where.publisher.flush()
            await reader.until_last(59)
            assert reader.ids == [number for number in range(1, 60) if number % 20]
            ((reason, count),) = where.publisher.failures.items()
            assert count == 3
            assert "answered 400" in reason

    asyncio.run(main())


def test_a_refusal_reaches_the_one_who_waits_with_pushpins_reason(site: OpenSite) -> None:
    async def main() -> None:
        async with site() as where:
            item = Item(HttpStreamFormat("x"), id=5)
            with pytest.raises(PublishError, match=r"answered 400 .*: .*id") as raised:
                await where.publisher.publish("events", item)
            assert raised.value.refused

    asyncio.run(main())


def test_an_item_without_a_format_that_pushpin_knows_reaches_nobody(site: OpenSite) -> None:
    async def main() -> None:
        async with site() as where:
            with contextlib.suppress(PublishError):
                await where.publisher.publish("events", Item(Unknown()))
            await where.publisher.publish("events", text_item("fine"))

    asyncio.run(main())


def test_an_item_of_almost_a_megabyte_passes_and_a_longer_one_is_refused(site: OpenSite) -> None:
    async def main() -> None:
        async with site() as where, where.reading("streaming") as reader:
            await where.subscribed("streaming")
            text = "x" * 990_000
            await where.publisher.publish("events", Item(HttpStreamFormat(f"id: 1\ndata: {text}\n\n")))
            await reader.until_last(1)
            with pytest.raises(PublishError, match=r"answered 400|Pushpin usually reads 1,000,000"):
                await where.publisher.publish("events", Item(HttpStreamFormat(text + "x" * 20_000)))
            await where.publisher.publish("events", item_in_all_formats(3, "small again"))
            await reader.until_last(3)

    asyncio.run(main())


def test_items_over_zeromq_arrive_once_and_in_order(site: OpenSite) -> None:
    async def main() -> None:
        async with site() as where, where.reading("streaming") as reader:
            await where.subscribed("streaming")
            async with ZeroMqPublisher(where.pushpin.addresses.socket("pull")) as publisher:
                for number in range(1, 2001):
                    publisher.send("events", item_in_all_formats(number, "x"))
            await reader.until_last(2000)
            assert reader.ids == list(range(1, 2001))

    asyncio.run(main())


async def publish_until_noticed(publisher: ZeroMqPublisher) -> NoReturn:
    while True:
        await publisher.publish("events", text_item("nobody"))


def test_after_a_pushpin_is_gone_zeromq_says_that_nobody_takes_items(site: OpenSite) -> None:
    async def main() -> None:
        async with site() as where:
            spec = where.pushpin.addresses.socket("pull")
            async with ZeroMqPublisher(spec, timeout_s=0.3) as publisher:
                await publisher.publish("events", text_item("somebody"))
                await where.pushpin.astop()
                with pytest.raises(PublishError, match="is Pushpin up"):
                    await publish_until_noticed(publisher)

    asyncio.run(main())


def test_a_hundred_items_leave_together_and_arrive_one_by_one(site: OpenSite) -> None:
    async def main() -> None:
        async with site() as where, where.reading("streaming") as reader:
            await where.subscribed("streaming")
            for number in range(1, 3001):
                where.publisher.send("events", item_in_all_formats(number, "x"))
            await where.publisher.flush()
            assert where.publisher.batches == 30
            await reader.until_last(3000)
            assert reader.ids == list(range(1, 3001))

    asyncio.run(main())
