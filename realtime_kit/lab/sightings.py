"""Settling a watch: from what the swarm has seen of somebody's own service to a result for each event."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from realtime_kit.clients.receipt import Receipts
from realtime_kit.clients.swarm.watch import Sighting
from realtime_kit.lab.fanout import share_busy
from realtime_kit.measurements.fanout import DUE, FIRST, Push
from realtime_kit.measurements.reaching import Reaching
from realtime_kit.measurements.verdict import Evidence, judge


@dataclass(frozen=True, slots=True)
class Published:
    """An event that the kit has published.

    Attributes:
        due_ns: When it was due, on `CLOCK_MONOTONIC`; 0 of a roll call.
        slip_s: How late it was published, seconds.
        refused: Why it was not, where it was not.
    """

    due_ns: int
    slip_s: float
    refused: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True, eq=False)
class Watched:
    """What there is when a watch is over.

    Attributes:
        clients: How many were asked for.
        transport: `streaming` or `websocket`.
        receipts: Of all that was watched.
        seen: What the swarm has seen of each event, by key.
        published: What the kit has published, by key; empty if the events are others'.
        unwatched: Receipts of events beyond those that were watched.
        unconnected: Clients that never had a connection.
        ended: Connections that the service ended while it was watched.
        failed_because: Why one could not be opened.
        lost_because: Why one ended.
        used_s: Processor time while it was watched, by part, seconds.
        others_busy: Share of all processors that went to programs that are neither the kit's nor the service's.
        cut_ns: When it was interrupted, on `CLOCK_MONOTONIC`; 0 if it was not.
        patience_s: How long an event is waited for, seconds.
    """

    clients: int
    transport: str
    receipts: Receipts
    seen: dict[int, Sighting]
    published: dict[int, Published]
    unwatched: int
    unconnected: int
    ended: int
    failed_because: str
    lost_because: str
    used_s: dict[str, float]
    others_busy: float
    cut_ns: int
    patience_s: float

    @property
    def received(self) -> int:
        """All receipts."""
        return sum(each.clients + each.repeats for each in self.seen.values()) + self.unwatched

    def pushes(self, events: Sequence[int]) -> list[Push]:
        """A result for each of these events, given by their keys."""
        return [self._push(number, key) for number, key in enumerate(events, start=1)]

    def _push(self, number: int, key: int) -> Push:
        receipts = self.receipts.only(self.receipts.event_id == key)
        reaching = Reaching.of(receipts, key, self._due_ns(key), clients=self.clients)
        costs_s = self._costs_s(key, all_have=not reaching.ledger.lost)
        verdict = judge(self._evidence(key, reaching))
        since = DUE if self.published else FIRST
        return reaching.push(number, self.transport, costs_s, verdict, since=since)

    def _due_ns(self, key: int) -> int:
        if key in self.published:
            return self.published[key].due_ns
        return self.seen[key].first_ns

    def _evidence(self, key: int, reaching: Reaching) -> Evidence:
        published = self.published.get(key, Published(0, 0.0))
        reading = self.seen[key].reading_s if key in self.seen else []
        missing = self.clients - self.unconnected - reaching.count
        return Evidence(
            samples=self.clients,
            advice="use more clients",
            publisher_slip_s=published.slip_s,
            processor_busy=max((share_busy(*reading_s) for reading_s in reading), default=0.0),
            others_busy=self.others_busy,
            unexpected=reaching.ledger.duplicate,
            negative_latencies=reaching.negative,
            unpublished=len(published.refused),
            unpublished_because=published.refused[0] if published.refused else "",
            cut_short=missing > 0 and 0 <= self.cut_ns - self._due_ns(key) < self.patience_s * 1e9,
            unconnected=self.unconnected,
            unconnected_because=self.failed_because,
            ended=self.ended,
            ended_because=self.lost_because,
            unwatched=self.unwatched,
        )

    def _costs_s(self, key: int, *, all_have: bool) -> dict[str, float]:
        """Processor time for each delivery, by part, seconds."""
        cost_s = {part: used_s / max(1, self.received) for part, used_s in self.used_s.items()}
        sighting = self.seen.get(key)
        if sighting and sighting.used_s and all_have:  # without what the swarm did between events
            cost_s["swarm"] = sighting.used_s / self.clients
        if not self.published:
            del cost_s["origin"]
        return cost_s
