"""Every transport through a real Pushpin: all events, once, in order, and after every interruption."""

import asyncio
import contextlib
import json
import random
import types

import aiohttp
import pytest
from aiohttp import web
from gripcontrol import HttpStreamFormat
from pubcontrol import Format, Item

from realtime_kit.clients import (
    Backoff,
    LongPollingClient,
    PollingClient,
    StreamingClient,
    WebSocketClient,
)
from realtime_kit.errors import ClientError, PublishError
from realtime_kit.origin import Announcer, EventLog, OriginServer, lessons_app, long_polling_app
from realtime_kit.publisher import HttpPublisher, ZeroMqPublisher, item_in_all_formats, text_item
from realtime_kit.pushpin import Pushpin, Route
from realtime_kit.pushpin.ports import free_port

pytestmark = [pytest.mark.live, pytest.mark.usefixtures("nothing_left_behind")]

PATIENCE_S = 20.0
CLIENTS = {
    "polling": lambda url, **options: PollingClient(url, interval_s=0.01, **options),
    "long-polling": LongPollingClient,
    "streaming": StreamingClient,
    "websocket": WebSocketClient,
}
PUSHED = ["long-polling", "streaming", "websocket"]


@contextlib.asynccontextmanager
async def site(*middlewares, app=None, **pushpin_options):
    """A log, its lessons behind a Pushpin, and everything that is appended published."""
    log = EventLog()
    served = app or lessons_app(log)
    served.middlewares.extend(middlewares)
    async with OriginServer(served) as server:
        routes = (Route(f"127.0.0.1:{server.port}", over_http=True),)
        async with (
            Pushpin(routes, **pushpin_options) as pushpin,
            HttpPublisher(pushpin.control_url) as publisher,
        ):
            announcer = Announcer(log, publisher)
            try:
                yield types.SimpleNamespace(log=log, pushpin=pushpin, publisher=publisher)
            finally:
                announcer.close()
                await publisher.flush()
                publisher.failures.clear()  # an interruption is part of some tests


def client_of(name, where, port=None, **options):
    url = where.pushpin.url / name / "events"
    waits = Backoff(random.Random(1), first_s=0.05, max_s=0.05)
    return CLIENTS[name](url.with_port(port or url.port), backoff=waits, max_failures=1000, **options)


class Reader:
    """Reads a client in the background."""

    def __init__(self, client):
        self.client = client
        self.ids = []
        self._news = asyncio.Condition()

    async def __aenter__(self):
        await self.client.__aenter__()
        self._task = asyncio.create_task(self._read())
        return self

    async def __aexit__(self, *_):
        self._task.cancel()
        await asyncio.wait([self._task])
        await self.client.__aexit__()

    async def _read(self):
        async for receipt in self.client:
            self.ids.append(int(receipt.event.id))
            async with self._news:
                self._news.notify_all()

    async def until(self, condition):
        try:
            async with asyncio.timeout(PATIENCE_S), self._news:
                await self._news.wait_for(lambda: condition(self.ids))
        except TimeoutError:
            pytest.fail(f"{self.client} has {len(self.ids)} events after {self.client.failures} failures")

    async def until_last(self, event_id):
        await self.until(lambda ids: ids and ids[-1] >= event_id)


async def subscribed(where, name):
    """Wait until Pushpin has the client's subscription; a poll has none."""
    mode = {"long-polling": "response", "streaming": "stream", "websocket": "ws"}.get(name)
    async with asyncio.timeout(PATIENCE_S):
        if mode:
            await where.pushpin.auntil(lambda s: s.subscriptions.get(("events", mode), 0) > 0)


async def unsubscribed(where, name):
    mode = {"streaming": "stream", "websocket": "ws"}[name]
    async with asyncio.timeout(PATIENCE_S):
        await where.pushpin.auntil(lambda s: not s.subscriptions.get(("events", mode), 0))


