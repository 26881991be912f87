"""Receipts: proof that one client got one event at one moment."""

from __future__ import annotations

import base64
from array import array
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from realtime_kit.clients.event_stream import Event


@dataclass(frozen=True, slots=True)
class Receipt:
    """One event as one client saw it.

    Attributes:
        event: What came.
        received_ns: When its last byte was read, on `CLOCK_MONOTONIC`, in nanoseconds.
        opened_ns: When the connection it came on was asked for, on the same clock; 0 where every event is asked
            for (polling and long-polling). An event that was due before that came out of the origin's history.
    """

    event: Event
    received_ns: int
    opened_ns: int = 0


@dataclass(frozen=True, slots=True, eq=False)
class Receipts:
    """Many receipts in columns, in the order in which each client got them.

    Attributes:
        client: Shape (receipts,), int32: which client, from 0.
        event_id: Shape (receipts,), int64: which event.
        received_ns: Shape (receipts,), int64: when, on `CLOCK_MONOTONIC`.
        opened_ns: Shape (receipts,), int64: when its connection was asked for; 0 for polling and long-polling.
    """

    client: NDArray[np.int32]
    event_id: NDArray[np.int64]
    received_ns: NDArray[np.int64]
    opened_ns: NDArray[np.int64]

    def __len__(self) -> int:
        return len(self.client)

    def __repr__(self) -> str:
        return f"<Receipts: {len(self)} by {len(np.unique(self.client))} clients>"

    def only(self, chosen: NDArray[np.bool_]) -> Receipts:
        """The receipts where `chosen`, shape (receipts,), is true."""
        return Receipts(
            self.client[chosen], self.event_id[chosen], self.received_ns[chosen], self.opened_ns[chosen]
        )

    def to_json(self) -> dict[str, str]:
        """Columns as base64 of their bytes, to travel between two processes of one machine."""
        return {name: base64.b64encode(getattr(self, name).tobytes()).decode() for name in _COLUMNS}

    @classmethod
    def from_json(cls, values: dict[str, Any]) -> Receipts:
        """The inverse of `to_json`."""
        return cls(
            **{name: np.frombuffer(base64.b64decode(values[name]), kind) for name, kind in _COLUMNS.items()}
        )


_COLUMNS: dict[str, Any] = {
    "client": np.int32,
    "event_id": np.int64,
    "received_ns": np.int64,
    "opened_ns": np.int64,
}


class ReceiptBook:
    """Where a load writes receipts down as they come: a few bytes each, no objects kept."""

    def __init__(self) -> None:
        self._client = array("i")
        self._event_id = array("q")
        self._received_ns = array("q")
        self._opened_ns = array("q")

    def __len__(self) -> int:
        return len(self._client)

    def write(self, client: int, event_id: int, received_ns: int, opened_ns: int) -> None:
        """Write one receipt down; the columns of `Receipts`."""
        self._client.append(client)
        self._event_id.append(event_id)
        self._received_ns.append(received_ns)
        self._opened_ns.append(opened_ns)

    def extend(self, receipts: Receipts) -> None:
        """Write many down."""
        self._client.frombytes(receipts.client.tobytes())
        self._event_id.frombytes(receipts.event_id.tobytes())
        self._received_ns.frombytes(receipts.received_ns.tobytes())
        self._opened_ns.frombytes(receipts.opened_ns.tobytes())

    def receipts(self) -> Receipts:
        """All that has been written, as columns."""
        return Receipts(
            np.array(self._client, np.int32),
            np.array(self._event_id, np.int64),
            np.array(self._received_ns, np.int64),
            np.array(self._opened_ns, np.int64),
        )
