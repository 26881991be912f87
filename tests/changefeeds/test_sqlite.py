"""The feed of SQLite: other processes write, and the reader comes and goes."""

import asyncio
import os
import sqlite3
import subprocess
import sys
from collections.abc import Callable
from contextlib import aclosing, closing
from pathlib import Path

import pytest

from realtime_kit.changefeeds import Change, SqliteFeed
from realtime_kit.errors import UsageError

WRITER = """
import sqlite3, sys
database = sqlite3.connect(sys.argv[1], timeout=30, isolation_level=None)
for score in range(100):
    database.execute("INSERT INTO players VALUES (?, ?)", (f"{sys.argv[2]}-{score}", score))
database.close()
"""


@pytest.fixture
def file(tmp_path: Path) -> Path:
    path = tmp_path / "game.db"
    execute(path, "CREATE TABLE players (name TEXT PRIMARY KEY, score INTEGER NOT NULL)")
    return path


def execute(file: Path, *statements: str) -> None:
    with closing(sqlite3.connect(file)) as database:
        for statement in statements:
            database.execute(statement)
        database.commit()


def feed_of(file: Path) -> SqliteFeed:
    return SqliteFeed(file, "players", key="name")


async def until(condition: Callable[[], bool]) -> None:
    """Look again and again until something is so."""
    async with asyncio.timeout(20):
        while True:
            if condition():
                return
            await asyncio.sleep(0.001)


async def take(feed: SqliteFeed, count: int, after: str = "") -> list[Change]:
    found: list[Change] = []
    async with asyncio.timeout(20), aclosing(feed.changes(after)) as changes:
        async for change in changes:
            found.append(change)
            if len(found) == count:
                break
    return found


def test_insert_update_delete_and_a_new_key_come_in_order(file: Path) -> None:
    feed = feed_of(file)
    execute(
        file,
        "INSERT INTO players VALUES ('ada', 1)",
        "UPDATE players SET score = 2 WHERE name = 'ada'",
        "UPDATE players SET name = 'ben'",
        "DELETE FROM players",
    )

    found = asyncio.run(take(feed, 5))

    assert [(change.key, change.row) for change in found] == [
        ("ada", {"name": "ada", "score": 1}),
        ("ada", {"name": "ada", "score": 2}),
        ("ada", None),
        ("ben", {"name": "ben", "score": 2}),
        ("ben", None),
    ]


def test_a_reader_that_was_away_goes_on_where_it_was(file: Path) -> None:
    execute_after = "INSERT INTO players VALUES ('ben', 2)"
    feed = feed_of(file)
    execute(file, "INSERT INTO players VALUES ('ada', 1)")
    (first,) = asyncio.run(take(feed, 1))
    execute(file, execute_after)

    (second,) = asyncio.run(take(feed_of(file), 1, after=first.position))

    assert second.key == "ben"


def test_what_is_rolled_back_is_no_change(file: Path) -> None:
    feed = feed_of(file)
    with closing(sqlite3.connect(file)) as database:
        database.execute("INSERT INTO players VALUES ('nobody', 0)")
        database.rollback()
    execute(file, "INSERT INTO players VALUES ('ada', 1)")

    assert [change.key for change in asyncio.run(take(feed, 1))] == ["ada"]


def test_processes_that_write_at_once_are_all_seen_once_and_live(file: Path) -> None:
    async def scenario() -> list[Change]:
        reading = asyncio.create_task(take(feed_of(file), 300))
        command = [sys.executable, "-c", WRITER, str(file)]
        writers = [await asyncio.create_subprocess_exec(*command, who) for who in "abc"]
        assert [await writer.wait() for writer in writers] == [0, 0, 0]
        return await reading

    found = asyncio.run(scenario())

    assert len({change.key for change in found}) == 300
    for who in "abc":
        scores = [change.row["score"] for change in found if change.row and change.key.startswith(who)]
        assert scores == list(range(100))


