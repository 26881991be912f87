"""Receipts in columns, and their way between two processes."""

import json

import numpy as np
from hypothesis import given, strategies as st

from realtime_kit.clients import ReceiptBook, Receipts

ROWS = st.lists(
    st.tuples(st.integers(0, 2**31 - 1), *[st.integers(0, 2**63 - 1)] * 3),
    max_size=50,
)


def book_of(rows):
    book = ReceiptBook()
    for row in rows:
        book.write(*row)
    return book


def rows_of(receipts):
    columns = (receipts.client, receipts.event_id, receipts.received_ns, receipts.opened_ns)
    return list(zip(*(column.tolist() for column in columns), strict=True))


@given(ROWS)
def test_what_is_written_down_comes_back_in_order(rows):
    book = book_of(rows)
    assert len(book) == len(book.receipts()) == len(rows)
    assert rows_of(book.receipts()) == rows


@given(ROWS)
def test_receipts_travel_through_json_unchanged(rows):
    sent = json.loads(json.dumps(book_of(rows).receipts().to_json()))
    assert rows_of(Receipts.from_json(sent)) == rows


def test_a_copy_taken_earlier_does_not_grow():
    book = book_of([(0, 1, 2, 3)])
    early = book.receipts()
    book.write(1, 2, 3, 4)
    assert len(early) == 1


@given(ROWS, ROWS)
def test_many_at_once_are_written_down_as_one_by_one(some, more):
    book = book_of(some)
    book.extend(book_of(more).receipts())
    assert rows_of(book.receipts()) == some + more


def test_choosing_keeps_columns_together():
    receipts = book_of([(0, 1, 10, 0), (1, 2, 20, 5), (0, 3, 30, 0)]).receipts()
    assert rows_of(receipts.only(receipts.client == 0)) == [(0, 1, 10, 0), (0, 3, 30, 0)]
    assert rows_of(receipts.only(np.zeros(3, bool))) == []


def test_receipts_tell_how_many_they_are_and_whose():
    assert (
        repr(book_of([(0, 1, 1, 0), (2, 1, 1, 0), (2, 2, 1, 0)]).receipts()) == "<Receipts: 3 by 2 clients>"
    )
