"""The ledger against a slow, independent book-keeping with dictionaries, on receipts with every trouble at once."""

import numpy as np
import pytest
from hypothesis import given, settings, strategies as st

from realtime_kit.clients import ReceiptBook
from realtime_kit.errors import LedgerImbalance, UsageError
from realtime_kit.measurements import MISSING_NS, Ledger, account
from realtime_kit.measurements.ledger import check_balance


@st.composite
def runs(draw):
    """What was published, and receipts with losses, repetitions, strangers and any order."""
    clients = draw(st.integers(1, 5))
    event_ids = sorted(draw(st.sets(st.integers(1, 60), max_size=12)))
    intended_ns = [draw(st.integers(0, 1000)) for _ in event_ids]
    ids = st.sampled_from(event_ids) | st.integers(0, 70) if event_ids else st.integers(0, 70)
    rows = draw(st.lists(st.tuples(st.integers(0, clients - 1), ids, st.integers(0, 1500)), max_size=60))
    book = [
        (client, event_id, received_ns, opened_ns)
        for received_ns, (client, event_id, opened_ns) in enumerate(rows, 2000)
    ]
    return clients, event_ids, intended_ns, book


def receipts_of(rows):
    book = ReceiptBook()
    for row in rows:
        book.write(*row)
    return book.receipts()


def settled(clients, event_ids, intended_ns, rows):
    return account(
        receipts_of(rows),
        np.array(event_ids, np.int64),
        np.array(intended_ns, np.int64),
        clients=clients,
    )


def slowly(clients, event_ids, intended_ns, rows):
    """The same books, a receipt at a time."""
    intended = dict(zip(event_ids, intended_ns, strict=True))
    first = {}
    highest = dict.fromkeys(range(clients), -1)
    duplicate = unexpected = reordered = recovered = 0
    for client, event_id, received_ns, opened_ns in rows:
        if event_id not in intended:
            unexpected += 1
        elif (client, event_id) in first:
            duplicate += 1
        else:
            first[client, event_id] = received_ns
            reordered += event_id < highest[client]
            recovered += opened_ns > intended[event_id]
            highest[client] = max(highest[client], event_id)
    expected = clients * len(event_ids)
    return first, Ledger(
        expected, len(first), expected - len(first), duplicate, reordered, recovered, unexpected
    )


@settings(max_examples=300)
@given(runs())
def test_the_books_balance_and_equal_those_kept_slowly(run):
    clients, event_ids, _, rows = run
    result = settled(*run)
    first, expected = slowly(*run)
    assert result.ledger == expected
    for client in range(clients):
        for index, event_id in enumerate(event_ids):
            assert result.received_ns[client, index] == first.get((client, event_id), MISSING_NS)
    assert set(result.losses) == {
        (client, index)
        for client in range(clients)
        for index, event_id in enumerate(event_ids)
        if (client, event_id) not in first
    }
    assert len(rows) == expected.received + expected.duplicate + expected.unexpected


@given(runs())
def test_for_every_client_expected_is_received_plus_lost(run):
    result = settled(*run)
    assert (result.received_by_client + result.lost_by_client == len(run[1])).all()
    assert result.received_by_client.sum() == result.ledger.received


def test_a_complete_run_has_nothing_to_say():
    result = settled(2, [1, 2], [10, 20], [(c, e, 30 + e, 1) for c in (0, 1) for e in (1, 2)])
    assert result.ledger == Ledger(4, 4, 0, 0, 0, 0)
    assert result.losses == []
    assert str(result.ledger) == "4 of 4 received, 0 lost"


def test_an_event_older_than_its_connection_is_recovered_and_one_that_was_asked_for_is_not():
    rows = [(0, 1, 100, 50), (0, 2, 101, 0), (0, 3, 102, 20)]
    assert settled(1, [1, 2, 3], [10, 10, 30], rows).ledger.recovered == 1


def test_trouble_is_told_in_words():
    rows = [(0, 2, 1, 0), (0, 1, 2, 0), (0, 1, 3, 0), (0, 9, 4, 0)]
    assert str(settled(1, [1, 2, 3], [0, 0, 0], rows).ledger) == (
        "2 of 3 received, 1 lost, 1 duplicate, 1 reordered, 1 unexpected"
    )


@pytest.mark.parametrize("client", [-1, 2])
def test_a_receipt_of_a_client_that_does_not_exist_is_a_fault_of_the_kit(client):
    with pytest.raises(
        LedgerImbalance, match=f"names client {client}, but the 2 clients are numbered from 0"
    ):
        settled(2, [1], [0], [(0, 1, 5, 0), (client, 1, 5, 0)])


@pytest.mark.parametrize(("event_ids", "intended_ns"), [([2, 1], [0, 0]), ([1, 1], [0, 0]), ([1, 2], [0])])
def test_ids_that_are_no_ascending_row_with_a_due_time_each_are_refused(event_ids, intended_ns):
    with pytest.raises(UsageError, match="ids in ascending order need as many due times"):
        settled(1, event_ids, intended_ns, [])


def broken(account, **changes):
    """An account that has been tampered with."""
    values = {name: getattr(account, name) for name in type(account).__slots__}
    return type(account)(**values | changes)


def test_books_that_do_not_balance_say_which_side_is_off():
    good = settled(2, [1, 2], [0, 0], [(0, 1, 5, 0)])
    with pytest.raises(LedgerImbalance, match=r"clients \[1\] have received \+ lost unlike the 2 expected"):
        check_balance(broken(good, lost_by_client=np.array([1, 1])), receipts=1)
    with pytest.raises(LedgerImbalance, match=r"received \+ lost = expected does not hold: 5 is not 4"):
        check_balance(broken(good, ledger=Ledger(4, 1, 4, 0, 0, 0)), receipts=1)
    with pytest.raises(
        LedgerImbalance, match=r"duplicate \+ unexpected = receipts does not hold: 1 is not 7"
    ):
        check_balance(good, receipts=7)
    with pytest.raises(LedgerImbalance, match="received by clients = received does not hold: 1 is not 2"):
        check_balance(broken(good, ledger=Ledger(4, 2, 2, 0, 0, 0)), receipts=2)


def test_a_ledger_goes_through_json_unchanged():
    ledger = Ledger(10, 7, 3, 2, 1, 4, 5)
    assert Ledger.from_json(ledger.to_json()) == ledger
