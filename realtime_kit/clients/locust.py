"""Locust user classes over the kit's clients: load from as many machines as there are.

A locustfile says which are wanted, and where they listen. (Locust runs every user class that the file names, so import
this module and not its classes.)::

    from realtime_kit.clients import locust as kit

    class News(kit.StreamingUser):
        path = "/news"

`locust -f FILE -H http://…` runs it, `--master` and `--worker` on several machines. They report as request types

* `connect`: from asking until Pushpin has answered, of every try, those after a lost connection too; a failed try is a
  failure,
* `push`: from the moment an event was due until it was read; one that came twice or before it was due is a failure, and
  so is each that is missing between two that came (by their ids, if these are whole numbers). A lost event has no time,
  so Locust's percentiles are of those that came: look at the failures first,
* `publish` (`PublishingUser`): from the moment an event was due until Pushpin has accepted it.

Nobody tells a user what was published. What it missed before its first event or after its last is therefore not
counted, and a user that gets nothing at all reports no `push`: compare their number with users times events. With
`options = {"silence_timeout_s": …}`, above the longest pause between events, a stream or WebSocket that falls silent is
a failure of `connect`, and is connected anew.

Events have to say when they were due (`realtime_kit.publisher.stamped`). Locust keeps times rounded to milliseconds.

Locust replaces Python's sockets and threads by gevent's when it is imported. That has to happen before anything else
is, so this module refuses to be the one that imports it first, and nothing else in the kit imports this module.
"""

from __future__ import annotations

import asyncio
import contextlib
import sys
import time
from collections.abc import Coroutine, Mapping
from importlib.util import find_spec
from typing import Any, ClassVar

from realtime_kit import background
from realtime_kit.clients.client import Client
from realtime_kit.clients.long_polling import LongPollingClient
from realtime_kit.clients.polling import PollingClient
from realtime_kit.clients.receipt import Receipt
from realtime_kit.clients.streaming import StreamingClient
from realtime_kit.clients.websocket import WebSocketClient
from realtime_kit.errors import MissingDependency, PublishError, RealtimeKitError, UsageError
from realtime_kit.origin.lessons import find_lesson
from realtime_kit.origin.process import CHANNEL
from realtime_kit.publisher import HttpPublisher, due_of, item_in_all_formats, stamped
from realtime_kit.pushpin.attached import AttachedPushpin

if find_spec("locust") is None:
    raise MissingDependency("Locust is not installed.", "Type: pip install 'realtime-kit[locust]'")
if "locust" not in sys.modules:
    raise UsageError(
        "these classes are for a locustfile: run it with `locust -f FILE`; in a program of your own, import locust "
        "before anything else, because it replaces the sockets and threads of the whole process"
    )
from locust import User, constant, task


class PushFailure(Exception):
    """An event that did not come as it should have; Locust lists its text."""


class _KitUser(User):
    """Runs a coroutine on the kit's loop for as long as the user lives."""

    abstract = True
    wait_time = constant(1)
    """Pause before it begins anew, after it has given up."""

    def __init__(self, environment: Any) -> None:
        super().__init__(environment)
        self._running: asyncio.Task[Any] | None = None

    @task
    def live(self) -> None:
        """Do what this user does, until it is stopped."""
        # Locust ends users itself. If each of many looked whether it is interrupted, they would do little else.
        background.run(self._remembered(self._live()), look_s=None)

    def on_stop(self) -> None:
        """End what goes on for this user on the kit's loop."""
        background.run(self._end())

    async def _live(self) -> None:
        raise NotImplementedError

    async def _remembered(self, work: Coroutine[Any, Any, None]) -> None:
        self._running = asyncio.current_task()
        await work

    async def _end(self) -> None:
        running, self._running = self._running, None
        if running is not None and not running.done():
            running.cancel()
            await asyncio.gather(running, return_exceptions=True)

    def _report(
        self,
        kind: str,
        name: str,
        took_s: float | None,
        *,
        size_bytes: int = 0,
        failure: Exception | None = None,
    ) -> None:
        self.environment.events.request.fire(
            request_type=kind,
            name=name,
            response_time=None if took_s is None else 1000 * took_s,
            response_length=size_bytes,
            exception=failure,
            context=self.context(),
        )


