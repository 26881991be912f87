"""Settling a watch: from what the swarm has seen of somebody's own service to a result for each event."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from realtime_kit.clients.receipt import Receipts
from realtime_kit.clients.swarm.watch import Sighting
from realtime_kit.lab.fanout import SHORT_S
from realtime_kit.measurements.fanout import DUE, FIRST, Push, completion, per_delivery_s
from realtime_kit.measurements.latency import latencies_s, latency
from realtime_kit.measurements.ledger import account
from realtime_kit.measurements.verdict import Evidence, judge
from realtime_kit.theory import broadcast


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
        because: Why one could not be opened, or ended.
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
    because: str
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
        due_ns = self._due_ns(key)
        intended_ns: NDArray[np.int64] = np.array([due_ns])
        receipts = self.receipts.only(self.receipts.event_id == key)
        books = account(receipts, np.array([key]), intended_ns, clients=self.clients)
        samples = latencies_s(books.received_ns, intended_ns)
        reached = samples[np.isfinite(samples)]
        last_s = float(reached.max()) if len(reached) else 0.0
        tau_s = per_delivery_s(samples)
        evidence = self._evidence(key, samples, duplicates=books.ledger.duplicate, last_s=last_s)
        return Push(
            number=number,
            transport=self.transport,
            clients=self.clients,
            ledger=books.ledger,
            latency=latency(samples),
            completion=completion(samples),
            deliveries_per_s=len(reached) / last_s if last_s > 0 else 0.0,
            per_delivery_s=tau_s,
            theory=broadcast.latency(recipients=len(reached), per_delivery_s=tau_s) if tau_s else None,
            processor_per_delivery_s=self._cost_s(key, all_have=not books.ledger.lost),
            lost_clients=tuple(client for client, _ in books.losses),
            verdict=judge(evidence),
            since=DUE if self.published else FIRST,
        )

    def _due_ns(self, key: int) -> int:
        if key in self.published:
            return self.published[key].due_ns
        return self.seen[key].first_ns

    def _evidence(
        self, key: int, samples: NDArray[np.float64], *, duplicates: int, last_s: float
    ) -> Evidence:
        published, sighting = self.published.get(key, Published(0, 0.0)), self.seen.get(key)
        missing = self.clients - self.unconnected - int(np.isfinite(samples).sum())
        return Evidence(
            samples=self.clients,
            advice="use more clients",
            publisher_slip_s=published.slip_s,
            processor_busy=sighting.busy if sighting and last_s >= SHORT_S else 0.0,
            others_busy=self.others_busy,
            unexpected=duplicates,
            negative_latencies=int((samples < 0).sum()),
            unpublished=len(published.refused),
            unpublished_because=published.refused[0] if published.refused else "",
            cut_short=missing > 0 and 0 <= self.cut_ns - self._due_ns(key) < self.patience_s * 1e9,
            unconnected=self.unconnected,
            unconnected_because=self.because,
            ended=self.ended,
            ended_because=self.because,
            unwatched=self.unwatched,
        )

    def _cost_s(self, key: int, *, all_have: bool) -> dict[str, float]:
        """Processor time for each delivery, by part, seconds."""
        cost_s = {part: used_s / max(1, self.received) for part, used_s in self.used_s.items()}
        sighting = self.seen.get(key)
        if sighting and sighting.used_s and all_have:  # without what the swarm did between events
            cost_s["swarm"] = sighting.used_s / self.clients
        if not self.published:
            del cost_s["origin"]
        return cost_s
