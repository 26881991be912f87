"""Replies of a RethinkDB changefeed, in the forms that a server of version 2.4.4 sends."""

from typing import Any

import pytest

from realtime_kit.changefeeds.rethink_rows import Rows, Skipped

INITIALIZING, READY = {"state": "initializing"}, {"state": "ready"}
ADA, BEN = {"id": "ada", "score": 1}, {"id": "ben", "score": 2}
BETTER = {"id": "ada", "score": 7}

TOP_FIVE: list[dict[str, Any]] = [
    {"type": "state", "state": "initializing"},
    {"type": "initial", "new_offset": 0, "new_val": BEN},
    {"type": "initial", "new_offset": 1, "new_val": ADA},
    {"type": "state", "state": "ready"},
    {"type": "change", "old_offset": 1, "old_val": ADA, "new_offset": 0, "new_val": BETTER},
]
"""With `include_types` and `include_offsets`."""


def told(*replies: dict[str, Any], known: set[Any] | None = None) -> list[Any]:
    rows = Rows("id", set() if known is None else known)
    return [each for reply in replies for each in rows.take(reply)]


def test_rows_come_first_and_then_insert_update_and_delete() -> None:
    replies: list[dict[str, Any]] = [
        INITIALIZING,
        {"new_val": ADA},
        READY,
        {"new_val": BEN},
        {"old_val": ADA, "new_val": BETTER},
        {"old_val": BEN, "new_val": None},
    ]
    assert told(*replies) == [("ada", ADA), ("ben", BEN), ("ada", BETTER), ("ben", None)]


def test_types_and_offsets_change_nothing() -> None:
    assert told(*TOP_FIVE) == [("ben", BEN), ("ada", ADA), ("ada", BETTER)]


def test_what_was_deleted_between_two_connections_is_told_as_deleted() -> None:
    known: set[Any] = set()
    told(INITIALIZING, {"new_val": ADA}, {"new_val": BEN}, READY, known=known)

    assert told(INITIALIZING, {"new_val": BEN}, READY, known=known) == [("ben", BEN), ("ada", None)]


def test_what_was_inserted_late_and_deleted_between_two_connections_is_told_too() -> None:
    known: set[Any] = set()
    told(INITIALIZING, READY, {"new_val": ADA}, known=known)

    assert told(INITIALIZING, READY, known=known) == [("ada", None)]


def test_a_row_that_goes_before_all_have_come_is_gone() -> None:
    replies: list[dict[str, Any]] = [INITIALIZING, {"new_val": ADA}, {"old_val": ADA}, READY]

    assert told(*replies) == [("ada", ADA), ("ada", None), ("ada", None)]


def test_changes_that_were_thrown_away_are_not_passed_over() -> None:
    error = "Changefeed cache over array size limit, skipped 7 elements."
    with pytest.raises(Skipped, match="skipped 7 elements"):
        told(INITIALIZING, READY, {"error": error})
