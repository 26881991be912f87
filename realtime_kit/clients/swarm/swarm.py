"""The swarm from outside: who is armed, who is awaited, who asks."""

from __future__ import annotations

import asyncio
import time
from collections import deque
from collections.abc import Awaitable, Callable, Sequence

from realtime_kit.clients.swarm.crews import IN_FLIGHT, Crews, SwarmState
from realtime_kit.clients.swarm.plan import SwarmPlan
from realtime_kit.errors import ClientError
from realtime_kit.processors import usable

SUPPOSED_S = 0.1
"""When a request is supposed to have reached an origin that does not tell: Pushpin needs a hundredth of it."""

_ROUND_S = 0.01
_SLOWEST_PER_S = 100
_PATIENCE_S = 10.0

REPEATED = "long-polling"
"""The transport whose clients have to ask for each event."""

ROLL_CALLS = 8
"""How often the silent are opened again before it is said who does not answer."""


class Swarm(Crews):
    """Many clients of one transport over several processes. Use it with `async with`; then nothing of it is left.

    Clients are numbered from 0; a client's process and address follow from its number.

    Args:
        plan: How many, and where they live.
        urls: Addresses of events; clients are spread evenly over them.
        transport: `streaming`, `websocket` or `long-polling`.
        origin_requests: For long-polling: tells how many of the clients' requests have reached the origin so far.
            Nothing comes back to a client whose request is held, so only the origin knows how many more may ask. None
            supposes that a request is there after `SUPPOSED_S`.

    Attributes:
        asked_per_s: For long-polling: how many of the clients' first requests got through a second.
    """

    CREW = "realtime_kit.clients.swarm.crew"

    def __init__(
        self,
        plan: SwarmPlan,
        urls: Sequence[str],
        *,
        transport: str = "streaming",
        origin_requests: Callable[[], Awaitable[int]] | None = None,
    ) -> None:
        super().__init__(plan, urls)
        self._transport = transport
        self._origin_requests = origin_requests or self._suppose
        self._supposed: deque[tuple[float, int]] = deque()
        self._requests = 0
        self.asked_per_s = 0.0

    async def open(self, *, cursor: int | None = None) -> SwarmState:
        """Connect everybody.

        Args:
            cursor: After which event a long-poll begins; None: with those to come, and of these it may miss one if
                its first request has to be repeated.

        Raises:
            WorkerError: if an address does not lead to an event stream; the text has the answer.
        """
        # Pushpins of which each has a processor for its handler and one for its connections deliver side by side.
        in_turn = self.plan.clients // max(1, min(len(self._urls), usable() // 2))
        state = await self._open(
            "open", urls=self._urls, transport=self._transport, cursor=cursor, in_turn=in_turn
        )
        begun_s = time.monotonic()
        await self.ask(0)
        self.asked_per_s = self.plan.clients / (time.monotonic() - begun_s)
        return state

    async def ask(self, after: int, *, timeout_s: float | None = None) -> bool:
        """Long-polling: let everybody who has been answered ask again, as many at a time as get through.

        Args:
            after: Return when everybody asks for what comes after this event.
            timeout_s: Or after this, seconds; None is longer than it should take.

        Returns:
            Whether everybody's request has reached the origin. Other transports have nothing to ask.

        Raises:
            WorkerError: if an answer was none of a long-poll's.
        """
        if self._transport != REPEATED:
            return True
        until_s = time.monotonic() + (timeout_s or self.plan.clients / _SLOWEST_PER_S + _PATIENCE_S)
        answers = await self._ask_all("ask", count=0, after=after)
        offset = await self._origin_requests() - _through(answers)
        armed = False
        while time.monotonic() < until_s:
            arrived = await self._origin_requests() - offset
            self._requests = sum(answer["requests"] for answer in answers)
            on_their_way = _through(answers) - arrived
            armed_before = armed
            armed = on_their_way <= 0 and sum(answer["armed"] for answer in answers) == self.plan.clients
            if armed and armed_before:  # twice: a refusal may have been on its way back
                return True
            if on_their_way < 0:  # Pushpin asks by itself now and then
                offset -= on_their_way
                on_their_way = 0
            asking = []
            for worker, share in zip(self.workers, _shares(IN_FLIGHT - on_their_way, answers), strict=True):
                asking.append(worker.ask("ask", count=share, after=after))
            answers = await asyncio.gather(*asking)
            await asyncio.sleep(_ROUND_S)  # whoever is asked all the time has no time for the clients
        return False

    async def _suppose(self) -> int:
        now_s = time.monotonic()
        self._supposed.append((now_s, self._requests))
        while len(self._supposed) > 1 and self._supposed[1][0] < now_s - SUPPOSED_S:
            self._supposed.popleft()
        return self._supposed[0][1]

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
                await self.ask(next_id + call)
                return reopened
            reopened += len(silent)
            await self.reopen(silent)
        some = ", ".join(str(number) for number in silent[:10])
        more = f" and {len(silent) - 10:,} more" if len(silent) > 10 else ""
        who = f"{len(silent):,} of {self.plan.clients:,} clients"
        message = f"{who} received nothing in {ROLL_CALLS} roll calls: {some}{more}"
        raise ClientError(message)

    async def reopen(self, numbers: Sequence[int]) -> SwarmState:
        """Connect these clients anew; those of a long-poll ask at once."""
        state = await self._reopen("reopen", numbers)
        await self.ask(0)
        return state

    async def unconnected(self) -> list[int]:
        """Who has no connection at the moment."""
        return self._numbers(await self._ask_all("unconnected"))

    async def expect(self, event_id: int) -> None:
        """Make everybody ready for an event; call it before it is pushed."""
        await self._ask_all("expect", event_id=event_id)

    async def reached(self, *, timeout_s: float) -> list[int]:
        """Wait until everybody has the expected event; returns who has not by the timeout."""
        return self._numbers(await self._ask_all("reached", timeout_s=timeout_s))

    def _numbers(self, answers: Sequence[Sequence[int]]) -> list[int]:
        return [
            first + number for first, numbers in zip(self._first, answers, strict=True) for number in numbers
        ]


def _through(answers: Sequence[dict[str, int]]) -> int:
    """Requests that have been sent and not been refused."""
    return sum(answer["requests"] - answer["refusals"] for answer in answers)


def _shares(free: int, answers: Sequence[dict[str, int]]) -> list[int]:
    """How many clients of each process may ask, if so many may in all."""
    due = [answer["due"] for answer in answers]
    busy = max(1, sum(bool(each) for each in due))
    return [min(each, max(0, free) // busy) if each else 0 for each in due]
