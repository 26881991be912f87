"""The game's table in each of the databases: plain SQL from another process, and writes that are measured."""

import os
import shutil
import sqlite3
import subprocess
import sys
from collections.abc import Callable, Iterator
from contextlib import ExitStack, closing, contextmanager
from pathlib import Path

from realtime_kit import components
from realtime_kit.changefeeds import SqliteFeed, sqlite
from realtime_kit.changefeeds.rethink_address import rethink_address
from realtime_kit.databases import PostgreSQL
from realtime_kit.quantities import Latency
from realtime_kit.theory import polling, streaming

MAKE = "CREATE TABLE players (name TEXT PRIMARY KEY, score INTEGER NOT NULL)"
SET_ADA = "UPDATE players SET score = {} WHERE name = 'Ada'"
_PYTHON_PROMPT = (
    "import sqlite3, sys; sqlite3.connect(sys.argv[1], isolation_level=None).execute(sys.argv[2])"
)

Write = Callable[[int], object]
"""Gives Ada a score; returns when that is committed."""


class SqliteGame:
    """The table in an SQLite file; the folder is gone afterwards, or it is yours."""

    name, way = "SQLite", f"asked every {1000 * sqlite.LOOK_EVERY_S:g} ms"

    def __init__(self, file: Path) -> None:
        self.file = file
        self.sql(MAKE)
        self.feed = SqliteFeed(file, "players", key="name")

    def sql(self, statement: str) -> None:
        """Run a statement in a process of its own, which knows nothing of the web."""
        _prompt([sys.executable, "-c", _PYTHON_PROMPT, str(self.file), statement])

    @contextmanager
    def writing(self) -> Iterator[Write]:
        with closing(sqlite3.connect(self.file, isolation_level=None)) as database:
            yield lambda score: database.execute(SET_ADA.format(score))

    def expected(self, commit_s: float) -> Latency:
        """A commit meets the time between two looks at a random moment."""
        return polling.latency(interval_s=sqlite.LOOK_EVERY_S, service_s=commit_s)


class PostgresGame:
    """The table in a PostgreSQL of its own."""

    name, way = "PostgreSQL", "notified"

    def __init__(self) -> None:
        from realtime_kit.changefeeds.postgresql import PostgresFeed

        self.server = PostgreSQL().start()
        try:
            self.sql(MAKE)
            self.feed = PostgresFeed(self.server.url, "players", key="name")
        except BaseException:
            self.server.stop()
            raise

    def sql(self, statement: str) -> None:
        """Run a statement at PostgreSQL's own prompt, `psql`."""
        beside = components.find("postgresql").path.resolve().parent
        psql = shutil.which("psql", path=os.pathsep.join([str(beside), os.environ["PATH"]])) or "psql"
        _prompt([psql, "--no-psqlrc", "--quiet", self.server.url, "--command", statement])

    @contextmanager
    def writing(self) -> Iterator[Write]:
        import psycopg

        with psycopg.connect(self.server.url, autocommit=True) as database:
            yield lambda score: database.execute(SET_ADA.format(score))

    def expected(self, commit_s: float) -> Latency:
        """Nobody waits for a look."""
        return streaming.latency(downstream_s=0.0, service_s=commit_s)

    def stop(self) -> None:
        self.server.stop()


class RethinkGame:
    """The table in a RethinkDB that runs elsewhere, under a name of its own."""

    name, way = "RethinkDB", "notified"

    def __init__(self, url: str) -> None:
        from rethinkdb import RethinkDB

        from realtime_kit.changefeeds.rethinkdb import RethinkFeed

        self._r = RethinkDB()
        self._where = rethink_address(url)
        self._name = f"rk_players_{os.getpid()}"
        with self._r.connect(**self._where) as database:
            self._r.table_create(self._name).run(database)
        self.feed = RethinkFeed(url, self._name)

    @contextmanager
    def writing(self) -> Iterator[Write]:
        with self._r.connect(**self._where) as database:
            table = self._r.table(self._name)
            yield lambda score: table.insert({"id": "Ada", "score": score}, conflict="replace").run(database)

    expected = PostgresGame.expected

    def stop(self) -> None:
        with self._r.connect(**self._where) as database:
            self._r.table_drop(self._name).run(database)


Game = SqliteGame | PostgresGame | RethinkGame


def rethink_games(stack: ExitStack) -> list[RethinkGame]:
    """The game in RethinkDB where `RETHINKDB_URL` names one; else it is said that its feed is not tried."""
    url = os.environ.get("RETHINKDB_URL")
    if not url:
        print("RethinkDB: RETHINKDB_URL is not set, so its feed is not tried here.")
        return []
    try:
        game = RethinkGame(url)
    except ImportError:
        print("RethinkDB: its driver is not installed. Type: pip install 'realtime-kit[rethinkdb]'")
        return []
    stack.callback(game.stop)
    return [game]


def _prompt(command: list[str]) -> None:
    done = subprocess.run(command, capture_output=True, text=True, timeout=20)
    if done.returncode:
        said = done.stderr.strip().splitlines() or ["it said nothing"]
        raise RuntimeError(f"not written: {said[-1]}")
