"""One PUB socket for several real Pushpins."""

from __future__ import annotations

import asyncio

import pytest
from aiohttp import web

from realtime_kit.clients import StreamingClient
from realtime_kit.errors import UsageError
from realtime_kit.lab import Site
from realtime_kit.origin import grip
from realtime_kit.publisher import BroadcastPublisher, text_item

pytestmark = [pytest.mark.live, pytest.mark.usefixtures("nothing_left_behind")]
routes = web.RouteTableDef()


@routes.get("/news")
async def news(_: web.Request) -> web.Response:
    return grip.hold_stream("news", body=b":\n\n")


def test_one_publish_reaches_the_clients_of_every_pushpin_that_has_some() -> None:
    async def main() -> None:
        async with Site(routes) as one, Site(routes) as two, Site(routes) as idle:
            specs = [site.pushpin.addresses.socket("sub") for site in (one, two, idle)]
            async with (
                BroadcastPublisher(specs) as publisher,
                StreamingClient(one.url / "news") as first,
                StreamingClient(two.url / "news") as second,
            ):
                reading = [asyncio.create_task(anext(aiter(client))) for client in (first, second)]
                await publisher.until_subscribed("news", pushpins=2)
                assert publisher.subscribed["news"] == 2

                await publisher.publish("news", text_item("to all of you"))

                receipts = await asyncio.gather(*reading)
                assert [receipt.event.data for receipt in receipts] == ["to all of you"] * 2

    asyncio.run(main())


def test_what_cannot_be_is_refused_in_a_sentence() -> None:
    async def main() -> None:
        with pytest.raises(UsageError, match="one address or more"):
            BroadcastPublisher([])
        with pytest.raises(UsageError, match="'nonsense': "):
            async with BroadcastPublisher(["nonsense"]):
                pass
        publisher = BroadcastPublisher(["ipc:///tmp/nobody-listens-here"])
        with pytest.raises(UsageError, match="not open"):
            await publisher.publish("news", text_item("too early"))
        async with publisher:
            with pytest.raises(UsageError, match="there are 1"):
                await publisher.until_subscribed("news", pushpins=2)

    asyncio.run(main())
