"""Attached to a Pushpin that runs elsewhere."""

import asyncio
import contextlib

import aiohttp
import pytest

from realtime_kit.errors import PublishError
from realtime_kit.pushpin import Pushpin
from realtime_kit.pushpin.cluster import PushpinCluster

pytestmark = [pytest.mark.live, pytest.mark.usefixtures("nothing_left_behind")]


def test_an_event_published_through_an_attached_one_reaches_its_clients(origin: int) -> None:
    async def use() -> None:
        async with Pushpin(origin) as pushpin, aiohttp.ClientSession() as session:
            attached = Pushpin.attach(str(pushpin.url), pushpin.control_url)
            async with attached, session.get(attached.url / "stream/news") as stream:
                await pushpin.auntil(lambda s: s.subscribers("news") == 1)
                await attached.apublish("news", "hello")
                assert await stream.content.readline() == b"welcome\n"
                assert await stream.content.readline() == b"data: hello\n"

    asyncio.run(use())


def test_an_event_published_through_an_attached_cluster_reaches_the_clients_of_every_instance(
    origin: int,
) -> None:
    async def use() -> None:
        async with PushpinCluster(2, origin) as cluster, aiohttp.ClientSession() as session:
            attached = Pushpin.attach(str(cluster.urls[0]), cluster.control_urls)
            async with contextlib.AsyncExitStack() as stack:
                streams = [
                    await stack.enter_async_context(session.get(url / "stream/news")) for url in cluster.urls
                ]
                for pushpin in cluster.instances:
                    await pushpin.auntil(lambda s: s.subscribers("news") == 1)
                await attached.apublish("news", "hello")
                for stream in streams:
                    assert await stream.content.readline() == b"welcome\n"
                    assert await stream.content.readline() == b"data: hello\n"

    asyncio.run(use())


def test_what_is_published_after_its_end_is_a_publish_error(origin: int) -> None:
    with Pushpin(origin) as pushpin:
        attached = Pushpin.attach(str(pushpin.url), pushpin.control_url)
    with pytest.raises(PublishError, match="could not be reached"):
        attached.publish("news", "hello")
    with pytest.raises(PublishError, match="could not be reached"):
        pushpin.publish("news", "hello")
