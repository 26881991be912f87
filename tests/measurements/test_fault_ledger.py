"""The ledger of a fault: every delivery in one column, and the columns add up."""

import numpy as np
import pytest
from hypothesis import given, settings, strategies as st

from realtime_kit.clients.receipt import ReceiptBook
from realtime_kit.measurements.fault_ledger import FaultLedger, fault_account

SECOND = 1_000_000_000
IDS = np.arange(1, 7)
DUE = IDS * SECOND
STRETCHES = np.array([0, 0, 1, 1, 2, 2])


def settled(*receipts, clients=1, **options):
    """Receipts are (client, id, seconds after it was due, whether on a younger connection)."""
    book = ReceiptBook()
    for client, event_id, after_s, younger in receipts:
        due_ns = event_id * SECOND
        book.write(client, event_id, due_ns + int(after_s * 1e9), due_ns + younger)
    return fault_account(book.receipts(), IDS, DUE, STRETCHES, clients=clients, **options)


def test_what_comes_by_push_is_direct_and_what_never_comes_is_lost():
    account = settled(*((0, number, 0.01, 0) for number in (1, 2, 3, 5, 6)))
    assert account.total == FaultLedger(expected=6, direct=5, lost=1)
    assert account.stretch(1) == FaultLedger(expected=2, direct=1, lost=1)


def test_what_comes_on_a_younger_connection_is_recovered_by_reconnect_and_perhaps_late():
    total = settled((0, 1, 2.0, 1), (0, 2, 0.1, 1)).total
    assert (total.by_reconnect, total.late, total.direct) == (2, 1, 0)


@pytest.mark.parametrize(
    ("options", "column"), [({}, "by_link"), ({"asks": True}, "by_poll"), ({"polls": True}, "direct")]
)
def test_what_was_never_published_came_by_the_way_that_the_transport_has(options, column):
    total = settled((0, 3, 0.1, 0), not_published={3}, **options).total
    assert getattr(total, column) == total.received == 1


def test_repetitions_and_a_wrong_order_are_counted_apart():
    total = settled((0, 2, 0.0, 0), (0, 1, 1.5, 0), (0, 1, 1.6, 0)).total
    assert (total.received, total.duplicate, total.reordered, total.late) == (2, 1, 1, 1)


def test_how_long_what_was_recovered_or_late_took():
    account = settled((0, 1, 2.0, 1), (0, 2, 0.01, 0), (0, 3, 0.9, 0))
    assert account.recovery_s.tolist() == [2.0, 0.9]


@settings(max_examples=60, deadline=None)
@given(
    st.lists(
        st.tuples(st.integers(0, 2), st.integers(1, 8), st.floats(0, 5), st.integers(0, 1)), max_size=60
    ),
    st.sets(st.integers(1, 6)),
    st.booleans(),
)
def test_whatever_comes_the_books_of_every_client_balance(receipts, not_published, asks):
    account = settled(*receipts, clients=3, not_published=not_published, asks=asks)
    for ledgers in account.ledgers:
        assert [each.expected for each in ledgers] == [2, 2, 2]
        for each in ledgers:
            assert each.direct + each.by_link + each.by_reconnect + each.by_poll + each.lost == each.expected
    known = [event_id for _, event_id, _, _ in receipts if event_id <= 6]
    assert account.total.received + account.total.duplicate == len(known)
