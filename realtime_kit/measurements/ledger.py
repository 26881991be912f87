"""The ledger: what was owed to whom, and what became of it. It balances, or the run has no result."""

from __future__ import annotations

from dataclasses import asdict, dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from realtime_kit.clients.receipt import Receipts
from realtime_kit.errors import LedgerImbalance, UsageError

MISSING_NS = np.iinfo(np.int64).max
"""Receipt time of a delivery that never came: later than any other."""


@dataclass(frozen=True, slots=True)
class Ledger:
    """The sums over all clients.

    Attributes:
        expected: Deliveries owed: clients × events.
        received: Of those, how many came at least once.
        lost: Of those, how many never came.
        duplicate: Further receipts of deliveries that had come already.
        reordered: First receipts of an event after a later event had come to the same client.
        recovered: Of those received, how many came out of history, on a connection younger than the event.
        unexpected: Receipts of events that were never published in the run. Always a sign of a fault.
    """

    expected: int
    received: int
    lost: int
    duplicate: int
    reordered: int
    recovered: int
    unexpected: int = 0

    def to_json(self) -> dict[str, int]:
        """Plain values for JSON."""
        return asdict(self)

    @classmethod
    def from_json(cls, values: dict[str, Any]) -> Ledger:
        """The inverse of `to_json`."""
        return cls(**values)

    def __str__(self) -> str:
        text = f"{self.received:,} of {self.expected:,} received, {self.lost:,} lost"
        for name in ("duplicate", "reordered", "recovered", "unexpected"):
            if count := getattr(self, name):
                text += f", {count:,} {name}"
        return text


@dataclass(frozen=True, slots=True, eq=False)
class Account:
    """The ledger with its single entries.

    Attributes:
        ledger: The sums.
        received_ns: Shape (clients, events), int64: first receipt of each delivery, `MISSING_NS` if none.
        received_by_client: Shape (clients,), int64. `lost_by_client` likewise.
    """

    ledger: Ledger
    received_ns: NDArray[np.int64]
    received_by_client: NDArray[np.int64]
    lost_by_client: NDArray[np.int64]

    @property
    def losses(self) -> list[tuple[int, int]]:
        """(client, index of the event) of every delivery that never came."""
        return [(int(c), int(e)) for c, e in zip(*np.nonzero(self.received_ns == MISSING_NS), strict=True)]


def account(
    receipts: Receipts,
    event_ids: NDArray[np.int64],
    intended_ns: NDArray[np.int64],
    *,
    clients: int,
) -> Account:
    """Settle receipts against what was published.

    Args:
        receipts: What the clients wrote down, each client's in order of arrival.
        event_ids: Shape (events,), ascending: what was published in the run.
        intended_ns: Shape (events,): when each was due; older than the connection it came on is recovered.
        clients: How many clients were to receive it; they are numbered from 0.

    Raises:
        LedgerImbalance: if for any client expected is not received plus lost, or a receipt names no client.
        UsageError: if the ids are not ascending, or there is not one due time for each.
    """
    strangers = receipts.client[(receipts.client < 0) | (receipts.client >= clients)]
    if len(strangers):
        message = f"a receipt names client {strangers[0]}, but the {clients} clients are numbered from 0"
        raise LedgerImbalance(message)
    if len(event_ids) != len(intended_ns) or (np.diff(event_ids) <= 0).any():
        message = f"{len(event_ids)} ids in ascending order need as many due times, not {len(intended_ns)}"
        raise UsageError(message)
    index = np.searchsorted(event_ids, receipts.event_id)
    within = index < len(event_ids)
    within[within] = event_ids[index[within]] == receipts.event_id[within]
    known, index = receipts.only(within), index[within]

    received_ns = np.full((clients, len(event_ids)), MISSING_NS)
    np.minimum.at(received_ns, (known.client, index), known.received_ns)
    came = received_ns != MISSING_NS
    times = np.zeros((clients, len(event_ids)), np.int64)
    np.add.at(times, (known.client, index), 1)
    first = _first_receipts(known.client, index)

    result = Account(
        ledger=Ledger(
            expected=clients * len(event_ids),
            received=int(came.sum()),
            lost=int((~came).sum()),
            duplicate=int((times[came] - 1).sum()),
            reordered=_reordered(known.client[first], index[first]),
            recovered=int((known.opened_ns > intended_ns[index])[first].sum()),
            unexpected=int((~within).sum()),
        ),
        received_ns=received_ns,
        received_by_client=came.sum(axis=1),
        lost_by_client=(~came).sum(axis=1),
    )
    check_balance(result, receipts=len(receipts))
    return result


def check_balance(account: Account, *, receipts: int) -> None:
    """Both sides of the books, for every client and for the receipts.

    Raises:
        LedgerImbalance: naming the side that does not add up.
    """
    ledger = account.ledger
    owed_each = account.received_ns.shape[1]
    by_client = account.received_by_client + account.lost_by_client
    if wrong := np.flatnonzero(by_client != owed_each).tolist():
        message = f"clients {wrong} have received + lost unlike the {owed_each} expected"
        raise LedgerImbalance(message)
    sides = {
        "received + lost = expected": (ledger.received + ledger.lost, ledger.expected),
        "received + duplicate + unexpected = receipts": (
            ledger.received + ledger.duplicate + ledger.unexpected,
            receipts,
        ),
        "received by clients = received": (int(account.received_by_client.sum()), ledger.received),
    }
    for rule, (left, right) in sides.items():
        if left != right:
            message = f"{rule} does not hold: {left} is not {right}"
            raise LedgerImbalance(message)


def _first_receipts(client: NDArray[np.int32], index: NDArray[np.intp]) -> NDArray[np.intp]:
    """Positions of the first receipt of each (client, event), in order of arrival."""
    key = client.astype(np.int64) << 32 | index
    _, first = np.unique(key, return_index=True)
    return np.sort(first)


def _reordered(client: NDArray[np.int32], index: NDArray[np.intp]) -> int:
    """First receipts that came after a later event had already come to the same client."""
    order = np.argsort(client, kind="stable")
    # With the client above it, the running maximum begins anew at each.
    key = client[order].astype(np.int64) << 32 | index[order]
    return int((key < np.maximum.accumulate(key)).sum())
