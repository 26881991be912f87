"""Opening the clients that live in one process: a few at a time, and again where that failed."""

from __future__ import annotations

import asyncio
import gc
import random
import time
from abc import ABC, abstractmethod
from collections.abc import Iterator, Sequence
from typing import Any

import psutil
from yarl import URL

from realtime_kit.clients.swarm.connect import Connector
from realtime_kit.clients.swarm.head import Refused
from realtime_kit.errors import ClientError
from realtime_kit.pushpin.limits import raise_file_limit

ANSWER_TIMEOUT_S = 15.0
TRIES = 8
_BACKOFF_S = 0.05
_LONGEST_BACKOFF_S = 2.0
_REASONS = 5


class Opener(ABC):
    """What crews have in common, whatever their clients write down.

    Attributes:
        retries: Tries to connect that failed.
        losses: Connections that ended by themselves.
        failed_because: Some reasons of tries that failed, the latest last, and when it was so on `CLOCK_MONOTONIC`, in
            nanoseconds.
        lost_because: Likewise of connections that ended.
    """

    def __init__(self) -> None:
        self.retries = self.losses = 0
        self.failed_because: dict[str, int] = {}
        self.lost_because: dict[str, int] = {}
        self._count = self._first = 0
        self._connectors: list[Connector] = []
        self._sources: list[str] = []
        self._rng = random.Random(1)
        self._bare_bytes = 0

    @abstractmethod
    async def _connect(self, number: int, connector: Connector) -> None:
        """Connect one client, once; raises OSError or Refused."""

    @abstractmethod
    def _is_connected(self, number: int) -> bool:
        """Whether a client has a connection."""

    def _prepare(self, urls: Sequence[str], sources: Sequence[str], count: int, first: int) -> None:
        """Before the first is opened: where to, where from, and what the process needs without them."""
        raise_file_limit()
        gc.collect()
        self._bare_bytes = psutil.Process().memory_info().rss
        self._count, self._first = count, first
        self._connectors = [Connector(URL(url)) for url in urls]
        self._sources = list(sources)

    async def _open_all(self, numbers: Sequence[int], in_flight: int) -> None:
        """Each address has its share of what may be opening at a time, however slow another is."""
        count = len(self._connectors)

        async def open_one_after_the_other(waiting: Iterator[int]) -> None:
            for number in waiting:
                await self._open_one(number)

        try:
            async with asyncio.TaskGroup() as group:
                for address in range(count):
                    mine = [number for number in numbers if self._address(number) == address]
                    waiting = iter(mine)
                    for _ in range(min(max(1, in_flight // count), len(mine))):
                        group.create_task(open_one_after_the_other(waiting))
        except ExceptionGroup as failed:
            raise failed.exceptions[0] from None  # one reason is what a person can act on

    async def _open_one(self, number: int) -> None:
        connector = self._connector(number)
        for attempt in range(TRIES):
            try:
                await self._connect(number, connector)
            except (OSError, Refused) as error:
                if isinstance(error, Refused) and not error.again:
                    message = f"{connector.name}: {error}"
                    raise ClientError(message) from None
                self._note_failure(f"{connector.name}: {str(error) or _unsaid(error)}")
                self.retries += 1
                await asyncio.sleep(self._pause_s(attempt))
            else:
                return

    def _connector(self, number: int) -> Connector:
        return self._connectors[self._address(number)]

    def _address(self, number: int) -> int:
        """By its number in the whole swarm: spread within each process, the first addresses would get more."""
        return (self._first + number) % len(self._connectors)

    def _source(self, number: int) -> str:
        """The address to connect a client from: with several targets, each source goes to all of them."""
        if not self._sources:
            return ""
        return self._sources[(self._first + number) // len(self._connectors) % len(self._sources)]

    def _pause_s(self, attempt: int) -> float:
        pause_s: float = min(_LONGEST_BACKOFF_S, _BACKOFF_S * 2**attempt)
        return pause_s * self._rng.uniform(0.5, 1.5)

    def _note_failure(self, reason: str) -> None:
        _keep(self.failed_because, reason)

    def _note_end(self, reason: str) -> None:
        _keep(self.lost_because, reason)

    def _state(self) -> dict[str, Any]:
        used_bytes = psutil.Process().memory_info().rss - self._bare_bytes
        return {
            "connected": sum(map(self._is_connected, range(self._count))),
            "retries": self.retries,
            "losses": self.losses,
            "failed_because": self.failed_because,
            "lost_because": self.lost_because,
            "bytes_per_client": used_bytes / max(1, self._count),
            "at_ns": time.monotonic_ns(),
        }


def _unsaid(error: Exception) -> str:
    """What an error means that has no text."""
    late = f"no answer within {ANSWER_TIMEOUT_S:g} s"
    return late if isinstance(error, TimeoutError) else type(error).__name__


def _keep(reasons: dict[str, int], reason: str) -> None:
    """The latest different ones."""
    reasons.pop(reason, None)
    reasons[reason] = time.monotonic_ns()
    if len(reasons) > _REASONS:
        del reasons[next(iter(reasons))]
