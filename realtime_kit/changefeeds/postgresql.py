"""Changes of a table in PostgreSQL: triggers write a log table, and NOTIFY says that it is worth a look.

Notifications are not kept for who is away; the log is. So the notification only wakes, and the log tells.

Many transactions write at once, and numbers from a sequence are not in the order of the commits: 8 may be visible
before 7. A reader that goes by the highest number skips 7. Therefore each line has the id of its transaction too, and
only lines of transactions older than every one that is still open are read, in the order of (transaction, number).
A transaction that stays open for long, in any database of the server, holds the feed up; nothing is lost.

Two open transactions may change a row in the other order, first the younger and then the older. Their numbers tell, as
the second has waited for the first to end. Then only what the row is afterwards is told, and not what it was between.

TRUNCATE is told as the end of each row. In a transaction that is REPEATABLE READ these are the rows that it sees, which
may not be all. A partition that is emptied by itself is another table.
"""

from __future__ import annotations

import re
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

import psycopg

from realtime_kit.changefeeds.change import BEGINNING, Change
from realtime_kit.changefeeds.table_feed import PAGE, TableFeed
from realtime_kit.errors import UsageError

LOOK_AFTER_S = 0.05
"""How long a look waits for a notification: a line may be held back by a transaction that ends without one."""

_AGAIN_AFTER_S = 0.2
_POSITION = re.compile(r"([0-9]{1,18})-([0-9]{1,18})")

Position = tuple[int, int]
"""A transaction's id, and the number of a line."""