class PushUser(_KitUser):
    """Listens for events. The kit's four transports are below; another one sets `transport` and `make_client`.

    Attributes:
        transport: What it is called in Locust's tables.
        path: Address of the events below the host; None is that of the kit's lesson.
        options: Arguments for the client, such as `{"silence_timeout_s": 60}`.
    """

    abstract = True
    transport: ClassVar[str] = ""
    path: ClassVar[str | None] = None
    options: ClassVar[Mapping[str, Any]] = {}

    def __init__(self, environment: Any) -> None:
        super().__init__(environment)
        self._begun_ns = 0
        self._last_id = ""

    def make_client(self, url: str, **options: Any) -> Client:
        """The client that listens.

        Args:
            url: Address of the events.
            **options: `options`, and `last_event_id` where it has listened before.
        """
        raise NotImplementedError

    @property
    def url(self) -> str:
        """Where it listens."""
        if not self.host:
            raise UsageError(
                "there is no host: give locust one with -H http://…, or set it on the user class"
            )
        path = find_lesson(self.transport).path if self.path is None else self.path
        return f"{self.host.rstrip('/')}/{path.lstrip('/')}"

    async def _live(self) -> None:
        self._begun_ns = self._begun_ns or time.time_ns()
        client = self.make_client(self.url, **self.options, last_event_id=self._last_id)
        client.on_failure, client.on_connected = self._failed, self._connected
        begun_s = time.monotonic()
        try:
            async with client:
                async for receipt in client:
                    self._receive(receipt)
        except RealtimeKitError as error:
            self._report("connect", self.transport, time.monotonic() - begun_s, failure=error)

    def _connected(self, took_s: float) -> None:
        self._report("connect", self.transport, took_s)

    def _failed(self, reason: str) -> None:
        self._report("connect", self.transport, None, failure=PushFailure(reason))

    def _receive(self, receipt: Receipt) -> None:
        data, event_id = receipt.event.data, receipt.event.id
        due_ns = due_of(data)
        if due_ns is None:
            wrong = PushFailure("an event does not say when it was due: publish it with `stamped`")
            self._report("push", self.transport, None, failure=wrong)
            if self._is_new(event_id):
                self._go_on_after(event_id)
            return
        if due_ns < self._begun_ns:  # history, which nobody owed to this user
            self._last_id = event_id
            return
        wall_ns = receipt.received_ns + time.time_ns() - time.monotonic_ns()
        took_s = (wall_ns - due_ns) / 1e9
        failure: Exception | None = None
        if not self._is_new(event_id):
            failure = PushFailure("an event came again, or after a later one")
        else:
            self._go_on_after(event_id)
            if took_s < 0:
                failure = PushFailure("an event came before it was due: the clocks of the machines disagree")
        self._report("push", self.transport, took_s, size_bytes=len(data.encode()), failure=failure)

    def _go_on_after(self, event_id: str) -> None:
        for _ in range(self._missing(event_id)):
            self._report("push", self.transport, None, failure=PushFailure("an event never came"))
        self._last_id = event_id

    def _is_new(self, event_id: str) -> bool:
        before, now = _number(self._last_id), _number(event_id)
        return before is None or now is None or now > before

    def _missing(self, event_id: str) -> int:
        """How many events between the last one and this have not come; none where ids are no whole numbers."""
        before, now = _number(self._last_id), _number(event_id)
        return 0 if before is None or now is None else max(0, now - before - 1)


class PollingUser(PushUser):
    """Asks every `interval_s`, from start to start."""

    transport = "polling"
    interval_s: ClassVar[float] = 5.0

    def make_client(self, url: str, **options: Any) -> Client:
        """A polling client."""
        return PollingClient(url, interval_s=self.interval_s, **options)


class LongPollingUser(PushUser):
    """Asks again as soon as it is answered."""

    transport = "long-polling"

    def make_client(self, url: str, **options: Any) -> Client:
        """A long-polling client."""
        return LongPollingClient(url, **options)


class StreamingUser(PushUser):
    """Reads an event stream."""

    transport = "streaming"

    def make_client(self, url: str, **options: Any) -> Client:
        """A streaming client."""
        return StreamingClient(url, **options)


class WebSocketUser(PushUser):
    """Reads a WebSocket's messages."""

    transport = "websocket"

    def make_client(self, url: str, **options: Any) -> Client:
        """A WebSocket client."""
        return WebSocketClient(url, **options)


class PublishingUser(_KitUser):
    """Publishes to a Pushpin, a cluster or a hosted GRIP service: one user, at a constant rate, waiting for no answer.

    Streams and WebSockets get what it publishes. Whoever polls asks the origin, which knows nothing of it: there let
    the origin publish. Leave it out of a file whose origin does.

    Attributes:
        channel: Where.
        rate_per_s: Events per second, below 1,000: ids are milliseconds.
        control_urls: Publish ports or GRIP URLs, all of which get every event; empty reads `GRIP_URL`.
        text: What the events say.
    """

    abstract = True
    fixed_count = 1
    channel: ClassVar[str] = CHANNEL
    rate_per_s: ClassVar[float] = 1.0
    control_urls: ClassVar[tuple[str, ...]] = ()
    text: ClassVar[str] = ""

    async def _live(self) -> None:
        host = self.host or "http://127.0.0.1"  # where clients connect; nothing is published there
        async with contextlib.AsyncExitStack() as stack:
            publishers = [
                await stack.enter_async_context(
                    HttpPublisher(**AttachedPushpin(host, url).publisher_options())
                )
                for url in self.control_urls or (None,)
            ]
            await self._publish(publishers, await stack.enter_async_context(asyncio.TaskGroup()))

    async def _publish(self, publishers: list[HttpPublisher], group: asyncio.TaskGroup) -> None:
        begun_s, first_ns = time.monotonic(), time.time_ns()
        number = 0
        while True:
            after_s = number / self.rate_per_s
            await asyncio.sleep(begun_s + after_s - time.monotonic())
            due_ns = first_ns + int(after_s * 1e9)
            event_id = first_ns // 1_000_000 + number
            item = item_in_all_formats(event_id, stamped(self.text, due_ns=due_ns), prev_number=event_id - 1)
            for publisher in publishers:
                group.create_task(self._publish_one(publisher, item, begun_s + after_s))
            number += 1

    async def _publish_one(self, publisher: HttpPublisher, item: Any, due_s: float) -> None:
        failure: Exception | None = None
        try:
            await publisher.publish(self.channel, item)
        except PublishError as error:
            failure = error
        self._report("publish", self.channel, time.monotonic() - due_s, failure=failure)


def _number(event_id: str) -> int | None:
    return int(event_id) if event_id.isascii() and event_id.isdigit() else None
