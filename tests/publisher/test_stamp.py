"""Events that say when they were due."""

import time

import pytest

from realtime_kit.publisher import due_of, stamped


def test_what_is_stamped_can_be_read():
    assert due_of(stamped("hello", due_ns=1_700_000_000_000_000_000)) == 1_700_000_000_000_000_000


def test_without_a_moment_it_is_now():
    before = time.time_ns()
    due_ns = due_of(stamped())
    assert due_ns is not None
    assert before <= due_ns <= time.time_ns()


@pytest.mark.parametrize("data", ["", "hello", "[]", "3", '{"due_ns": "soon"}', '{"due_ns": true}', "{}"])
def test_who_does_not_say_has_no_moment(data):
    assert due_of(data) is None