class Relay:
    """Stands between client and Pushpin, and can cut what passes."""

    def __init__(self, port):
        self._port = port
        self._open = set()
        self._tasks = set()
        self.down = False
        self.limit = lambda: None  # how many bytes of answers a connection may pass on
        self.cuts = 0

    async def __aenter__(self):
        self._server = await asyncio.start_server(self._accept, "127.0.0.1", 0)
        self.port = self._server.sockets[0].getsockname()[1]
        return self

    async def __aexit__(self, *_):
        self._server.close()
        self.cut()
        await asyncio.gather(*self._tasks, return_exceptions=True)

    def cut(self):
        self.down = True
        for writer in self._open:
            writer.transport.abort()

    async def _accept(self, reader, writer):
        self._tasks.add(asyncio.current_task())
        if self.down:
            writer.transport.abort()
            return
        try:
            there, to_there = await asyncio.open_connection("127.0.0.1", self._port)
        except ConnectionError:
            writer.transport.abort()
            return
        self._open |= {writer, to_there}
        await asyncio.gather(self._pass_on(reader, to_there), self._pass_on(there, writer, self.limit()))
        self._open -= {writer, to_there}
        for each in (writer, to_there):
            each.transport.abort()

    async def _pass_on(self, reader, writer, limit=None):
        with contextlib.suppress(ConnectionError):
            while data := await reader.read(65536):
                if limit is not None and (limit := limit - len(data)) < 0:
                    writer.write(data[:limit])
                    await writer.drain()
                    self.cuts += 1
                    break
                writer.write(data)
                await writer.drain()
        writer.close()


@pytest.mark.parametrize("name", CLIENTS)
def test_every_event_arrives_once_and_in_order(name):
    async def main():
        rng = random.Random(2)
        async with site() as where, Reader(client_of(name, where, last_event_id="0")) as reader:
            await subscribed(where, name)
            for number in range(400):
                where.log.append(f"event {number}")
                if rng.random() < 0.2:
                    await asyncio.sleep(0.002)
            await reader.until_last(400)
            assert reader.ids == list(range(1, 401))

    asyncio.run(main())


@pytest.mark.parametrize("name", CLIENTS)
def test_a_history_of_five_thousand_events_arrives_complete_and_in_order_before_what_is_new(name):
    async def main():
        async with site() as where:
            for number in range(5000):
                where.log._texts.append(f"event {number}")  # without publishing it
            async with Reader(client_of(name, where, last_event_id="0")) as reader:
                await reader.until_last(5000)
                await subscribed(where, name)
                where.log.append("new")
                await reader.until_last(5001)
                assert reader.ids == list(range(1, 5002))

    asyncio.run(main())


@pytest.mark.parametrize("name", CLIENTS)
def test_a_proxy_that_dies_and_comes_back_costs_no_event_and_repeats_none(name):
    async def main():
        ports = {"http_port": free_port(), "publish_port": free_port()}
        async with (
            site(**ports) as where,
            Relay(where.pushpin.url.port) as relay,
            Reader(client_of(name, where, relay.port, last_event_id="0")) as reader,
        ):
            for _ in range(2):
                await subscribed(where, name)
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
def test_a_cut_connection_is_continued_after_the_last_event(name):
    async def main():
        async with site() as where, Relay(where.pushpin.url.port) as relay:
            client = client_of(name, where, relay.port, last_event_id="0")
            async with Reader(client) as reader:
                for _ in range(5):
                    await subscribed(where, name)
                    where.log.append("connected")
                    await reader.until_last(where.log.last_id)
                    relay.cut()
                    await unsubscribed(where, name)
                    where.log.append("cut off")
                    relay.down = False
                    await reader.until_last(where.log.last_id)
                assert reader.ids == list(range(1, 11))
                assert client.failures >= 5

    asyncio.run(main())


@pytest.mark.parametrize("name", ["polling", "long-polling"])
def test_answers_cut_off_anywhere_under_a_stream_of_events_cost_none_and_repeat_none(name):
    async def main():
        rng = random.Random(3)
        async with (
            site() as where,
            Relay(where.pushpin.url.port) as relay,
            Reader(client_of(name, where, relay.port, last_event_id="0")) as reader,
        ):
            relay.limit = lambda: rng.randint(1, 2000) if relay.cuts < 20 else None
            while relay.cuts < 20:
                where.log.append("x" * rng.randint(1, 100))
                await asyncio.sleep(0.005)
            await reader.until_last(where.log.last_id)
            assert reader.ids == list(range(1, where.log.last_id + 1))

    asyncio.run(main())


