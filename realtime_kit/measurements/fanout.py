"""A fan-out: one event to many clients, push by push."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any, ClassVar

import numpy as np
from numpy.typing import NDArray

from realtime_kit.measurements.herd import Herd
from realtime_kit.measurements.ledger import Ledger
from realtime_kit.measurements.saved import SavedRun
from realtime_kit.measurements.verdict import Verdict
from realtime_kit.quantities import LOST, Latency

_CURVE_POINTS = 401

DUE = "due"
"""Times count from the moment the event was due."""

FIRST = "first receipt"
"""Times count from the first client's receipt: a spread among clients, not a latency."""


@dataclass(frozen=True, slots=True)
class Push:
    """One push.

    Attributes:
        number: Which, from 1.
        transport: How it went.
        clients: To how many.
        ledger: What became of the deliveries.
        latency: Since it was due (or what `since` says), lost ones included.
        completion: (seconds, share of the clients reached by then), ascending; ends where losses begin.
        deliveries_per_s: Clients reached, divided by the time until the last of them was.
        per_delivery_s: τ of the line `kτ` through the origin that is nearest to the measured curve (least squares).
        theory: What that line says of the latencies; None where nobody was reached.
        processor_per_delivery_s: Processor time of each part, `pushpin`, `swarm` and `origin`, for each delivery.
        lost_clients: Who was not reached.
        verdict: Whether to trust it.
        herd: For long-polling: what it did afterwards.
        since: What times count from: `DUE`, or `FIRST` where nobody knows when an event was published.
        reached_s: Shape (clients,): when each client had it, seconds since it was due; infinite for who never did.
            Not in the JSON.
    """

    number: int
    transport: str
    clients: int
    ledger: Ledger
    latency: Latency
    completion: tuple[tuple[float, float], ...]
    deliveries_per_s: float
    per_delivery_s: float
    theory: Latency | None
    processor_per_delivery_s: dict[str, float]
    lost_clients: tuple[int, ...]
    verdict: Verdict
    herd: Herd | None = None
    since: str = DUE
    reached_s: NDArray[np.float64] = field(default_factory=lambda: np.empty(0), repr=False, compare=False)

    def to_json(self) -> dict[str, Any]:
        """Plain values for JSON."""
        theory = {"latency_s": self.theory.to_json()} if self.theory else {}
        return {
            "push": self.number,
            "transport": self.transport,
            "clients": self.clients,
            "published": 1,
            "since": self.since,
            "ledger": self.ledger.to_json(),
            "latency_s": self.latency.to_json(),
            "completion": [list(point) for point in self.completion],
            "deliveries_per_s": self.deliveries_per_s,
            "processor_per_delivery_s": self.processor_per_delivery_s,
            "theory": {"per_delivery_s": self.per_delivery_s, **theory},
            "lost_clients": list(self.lost_clients),
            "verdict": self.verdict.to_json(),
            **({"herd": self.herd.to_json()} if self.herd else {}),
        }

    @classmethod
    def from_json(cls, values: dict[str, Any]) -> Push:
        """The inverse of `to_json`."""
        theory = values["theory"]
        return cls(
            number=values["push"],
            transport=values["transport"],
            clients=values["clients"],
            ledger=Ledger.from_json(values["ledger"]),
            latency=Latency.from_json(values["latency_s"]),
            completion=tuple((seconds, share) for seconds, share in values["completion"]),
            deliveries_per_s=values["deliveries_per_s"],
            per_delivery_s=theory["per_delivery_s"],
            theory=Latency.from_json(theory["latency_s"]) if "latency_s" in theory else None,
            processor_per_delivery_s=values["processor_per_delivery_s"],
            lost_clients=tuple(values["lost_clients"]),
            verdict=Verdict.from_json(values["verdict"]),
            since=values.get("since", DUE),
            herd=Herd.from_json(values["herd"]) if "herd" in values else None,
        )


@dataclass(frozen=True, slots=True)
class FanoutRun(SavedRun):
    """A finished fan-out.

    Attributes:
        started_at: UTC time of the start, ISO 8601.
        meta: Versions, the machine, `config`, and what opening took.
        results: One for each push.
        interrupted: Whether it was ended early; what had been measured until then is here.
    """

    KIND: ClassVar[str] = "fanout"

    started_at: str
    meta: dict[str, Any]
    results: tuple[Push, ...]
    interrupted: bool = False

    @property
    def trustworthy(self) -> bool:
        """Whether something was measured, and nothing speaks against any of the pushes."""
        return bool(self.results) and all(push.verdict.trustworthy for push in self.results)

    def _more_json(self) -> dict[str, Any]:
        return {"interrupted": self.interrupted}

    def _table(self) -> object:
        from realtime_kit.plots.fanout_table import fanout_table

        return fanout_table(self)

    @classmethod
    def _from_parts(cls, values: dict[str, Any]) -> FanoutRun:
        results = tuple(Push.from_json(push) for push in values["results"])
        return cls(values["started_at"], values["meta"], results, values.get("interrupted", False))


def completion(samples_s: NDArray[np.float64]) -> tuple[tuple[float, float], ...]:
    """The completion curve of latencies: a few hundred points, the first and the last delivery among them.

    Args:
        samples_s: Any shape, seconds; infinite for a lost delivery.
    """
    ordered = np.sort(samples_s, axis=None)
    reached = int((ordered < LOST).sum())
    if not reached:
        return ()
    ranks = np.unique(np.linspace(1, reached, min(reached, _CURVE_POINTS)).round().astype(int))
    return tuple((float(ordered[rank - 1]), float(rank / len(ordered))) for rank in ranks)


def per_delivery_s(samples_s: NDArray[np.float64]) -> float:
    """τ of the line `kτ` nearest to the k-th smallest of these latencies, lost ones left out; 0 where all are lost."""
    ordered = np.sort(samples_s, axis=None)
    ordered = ordered[ordered < LOST]
    if not len(ordered):
        return 0.0
    ranks = np.arange(1, len(ordered) + 1, dtype=np.float64)
    return max(0.0, float(ranks @ ordered / (ranks @ ranks)))
