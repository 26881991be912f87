"""How one push reached its clients: what its receipts say, and the result they make."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Self

import numpy as np
from numpy.typing import NDArray

from realtime_kit.clients.receipt import Receipts
from realtime_kit.measurements.fanout import DUE, Push, completion, per_delivery_s
from realtime_kit.measurements.herd import Herd
from realtime_kit.measurements.latency import latencies_s, latency
from realtime_kit.measurements.ledger import Ledger, account
from realtime_kit.measurements.verdict import Verdict
from realtime_kit.theory import broadcast


@dataclass(frozen=True, slots=True, eq=False)
class Reaching:
    """What the receipts of one event say.

    Attributes:
        samples_s: Shape (clients, 1): when each client had it, seconds since it was due; infinite for who never did.
        ledger: What became of the deliveries.
        lost_clients: Who was not reached.
    """

    samples_s: NDArray[np.float64]
    ledger: Ledger
    lost_clients: tuple[int, ...]

    @classmethod
    def of(cls, receipts: Receipts, event_id: int, due_ns: int, *, clients: int) -> Self:
        """Settle receipts against one event.

        Args:
            receipts: What the clients wrote down.
            event_id: The event; receipts of others are unexpected.
            due_ns: When it was due, on `CLOCK_MONOTONIC`.
            clients: How many clients were to receive it.

        Raises:
            LedgerImbalance: if a receipt names no client.
        """
        due: NDArray[np.int64] = np.array([due_ns])
        books = account(receipts, np.array([event_id]), due, clients=clients)
        lost = tuple(client for client, _ in books.losses)
        return cls(latencies_s(books.received_ns, due), books.ledger, lost)

    @property
    def count(self) -> int:
        """How many were reached."""
        return int(np.isfinite(self.samples_s).sum())

    @property
    def last_s(self) -> float:
        """When the last of them was, seconds since it was due; 0 if nobody was."""
        return float(self.samples_s[np.isfinite(self.samples_s)].max(initial=0.0))

    @property
    def negative(self) -> int:
        """How many had it before it was due: a sign of two clocks."""
        return int((self.samples_s < 0).sum())

    def push(
        self,
        number: int,
        transport: str,
        processor_per_delivery_s: dict[str, float],
        verdict: Verdict,
        *,
        herd: Herd | None = None,
        since: str = DUE,
    ) -> Push:
        """The result, with what the receipts do not say; the arguments are attributes of `Push`."""
        tau_s = per_delivery_s(self.samples_s)
        return Push(
            number=number,
            transport=transport,
            clients=len(self.samples_s),
            ledger=self.ledger,
            latency=latency(self.samples_s),
            completion=completion(self.samples_s),
            deliveries_per_s=self.count / self.last_s if self.last_s > 0 else 0.0,
            per_delivery_s=tau_s,
            theory=broadcast.latency(recipients=self.count, per_delivery_s=tau_s) if tau_s else None,
            processor_per_delivery_s=processor_per_delivery_s,
            lost_clients=self.lost_clients,
            verdict=verdict,
            herd=herd,
            since=since,
            reached_s=self.samples_s[:, 0],
        )