class Meddler:
    """Lets one event happen, and be published, after a handler has read the log and before Pushpin holds its answer."""

    def __init__(self):
        self.where = None

    @web.middleware
    async def middleware(self, request, handler):
        answer = await handler(request)
        if self.where is not None and "Grip-Hold" in answer.headers and "Grip-Last" not in request.headers:
            where, self.where = self.where, None
            where.log.append("meanwhile")
            await where.publisher.flush()
        return answer


def test_a_long_poll_loses_no_event_that_comes_between_reading_and_holding():
    async def main():
        meddler = Meddler()
        async with site(meddler.middleware) as where:
            for _ in range(30):
                meddler.where = where
                start = where.log.last_id
                async with Reader(client_of("long-polling", where, last_event_id=str(start))) as reader:
                    await reader.until_last(start + 1)
                    assert reader.ids == [start + 1]

    asyncio.run(main())


def test_a_plain_stream_misses_such_an_event_until_it_comes_back_as_its_docstring_says():
    async def main():
        meddler = Meddler()
        async with site(meddler.middleware) as where:
            meddler.where = where
            async with Reader(client_of("streaming", where, last_event_id="0")) as reader:
                await subscribed(where, "streaming")
                where.log.append("next")
                await reader.until_last(2)
                assert reader.ids == [2]
            async with Reader(client_of("streaming", where, last_event_id="0")) as reader:
                await reader.until_last(2)
                assert reader.ids == [1, 2]

    asyncio.run(main())


@pytest.mark.parametrize("name", PUSHED)
def test_an_id_from_the_future_gets_what_comes_next(name):
    async def main():
        async with site() as where:
            where.log.append("before")
            async with Reader(client_of(name, where, last_event_id="999")) as reader:
                await subscribed(where, name)
                where.log.append("after")
                await reader.until_last(2)
                assert reader.ids == [2]

    asyncio.run(main())


def test_polls_reach_the_origin_with_their_entity_tag_and_come_back_as_304():
    async def main():
        async with site() as where, aiohttp.ClientSession() as session:
            where.log.append("one")
            url = where.pushpin.url / "polling" / "events"
            async with session.get(url) as answer:
                tag = answer.headers["ETag"]
            async with session.get(url, headers={"If-None-Match": tag}) as answer:
                assert (answer.status, await answer.read()) == (304, b"")
            where.log.append("two")
            async with session.get(url, headers={"If-None-Match": tag}, params={"after": 1}) as answer:
                assert (await answer.json())["events"] == [{"id": 2, "data": "two"}]

    asyncio.run(main())


def test_a_long_poll_that_nothing_happens_to_is_answered_empty_after_its_timeout():
    async def main():
        app = web.Application()
        app.add_subapp("/quick", long_polling_app(EventLog(), hold_timeout_s=5))
        async with (
            site(app=app) as where,
            aiohttp.ClientSession() as session,
            session.get(where.pushpin.url / "quick" / "events") as answer,
        ):
            assert await answer.json() == {"events": [], "cursor": 0}

    asyncio.run(main())


def test_what_one_socket_says_all_sockets_hear():
    async def main():
        async with site() as where, aiohttp.ClientSession() as session:
            url = where.pushpin.url / "websocket" / "events"
            async with session.ws_connect(url) as first, session.ws_connect(url) as second:
                await where.pushpin.auntil(lambda s: s.subscriptions.get(("events", "ws")) == 2)
                await first.send_str("hello")
                for socket in (first, second):
                    assert json.loads((await socket.receive(PATIENCE_S)).data) == {"id": 1, "data": "hello"}
                await first.close(code=1000)
                assert first.close_code == 1000
                await second.send_str("x" * 20_000)
                closing = await second.receive(PATIENCE_S)
                assert (closing.type, closing.data) == (aiohttp.WSMsgType.CLOSE, 1009)

    asyncio.run(main())