class PostgresFeed(TableFeed[Position]):
    """The changes of one table in PostgreSQL.

    Args:
        url: Where the database is, `postgresql://…`.
        table: The table's name, in lower case.
        key: Its primary key, one column, in lower case.

    Raises:
        UsageError: no such table or column.
    """

    def __init__(self, url: str, table: str, *, key: str) -> None:
        super().__init__(table, key, again_after_s=_AGAIN_AFTER_S)
        self._url = url
        with psycopg.connect(url) as database:
            self._install(database)

    @asynccontextmanager
    async def _reading(self, after: Position) -> AsyncIterator[_Reader]:
        async with await psycopg.AsyncConnection.connect(self._url, autocommit=True) as database:
            await self._require_known(database, after)
            # Compiling a query takes longer than each of these, 7 ms where a long log was never analyzed.
            await database.execute(f"SET jit = off; LISTEN {self._log}".encode())
            yield _Reader(database, self._log)

    def _position(self, text: str) -> Position:
        if text == BEGINNING:
            return 0, 0
        if not (found := _POSITION.fullmatch(text)):
            message = f"position {text!r} is none of this feed's: two whole numbers, `12-34`, or '' for all."
            raise UsageError(message)
        return int(found[1]), int(found[2])

    def _is_away(self, error: Exception) -> bool:
        return isinstance(error, psycopg.OperationalError)

    async def _require_known(self, database: psycopg.AsyncConnection[Any], after: Position) -> None:
        query = "SELECT %s::text::xid8 < pg_snapshot_xmax(pg_current_snapshot())"
        if await (await database.execute(query, (str(after[0]),))).fetchone() != (True,):
            message = (
                f"position {after[0]}-{after[1]} is not in this feed: no transaction has had that number. "
                "Begin with ''."
            )
            raise UsageError(message)

    def _install(self, database: psycopg.Connection[Any]) -> None:
        query = "SELECT 1 FROM pg_attribute WHERE attrelid = to_regclass(%s) AND attname = %s"
        if database.execute(query, (self._table, self._key)).fetchone() is None:
            message = f"no column {self._key} in table {self._table}, or no such table."
            raise UsageError(message)
        # Nobody writes to the table between the copy of its rows and the trigger.
        database.execute(f"LOCK TABLE {self._table} IN SHARE ROW EXCLUSIVE MODE".encode())
        if database.execute("SELECT to_regclass(%s)", (self._log,)).fetchone() == (None,):
            database.execute(self._script().encode())
        for trigger, script in ((self._log, self._writing()), (f"{self._log}_emptied", self._additions())):
            query = "SELECT 1 FROM pg_trigger WHERE tgrelid = to_regclass(%s) AND tgname = %s"
            if database.execute(query, (self._table, trigger)).fetchone() is None:
                database.execute(script.encode())

    def _script(self) -> str:
        return f"""
            CREATE TABLE {self._log} (
                transaction xid8 NOT NULL DEFAULT pg_current_xact_id(),
                number bigserial, key jsonb, row jsonb, PRIMARY KEY (transaction, number)
            );
        """

    def _writing(self) -> str:
        """The trigger that writes; a table that was dropped and made anew has lost it, and its log has the old rows."""
        log, table, key = self._log, self._table, self._key
        return f"""
            INSERT INTO {log} (key) SELECT DISTINCT key FROM {log};
            INSERT INTO {log} (key, row) SELECT to_jsonb({key}), to_jsonb({table}) FROM {table};
            CREATE OR REPLACE FUNCTION {log}_write() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN
                IF TG_OP = 'DELETE' OR (TG_OP = 'UPDATE' AND OLD.{key} IS DISTINCT FROM NEW.{key}) THEN
                    INSERT INTO {log} (key) VALUES (to_jsonb(OLD.{key}));
                END IF;
                IF TG_OP <> 'DELETE' THEN
                    INSERT INTO {log} (key, row) VALUES (to_jsonb(NEW.{key}), to_jsonb(NEW));
                END IF;
                NOTIFY {log};
                RETURN NULL;
            END $$;
            CREATE TRIGGER {log} AFTER INSERT OR UPDATE OR DELETE ON {table}
            FOR EACH ROW EXECUTE FUNCTION {log}_write();
        """  # noqa: S608  # plain names

    def _additions(self) -> str:
        """What a log has not had from the beginning.

        `oldest` is the oldest transaction that was open when a line was written. A TRUNCATE runs no trigger for its
        rows; nobody else writes to the table any more when that of the statement runs.
        """
        log, table, key = self._log, self._table, self._key
        return f"""
            ALTER TABLE {log} ADD COLUMN IF NOT EXISTS oldest xid8 NOT NULL DEFAULT '0';
            ALTER TABLE {log} ALTER COLUMN oldest SET DEFAULT pg_snapshot_xmin(pg_current_snapshot());
            CREATE OR REPLACE FUNCTION {log}_empty() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN
                INSERT INTO {log} (key) SELECT to_jsonb({key}) FROM {table};
                NOTIFY {log};
                RETURN NULL;
            END $$;
            CREATE TRIGGER {log}_emptied BEFORE TRUNCATE ON {table}
            FOR EACH STATEMENT EXECUTE FUNCTION {log}_empty();
        """  # noqa: S608  # plain names


class _Reader:
    """One connection that listens."""

    def __init__(self, database: psycopg.AsyncConnection[Any], log: str) -> None:
        self._database = database
        self._query = f"""
            SELECT transaction::text::bigint, number, key, row FROM {log} AS line
            WHERE (transaction, number) > (%s::text::xid8, %s)
            AND transaction < pg_snapshot_xmin(pg_current_snapshot())
            AND NOT EXISTS (
                SELECT FROM {log} AS later
                WHERE later.transaction >= line.oldest AND later.transaction < line.transaction
                AND later.number > line.number AND later.key = line.key
                OFFSET 0  -- looked up for each line, not joined with all of the log
            )
            ORDER BY line.transaction, line.number LIMIT {PAGE}  -- the columns, of which there is an index
        """.encode()  # noqa: S608  # a plain name

    async def page(self, after: Position) -> list[tuple[Position, Change]]:
        """The next changes of transactions that nobody can overtake any more."""
        found = await self._database.execute(self._query, (str(after[0]), after[1]))
        return [
            ((transaction, number), Change(f"{transaction}-{number}", key, row))
            for transaction, number, key, row in await found.fetchall()
        ]

    async def wait(self) -> None:
        """Until somebody notifies, or for a moment."""
        async for _ in self._database.notifies(timeout=LOOK_AFTER_S, stop_after=1):
            pass
