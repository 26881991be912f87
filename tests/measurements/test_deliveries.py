"""What became of each delivery, held against the account of the fault lab."""

import random

import numpy as np
import pytest

from realtime_kit.clients.receipt import ReceiptBook
from realtime_kit.measurements.deliveries import Way, deliveries
from realtime_kit.measurements.fault_ledger import FaultLedger, fault_account

S = 10**9
CLIENTS, EVENTS, LATE_S = 3, 40, 0.5
IDS = np.arange(101, 101 + EVENTS)
DUE_NS = np.arange(EVENTS) * S // 10 + 1000 * S


def receipts(seed):
    """Whatever can happen: missing, twice, late, on connections of any age, and events of another time."""
    rng, book = random.Random(seed), ReceiptBook()
    for client in range(CLIENTS):
        happened = [
            (number, DUE_NS[at]) for at, number in enumerate(IDS) for _ in range(rng.choice([0, 1, 1, 2]))
        ]
        rng.shuffle(happened)
        for number, due_ns in [*happened, (7, 0)]:
            opened_ns = int(due_ns) + rng.choice([-S, 0, S])
            book.write(client, int(number), int(due_ns) + rng.randrange(S), opened_ns)
    return book.receipts()


@pytest.mark.parametrize("seed", range(5))
@pytest.mark.parametrize("is_marked", [True, False])
@pytest.mark.parametrize("kind", [{}, {"polls": True}, {"asks": True}])
def test_the_sums_are_those_of_the_account(seed, kind, is_marked):
    got, not_published = receipts(seed), {103, 111, 139}
    stretches = np.repeat([0, 1], EVENTS // 2)
    ours = got.only(got.event_id > 100)
    marked = got.only(np.random.default_rng(seed).random(len(got)) < 0.3)
    kind = kind | {"answers": marked if is_marked else None}
    kind |= {"clients": CLIENTS, "not_published": not_published, "late_s": LATE_S}
    theirs = fault_account(ours, IDS, DUE_NS, stretches, stretch_count=2, **kind)
    found = deliveries(got, IDS, DUE_NS, **kind)
    assert [found.ledger(stretches == at) for at in (0, 1)] == [theirs.stretch(0), theirs.stretch(1)]
    assert found.ledger() == theirs.total
    assert "polls" in kind or found.ledger().by_link + found.ledger().by_poll > 0
    np.testing.assert_allclose(np.sort(found.recovery_s), np.sort(theirs.recovery_s))


def test_each_delivery_has_its_way_and_its_time():
    book = ReceiptBook()
    book.write(0, 1, 2 * S, 0)
    book.write(0, 3, 4 * S, 0)
    book.write(0, 2, 5 * S, 4 * S)
    due_ns = np.array([1, 2, 3, 4]) * S
    found = deliveries(book.receipts(), np.arange(1, 5), due_ns, clients=1, not_published={3}, late_s=LATE_S)
    assert found.ways.tolist() == [[Way.DIRECT, Way.RECONNECT, Way.LINK, Way.MISSING]]
    assert found.after_s.tolist() == [[1.0, 3.0, 1.0, np.inf]]
    assert found.reordered.tolist() == [[False, True, False, False]]


def test_nothing_has_happened_yet():
    none = np.empty(0, np.int64)
    found = deliveries(ReceiptBook().receipts(), none, none, clients=2, not_published=(), late_s=LATE_S)
    assert found.ledger() == FaultLedger()