def test_a_plain_prompt_is_seen(file: Path) -> None:
    feed = feed_of(file)
    write = "import sqlite3, sys; sqlite3.connect(sys.argv[1], isolation_level=None).execute(sys.argv[2])"
    argv = [sys.executable, "-c", write, file, "INSERT INTO players VALUES ('ada', 7)"]
    subprocess.run(argv, check=True, timeout=20)

    assert [change.row for change in asyncio.run(take(feed, 1))] == [{"name": "ada", "score": 7}]


def test_a_database_that_goes_away_and_comes_back_costs_no_change(file: Path) -> None:
    async def scenario() -> list[str]:
        feed = feed_of(file)
        execute(file, "INSERT INTO players VALUES ('ada', 1)")
        away = file.with_name("away")
        async with asyncio.timeout(20), aclosing(feed.changes()) as changes:
            first = await anext(changes)
            execute(file, "PRAGMA wal_checkpoint(TRUNCATE)")
            os.rename(file, away)  # noqa: PTH104
            second = asyncio.create_task(anext(changes))
            await until(lambda: feed.looks_in_vain > 0)
            os.rename(away, file)  # noqa: PTH104
            execute(file, "INSERT INTO players VALUES ('ben', 2)")
            return [first.key, (await second).key]

    assert asyncio.run(scenario()) == ["ada", "ben"]


@pytest.mark.parametrize("position", ["-1", "x", "1.5", "²", "99", "9" * 30])
def test_a_position_of_another_feed_is_refused(file: Path, position: str) -> None:
    with pytest.raises(UsageError, match="position"):
        asyncio.run(take(feed_of(file), 1, after=position))


@pytest.mark.parametrize(("table", "key"), [("nobody", "name"), ("players", "id"), ("a b", "c"), ("p;", "x")])
def test_a_table_or_column_that_is_not_there_is_named(file: Path, table: str, key: str) -> None:
    with pytest.raises(UsageError):
        SqliteFeed(file, table, key=key)


def test_a_file_that_is_not_there_is_named(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match=r"no file .*game\.db"):
        feed_of(tmp_path / "game.db")


def test_rows_from_before_the_feed_are_its_first_changes(file: Path) -> None:
    execute(file, "INSERT INTO players VALUES ('ada', 1)")

    feed_of(file)
    found = asyncio.run(take(feed_of(file), 1))

    assert [(change.position, change.row) for change in found] == [("1", {"name": "ada", "score": 1})]


def test_a_trigger_of_an_earlier_log_tells_nothing_any_more(file: Path) -> None:
    feed_of(file)
    execute(
        file,
        "INSERT INTO players VALUES ('ada', 1), ('ben', 2)",
        """CREATE TRIGGER players_changes_moved BEFORE UPDATE OF name ON players BEGIN
            INSERT INTO players_changes (key) VALUES (json_quote(OLD.name));
        END""",
    )
    again = feed_of(file)
    execute(file, "UPDATE OR IGNORE players SET name = 'ben' WHERE name = 'ada'")
    execute(file, "INSERT INTO players VALUES ('cleo', 3)")

    assert [change.key for change in asyncio.run(take(again, 3))] == ["ada", "ben", "cleo"]


def told(feed: SqliteFeed) -> dict[str, dict[str, object]]:
    """The rows as somebody has them who has followed the feed to its end."""
    rows: dict[str, dict[str, object]] = {}
    with closing(sqlite3.connect(feed._file)) as database:
        (count,) = database.execute(f"SELECT count(*) FROM {feed._log}").fetchone()
    for change in asyncio.run(take(feed, count)):
        rows.pop(change.key, None)
        if change.row is not None:
            rows[change.key] = dict(change.row)
    return rows


MAIL = "CREATE TABLE players (name TEXT PRIMARY KEY, mail TEXT UNIQUE, score INTEGER)"
TWO = "INSERT INTO players VALUES ('ada', 'a@x', 1), ('ben', 'b@x', 2)"


