"""The feed of PostgreSQL, against a private server."""

import asyncio
import os
import shutil
import subprocess
import tempfile
from collections.abc import Iterator
from contextlib import aclosing
from pathlib import Path

import psycopg
import pytest

from realtime_kit.changefeeds import Change
from realtime_kit.changefeeds.postgresql import PostgresFeed
from realtime_kit.errors import UsageError

BIN = max(Path("/usr/lib/postgresql").glob("*/bin"))
AS_USER = ["runuser", "-u", "postgres", "--"] if os.getuid() == 0 else []


class Server:
    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.url = f"postgresql://postgres@/postgres?host={folder}"
        self._run("initdb", "-D", folder / "data", "-U", "postgres", "-A", "trust", "--no-sync")

    def start(self) -> None:
        options = f"-c listen_addresses= -c unix_socket_directories={self.folder} -c fsync=off"
        self._run(
            "pg_ctl", "-D", self.folder / "data", "-w", "-l", self.folder / "log", "-o", options, "start"
        )

    def stop(self) -> None:
        self._run("pg_ctl", "-D", self.folder / "data", "-w", "-m", "immediate", "stop")

    def _run(self, program: str, *arguments: object) -> None:
        command = [*AS_USER, str(BIN / program), *map(str, arguments)]
        subprocess.run(command, check=True, timeout=60, stdout=subprocess.DEVNULL, cwd="/")


@pytest.fixture(scope="module")
def server() -> Iterator[Server]:
    folder = Path(tempfile.mkdtemp(prefix="pg-"))
    if AS_USER:
        shutil.chown(folder, "postgres")
    made = Server(folder)
    made.start()
    yield made
    made.stop()
    shutil.rmtree(folder)


@pytest.fixture
def feed(server: Server) -> PostgresFeed:
    with psycopg.connect(server.url) as database:
        database.execute("DROP TABLE IF EXISTS players, players_changes")
        database.execute("DROP FUNCTION IF EXISTS players_changes_write")
        database.execute("CREATE TABLE players (name text PRIMARY KEY, score int)")
    return PostgresFeed(server.url, "players", key="name")


async def take(feed: PostgresFeed, count: int, after: str = "") -> list[Change]:
    async with asyncio.timeout(20), aclosing(feed.changes(after)) as changes:
        return [await anext(changes) for _ in range(count)]


def write(server: Server, name: str) -> None:
    with psycopg.connect(server.url) as database:
        database.execute("INSERT INTO players VALUES (%s, 1)", (name,))


def test_a_transaction_that_commits_late_is_not_skipped(server: Server, feed: PostgresFeed) -> None:
    async def scenario() -> list[str]:
        reading = asyncio.create_task(take(feed, 3))
        with psycopg.connect(server.url) as slow:
            slow.execute("INSERT INTO players VALUES ('slow', 1)")
            await asyncio.to_thread(write, server, "quick")
        await asyncio.to_thread(write, server, "last")
        return [change.key for change in await reading]

    assert asyncio.run(scenario()) == ["slow", "quick", "last"]


def test_nothing_is_lost_when_the_server_is_killed_and_comes_back(server: Server, feed: PostgresFeed) -> None:
    async def scenario() -> list[str]:
        write(server, "ada")
        reading = asyncio.create_task(take(feed, 2))
        await take(feed, 1)
        await asyncio.to_thread(server.stop)
        await asyncio.to_thread(server.start)
        await asyncio.to_thread(write, server, "ben")
        return [change.key for change in await reading]

    assert asyncio.run(scenario()) == ["ada", "ben"]


def test_a_reader_goes_on_from_its_position(server: Server, feed: PostgresFeed) -> None:
    write(server, "ada")
    (first,) = asyncio.run(take(feed, 1))
    write(server, "ben")

    assert [change.key for change in asyncio.run(take(feed, 1, first.position))] == ["ben"]


@pytest.mark.parametrize("position", ["1", "-1-2", "a-b"])
def test_a_position_of_another_feed_is_refused(feed: PostgresFeed, position: str) -> None:
    with pytest.raises(UsageError):
        asyncio.run(take(feed, 1, position))
