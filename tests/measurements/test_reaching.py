"""From the receipts of one push to its result."""

import pytest

from realtime_kit.clients import ReceiptBook
from realtime_kit.errors import LedgerImbalance
from realtime_kit.measurements.fanout import FIRST
from realtime_kit.measurements.reaching import Reaching
from realtime_kit.measurements.verdict import Verdict

DUE_NS = 5_000_000_000


def receipts(*rows):
    book = ReceiptBook()
    for client, event_id, after_s in rows:
        book.write(client, event_id, DUE_NS + int(after_s * 1e9), 1)
    return book.receipts()


def test_who_was_reached_and_when_and_who_was_not():
    reaching = Reaching.of(receipts((2, 7, 0.4), (0, 7, 0.1), (0, 7, 0.2), (2, 8, 0.5)), 7, DUE_NS, clients=4)
    assert (reaching.count, reaching.last_s, reaching.negative) == (2, 0.4, 0)
    ledger = reaching.ledger
    assert (ledger.expected, ledger.received, ledger.lost) == (4, 2, 2)
    assert (ledger.duplicate, ledger.unexpected) == (1, 1)
    push = reaching.push(3, "streaming", {"swarm": 1e-6}, Verdict(), since=FIRST)
    assert push.lost_clients == (1, 3)
    assert push.deliveries_per_s == pytest.approx(2 / 0.4)
    assert push.reached_s.tolist() == [0.1, float("inf"), 0.4, float("inf")]
    assert (push.number, push.clients, push.since) == (3, 4, FIRST)
    assert push.theory is not None


def test_nobody_was_reached():
    reaching = Reaching.of(receipts(), 7, DUE_NS, clients=2)
    push = reaching.push(1, "streaming", {}, Verdict())
    assert (reaching.count, reaching.last_s) == (0, 0.0)
    assert (push.lost_clients, push.theory, push.deliveries_per_s) == ((0, 1), None, 0.0)


def test_an_event_that_came_before_it_was_due_is_counted():
    assert Reaching.of(receipts((0, 7, -0.1), (1, 7, 0.1)), 7, DUE_NS, clients=2).negative == 1


def test_a_receipt_of_nobody_is_no_result():
    with pytest.raises(LedgerImbalance, match="names client 4"):
        Reaching.of(receipts((4, 7, 0.1)), 7, DUE_NS, clients=4)
