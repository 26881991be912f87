"""The swarm from outside: its processes, who is armed, what came."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass
from typing import Any, Self

import numpy as np

from realtime_kit.clients.receipt import Receipts
from realtime_kit.clients.swarm.plan import SwarmPlan
from realtime_kit.errors import ClientError
from realtime_kit.worker import Worker

IN_FLIGHT = 64
"""Connections being opened at a time: above about a hundred Pushpin 1.36 answers some of them with 502."""

ROLL_CALLS = 8
"""How often the silent are opened again before it is said who does not answer."""


@dataclass(frozen=True, slots=True)
class SwarmState:
    """What has happened so far.

    Attributes:
        connected: Clients with a connection.
        retries: Tries to connect that failed.
        losses: Connections that ended by themselves.
        reasons: Some of the reasons of both.
        bytes_per_client: Memory of the swarm's processes for each client.
    """

    connected: int
    retries: int
    losses: int
    reasons: tuple[str, ...]
    bytes_per_client: float


class Swarm:
    """Many streaming clients over several processes. Use it with `async with`; afterwards nothing of it is left.

    Clients are numbered from 0; a client's process and address follow from its number.

    Args:
        plan: How many, and where they live.
        urls: Addresses of event streams; clients are spread evenly over them.

    Attributes:
        workers: Its processes.
    """

    CREW = "realtime_kit.clients.swarm.crew"

    def __init__(self, plan: SwarmPlan, urls: Sequence[str]) -> None:
        self.plan = plan
        self._urls = list(urls)
        self._stack = contextlib.AsyncExitStack()
        self.workers = [
            Worker(self.CREW, name=f"process {index + 1} of the swarm") for index in range(len(plan.counts))
        ]
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

    async def open(self) -> SwarmState:
        """Connect everybody.

        Raises:
            WorkerError: if an address does not lead to an event stream; the text has the answer.
        """
        in_flight = max(1, IN_FLIGHT // len(self.workers))
        answers = await asyncio.gather(
            *(
                worker.ask(
                    "open", urls=self._urls, sources=self.plan.sources, count=count, in_flight=in_flight
                )
                for worker, count in zip(self.workers, self.plan.counts, strict=True)
            )
        )
        return _state(answers)

    async def arm(self, push: Callable[[], Awaitable[int]], *, next_id: int, timeout_s: float = 10.0) -> int:
        """Call the roll until every client has received a push on the connection that it has now.

        A hold that Pushpin has dropped looks like any other until something is pushed. So something is, and who was
        silent is connected anew, and called again.

        Args:
            push: Lets one event happen; returns its id, one more than that before it.
            next_id: The id of the next event.
            timeout_s: How long to wait for the last answer to a call, seconds.

        Returns:
            How many connections had to be opened anew.

        Raises:
            ClientError: naming the clients that were silent to the end.
        """
        reopened = 0
        silent: list[int] = []
        for call in range(ROLL_CALLS):
            await self.expect(next_id + call)
            await push()
            silent = await self.reached(timeout_s=timeout_s)
            if not silent:
                return reopened
            reopened += len(silent)
            await self.reopen(silent)
        some = ", ".join(str(number) for number in silent[:10])
        more = f" and {len(silent) - 10:,} more" if len(silent) > 10 else ""
        who = f"{len(silent):,} of {self.plan.clients:,} clients"
        message = f"{who} received nothing in {ROLL_CALLS} roll calls: {some}{more}"
        raise ClientError(message)

    async def reopen(self, numbers: Sequence[int]) -> SwarmState:
        """Connect these clients anew."""
        in_flight = max(1, IN_FLIGHT // len(self.workers))
        asked = []
        for worker, first, count in zip(self.workers, self._first, self.plan.counts, strict=True):
            mine = [number - first for number in numbers if first <= number < first + count]
            asked.append(worker.ask("reopen", numbers=mine, in_flight=in_flight))
        return _state(await asyncio.gather(*asked))

    async def unconnected(self) -> list[int]:
        """Who has no connection at the moment."""
        return self._numbers(await self._ask_all("unconnected"))

    async def expect(self, event_id: int) -> None:
        """Make everybody ready for an event; call it before it is pushed."""
        await self._ask_all("expect", event_id=event_id)

    async def reached(self, *, timeout_s: float) -> list[int]:
        """Wait until everybody has the expected event; returns who has not by the timeout."""
        return self._numbers(await self._ask_all("reached", timeout_s=timeout_s))

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
        return receipts, _state(answers)

    async def _ask_all(self, do: str, **arguments: Any) -> list[Any]:
        return await asyncio.gather(*(worker.ask(do, **arguments) for worker in self.workers))

    def _numbers(self, answers: Sequence[Sequence[int]]) -> list[int]:
        return [
            first + number for first, numbers in zip(self._first, answers, strict=True) for number in numbers
        ]


def _state(answers: Sequence[dict[str, Any]]) -> SwarmState:
    weights = len(answers)
    return SwarmState(
        connected=sum(answer["connected"] for answer in answers),
        retries=sum(answer["retries"] for answer in answers),
        losses=sum(answer["losses"] for answer in answers),
        reasons=tuple(dict.fromkeys(reason for answer in answers for reason in answer["reasons"])),
        bytes_per_client=sum(answer["bytes_per_client"] for answer in answers) / weights,
    )
