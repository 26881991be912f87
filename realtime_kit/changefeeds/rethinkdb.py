"""Changes of a table in RethinkDB: its own changefeed, begun anew with all rows when the connection was lost.

RethinkDB's feeds have no position. Who comes back is given the rows as they are now; what changed in between is not
told, and a row that was deleted meanwhile is found by comparing keys. So positions here only count, and are good
for nothing but telling two states apart.
"""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

from rethinkdb import RethinkDB, errors

from realtime_kit.changefeeds.change import BEGINNING, Change
from realtime_kit.changefeeds.rethink_address import rethink_address
from realtime_kit.changefeeds.rethink_rows import Rows, Skipped
from realtime_kit.changefeeds.table_feed import TableFeed
from realtime_kit.errors import UsageError

_AGAIN_AFTER_S = 0.2
_PASSING = (errors.ReqlCursorEmpty, OSError, Skipped)
_NOT_THERE = "does not exist"
"""The server gives a table that is not there, and one that is not ready yet, the same kind of error."""


class RethinkFeed(TableFeed[int]):
    """The changes of one table in RethinkDB.

    Whatever the position is, all rows come first. The keys of all rows that were told are kept.

    Args:
        url: Where the database is, `rethinkdb://user:password@host:28015/name`; only the host is needed.
        table: The table's name.
        key: Its primary key.

    Raises:
        UsageError: a URL without a host, or a name that would need quoting.
    """

    def __init__(self, url: str, table: str, *, key: str = "id") -> None:
        super().__init__(table, key, again_after_s=_AGAIN_AFTER_S)
        self._address = rethink_address(url)
        self._told: set[Any] = set()
        self._r = RethinkDB()
        self._r.set_loop_type("asyncio")

    @asynccontextmanager
    async def _reading(self, after: int) -> AsyncIterator[_Reader]:
        connection = await self._r.connect(**self._address)
        try:
            query = self._r.table(self._table).changes(include_initial=True, include_states=True)
            yield _Reader(await query.run(connection), Rows(self._key, self._told), after)
        finally:
            await connection.close(noreply_wait=False)

    def _position(self, text: str) -> int:
        if text == BEGINNING:
            return 0
        if not (text.isascii() and text.isdigit()):
            message = f"position {text!r} is none of this feed's: a whole number as text, or ''."
            raise UsageError(message)
        return int(text)

    def _is_away(self, error: Exception) -> bool:
        if isinstance(error, errors.ReqlDriverError):  # such as a connection that is refused
            return not isinstance(error, errors.ReqlAuthError)
        if isinstance(
            error, errors.ReqlAvailabilityError
        ):  # such as a table whose server has only just started
            return _NOT_THERE not in str(error)
        # "Connection is closed" has no class of its own; all that a query can do wrong has.
        return type(error) is errors.ReqlRuntimeError or isinstance(error, _PASSING)


class _Reader:
    """One connection's changefeed."""

    def __init__(self, feed: Any, rows: Rows, count: int) -> None:
        self._feed = feed
        self._rows = rows
        self._count = count
        self._next: list[tuple[int, Change]] = []

    async def page(self, after: int) -> list[tuple[int, Change]]:
        """What the last reply has told."""
        del after
        page, self._next = self._next, []
        return page

    async def wait(self) -> None:
        """Until the next reply."""
        for key, row in self._rows.take(await self._feed.next()):
            self._count += 1
            self._next.append((self._count, Change(str(self._count), key, row)))
