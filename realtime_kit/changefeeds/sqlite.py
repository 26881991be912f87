"""Changes of a table in SQLite: triggers write them into a log table, and the feed reads that.

SQLite's update hook would be shorter, but it tells only of changes made by its own connection. Triggers are part
of the database, so they also see what somebody types at a `sqlite3` prompt. `PRAGMA data_version` is the bell: it
changes when another connection has committed, and asking costs no look at the tables.

`REPLACE` takes rows away that collide with the new one, and runs no trigger for them. So before an insert or an update
the rows that it collides with are noted, and after it those that are gone are logged. Two ways to collide are not seen:
in an index over an expression, and in a rowid without a name. Who changes a table and switches triggers off is not
seen at all.

SQLite lets one transaction write at a time, so numbers in the log are in the order of the commits.
"""

from __future__ import annotations

import asyncio
import json
import sqlite3
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, closing
from pathlib import Path

from realtime_kit.changefeeds.change import BEGINNING, Change
from realtime_kit.changefeeds.names import plain_name
from realtime_kit.changefeeds.table_feed import PAGE, TableFeed
from realtime_kit.errors import UsageError

LOOK_EVERY_S = 0.01
"""How long the feed waits before it asks for the data version again."""

Index = tuple[tuple[str, str], ...]
"""Columns that are unique together, each with its collation."""

_LARGEST = 2**63 - 1
_MAY_PASS = {sqlite3.SQLITE_BUSY, sqlite3.SQLITE_LOCKED, sqlite3.SQLITE_CANTOPEN}


class SqliteFeed(TableFeed[int]):
    """The changes of one table in an SQLite file.

    Args:
        file: The database; it exists, and has the table.
        table: The table's name.
        key: Its primary key, one column.

    Raises:
        UsageError: no such file, table or column.
    """

    def __init__(self, file: str | Path, table: str, *, key: str) -> None:
        super().__init__(table, key, again_after_s=LOOK_EVERY_S)
        self._file = Path(file)
        if not self._file.exists():
            message = f"there is no file {self._file}: make the database and its table first."
            raise UsageError(message)
        with closing(self._connect()) as database:
            self._install(database)

    @asynccontextmanager
    async def _reading(self, after: int) -> AsyncIterator[_Reader]:
        with closing(self._connect()) as database:
            self._require_known(database, after)
            yield _Reader(self._file, database, self._log)

    def _position(self, text: str) -> int:
        if text == BEGINNING:
            return 0
        if not (text.isascii() and text.isdigit()) or int(text) > _LARGEST:
            message = f"position {text!r} is none of this feed's: a whole number as text, or '' for all."
            raise UsageError(message)
        return int(text)

    def _is_away(self, error: Exception) -> bool:
        if isinstance(error, sqlite3.OperationalError):
            return error.sqlite_errorcode & 0xFF in _MAY_PASS
        return isinstance(error, FileNotFoundError)

    def _require_known(self, database: sqlite3.Connection, number: int) -> None:
        query = f"SELECT coalesce(max(number), 0) FROM {self._log}"  # noqa: S608  # a plain name
        (last,) = database.execute(query).fetchone()
        if number > last:
            message = f"position {number} is not in this feed: its last change is {last}. Begin with ''."
            raise UsageError(message)

    def _connect(self) -> sqlite3.Connection:
        # isolation_level None: no transaction is begun behind our back.
        address = f"{self._file.absolute().as_uri()}?mode=rw"
        return sqlite3.connect(address, uri=True, isolation_level=None, timeout=0.1)

    def _install(self, database: sqlite3.Connection) -> None:
        columns = [name for _, name, *_ in database.execute(f"PRAGMA table_info({self._table})")]
        if self._key not in columns:
            found = f"its columns are {', '.join(columns)}" if columns else "there is no such table"
            message = f"{self._file.name}: no column {self._key} in table {self._table}; {found}."
            raise UsageError(message)
        database.execute("PRAGMA journal_mode = WAL")  # who reads does not hold up who writes
        database.executescript(self._script(columns, _unique(database, self._table)))

    def _script(self, columns: list[str], unique: list[Index]) -> str:
        log, table, key, stake = self._log, self._table, self._key, f"{self._log}_at_stake"
        row = ", ".join(f"'{plain_name('column', name)}', NEW.{name}" for name in columns)
        write = f"INSERT INTO {log} (key, row)"
        changed = f"{write} VALUES (json_quote(NEW.{key}), json_object({row}));"
        gone = f"{write} SELECT json_quote(OLD.{key}), NULL"
        note = replaced = ""
        if any(index != ((key, "BINARY"),) for index in unique):  # else what is replaced keeps its key
            # Only afterwards is it known who is gone: with `OR IGNORE` it is the new row.
            note = (
                f"DELETE FROM {stake}; INSERT INTO {stake} SELECT {key} FROM {table} WHERE ({_clash(unique)})"  # noqa: S608
            )
            there = f"SELECT 1 FROM {table} WHERE {key} = at.key AND json_quote({key}) = json_quote(at.key)"  # noqa: S608
            replaced = (
                f"{write} SELECT json_quote(at.key), NULL FROM {stake} AS at WHERE NOT EXISTS ({there});"  # noqa: S608
            )
        moved = f"json_quote(OLD.{key}) <> json_quote(NEW.{key})"
        triggers = {
            "inserting": ("BEFORE INSERT", note and f"{note};"),
            "inserted": ("AFTER INSERT", f"{replaced} {changed}"),
            "updating": ("BEFORE UPDATE", note and f"{note} AND json_quote({key}) <> json_quote(OLD.{key});"),
            "updated": ("AFTER UPDATE", f"{replaced} {gone} WHERE {moved}; {changed}"),
            "deleted": ("AFTER DELETE", f"{gone};"),
        }
        now, itself = row.replace("NEW.", ""), f"json_quote({key})"
        # One transaction: the log is there with all of its triggers, or not at all. They are written anew, because
        # the table may have got another column or index.
        return "\n".join(
            [
                "BEGIN IMMEDIATE;",
                f"CREATE TABLE IF NOT EXISTS {log} (number INTEGER PRIMARY KEY AUTOINCREMENT, key, row);",
                f"CREATE TABLE IF NOT EXISTS {stake} (key);",
                f"DROP TRIGGER IF EXISTS {log}_moved;",  # which logs of earlier versions have
                *(
                    f"DROP TRIGGER IF EXISTS {log}_{name};"
                    + (act and f"CREATE TRIGGER {log}_{name} {event} ON {table} BEGIN {act} END;")
                    for name, (event, act) in triggers.items()
                ),
                # Rows that were there before the log are its first changes.
                f"{write} SELECT {itself}, json_object({now}) FROM {table} WHERE NOT EXISTS (SELECT 1 FROM {log});",  # noqa: S608
                "COMMIT;",
            ]
        )


