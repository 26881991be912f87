"""The clients of a swarm that live in one process. It runs as a worker."""

from __future__ import annotations

import asyncio
import contextlib
import gc
import time
from collections import deque
from collections.abc import Sequence
from typing import Any

from realtime_kit import worker
from realtime_kit.clients.swarm.connect import Connector
from realtime_kit.clients.swarm.head import Refused
from realtime_kit.clients.swarm.opener import ANSWER_TIMEOUT_S, Opener
from realtime_kit.clients.swarm.reading import SWARM_TRANSPORTS, Transport
from realtime_kit.clients.swarm.reception import Reception
from realtime_kit.errors import ClientError, RealtimeKitError

_SILENT = -1


class CrewWorker(Opener):
    """Some clients and their receipts; its methods are what the swarm may ask for."""

    def __init__(self) -> None:
        super().__init__()
        self.reception: Reception
        self.requests = self.refusals = 0
        self._transport: Transport = SWARM_TRANSPORTS["streaming"]
        # Long-polling: who has to ask, what everybody holds a request with, and where everybody is.
        self._due: deque[int] = deque()
        self._asked: list[int] = []
        self._cursors: list[int | None] = []
        self._tries: dict[int, int] = {}
        self._returning: set[asyncio.Task[None]] = set()
        self._refusal: RealtimeKitError | None = None

    async def open(
        self,
        *,
        urls: Sequence[str],
        sources: Sequence[str],
        count: int,
        in_flight: int,
        first: int = 0,
        transport: str = "streaming",
        cursor: int | None = None,
        in_turn: int | None = None,
    ) -> dict[str, Any]:
        """Connect clients, a few at a time, spread evenly over addresses; who could not be connected and why.

        Those of a long-poll are connected, and ask when they are told to with `ask`.

        Args:
            urls: Addresses of events.
            sources: Addresses of this machine to connect from; empty: the system chooses.
            count: How many clients.
            in_flight: How many may be opening at a time.
            first: The number of the first of them in the swarm.
            transport: A key of `SWARM_TRANSPORTS`.
            cursor: After which event a long-poll begins; None: with those to come.
            in_turn: As for `Reception`.
        """
        self._prepare(urls, sources, count, first)
        self._transport = SWARM_TRANSPORTS[transport]
        self._asked, self._cursors = [_SILENT] * count, [cursor] * count
        self.reception = Reception(
            self._transport, count, in_turn=in_turn, on_answer=self._note_answer, on_loss=self._note_loss
        )
        await self._open_all(range(count), in_flight)
        return self._state()

    async def reopen(self, *, numbers: Sequence[int], in_flight: int) -> dict[str, Any]:
        """Connect these clients anew, whatever has become of them."""
        for number in numbers:
            self.reception.hang_up(number)
        await self._open_all(numbers, in_flight)
        return self._state()

    async def _connect(self, number: int, connector: Connector) -> None:
        try:
            async with asyncio.timeout(ANSWER_TIMEOUT_S):
                opened_ns = 0 if self._transport.repeated else time.monotonic_ns()
                agreed = self.reception.take(number, await connector.connect(self._source(number)), opened_ns)
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
        if not self._transport.repeated:
            self._note_end(str(error))
            self.losses += 1
            return
        self._note_failure(str(error))
        if self._asked[number] != _SILENT:
            self.refusals += 1
            self._asked[number] = _SILENT
        if isinstance(error, RealtimeKitError) and not (isinstance(error, Refused) and error.again):
            self._refusal = ClientError(f"{self._connector(number).name}: {error}")
            return
        self.retries += 1
        task = asyncio.get_running_loop().create_task(self._return(number))
        self._returning.add(task)
        task.add_done_callback(self._returning.discard)

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
        silent = self.reception.latest < self.reception.awaited
        return [int(number) for number in silent.nonzero()[0]]

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


def main() -> None:
    """Run the worker, on uvloop where there is one."""
    crew = CrewWorker()
    names = ("open", "reopen", "ask", "expect", "reached", "unconnected", "collect", "close")
    worker.serve({name: getattr(crew, name) for name in names}, loop_factory=worker.fastest_loop())


if __name__ == "__main__":
    main()
