"""The clients of a swarm that live in one process. It runs as a worker."""

from __future__ import annotations

import asyncio
import contextlib
import gc
import random
import time
from collections.abc import Sequence
from typing import Any

import psutil
from yarl import URL

from realtime_kit import worker
from realtime_kit.clients.event_stream import Event
from realtime_kit.clients.receipt import ReceiptBook
from realtime_kit.clients.swarm.stream import PieceReader, Refused, StreamMember, whole_number
from realtime_kit.errors import ClientError
from realtime_kit.pushpin.limits import raise_file_limit

ANSWER_TIMEOUT_S = 15.0
TRIES = 8
_BACKOFF_S = 0.05
_LONGEST_BACKOFF_S = 2.0
_REASONS = 5


class CrewWorker:
    """Some clients and their receipts; its methods are what the swarm may ask for."""

    MEMBER = StreamMember

    def __init__(self) -> None:
        self.book = ReceiptBook()
        self.members: list[StreamMember | None] = []
        self.latest: list[int] = []
        self.retries = self.losses = 0
        self.reasons: list[str] = []
        self._reader = PieceReader()
        self._urls: list[URL] = []
        self._sources: list[str] = []
        self._awaited = 0
        self._missing = 0
        self._all_here = asyncio.Event()
        self._rng = random.Random(1)
        self._bare_bytes = 0

    async def open(
        self, *, urls: Sequence[str], sources: Sequence[str], count: int, in_flight: int
    ) -> dict[str, Any]:
        """Connect clients, a few at a time, spread evenly over addresses; who could not be connected and why.

        Args:
            urls: Addresses of streams.
            sources: Addresses of this machine to connect from; empty: the system chooses.
            count: How many clients.
            in_flight: How many may be opening at a time.
        """
        raise_file_limit()
        gc.collect()
        self._bare_bytes = psutil.Process().memory_info().rss
        self._urls = [URL(url) for url in urls]
        self._sources = list(sources)
        self.members = [None] * count
        self.latest = [0] * count
        await self._open_all(range(count), in_flight)
        return self._state()

    async def reopen(self, *, numbers: Sequence[int], in_flight: int) -> dict[str, Any]:
        """Connect these clients anew, whatever has become of them."""
        for number in numbers:
            member, self.members[number] = self.members[number], None
            if member is not None:
                member.close()
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
        url = self._urls[number % len(self._urls)]
        for attempt in range(TRIES):
            try:
                self.members[number] = await self._connect(number, url)
            except (OSError, Refused, TimeoutError) as error:
                if isinstance(error, Refused) and not error.again:
                    message = f"{url}: {error}"
                    raise ClientError(message) from None
                self._note(f"{url}: {error or type(error).__name__}")
                self.retries += 1
                pause_s = min(_LONGEST_BACKOFF_S, _BACKOFF_S * 2**attempt)
                await asyncio.sleep(pause_s * self._rng.uniform(0.5, 1.5))
            else:
                return

    async def _connect(self, number: int, url: URL) -> StreamMember:
        member = self.MEMBER(number, self, self._reader, self._request(url))
        source = None
        if self._sources:
            source = (self._sources[number // len(self._urls) % len(self._sources)], 0)
        secure = url.scheme == "https"
        host, port = url.host or "", url.port or 80
        answered = member.answered
        assert answered is not None  # noqa: S101 - for the type checker
        try:
            async with asyncio.timeout(ANSWER_TIMEOUT_S):
                await asyncio.get_running_loop().create_connection(
                    lambda: member, host, port, local_addr=source, ssl=secure or None
                )
                await answered
        except BaseException:
            answered.cancel()
            member.close()
            raise
        member.answered = None  # a future less for each client
        return member

    def _request(self, url: URL) -> bytes:
        lines = (
            f"GET {url.raw_path_qs} HTTP/1.1",
            f"Host: {url.host}:{url.port}",
            "Accept: text/event-stream",
            "\r\n",
        )
        return "\r\n".join(lines).encode()

    # What members report

    def number_of(self, event: Event) -> int:
        """Its id."""
        return whole_number(event.id)

    def receive(self, number: int, event_ids: tuple[int, ...], received_ns: int, opened_ns: int) -> None:
        """Write receipts down."""
        for event_id in event_ids:
            self.book.write(number, event_id, received_ns, opened_ns)
            latest = self.latest[number]
            if event_id > latest:
                self.latest[number] = event_id
                if latest < self._awaited <= event_id:
                    self._missing -= 1
                    if not self._missing:
                        self._all_here.set()

    def lose(self, number: int, member: StreamMember, reason: str) -> None:
        """Remember that a connection has ended; whoever opens it again is the swarm."""
        if number < len(self.members) and self.members[number] is member:
            self.members[number] = None
            self.losses += 1
            self._note(reason)

    def _note(self, reason: str) -> None:
        if reason not in self.reasons and len(self.reasons) < _REASONS:
            self.reasons.append(reason)

    # Pushes

    async def expect(self, *, event_id: int) -> None:
        """An event is about to be pushed: no garbage collection until `reached`."""
        self._all_here.clear()
        self._awaited = event_id
        self._missing = sum(latest < event_id for latest in self.latest)
        if not self._missing:
            self._all_here.set()
        gc.collect()
        gc.freeze()
        gc.disable()

    async def reached(self, *, timeout_s: float) -> list[int]:
        """Wait until everybody has the expected event; returns who has not by the timeout."""
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(timeout_s):
                await self._all_here.wait()
        gc.enable()
        return [number for number, latest in enumerate(self.latest) if latest < self._awaited]

    async def unconnected(self) -> list[int]:
        """Who has no connection."""
        return [number for number, member in enumerate(self.members) if member is None]

    async def collect(self) -> dict[str, Any]:
        """The receipts since the last call, and what has happened so far."""
        book, self.book = self.book, ReceiptBook()
        return {"receipts": book.receipts().to_json(), **self._state()}

    async def close(self) -> None:
        """Hang up."""
        members, self.members = self.members, []
        for member in members:
            if member is not None:
                member.close()

    def _state(self) -> dict[str, Any]:
        used_bytes = psutil.Process().memory_info().rss - self._bare_bytes
        return {
            "connected": sum(member is not None for member in self.members),
            "retries": self.retries,
            "losses": self.losses,
            "reasons": self.reasons,
            "bytes_per_client": used_bytes / max(1, len(self.members)),
            "at_ns": time.monotonic_ns(),
        }


NAMES = ("open", "reopen", "expect", "reached", "unconnected", "collect", "close")


def serve(crew: CrewWorker, names: Sequence[str]) -> None:
    """Run a crew as a worker that may be asked for these, on uvloop where there is one."""
    try:
        from uvloop import new_event_loop
    except ImportError:
        factory = None
    else:
        factory = new_event_loop
    worker.serve({name: getattr(crew, name) for name in names}, loop_factory=factory)


def main() -> None:
    """Run the worker."""
    serve(CrewWorker(), NAMES)


if __name__ == "__main__":
    main()