def _unique(database: sqlite3.Connection, table: str) -> list[Index]:
    """The columns of which no two rows may have the same values, the key's among them; not those of expressions."""
    indices = 'SELECT name FROM pragma_index_list(?) WHERE "unique"'
    columns = "SELECT name, coll FROM pragma_index_xinfo(?) WHERE key"
    found = [tuple(database.execute(columns, index)) for index in database.execute(indices, (table,))]
    # A key that is the rowid has no index of its own.
    primary = database.execute("SELECT name FROM pragma_table_info(?) WHERE pk", (table,)).fetchall()
    if len(primary) == 1 and all([name for name, _ in index] != [primary[0][0]] for index in found):
        found.append(((primary[0][0], "BINARY"),))
    return [index for index in found if all(name for name, _ in index)]


def _clash(unique: list[Index]) -> str:
    """Whether a row has what a new one wants."""
    wanted = [
        " AND ".join(f'{name} = NEW.{name} COLLATE "{collation}"' for name, collation in index)
        for index in unique
    ]
    return " OR ".join(f"({each})" for each in wanted)


class _Reader:
    """One connection to the file, and the data version at which the log was read last."""

    def __init__(self, file: Path, database: sqlite3.Connection, log: str) -> None:
        self._file = file
        self._database = database
        self._query = f"SELECT number, key, row FROM {log} WHERE number > ? ORDER BY number LIMIT {PAGE}"  # noqa: S608  # a plain name
        self._version: int | None = None

    async def page(self, after: int) -> list[tuple[int, Change]]:
        """The next changes."""
        rows = self._database.execute(self._query, (after,)).fetchall()
        return [
            (number, Change(str(number), json.loads(key), None if row is None else json.loads(row)))
            for number, key, row in rows
        ]

    async def wait(self) -> None:
        """Until the version is another than before the log was read: the first time at once."""
        while True:
            if not self._file.exists():  # an open file can be read for ever, whatever its name
                raise FileNotFoundError(self._file)
            (version,) = self._database.execute("PRAGMA data_version").fetchone()
            if version != self._version:
                self._version = version
                return
            await asyncio.sleep(LOOK_EVERY_S)
