"""What the fault lab breaks: origin, publisher, Pushpin and network, and the clients of every transport."""

from __future__ import annotations

import asyncio
import contextlib
import math
import random
import time
from collections.abc import AsyncGenerator, Callable
from functools import partial
from typing import Any, Self

import aiohttp
import numpy as np
from aiohttp import web
from pubcontrol import Item

from realtime_kit.clients import (
    Backoff,
    Client,
    LongPollingClient,
    PollingClient,
    Receipt,
    ReliableWebSocketClient,
    StreamingClient,
    WebSocketClient,
)
from realtime_kit.clients.client import ANSWER_TIMEOUT_S as REQUEST_TIMEOUT_S
from realtime_kit.clients.receipt import ReceiptBook, Receipts
from realtime_kit.clients.reliable_websocket import SILENCE_S
from realtime_kit.errors import PublishError, RealtimeKitError, UsageError
from realtime_kit.lab.answers import MarkingLog, is_marked, mark_answers
from realtime_kit.lab.neighbour import CHANNEL as NEIGHBOUR, GREETING, Neighbour
from realtime_kit.lab.stand_still import StandStill
from realtime_kit.origin import Announcer, OriginServer, grip, lessons_app
from realtime_kit.origin.reliable_streaming import LINK_TIMEOUT_S
from realtime_kit.publisher import HttpPublisher
from realtime_kit.pushpin import Pushpin, PushpinSettings, routes_to
from realtime_kit.pushpin.ports import reserved_port
from realtime_kit.taps.front import Front
from realtime_kit.taps.origin_faults import OriginFaults
from realtime_kit.taps.publish_faults import FaultyPublisher
from realtime_kit.taps.tcp_faults import ToxicProxy, Toxics
from realtime_kit.taps.wall_clock import WallClock, library

INTERVAL_S = 0.5
"""Polling interval, seconds: short, so that a run is."""

PUBLISH_TIMEOUT_S = 2.0
WARM_UP_S = 1.5
"""About 1.1 s after a channel's first subscriber Pushpin repeats held requests once; a run begins after that."""

CONNECTED_WITHIN_S = 2.5 * REQUEST_TIMEOUT_S
"""A Pushpin in its first moments may take a request and never answer it: time for another, and half of a third."""

SILENCE_TIMEOUT_S = 6.0
"""Silence after which a client of the reliable stream takes its connection for dead, and one of the long-poll its
question for lost. Pushpin's own question, after 5 s, is no use on a connection that is mute. Short, because events come
often here; else 2.5 keep-alives, or longer than a question is held."""

ANSWER_TIMEOUT_S = 3.0
"""Longest wait of the reliable WebSocket for an answer to its question: likewise."""

FIRST_RETRY_S, LONGEST_RETRY_S = 0.2, 1.0
"""Bounds of the clients' waits between tries: short, so that a run is."""


def timers_s(settings: PushpinSettings) -> dict[str, float]:
    """What a recovery waits for, by name; seconds."""
    return {
        "message_wait": settings.message_wait_ms / 1000,
        "next link": LINK_TIMEOUT_S,
        "question": SILENCE_S,
        "answer": ANSWER_TIMEOUT_S,
        "silence": SILENCE_TIMEOUT_S,
        "request": REQUEST_TIMEOUT_S,
        "retry": LONGEST_RETRY_S,
        "poll": INTERVAL_S,
    }


