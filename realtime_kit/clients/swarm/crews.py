"""The processes of a swarm: started together, asked together, stopped together."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, ClassVar, Self

import numpy as np

from realtime_kit.clients.receipt import Receipts
from realtime_kit.clients.swarm.plan import SwarmPlan
from realtime_kit.worker import Worker

IN_FLIGHT = 64
"""Connections being opened to one address at a time: above about a hundred Pushpin 1.36 answers some with 502. Fewer
keep it less busy than it could be: several at a time cost its processes one waking."""


@dataclass(frozen=True, slots=True)
class SwarmState:
    """What has happened so far.

    Attributes:
        connected: Clients with a connection.
        retries: Tries to connect that failed.
        losses: Connections that ended by themselves.
        failed_because: Some reasons of tries that failed, the latest last.
        lost_because: Likewise of connections that ended.
        bytes_per_client: Memory of the swarm's processes for each client.
    """

    connected: int
    retries: int
    losses: int
    failed_because: tuple[str, ...]
    lost_because: tuple[str, ...]
    bytes_per_client: float

    @classmethod
    def of(cls, answers: Sequence[dict[str, Any]]) -> SwarmState:
        """That of all processes together."""
        return cls(
            connected=sum(answer["connected"] for answer in answers),
            retries=sum(answer["retries"] for answer in answers),
            losses=sum(answer["losses"] for answer in answers),
            failed_because=_different(answers, "failed_because"),
            lost_because=_different(answers, "lost_because"),
            bytes_per_client=sum(answer["bytes_per_client"] for answer in answers) / len(answers),
        )

    @property
    def reasons(self) -> tuple[str, ...]:
        """Those of both."""
        return tuple(dict.fromkeys(self.failed_because + self.lost_because))


def _different(answers: Sequence[dict[str, Any]], kind: str) -> tuple[str, ...]:
    latest_ns: dict[str, int] = {}
    for answer in answers:
        for reason, at_ns in answer[kind].items():
            latest_ns[reason] = max(at_ns, latest_ns.get(reason, 0))
    return tuple(sorted(latest_ns, key=lambda reason: latest_ns[reason]))


class Crews:
    """Clients over several processes. Use it with `async with`; then nothing of it is left.

    Clients are numbered from 0; a client's process and address follow from its number.

    Args:
        plan: How many, and where they live.
        urls: Addresses of events; clients are spread evenly over them.

    Attributes:
        workers: Its processes.
    """

    CREW: ClassVar[str]

    def __init__(self, plan: SwarmPlan, urls: Sequence[str]) -> None:
        self.plan = plan
        self._urls = list(urls)
        self._stack = contextlib.AsyncExitStack()
        self.workers = [
            Worker(self.CREW, name=f"process {index + 1} of the swarm") for index in range(len(plan.counts))
        ]
        self._in_flight_each = max(1, IN_FLIGHT * len(self._urls) // len(self.workers))
        self._first = np.concatenate([[0], np.cumsum(plan.counts)])[:-1].astype(int).tolist()

    async def __aenter__(self) -> Self:
        async with contextlib.AsyncExitStack() as stack:
            async with asyncio.TaskGroup() as starting:
                for worker in self.workers:
                    starting.create_task(stack.enter_async_context(worker))
            self._stack = stack.pop_all()
        return self

    async def __aexit__(self, *_: object) -> None:
        await self._stack.aclose()

    async def collect(self) -> tuple[Receipts, SwarmState]:
        """The receipts since the last call."""
        answers = await self._ask_all("collect")
        parts = [Receipts.from_json(answer["receipts"]) for answer in answers]
        clients = [part.client + np.int32(first) for part, first in zip(parts, self._first, strict=True)]
        receipts = Receipts(
            np.concatenate(clients).astype(np.int32),
            *(
                np.concatenate([getattr(part, name) for part in parts])
                for name in ("event_id", "received_ns", "opened_ns")
            ),
        )
        return receipts, SwarmState.of(answers)

    async def _open(self, do: str, **arguments: Any) -> SwarmState:
        """Let each process connect its share of the clients."""
        shared = {"sources": self.plan.sources, "in_flight": self._in_flight_each, **arguments}
        asked = (
            worker.ask(do, count=count, first=first, **shared)
            for worker, count, first in zip(self.workers, self.plan.counts, self._first, strict=True)
        )
        return SwarmState.of(await asyncio.gather(*asked))

    async def _reopen(self, do: str, numbers: Sequence[int], **arguments: Any) -> SwarmState:
        """Let each process connect those of these clients anew that are its own."""
        asked = []
        for worker, first, count in zip(self.workers, self._first, self.plan.counts, strict=True):
            mine = [number - first for number in numbers if first <= number < first + count]
            asked.append(worker.ask(do, numbers=mine, in_flight=self._in_flight_each, **arguments))
        return SwarmState.of(await asyncio.gather(*asked))

    async def _ask_all(self, do: str, **arguments: Any) -> list[Any]:
        return await asyncio.gather(*(worker.ask(do, **arguments) for worker in self.workers))
