"""A swarm that watches a service the kit knows nothing of."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field

from realtime_kit.clients.swarm.crews import Crews, SwarmState


@dataclass(slots=True)
class Sighting:
    """One event as the whole swarm has seen it.

    Attributes:
        first_ns: When the first client had it, on `CLOCK_MONOTONIC`; `last_ns` likewise.
        clients: How many have it.
        repeats: How often somebody received it who had it already.
        reading_s: Of each process of the swarm that has it: processor time from its first receipt to its last, and
            that time, seconds.
    """

    first_ns: int
    last_ns: int
    clients: int = 0
    repeats: int = 0
    reading_s: list[tuple[float, float]] = field(default_factory=list)

    @property
    def used_s(self) -> float:
        """Processor time of all processes, seconds."""
        return sum(used_s for used_s, _ in self.reading_s)


class WatchSwarm(Crews):
    """Many clients of one address, an event stream's or a WebSocket's. Use it with `async with`."""

    CREW = "realtime_kit.clients.swarm.watch_crew"

    async def open_by(self, timeout_s: float, headers: dict[str, str]) -> SwarmState:
        """Connect as many as can be within some seconds, with these header fields in every request."""
        return await self._open("open_by", url=self._urls[0], headers=headers, timeout_s=timeout_s)

    async def reopen_by(self, timeout_s: float, numbers: Sequence[int]) -> SwarmState:
        """Connect these clients anew, as many as can be within some seconds."""
        return await self._reopen("reopen_by", numbers, timeout_s=timeout_s)

    async def watch(self, *, start_ns: int, end_ns: int, most: int) -> None:
        """Write down events from a moment of `CLOCK_MONOTONIC` to another, up to so many different ones."""
        await self._ask_all("watch", start_ns=start_ns, end_ns=end_ns, most=most)

    async def watch_on(self, end_ns: int) -> None:
        """Go on until another moment of `CLOCK_MONOTONIC` than was said."""
        await self._ask_all("watch_on", end_ns=end_ns)

    async def sightings(self) -> tuple[dict[int, Sighting], int, SwarmState]:
        """Events seen since the watch began, by key; receipts of further ones; and what happened so far."""
        answers = await self._ask_all("sightings")
        seen: dict[int, Sighting] = {}
        for answer in answers:
            for text, (first_ns, clients, repeats, last_ns, used_ns) in answer["seen"].items():
                each = seen.setdefault(int(text), Sighting(first_ns, last_ns))
                each.first_ns, each.last_ns = min(each.first_ns, first_ns), max(each.last_ns, last_ns)
                each.clients += clients
                each.repeats += repeats
                each.reading_s.append((used_ns / 1e9, (last_ns - first_ns) / 1e9))
        return seen, sum(answer["further"] for answer in answers), SwarmState.of(answers)

    async def old(self, keys: list[int]) -> set[int]:
        """Which of these events somebody had received before the watch began."""
        return {key for keys in await self._ask_all("old", keys=keys) for key in keys}