class ForgetfulClient(StreamingClient):
    """A stream that comes back without saying what it had: push alone, at most once."""

    def __init__(self, url: str, **options: Any) -> None:
        super().__init__(url, **options)
        self._absences_s: list[tuple[float, float]] = []
        self._left_s: float | None = None

    def away_s(self, begin_s: float, end_s: float) -> float:
        """For how long it had no stream between two moments of the monotonic clock, after it first had one; seconds."""
        absences_s = list(self._absences_s)
        if self._left_s is not None:
            absences_s.append((self._left_s, math.inf))
        return sum(max(0.0, min(back_s, end_s) - max(left_s, begin_s)) for left_s, back_s in absences_s)

    async def _connection(self) -> AsyncGenerator[Receipt, None]:
        self.last_event_id = ""
        try:
            async with contextlib.aclosing(super()._connection()) as connection:
                async for receipt in connection:
                    yield receipt
        finally:
            if self._left_s is None:
                self._left_s = time.monotonic()

    async def _check(self, response: aiohttp.ClientResponse, content_type: str) -> None:
        await super()._check(response, content_type)
        if self._left_s is not None:
            self._absences_s.append((self._left_s, time.monotonic()))
        self._left_s = None


PATHS: dict[str, tuple[str, Callable[..., Client]]] = {
    "push only": ("streaming", ForgetfulClient),
    "streaming": ("streaming", StreamingClient),
    "reliable": ("reliable", partial(StreamingClient, silence_timeout_s=SILENCE_TIMEOUT_S)),
    "websocket": ("websocket", WebSocketClient),
    "polling": ("polling", partial(PollingClient, interval_s=INTERVAL_S)),
    "long-polling": ("long-polling", partial(LongPollingClient, answer_timeout_s=SILENCE_TIMEOUT_S)),
    "reliable-websocket": (
        "reliable-websocket",
        partial(ReliableWebSocketClient, answer_timeout_s=ANSWER_TIMEOUT_S),
    ),
}
"""Transports: the first part of the path, and what makes a client. Streams first, to warm the channel."""


def check_transports(transports: tuple[str, ...]) -> None:
    """Whether the fault lab has all of them.

    Raises:
        UsageError: if not, or if there is none, or one twice.
    """
    if unknown := [name for name in transports if name not in PATHS]:
        message = f"transports has {unknown[0]!r}: allowed are {', '.join(PATHS)}"
        raise UsageError(message)
    if not transports or len(set(transports)) != len(transports):
        message = f"transports is {transports!r}: it has to name at least one, and each once"
        raise UsageError(message)


class Networks:
    """Several proxies as one: what befalls one befalls all.

    Args:
        proxies: They.
    """

    def __init__(self, *proxies: ToxicProxy) -> None:
        self._proxies = proxies

    @property
    def toxics(self) -> Toxics:
        """What befalls the answers, as for `ToxicProxy`."""
        return self._proxies[0].toxics

    @toxics.setter
    def toxics(self, toxics: Toxics) -> None:
        for each in self._proxies:
            each.toxics = toxics

    def reset_peer(self) -> None:
        """As for `ToxicProxy`."""
        for each in self._proxies:
            each.reset_peer()

    def down(self) -> None:
        """As for `ToxicProxy`."""
        for each in self._proxies:
            each.down()

    def up(self) -> None:
        """As for `ToxicProxy`."""
        for each in self._proxies:
            each.up()


CATCHING_UP = ("streaming", "websocket")
"""Transports that get what they missed when they come back, if they know that they were away."""

BY_QUESTION = ("long-polling", "reliable-websocket")
"""Transports whose clients ask for what is missing."""

ENDING = ("polling", "long-polling")
"""Transports whose every answer ends."""


