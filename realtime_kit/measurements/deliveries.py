"""What became of each single delivery under faults: which way it came, and when."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from enum import IntEnum

import numpy as np
from numpy.typing import NDArray

from realtime_kit.clients.receipt import Receipts
from realtime_kit.measurements.fault_ledger import FaultLedger
from realtime_kit.measurements.ledger import MISSING_NS


class Way(IntEnum):
    """How an event came to a client; the names are those of the `FaultLedger`."""

    MISSING = 0
    """Not at all, so far."""
    DIRECT = 1
    """The transport's usual way."""
    LINK = 2
    """In an answer to the next link, which Pushpin has read."""
    RECONNECT = 3
    """Out of history, on a connection younger than the event."""
    POLL = 4
    """The client has asked for it: on its socket, or with a long-poll."""


@dataclass(frozen=True, slots=True, eq=False)
class Deliveries:
    """The deliveries of one transport; arrays of shape (clients, events).

    Attributes:
        due_ns: Shape (events,): when each event was due.
        came_ns: When it first came; `MISSING_NS` if it has not.
        ways: A `Way` for each.
        times: How often it came.
        reordered: Whether it came after a later one.
        late_s: Seconds after which a delivery is late.
    """

    due_ns: NDArray[np.int64]
    came_ns: NDArray[np.int64]
    ways: NDArray[np.int8]
    times: NDArray[np.int64]
    reordered: NDArray[np.bool_]
    late_s: float

    @property
    def came(self) -> NDArray[np.bool_]:
        """Which have come."""
        came: NDArray[np.bool_] = self.ways != Way.MISSING
        return came

    @property
    def recovered(self) -> NDArray[np.bool_]:
        """Which have come another way than the usual one."""
        recovered: NDArray[np.bool_] = self.ways > Way.DIRECT
        return recovered

    @property
    def after_s(self) -> NDArray[np.float64]:
        """How long after it was due each came, seconds; infinite if it has not."""
        return np.where(self.came, (self.came_ns - self.due_ns) / 1e9, np.inf)

    @property
    def late(self) -> NDArray[np.bool_]:
        """Which came later than `late_s` after they were due."""
        return self.came & (self.after_s > self.late_s)

    @property
    def recovery_s(self) -> NDArray[np.float64]:
        """Shape (recovered or late,): how long each of these took from when it was due, seconds."""
        return self.after_s[self.recovered | self.late]

    def ledger(self, chosen: NDArray[np.bool_] | None = None) -> FaultLedger:
        """The sums over all clients.

        Args:
            chosen: Shape (events,): of which events; None is all.
        """
        of = slice(None) if chosen is None else chosen
        ways, late = self.ways[:, of], self.late[:, of]
        count = {way: int((ways == way).sum()) for way in Way}
        return FaultLedger(
            expected=ways.size,
            direct=count[Way.DIRECT],
            by_link=count[Way.LINK],
            by_reconnect=count[Way.RECONNECT],
            by_poll=count[Way.POLL],
            lost=count[Way.MISSING],
            late=int(late.sum()),
            duplicate=int(np.maximum(self.times[:, of] - 1, 0).sum()),
            reordered=int(self.reordered[:, of].sum()),
        )


def deliveries(
    receipts: Receipts,
    event_ids: NDArray[np.int64],
    due_ns: NDArray[np.int64],
    *,
    clients: int,
    not_published: Iterable[int],
    answers: Receipts | None = None,
    late_s: float,
    polls: bool = False,
    asks: bool = False,
) -> Deliveries:
    """Sort receipts by what they deliver. By the same rules as `fault_account`, and quick enough to look on.

    Args:
        receipts: What the clients wrote down; of other events, too.
        event_ids: Shape (events,), ascending: what happened.
        due_ns: Shape (events,): when each was due.
        clients: How many there are, numbered from 0.
        not_published: Ids of events that Pushpin did not accept; they count where there are no `answers`.
        answers: Those of the receipts that came in an answer to a next link or a question; None where that is not told.
        late_s: Seconds after which a delivery is late.
        polls: Whether asking is the usual way of this transport (polling).
        asks: Whether it is the client that asks for what is missing (long-polling, reliable WebSocket).
    """
    shape = clients, len(event_ids)
    came_ns, opened_ns = np.full(shape, MISSING_NS), np.zeros(shape, np.int64)
    reordered = np.zeros(shape, bool)
    ours = np.isin(receipts.event_id, event_ids)
    client, at = receipts.client[ours], np.searchsorted(event_ids, receipts.event_id[ours])
    _, first = np.unique(client * len(event_ids) + at, return_index=True)
    first.sort()
    where = client[first], at[first]
    came_ns[where] = receipts.received_ns[ours][first]
    opened_ns[where] = receipts.opened_ns[ours][first]
    for each in range(clients):
        mine = where[1][where[0] == each]
        reordered[each, mine] = mine < np.maximum.accumulate(mine) if len(mine) else False
    came = came_ns != MISSING_NS
    if answers is None:
        other = np.broadcast_to(np.isin(event_ids, np.fromiter(not_published, np.int64)), shape)
    else:
        other = np.zeros(shape, bool)
        marked = answers.only(np.isin(answers.event_id, event_ids))
        where = marked.client, np.searchsorted(event_ids, marked.event_id)
        first_of = came_ns[where] == marked.received_ns
        other[where[0][first_of], where[1][first_of]] = True
    by_other = Way.DIRECT if polls else Way.POLL if asks else Way.LINK
    ways = np.where(other, np.int8(by_other), np.int8(Way.DIRECT))
    ways = np.where(opened_ns > due_ns, np.int8(Way.RECONNECT), ways)
    times = np.bincount(client * len(event_ids) + at, minlength=clients * len(event_ids)).reshape(shape)
    return Deliveries(due_ns, came_ns, np.where(came, ways, np.int8(Way.MISSING)), times, reordered, late_s)
