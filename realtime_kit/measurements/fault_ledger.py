"""The ledger of a fault: what each client was owed, and which way it came, if it did."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import asdict, dataclass, fields

import numpy as np
from numpy.typing import NDArray

from realtime_kit.clients.receipt import Receipts
from realtime_kit.errors import LedgerImbalance
from realtime_kit.measurements.ledger import MISSING_NS, account

LATE_S = 0.5
"""Later than that after it was due, an event is late. A push takes some milliseconds."""


@dataclass(frozen=True, slots=True)
class FaultLedger:
    """The sums over the clients of one transport, for the events of one stretch of time.

    `expected = direct + by_link + by_reconnect + by_poll + lost` holds exactly, for every client. `late` is a part
    of what came; `duplicate` and `reordered` are apart.

    Which way is that of the first receipt. An event that came in an answer to a next link, or to a client's question on
    its socket, says so itself: the lab's log marks what it hands out there, and what is published has no mark. So an
    event counts as recovered whatever had befallen its push: never published, dropped on the way by a limiter or a full
    queue, or held back behind a gap until Pushpin read the link. An answer at once is a long-poll's usual way, too; so
    of its events only those count as recovered that Pushpin did not accept for publishing.

    Attributes:
        expected: Deliveries owed: clients × events.
        direct: Came the transport's usual way: a push, the first answer of a connection older than the event, or for
            polling a poll.
        by_link: Came in an answer to a next link that Pushpin had read, on a connection older than the event.
        by_reconnect: Came out of history, on a connection younger than the event.
        by_poll: The client asked for it: on its socket, or with a long-poll if it was not accepted for publishing.
        lost: Never came.
        late: Came more than `LATE_S` (for polling, and an interval) after it was due.
        duplicate: Further receipts of what had come already.
        reordered: First receipts of an event after a later one.
    """

    expected: int = 0
    direct: int = 0
    by_link: int = 0
    by_reconnect: int = 0
    by_poll: int = 0
    lost: int = 0
    late: int = 0
    duplicate: int = 0
    reordered: int = 0

    @property
    def recovered(self) -> int:
        """Came, but another way than the usual one."""
        return self.by_link + self.by_reconnect + self.by_poll

    @property
    def received(self) -> int:
        """Came."""
        return self.direct + self.recovered

    @property
    def lost_share(self) -> float:
        """Of what was owed, which share never came; 0 to 1."""
        return self.lost / self.expected if self.expected else 0.0

    def __add__(self, other: FaultLedger) -> FaultLedger:
        return FaultLedger(
            **{each.name: getattr(self, each.name) + getattr(other, each.name) for each in fields(self)}
        )

    def to_json(self) -> dict[str, int]:
        """Plain values for JSON, with those that follow from the others."""
        return asdict(self) | {"received": self.received, "recovered": self.recovered}

    @classmethod
    def from_json(cls, values: dict[str, int]) -> FaultLedger:
        """The inverse of `to_json`."""
        return cls(**{each.name: values[each.name] for each in fields(cls)})


@dataclass(frozen=True, slots=True, eq=False)
class FaultAccount:
    """The ledgers of each client and each stretch of time.

    Attributes:
        ledgers: By client, one ledger for each stretch.
        recovery_s: Shape (recovered or late,): how long each of these took from when it was due, seconds.
    """

    ledgers: list[list[FaultLedger]]
    recovery_s: NDArray[np.float64]

    def stretch(self, number: int) -> FaultLedger:
        """All clients, one stretch."""
        return sum((each[number] for each in self.ledgers), FaultLedger())

    @property
    def clients(self) -> tuple[FaultLedger, ...]:
        """Each client, all stretches."""
        return tuple(sum(stretches, FaultLedger()) for stretches in self.ledgers)

    @property
    def total(self) -> FaultLedger:
        """All clients, all stretches."""
        return sum(self.clients, FaultLedger())


def fault_account(
    receipts: Receipts,
    event_ids: NDArray[np.int64],
    due_ns: NDArray[np.int64],
    stretches: NDArray[np.int64],
    *,
    stretch_count: int,
    clients: int,
    not_published: Iterable[int] = (),
    answers: Receipts | None = None,
    late_s: float = LATE_S,
    polls: bool = False,
    asks: bool = False,
) -> FaultAccount:
    """Settle receipts against what happened before, during and after a fault.

    Args:
        receipts: What the clients wrote down.
        event_ids: Shape (events,), ascending: what happened.
        due_ns: Shape (events,): when each was due.
        stretches: Shape (events,): number of the stretch that each was due in, from 0.
        clients: How many there are, numbered from 0.
        stretch_count: How many stretches there are, also if no event was due in the last of them.
        not_published: Ids of events that Pushpin did not accept, as far as is known: one that ends before it answers
            may have passed them on. They count where there are no `answers`.
        answers: Those of the receipts that came in an answer to a next link or a question; None where that is not told.
        late_s: Seconds after which a delivery is late.
        polls: Whether asking is the usual way of this transport (polling).
        asks: Whether it is the client that asks for what is missing (long-polling, reliable WebSocket), and not
            Pushpin for it.

    Raises:
        LedgerImbalance: if the books of any client do not balance.
    """
    # Balances by itself, and knows which receipt is whose.
    settled = account(receipts, event_ids, due_ns, clients=clients)
    unpublished = np.isin(event_ids, np.fromiter(not_published, np.int64))
    ledgers, took_s = [], []
    for client in range(clients):
        mine = receipts.only(receipts.client == client)
        entries = _entries(mine, event_ids, due_ns)
        came = entries.first_ns != MISSING_NS
        old = came & (entries.opened_ns > due_ns)
        answered = answers is not None and entries.first_ns == _answered_ns(answers, client, event_ids)
        other = came & ~old & (unpublished if answers is None else answered) & (not polls)
        after_s = np.where(came, (entries.first_ns - due_ns) / 1e9, 0.0)
        late = came & (after_s > late_s)
        took_s.append(after_s[late | old | other])
        columns = {
            "expected": np.ones(len(event_ids), bool),
            "direct": came & ~old & ~other,
            "by_link": other & (not asks),
            "by_reconnect": old,
            "by_poll": other & asks,
            "lost": ~came,
            "late": late,
            "duplicate": np.maximum(entries.times - 1, 0),
            "reordered": entries.reordered,
        }
        ledgers.append(
            [
                FaultLedger(**{name: int(column[stretches == at].sum()) for name, column in columns.items()})
                for at in range(stretch_count)
            ]
        )
    result = FaultAccount(ledgers, np.concatenate(took_s) if took_s else np.empty(0))
    _check_balance(result, expected=settled.ledger.expected, received=settled.ledger.received)
    return result


@dataclass(frozen=True, slots=True, eq=False)
class _Entries:
    """One client's books; arrays of shape (events,)."""

    first_ns: NDArray[np.int64]
    opened_ns: NDArray[np.int64]
    times: NDArray[np.int64]
    reordered: NDArray[np.bool_]


