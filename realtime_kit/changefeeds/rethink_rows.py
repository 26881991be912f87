"""A RethinkDB changefeed's replies, read as changes; knows no socket.

With `include_initial` and `include_states` a reply is one of

    {"state": "initializing"}                     what follows are the rows as they are
    {"new_val": {…}}                              such a row, or an insert
    {"old_val": {…}}                              such a row is gone again before all have come
    {"state": "ready"}                            all rows have come; what follows are changes
    {"old_val": {…}, "new_val": {…} or null}      an update, or a delete
    {"error": "Changefeed cache over array size limit, skipped 7 elements."}

and may say its `type` and offsets too.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

Row = Mapping[str, Any]


class Skipped(Exception):
    """The server has thrown changes away, because they were not fetched: only a new beginning tells what is."""


class Rows:
    """One connection's replies.

    Args:
        key: Name of the primary key.
        told: Keys of all rows that were ever told, on earlier connections too; grows.
    """

    def __init__(self, key: str, told: set[Any]) -> None:
        self._key = key
        self._told = told
        self._initial: set[Any] | None = set()  # None once they are complete

    def take(self, reply: Row) -> list[tuple[Any, Row | None]]:
        """What a reply tells: keys, each with its row, or None if it is gone.

        Raises:
            Skipped: if it tells that changes were thrown away.
        """
        if "error" in reply:
            raise Skipped(reply["error"])
        if "state" in reply:
            return self._complete() if reply["state"] == "ready" else []
        row = reply.get("new_val")
        key = (reply["old_val"] if row is None else row)[self._key]
        if self._initial is not None:
            self._initial.discard(key) if row is None else self._initial.add(key)
        self._told.add(key)
        return [(key, row)]

    def _complete(self) -> list[tuple[Any, Row | None]]:
        """All rows have come: what was told before and is not among them was deleted meanwhile."""
        initial, self._initial = self._initial, None
        return [] if initial is None else [(key, None) for key in self._told - initial]
