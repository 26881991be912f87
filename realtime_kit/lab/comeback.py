"""Many clients lose their streams in the same instant, because Pushpin restarts: how long until all are back?

Above about 100 requests opened at the same time Pushpin 1.36 answers some with 502. What keeps clients from doing that
to it, again and again, is the jitter of their waits: see `Backoff`.
"""

from __future__ import annotations

import asyncio
import contextlib
import random
import time
from dataclasses import dataclass

from realtime_kit import background
from realtime_kit.clients import Backoff, StreamingClient
from realtime_kit.errors import UsageError
from realtime_kit.numbers import check_number
from realtime_kit.origin import Announcer, EventLog, OriginServer, streaming_app
from realtime_kit.pushpin import Pushpin, routes_to
from realtime_kit.pushpin.limits import raise_file_limit

IN_FLIGHT = 20
"""Clients that connect at the same time at first; on their way back nobody holds them in."""

COMEBACKS_PER_S = 250
"""How many come back in a second on average: half of what Pushpin 1.36 opens in good order on two processors."""

ANSWER_TIMEOUT_S = 3.0
"""What comes in the first moments of a Pushpin, before its parts have found each other, it may never answer."""

MOST_CLIENTS = 5000
RESERVED_DESCRIPTORS = 200
"""Beside the clients' connections: those of Pushpin to the origin, up to 100 at a time, and what Python holds."""

PATIENCE_S = 60.0


@dataclass(frozen=True, slots=True)
class Comeback:
    """What became of the clients.

    Attributes:
        clients: How many there are.
        jitter_s: Each waits up to so long before each try, evenly; seconds.
        back: How many have received the event that happened while Pushpin was away.
        opened_s: How long it took to connect them at first, `IN_FLIGHT` at a time, seconds.
        restart_s: How long Pushpin took to end and to be ready again, seconds.
        back_s: From the beginning of the restart until the last of `back` had its event, seconds.
        tries: Tries of all clients to come back.
        refused: Of them, how many failed: most of them before Pushpin was there again.
        last_failure: Why the last one did that a client remembers; empty if none has.
    """

    clients: int
    jitter_s: float
    back: int
    opened_s: float
    restart_s: float
    back_s: float
    tries: int
    refused: int
    last_failure: str

    def __str__(self) -> str:
        return (
            f"{self.back:,} of {self.clients:,} clients back {self.back_s:.1f} s after Pushpin began to restart "
            f"(which took {self.restart_s:.1f} s; connecting them at first, {self.opened_s:.1f} s), "
            f"with {self.tries:,} tries, {self.refused:,} of them in vain, and a jitter of {self.jitter_s:g} s"
        )


def comeback(clients: int = 1000, *, jitter_s: float | None = None, seed: int = 7) -> Comeback:
    """Connect clients of the kit's own kind, restart Pushpin, and count who comes back.

    Args:
        clients: How many streams, 1 to 5,000.
        jitter_s: Each waits up to so long before each try, seconds, above 0; None is clients / `COMEBACKS_PER_S`:
            J = N/μ keeps the tries under what the server can take.
        seed: Of their jitter.

    Raises:
        UsageError: if `clients` is outside that, or more than the file limit allows; the text names the most.
        MissingDependency: if there is no Pushpin.
    """
    check_number("clients", clients, whole=True)
    if not 1 <= clients <= MOST_CLIENTS:
        message = f"clients is {clients}: allowed is 1 to {MOST_CLIENTS:,}"
        raise UsageError(message)
    if clients > (most := raise_file_limit() - RESERVED_DESCRIPTORS):
        message = (
            f"clients is {clients}: this machine's file limit allows {most:,} (raise it with `ulimit -n`)"
        )
        raise UsageError(message)
    if jitter_s is None:
        jitter_s = clients / COMEBACKS_PER_S
    check_number("jitter_s", jitter_s)
    if not jitter_s > 0:
        message = f"jitter_s is {jitter_s!r}: it has to be above 0"
        raise UsageError(message)
    return background.run(_comeback(clients, jitter_s, seed))


async def _comeback(count: int, jitter_s: float, seed: int) -> Comeback:
    log = EventLog()
    async with (
        OriginServer(streaming_app(log)) as origin,
        Pushpin(routes_to(origin.port), start_timeout_s=PATIENCE_S) as pushpin,
        pushpin.publisher() as publisher,
        _Crowd(count, jitter_s, seed, str(pushpin.url / "events")) as crowd,
    ):
        announcer = Announcer(log, publisher)
        try:
            begun_s = time.monotonic()
            await crowd.connect()
            async with asyncio.timeout(PATIENCE_S):  # until then a stream may miss what is pushed
                await pushpin.auntil(lambda seen: seen.subscribers("events") >= count)
            opened_s = time.monotonic() - begun_s
            await crowd.until_all_have(log.append("before"))
            before = crowd.tries
            begun_s = time.monotonic()
            restarting = asyncio.create_task(pushpin.arestart())
            meanwhile = log.append("while it is away")
            await restarting
            restart_s = time.monotonic() - begun_s
            back = await crowd.until_all_have(meanwhile)
            back_s = time.monotonic() - begun_s
        finally:
            announcer.close()
            await publisher.flush()
            publisher.failures.clear()  # what could not be published while it was away is in the log
    tries = crowd.tries - before
    return Comeback(
        count, jitter_s, back, opened_s, restart_s, back_s, tries, tries - back, crowd.last_failure
    )


class _Crowd:
    """Clients that read in the background, and the latest id that each has."""

    def __init__(self, count: int, jitter_s: float, seed: int, url: str) -> None:
        self._clients = []
        for number in range(count):
            rng = random.Random(f"{seed} {number}")
            backoff = Backoff(rng, first_s=jitter_s, factor=1.0, max_s=jitter_s)
            client = StreamingClient(
                url, rng=rng, backoff=backoff, max_failures=1000, answer_timeout_s=ANSWER_TIMEOUT_S
            )
            self._clients.append(client)
        self._latest = [0] * count
        self._tasks: list[asyncio.Task[None]] = []
        self._news = asyncio.Event()

    @property
    def tries(self) -> int:
        """Requests of all clients so far."""
        return sum(client.requests for client in self._clients)

    @property
    def last_failure(self) -> str:
        """Why a client failed last; empty if none has."""
        return next((client.last_failure for client in self._clients if client.last_failure), "")

    async def __aenter__(self) -> _Crowd:
        return self

    async def __aexit__(self, *_: object) -> None:
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)

    async def connect(self) -> None:
        """Let them all connect, a few at a time."""
        turns = asyncio.Semaphore(IN_FLIGHT)

        async def connect(number: int, client: StreamingClient) -> None:
            async with turns:
                self._tasks.append(asyncio.create_task(self._read(number, client)))
                await client.connected.wait()

        async with asyncio.timeout(PATIENCE_S):
            await asyncio.gather(*(connect(*each) for each in enumerate(self._clients)))

    async def _read(self, number: int, client: StreamingClient) -> None:
        async with client:
            async for receipt in client:
                self._latest[number] = int(receipt.event.id)
                self._news.set()

    async def until_all_have(self, event_id: int) -> int:
        """Wait until everybody has an event; returns how many have, if that takes too long."""
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(PATIENCE_S):
                while min(self._latest) < event_id:
                    self._news.clear()
                    await self._news.wait()
        return sum(latest >= event_id for latest in self._latest)
