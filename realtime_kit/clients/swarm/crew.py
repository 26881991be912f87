"""The clients of a swarm that live in one process. It runs as a worker."""

from __future__ import annotations

import asyncio
import contextlib
import gc
import random
import time
from collections import deque
from collections.abc import Sequence
from typing import Any

import psutil
from yarl import URL

from realtime_kit import worker
from realtime_kit.clients.swarm.connect import Connector
from realtime_kit.clients.swarm.head import Refused
from realtime_kit.clients.swarm.reading import TRANSPORTS, Transport
from realtime_kit.clients.swarm.reception import Reception
from realtime_kit.errors import ClientError, RealtimeKitError
from realtime_kit.pushpin.limits import raise_file_limit

ANSWER_TIMEOUT_S = 15.0
TRIES = 8
_BACKOFF_S = 0.05
_LONGEST_BACKOFF_S = 2.0
_REASONS = 5
_SILENT = -1


class CrewWorker:
    """Some clients and their receipts; its methods are what the swarm may ask for."""

    def __init__(self) -> None:
        self.reception: Reception
        self.retries = self.losses = self.requests = self.refusals = 0
        self.reasons: list[str] = []
        self._count = 0
        self._transport: Transport = TRANSPORTS["streaming"]
        self._connectors: list[Connector] = []
        self._sources: list[str] = []
        # Long-polling: who has to ask, what everybody holds a request with, and where everybody is.
        self._due: deque[int] = deque()
        self._asked: list[int] = []
        self._cursors: list[int | None] = []
        self._tries: dict[int, int] = {}
        self._returning: set[asyncio.Task[None]] = set()
        self._refusal: RealtimeKitError | None = None
        self._rng = random.Random(1)
        self._bare_bytes = 0

    async def open(
        self,
        *,
        urls: Sequence[str],
        sources: Sequence[str],
        count: int,
        in_flight: int,
        transport: str = "streaming",
        cursor: int | None = None,
    ) -> dict[str, Any]:
        """Connect clients, a few at a time, spread evenly over addresses; who could not be connected and why.

        Those of a long-poll are connected, and ask when they are told to with `ask`.

        Args:
            urls: Addresses of events.
            sources: Addresses of this machine to connect from; empty: the system chooses.
            count: How many clients.
            in_flight: How many may be opening at a time.
            transport: A key of `TRANSPORTS`.
            cursor: After which event a long-poll begins; None: with those to come.
        """
        raise_file_limit()
        gc.collect()
        self._bare_bytes = psutil.Process().memory_info().rss
        self._count, self._transport = count, TRANSPORTS[transport]
        self._connectors = [Connector(URL(url)) for url in urls]
        self._sources = list(sources)
        self._asked, self._cursors = [_SILENT] * count, [cursor] * count
        self.reception = Reception(
            self._transport, count, on_answer=self._note_answer, on_loss=self._note_loss
        )
        await self._open_all(range(count), in_flight)
        return self._state()

    async def reopen(self, *, numbers: Sequence[int], in_flight: int) -> dict[str, Any]:
        """Connect these clients anew, whatever has become of them."""
        for number in numbers:
            self.reception.hang_up(number)
        await self._open_all(numbers, in_flight)
        return self._state()

    async def _open_all(self, numbers: Sequence[int], in_flight: int) -> None:
        waiting = iter(numbers)

        async def open_one_after_the_other() -> None:
            for number in waiting:
                await self._open_one(number)

        try:
            async with asyncio.TaskGroup() as group:
                for _ in range(min(in_flight, len(numbers))):
                    group.create_task(open_one_after_the_other())
        except ExceptionGroup as failed:
            raise failed.exceptions[0] from None  # one reason is what a person can act on

    async def _open_one(self, number: int) -> None:
        connector = self._connector(number)
        for attempt in range(TRIES):
            try:
                await self._connect(number, connector)
            except (OSError, Refused, TimeoutError) as error:
                if isinstance(error, Refused) and not error.again:
                    message = f"{connector.url}: {error}"
                    raise ClientError(message) from None
                self._note(f"{connector.url}: {error or type(error).__name__}")
                self.retries += 1
                await asyncio.sleep(self._pause_s(attempt))
            else:
                return

    def _connector(self, number: int) -> Connector:
        return self._connectors[number % len(self._connectors)]

    def _pause_s(self, attempt: int) -> float:
        pause_s: float = min(_LONGEST_BACKOFF_S, _BACKOFF_S * 2**attempt)
        return pause_s * self._rng.uniform(0.5, 1.5)

    async def _connect(self, number: int, connector: Connector) -> None:
        source = ""
        if self._sources:
            source = self._sources[number // len(self._connectors) % len(self._sources)]
        try:
            async with asyncio.timeout(ANSWER_TIMEOUT_S):
                opened_ns = 0 if self._transport.repeated else time.monotonic_ns()
                agreed = self.reception.take(number, await connector.connect(source), opened_ns)
                if self._transport.repeated:
                    self._asked[number] = _SILENT
                    self._due.append(number)
                else:
                    self.reception.send(number, self._transport.request(connector.url))
                    await agreed
        except BaseException:
            self.reception.hang_up(number)
            raise
        finally:
            self.reception.settle(number)

    # Long-polling

    async def ask(self, *, count: int, after: int) -> dict[str, int]:
        """Let clients ask whose turn it is; those of a long-poll have to, after each answer.

        Args:
            count: How many at most.
            after: An event.

        Returns:
            `due`: who still has to ask; `requests`, `refusals`: so far; `armed`: clients that have asked for what
            comes after that event, or a later one, and have not been answered; not counted before nobody is due.
        """
        if self._refusal is not None:
            raise self._refusal
        for _ in range(min(count, len(self._due))):
            number = self._due.popleft()
            if self.reception.is_connected(number) and self._asked[number] == _SILENT:
                cursor = self._cursors[number]
                self._asked[number] = cursor or 0
                self.requests += 1
                request = self._transport.request(self._connector(number).url, cursor)
                self.reception.send(number, request)
        due = len(self._due) + len(self._returning)
        armed = 0 if due else sum(asked >= after for asked in self._asked)
        return {"due": due, "requests": self.requests, "refusals": self.refusals, "armed": armed}

    def _note_answer(self, number: int, cursor: int) -> None:
        self._cursors[number] = cursor
        self._asked[number] = _SILENT
        self._tries.pop(number, None)
        self._due.append(number)

    async def _return(self, number: int) -> None:
        attempt = self._tries[number] = self._tries.get(number, -1) + 1
        await asyncio.sleep(self._pause_s(attempt))
        try:
            await self._open_one(number)
        except RealtimeKitError as error:
            self._refusal = error

    # Losses

    def _note_loss(self, number: int, error: Exception) -> None:
        """A connection has ended. That of a long-poll comes back by itself; of others the swarm decides."""
        self._note(str(error))
        if not self._transport.repeated:
            self.losses += 1
            return
        if self._asked[number] != _SILENT:
            self.refusals += 1
            self._asked[number] = _SILENT
        if isinstance(error, RealtimeKitError) and not (isinstance(error, Refused) and error.again):
            self._refusal = ClientError(f"{self._connector(number).url}: {error}")
            return
        self.retries += 1
        task = asyncio.get_running_loop().create_task(self._return(number))
        self._returning.add(task)
        task.add_done_callback(self._returning.discard)

    def _note(self, reason: str) -> None:
        if reason not in self.reasons and len(self.reasons) < _REASONS:
            self.reasons.append(reason)

    # Pushes

    async def expect(self, *, event_id: int) -> None:
        """An event is about to be pushed: no garbage collection until `reached`."""
        self.reception.expect(event_id)
        gc.collect()
        gc.freeze()
        gc.disable()

    async def reached(self, *, timeout_s: float) -> list[int]:
        """Wait until everybody has the expected event; returns who has not by the timeout."""
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(timeout_s):
                await self.reception.arrived.wait()
        gc.enable()
        awaited = self.reception.awaited
        return [number for number, latest in enumerate(self.reception.latest) if latest < awaited]

    async def unconnected(self) -> list[int]:
        """Who has no connection."""
        return [number for number in range(self._count) if not self._is_connected(number)]

    async def collect(self) -> dict[str, Any]:
        """The receipts since the last call, and what has happened so far."""
        return {"receipts": self.reception.receipts().to_json(), **self._state()}

    async def close(self) -> None:
        """Hang up."""
        for task in self._returning:
            task.cancel()
        await asyncio.gather(*self._returning, return_exceptions=True)
        self.reception.close()

    def _is_connected(self, number: int) -> bool:
        return self.reception.is_connected(number)

    def _state(self) -> dict[str, Any]:
        used_bytes = psutil.Process().memory_info().rss - self._bare_bytes
        return {
            "connected": sum(map(self._is_connected, range(self._count))),
            "retries": self.retries,
            "losses": self.losses,
            "reasons": self.reasons,
            "bytes_per_client": used_bytes / max(1, self._count),
            "at_ns": time.monotonic_ns(),
        }


def main() -> None:
    """Run the worker, on uvloop where there is one."""
    crew = CrewWorker()
    names = ("open", "reopen", "ask", "expect", "reached", "unconnected", "collect", "close")
    worker.serve({name: getattr(crew, name) for name in names}, loop_factory=worker.fastest_loop())


if __name__ == "__main__":
    main()
