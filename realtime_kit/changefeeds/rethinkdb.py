"""Changes of a table in RethinkDB: its own changefeed, begun anew with all rows when the connection was lost.

RethinkDB's feeds have no position. Who comes back is given the rows as they are now; what changed in between is not
told, and a row that was deleted meanwhile is found by comparing keys. So positions here only count, and are good
for nothing but telling two states apart.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator
from typing import Any

from rethinkdb import RethinkDB, errors
from yarl import URL

from realtime_kit.changefeeds.change import BEGINNING, Change
from realtime_kit.changefeeds.names import plain_name

_AGAIN_AFTER_S = 0.2


class RethinkFeed:
    """The changes of one table in RethinkDB.

    Args:
        url: Where the database is, `rethinkdb://host:28015/name`.
        table: The table's name.
        key: Its primary key.
    """

    def __init__(self, url: str, table: str, *, key: str = "id") -> None:
        self._url = URL(url)
        self._table = plain_name("table", table)
        self._key = key
        self._r = RethinkDB()
        self._r.set_loop_type("asyncio")

    async def changes(self, after: str = BEGINNING) -> AsyncGenerator[Change, None]:
        """The rows as they are, and then what is committed from now on; without an end.

        Args:
            after: Where to go on counting. Whatever it is, all rows come first.
        """
        count = int(after or 0)
        known: set[Any] = set()
        while True:
            connection = None
            try:
                connection = await self._r.connect(
                    host=self._url.host, port=self._url.port or 28015, db=self._url.path.strip("/") or "test"
                )
                initial: set[Any] | None = set()
                query = self._r.table(self._table).changes(include_initial=True, include_states=True)
                feed = await query.run(connection)
                while await feed.fetch_next():
                    found = await feed.next()
                    row, gone = found.get("new_val"), list[Any]()
                    if found.get("state") == "ready" and initial is not None:
                        gone, initial = list(known - initial), None
                    elif "state" not in found and row is None:
                        gone = [found["old_val"][self._key]]
                    for key in gone:
                        count += 1
                        known.discard(key)
                        yield Change(str(count), key, None)
                    if row is not None:
                        count += 1
                        known.add(row[self._key])
                        if initial is not None:
                            initial.add(row[self._key])
                        yield Change(str(count), row[self._key], row)
            except (errors.ReqlOpFailedError, errors.ReqlQueryLogicError):
                raise  # such as a table that is not there
            except (errors.ReqlDriverError, errors.ReqlRuntimeError):
                await asyncio.sleep(_AGAIN_AFTER_S)
            finally:
                if connection is not None:
                    await connection.close(noreply_wait=False)