class FaultBench:
    """Everything, whole. Use it with `async with`, on the kit's loop; afterwards nothing of it is left.

    Args:
        transports: Which of `PATHS`.
        clients: Clients of each transport.
        seed: Of their jitter.
        settings: What to configure Pushpin with; None is the kit's own.
        own_clock: Whether Pushpin gets a wall clock that can be stepped.

    Attributes:
        log: Events that are appended are published.
        publishes: What can harm a publish.
        network: What can harm connections between clients and Pushpin.
        origin_faults: What can harm answers of the origin.
        origin: The origin; may be left and entered again.
        front: What stands before the origin and can be stopped.
        pushpin: Pushpin; may be killed and started again, on the same ports.
        clock: The wall clock that Pushpin goes by; None is the system's.
        books: What the clients of each transport have received.
        answers: Of this, what came in an answer to a next link or to a question on a WebSocket.
        clients: The clients of each transport.
        not_published: Ids of events that Pushpin has not accepted.
        stand_still: How readers of streams stood still, or do; None if none has.
        neighbour: Who floods the route of these clients, or did; None if nobody has.
    """

    def __init__(
        self,
        transports: tuple[str, ...],
        *,
        clients: int,
        seed: int,
        settings: PushpinSettings | None = None,
        own_clock: bool = False,
    ) -> None:
        self.log = MarkingLog()
        self.origin_faults = OriginFaults()
        self.books = {name: ReceiptBook() for name in transports}
        self.answers = {name: ReceiptBook() for name in transports}
        self.clients: dict[str, list[Client]] = {}
        self.not_published: set[int] = set()
        self.stand_still: StandStill | None = None
        self.neighbour: Neighbour | None = None
        self.clock: WallClock | None = None
        self._own_clock = own_clock
        self._settings = settings or PushpinSettings()
        self._publisher: HttpPublisher
        self._count = clients
        self._seed = seed
        self._stack = contextlib.AsyncExitStack()
        self._tasks: list[asyncio.Task[None]] = []
        self.origin: OriginServer
        self.front: Front
        self.pushpin: Pushpin
        self.network: Networks
        self._asking: ToxicProxy
        self._held: dict[str, list[ToxicProxy]] = {}
        self.publishes: FaultyPublisher

    async def __aenter__(self) -> Self:
        try:
            await self._start()
        except BaseException:
            await self._stack.aclose()
            raise
        return self

    async def __aexit__(self, *_: object) -> None:
        await self._stack.aclose()

    async def _start(self) -> None:
        # Kept for as long as the bench stands: what is restarted comes back where it was.
        origin_port, http_port, publish_port = (self._stack.enter_context(reserved_port()) for _ in range(3))
        app = lessons_app(self.log)
        app.router.add_get("/neighbour", _hold_neighbour)
        app.middlewares.append(mark_answers)
        self.origin_faults.install(app)
        self.origin = await self._stack.enter_async_context(OriginServer(app, port=origin_port))
        self.front = await self._stack.enter_async_context(Front(origin_port))
        if self._own_clock:
            await asyncio.to_thread(library)
            self.clock = self._stack.enter_context(WallClock())
        self.pushpin = await self._stack.enter_async_context(
            Pushpin(
                routes_to(self.front.port),
                settings=self._settings,
                http_port=http_port,
                publish_port=publish_port,
                environ=self.clock.environment if self.clock else None,
            )
        )
        if self.clock:
            self.clock.check([each.pid for each in self.pushpin.processes()])
        self._asking = await self._stack.enter_async_context(ToxicProxy(http_port))
        for name in self.books:
            if name in ENDING:
                continue
            # One for each client, so that it is known what waits for whom.
            self._held[name] = [
                await self._stack.enter_async_context(ToxicProxy(http_port, is_narrow=True))
                for _ in range(self._count)
            ]
        self.network = Networks(self._asking, *(each for held in self._held.values() for each in held))
        publisher = HttpPublisher(
            **self.pushpin.publisher_options(), timeout_s=PUBLISH_TIMEOUT_S, on_failure=self._note_failure
        )
        self._publisher = await self._stack.enter_async_context(publisher)
        self.publishes = FaultyPublisher(publisher)
        self._stack.callback(self.publishes.close)
        announcer = Announcer(self.log, self.publishes)
        self._stack.callback(announcer.close)
        self._stack.push_async_callback(self._stop_clients)
        self._stack.push_async_callback(self.ebb)
        self._stack.push_async_callback(self.look_no_more)
        for name in self.books:
            await self._open(name)
        await self._warm_up()

    def _note_failure(self, item: Item, _: PublishError) -> None:
        if item.id is not None:
            self.not_published.add(int(item.id))

    async def _open(self, name: str) -> None:
        path, make = PATHS[name]
        self.clients[name] = []
        for number in range(self._count):
            proxy = self._held[name][number] if name in self._held else self._asking
            url = self.pushpin.url.with_port(proxy.port) / path / "events"
            rng = random.Random(f"{self._seed} {name} {number}")
            # Many tries, because outages are what it is about.
            client = make(
                url,
                rng=rng,
                backoff=Backoff(rng, first_s=FIRST_RETRY_S, max_s=LONGEST_RETRY_S),
                max_failures=1000,
                last_event_id="",
            )
            self.clients[name].append(client)
            self._tasks.append(asyncio.create_task(self._receive(name, number, client)))

    async def _receive(self, name: str, number: int, client: Client) -> None:
        async with client:
            async for receipt in client:
                row = number, int(receipt.event.id), receipt.received_ns, receipt.opened_ns
                self.books[name].write(*row)
                if is_marked(receipt.event.data):
                    self.answers[name].write(*row)

    async def _warm_up(self) -> None:
        """Let events happen until every client has received one, and Pushpin has asked all it asks at first."""
        begun_s = time.monotonic()
        while (passed_s := time.monotonic() - begun_s) < WARM_UP_S or self._silent():
            self.check()
            if passed_s > CONNECTED_WITHIN_S:
                silent = ", ".join(self._silent())
                message = f"the faults cannot begin: not all {silent} clients received something in {passed_s:.0f} s"
                raise RealtimeKitError(message)
            self.log.append("warm up")
            await asyncio.sleep(0.1)

    def _silent(self) -> list[str]:
        return [
            name
            for name, book in self.books.items()
            if len(set(book.receipts().client.tolist())) < self._count
        ]

    async def stop_reading(self) -> None:
        """Let every reader of a stream or WebSocket stand still."""
        await self.look_no_more()
        self.stand_still = StandStill(self._held)
        self.stand_still.begin()

    def read_on(self) -> None:
        """Let them read on, if they stand still."""
        if self.stand_still is not None:
            self.stand_still.end()

    async def look_no_more(self) -> None:
        """Nothing happens any longer to readers that stood still; they read on at the latest now."""
        if self.stand_still is not None:
            await self.stand_still.close()

    async def flood(self, times: float) -> None:
        """Let a neighbour send so many times as much as the limiter lets through, or as a second's events."""
        await self.ebb()
        self.neighbour = Neighbour(
            self.pushpin.url / "neighbour",
            self._publisher,
            deliveries_per_s=times * (self._settings.message_rate or 100.0),
        )
        await self.neighbour.__aenter__()

    async def ebb(self) -> None:
        """End the flood, if there is one."""
        if self.neighbour is not None and not self.neighbour.lasted_s:
            await self.neighbour.__aexit__()

    def check(self) -> None:
        """Raises the error of a client that gave up, if one did."""
        for task in self._tasks:
            if task.done():
                task.result()

    def told(self, name: str) -> Receipts | None:
        """What came to a transport in answers that say so; None for a long-poll, whose every answer is of one kind."""
        return None if name == "long-polling" else self.answers[name].receipts()

    def is_behind(self, name: str, event_id: int) -> bool:
        """Whether a client of a transport has received neither this event nor a later one."""
        receipts = self.books[name].receipts()
        return len(np.unique(receipts.client[receipts.event_id >= event_id])) < self._count

    @property
    def lost_on_the_way(self) -> set[int]:
        """Ids of events that Pushpin never accepted, for whatever reason."""
        return self.not_published | self.publishes.dropped

    async def _stop_clients(self) -> None:
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)


async def _hold_neighbour(_: web.Request) -> web.Response:
    return grip.hold_stream(NEIGHBOUR, body=GREETING)