@pytest.mark.parametrize("name", ["polling", "long-polling", "streaming"])
def test_pushpins_own_reason_for_a_wrong_grip_header_reaches_the_client(name):
    async def main():
        async def wrong(request):
            return web.Response(headers={"Grip-Hold": "for ever", "Grip-Channel": "events"})

        app = web.Application()
        app.router.add_get("/{name}/events", wrong)
        async with site(app=app) as where:
            client = CLIENTS[name](where.pushpin.url / name / "events", max_failures=1)
            async with client:
                with pytest.raises(
                    ClientError, match=r"502 .*Grip-Hold must be set to either 'response' or 'stream'"
                ):
                    await anext(aiter(client))

    asyncio.run(main())


# Publishing


class Unknown(Format):
    """A format that no Pushpin knows."""

    def name(self):
        return "smoke-signal"

    def export(self):
        return {"puffs": 3}


def test_a_refused_item_takes_no_good_one_along_and_repeats_none():
    async def main():
        async with site() as where, Reader(client_of("streaming", where)) as reader:
            await subscribed(where, "streaming")
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


def test_a_refusal_reaches_the_one_who_waits_with_pushpins_reason():
    async def main():
        async with site() as where:
            item = Item(HttpStreamFormat("x"), id=5)
            with pytest.raises(PublishError, match=r"answered 400 .*: .*id") as raised:
                await where.publisher.publish("events", item)
            assert raised.value.refused

    asyncio.run(main())


def test_an_item_without_a_format_that_pushpin_knows_reaches_nobody():
    async def main():
        async with site() as where:
            with contextlib.suppress(PublishError):
                await where.publisher.publish("events", Item(Unknown()))
            await where.publisher.publish("events", text_item("fine"))

    asyncio.run(main())


def test_an_item_of_almost_a_megabyte_passes_and_a_longer_one_is_refused():
    async def main():
        async with site() as where, Reader(client_of("streaming", where)) as reader:
            await subscribed(where, "streaming")
            text = "x" * 990_000
            await where.publisher.publish("events", Item(HttpStreamFormat(f"id: 1\ndata: {text}\n\n")))
            await reader.until_last(1)
            with pytest.raises(PublishError, match=r"answered 400|Pushpin usually reads 1,000,000"):
                await where.publisher.publish("events", Item(HttpStreamFormat(text + "x" * 20_000)))
            await where.publisher.publish("events", item_in_all_formats(3, "small again"))
            await reader.until_last(3)

    asyncio.run(main())


def test_items_over_zeromq_arrive_once_and_in_order():
    async def main():
        async with site() as where, Reader(client_of("streaming", where)) as reader:
            await subscribed(where, "streaming")
            async with ZeroMqPublisher(where.pushpin.addresses.socket("pull")) as publisher:
                for number in range(1, 2001):
                    publisher.send("events", item_in_all_formats(number, "x"))
            await reader.until_last(2000)
            assert reader.ids == list(range(1, 2001))

    asyncio.run(main())


async def publish_until_noticed(publisher):
    while True:
        await publisher.publish("events", text_item("nobody"))


def test_after_a_pushpin_is_gone_zeromq_says_that_nobody_takes_items():
    async def main():
        async with site() as where:
            spec = where.pushpin.addresses.socket("pull")
            async with ZeroMqPublisher(spec, timeout_s=0.3) as publisher:
                await publisher.publish("events", text_item("somebody"))
                await where.pushpin.astop()
                with pytest.raises(PublishError, match="is Pushpin up"):
                    await publish_until_noticed(publisher)

    asyncio.run(main())


def test_a_hundred_items_leave_together_and_arrive_one_by_one():
    async def main():
        async with site() as where, Reader(client_of("streaming", where)) as reader:
            await subscribed(where, "streaming")
            for number in range(1, 3001):
                where.publisher.send("events", item_in_all_formats(number, "x"))
            await where.publisher.flush()
            assert where.publisher.batches == 30
            await reader.until_last(3000)
            assert reader.ids == list(range(1, 3001))

    asyncio.run(main())