def _entries(mine: Receipts, event_ids: NDArray[np.int64], due_ns: NDArray[np.int64]) -> _Entries:
    entries = _Entries(
        np.full(len(due_ns), MISSING_NS),
        np.zeros_like(due_ns),
        np.zeros_like(due_ns),
        np.zeros(len(due_ns), bool),
    )
    latest = -1
    positions = {int(event_id): at for at, event_id in enumerate(event_ids)}
    for event_id, received_ns, opened_ns in zip(mine.event_id, mine.received_ns, mine.opened_ns, strict=True):
        at = positions.get(int(event_id))
        if at is None:  # of another time; the account has counted it as unexpected
            continue
        entries.times[at] += 1
        if entries.times[at] == 1:
            entries.first_ns[at], entries.opened_ns[at] = received_ns, opened_ns
            entries.reordered[at] = at < latest
            latest = max(latest, at)
    return entries


def _answered_ns(answers: Receipts, client: int, event_ids: NDArray[np.int64]) -> NDArray[np.int64]:
    """Shape (events,): when a client first got each in an answer; -1 if it did not."""
    answered_ns = np.full(len(event_ids), -1, np.int64)
    mine = answers.only((answers.client == client) & np.isin(answers.event_id, event_ids))
    # Backwards, so that the first remains.
    answered_ns[np.searchsorted(event_ids, mine.event_id[::-1])] = mine.received_ns[::-1]
    return answered_ns


def _check_balance(account: FaultAccount, *, expected: int, received: int) -> None:
    for client, ledgers in enumerate(account.ledgers):
        for each in ledgers:
            if each.received + each.lost != each.expected:
                message = (
                    f"client {client}: {each.received} + {each.lost} lost is not {each.expected} expected"
                )
                raise LedgerImbalance(message)
    total = account.total
    if (total.expected, total.received) != (expected, received):
        message = (
            f"before, during and after add up to {total.received} of {total.expected}, "
            f"not to {received} of {expected}"
        )
        raise LedgerImbalance(message)
