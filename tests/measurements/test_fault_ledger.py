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


def written(*receipts):
    """Receipts are (client, id, seconds after it was due, whether on a younger connection)."""
    book = ReceiptBook()
    for client, event_id, after_s, younger in receipts:
        due_ns = event_id * SECOND
        book.write(client, event_id, due_ns + int(after_s * 1e9), due_ns + younger)
    return book.receipts()


def settled(*receipts, clients=1, **options):
    return fault_account(written(*receipts), IDS, DUE, STRETCHES, stretch_count=3, clients=clients, **options)


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


@pytest.mark.parametrize(
    ("options", "column"), [({}, "by_link"), ({"asks": True}, "by_poll"), ({"polls": True}, "direct")]
)
def test_what_carries_no_mark_was_pushed_even_if_nobody_knows_that_it_was_published(options, column):
    """A Pushpin that is killed between passing an event on and answering the publisher."""
    total = settled((0, 3, 0.1, 0), not_published={3}, answers=written(), **options).total
    assert total == FaultLedger(expected=6, direct=1, lost=5)


def test_a_stretch_in_which_nothing_was_due_has_a_ledger_of_nothing():
    account = fault_account(
        written((0, 1, 0.1, 0)), IDS, DUE, np.minimum(STRETCHES, 1), stretch_count=3, clients=1
    )
    assert account.stretch(2) == FaultLedger()


@pytest.mark.parametrize(
    ("options", "column"), [({}, "by_link"), ({"asks": True}, "by_poll"), ({"polls": True}, "direct")]
)
def test_what_came_in_an_answer_counts_as_that_even_if_its_publish_was_accepted(options, column):
    pushed, answered = (0, 2, 0.1, 0), (0, 3, 0.1, 0)
    account = settled(pushed, answered, answers=written(answered, (0, 9, 0.1, 0)), **options)
    assert getattr(account.total, column) == (2 if column == "direct" else 1)
    assert account.total.received == 2
    assert account.recovery_s.tolist() == [0.1] * (column != "direct")


def test_the_first_receipt_says_which_way_it_came():
    pushed, answered = (0, 3, 0.1, 0), (0, 3, 0.2, 0)
    other_client = (1, 3, 0.1, 0)
    answers = written(answered)
    assert settled(pushed, answered, answers=answers).total.direct == 1
    assert settled(answered, (0, 3, 0.3, 0), answers=answers).total.by_link == 1
    assert settled(answered, other_client, clients=2, answers=answers).total.by_link == 1
    twice = written(answered, (0, 3, 0.4, 0))
    assert settled(answered, (0, 3, 0.4, 0), answers=twice).total.by_link == 1


def test_what_came_in_an_answer_on_a_younger_connection_came_by_reconnect():
    answered = (0, 3, 0.1, 1)
    assert settled(answered, answers=written(answered)).total == FaultLedger(
        expected=6, by_reconnect=1, lost=5
    )


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
    st.sets(st.integers(0, 59)),
    st.booleans(),
)
def test_whatever_comes_the_books_of_every_client_balance(receipts, not_published, answered, asks):
    answers = written(*(each for at, each in enumerate(receipts) if at in answered))
    account = settled(*receipts, clients=3, not_published=not_published, answers=answers, asks=asks)
    for ledgers in account.ledgers:
        assert [each.expected for each in ledgers] == [2, 2, 2]
        for each in ledgers:
            assert each.direct + each.by_link + each.by_reconnect + each.by_poll + each.lost == each.expected
    assert sum(account.clients, FaultLedger()) == account.total
    assert [each.expected for each in account.clients] == [6, 6, 6]
    known = [event_id for _, event_id, _, _ in receipts if event_id <= 6]
    assert account.total.received + account.total.duplicate == len(known)