@pytest.mark.parametrize(
    ("table", "statements"),
    [
        (MAIL, ["REPLACE INTO players VALUES ('cleo', 'a@x', 3)"]),
        (MAIL, ["REPLACE INTO players VALUES ('ada', 'b@x', 3)"]),
        (MAIL, ["INSERT OR IGNORE INTO players VALUES ('cleo', 'a@x', 3)"]),
        (MAIL, ["UPDATE OR REPLACE players SET mail = 'b@x' WHERE name = 'ada'"]),
        (MAIL, ["UPDATE OR REPLACE players SET name = 'cleo', mail = 'b@x' WHERE name = 'ada'"]),
        (MAIL, ["UPDATE OR REPLACE players SET name = 'ben' WHERE name = 'ada'"]),
        (MAIL, ["UPDATE OR IGNORE players SET name = 'ben' WHERE name = 'ada'"]),
        (MAIL, ["INSERT INTO players VALUES ('cleo', 'a@x', 3) ON CONFLICT (mail) DO UPDATE SET score = 9"]),
        (MAIL, ["PRAGMA recursive_triggers = ON", "REPLACE INTO players VALUES ('cleo', 'a@x', 3)"]),
        (
            MAIL,
            [
                "INSERT OR IGNORE INTO players VALUES ('cleo', 'a@x', 3)",
                "DELETE FROM players WHERE name = 'ada'",
            ],
        ),
        (
            "CREATE TABLE players (name UNIQUE, mail PRIMARY KEY, score)",
            ["REPLACE INTO players VALUES ('cleo', 'a@x', 3)"],
        ),
        (
            "CREATE TABLE players (name TEXT UNIQUE, mail, id INTEGER PRIMARY KEY)",
            ["REPLACE INTO players VALUES ('cleo', 'c@x', 1)", "INSERT INTO players (name) VALUES ('dora')"],
        ),
        (
            "CREATE TABLE players (name PRIMARY KEY, mail, score, UNIQUE (mail, score)) WITHOUT ROWID",
            [
                "REPLACE INTO players VALUES ('cleo', 'a@x', 1)",
                "REPLACE INTO players VALUES ('dora', 'b@x', 1)",
            ],
        ),
        (
            "CREATE TABLE players (name PRIMARY KEY, mail COLLATE NOCASE UNIQUE ON CONFLICT REPLACE, score)",
            ["INSERT INTO players VALUES ('cleo', 'A@X', 3)"],
        ),
        (
            "CREATE TABLE players (name COLLATE NOCASE PRIMARY KEY, mail, score)",
            [
                "REPLACE INTO players VALUES ('ADA', 'a@x', 3)",
                "UPDATE players SET name = 'Ben' WHERE name = 'ben'",
            ],
        ),
    ],
)
def test_who_has_followed_the_feed_has_the_rows_that_are_there_whatever_was_replaced(
    tmp_path: Path, table: str, statements: list[str]
) -> None:
    file = tmp_path / "game.db"
    execute(file, table)
    feed = feed_of(file)
    execute(file, TWO, *statements)
    with closing(sqlite3.connect(file)) as database:
        database.row_factory = sqlite3.Row
        there = {row["name"]: dict(row) for row in database.execute("SELECT * FROM players")}

    assert told(feed) == there


def test_a_column_that_came_later_is_told_by_the_next_feed(file: Path) -> None:
    feed_of(file)
    execute(file, "ALTER TABLE players ADD COLUMN mail", "CREATE UNIQUE INDEX one_mail ON players (mail)")
    feed = feed_of(file)
    execute(
        file, "INSERT INTO players VALUES ('ada', 1, 'a@x')", "REPLACE INTO players VALUES ('ben', 2, 'a@x')"
    )

    assert told(feed) == {"ben": {"name": "ben", "score": 2, "mail": "a@x"}}
