"""The feed of PostgreSQL, against a private server."""

import asyncio
from collections.abc import Callable, Iterator
from contextlib import aclosing

import psycopg
import pytest

from realtime_kit.changefeeds import Change
from realtime_kit.changefeeds.postgresql import PostgresFeed
from realtime_kit.databases import PostgreSQL
from realtime_kit.errors import UsageError


@pytest.fixture(scope="module")
def server() -> Iterator[PostgreSQL]:
    with PostgreSQL() as made:
        yield made


@pytest.fixture
def feed(server: PostgreSQL) -> PostgresFeed:
    with psycopg.connect(server.url) as database:
        database.execute("DROP TABLE IF EXISTS players, players_changes")
        database.execute("DROP FUNCTION IF EXISTS players_changes_write, players_changes_empty")
        database.execute("CREATE TABLE players (name text PRIMARY KEY, score int)")
    return PostgresFeed(server.url, "players", key="name")


async def until(condition: Callable[[], bool]) -> None:
    """Look again and again until something is so."""
    async with asyncio.timeout(20):
        while True:
            if condition():
                return
            await asyncio.sleep(0.001)


async def take(feed: PostgresFeed, count: int, after: str = "") -> list[Change]:
    async with asyncio.timeout(20), aclosing(feed.changes(after)) as changes:
        return [await anext(changes) for _ in range(count)]


def write(server: PostgreSQL, name: str) -> None:
    with psycopg.connect(server.url) as database:
        database.execute("INSERT INTO players VALUES (%s, 1)", (name,))


def test_a_transaction_that_commits_late_is_not_skipped(server: PostgreSQL, feed: PostgresFeed) -> None:
    async def scenario() -> list[str]:
        write(server, "first")
        (first,) = await take(feed, 1)  # from here on there are triggers
        reading = asyncio.create_task(take(feed, 3, first.position))
        with psycopg.connect(server.url) as slow:
            slow.execute("INSERT INTO players VALUES ('slow', 1)")
            await asyncio.to_thread(write, server, "quick")  # a higher number, committed before
            waited, _ = await asyncio.wait([reading], timeout=0.3)
            assert not waited
        await asyncio.to_thread(write, server, "last")
        return [change.key for change in await reading]

    assert asyncio.run(scenario()) == ["slow", "quick", "last"]


def test_what_a_row_is_in_the_end_is_told_last_also_if_the_older_transaction_wrote_it(
    server: PostgreSQL, feed: PostgresFeed
) -> None:
    write(server, "ada")
    write(server, "ben")
    with psycopg.connect(server.url) as older, psycopg.connect(server.url) as younger:
        older.execute("UPDATE players SET score = 2 WHERE name = 'ada'")
        younger.execute("UPDATE players SET score = 2 WHERE name = 'ben'")
        younger.execute("INSERT INTO players VALUES ('cleo', 2)")
        younger.commit()
        older.execute("UPDATE players SET score = 3 WHERE name = 'ben'")
        older.execute("DELETE FROM players WHERE name = 'cleo'")
    write(server, "dora")

    found = asyncio.run(take(feed, 6))
    assert [(change.key, change.row and change.row["score"]) for change in found] == [
        ("ada", 1),
        ("ben", 1),
        ("ada", 2),
        ("ben", 3),
        ("cleo", None),
        ("dora", 1),
    ]


def test_nothing_is_lost_when_the_server_is_killed_and_comes_back(
    server: PostgreSQL, feed: PostgresFeed
) -> None:
    async def scenario() -> list[str]:
        write(server, "ada")
        reading = asyncio.create_task(take(feed, 2))
        await take(feed, 1)
        await asyncio.to_thread(server.stop_server)
        await until(lambda: feed.looks_in_vain > 0)
        await asyncio.to_thread(server.start_server)
        await asyncio.to_thread(write, server, "ben")
        return [change.key for change in await reading]

    assert asyncio.run(scenario()) == ["ada", "ben"]


def test_a_reader_goes_on_from_its_position(server: PostgreSQL, feed: PostgresFeed) -> None:
    write(server, "ada")
    (first,) = asyncio.run(take(feed, 1))
    write(server, "ben")

    assert [change.key for change in asyncio.run(take(feed, 1, first.position))] == ["ben"]


def test_an_emptied_table_takes_every_row_from_who_listens_and_from_who_comes_back(
    server: PostgreSQL, feed: PostgresFeed
) -> None:
    async def scenario() -> tuple[list[Change], list[Change]]:
        write(server, "ada")
        write(server, "ben")
        *_, last = await take(feed, 2)
        live = asyncio.create_task(take(feed, 3, last.position))
        with psycopg.connect(server.url) as database:
            database.execute("TRUNCATE players")
            database.execute("INSERT INTO players VALUES ('cleo', 1)")
        return await live, await take(feed, 3, last.position)

    live, later = asyncio.run(scenario())
    assert [(change.key, change.row is None) for change in live] == [
        ("ada", True),
        ("ben", True),
        ("cleo", False),
    ]
    assert later == live


def test_an_emptied_table_that_is_rolled_back_is_no_change(server: PostgreSQL, feed: PostgresFeed) -> None:
    write(server, "ada")
    with psycopg.connect(server.url) as database:
        database.execute("TRUNCATE players")
        database.rollback()
    write(server, "ben")

    assert [change.row is None for change in asyncio.run(take(feed, 2))] == [False, False]


def test_a_log_from_before_learns_of_emptied_tables(server: PostgreSQL, feed: PostgresFeed) -> None:
    write(server, "ada")
    with psycopg.connect(server.url) as database:
        database.execute("DROP TRIGGER players_changes_emptied ON players")
        database.execute("DROP FUNCTION players_changes_empty")
        database.execute("ALTER TABLE players_changes DROP COLUMN oldest")
    again = PostgresFeed(server.url, "players", key="name")
    with psycopg.connect(server.url) as database:
        database.execute("TRUNCATE players")

    assert [change.row is None for change in asyncio.run(take(again, 2))] == [False, True]


def test_a_table_that_was_made_anew_is_told_from_its_beginning(
    server: PostgreSQL, feed: PostgresFeed
) -> None:
    write(server, "ada")
    (first,) = asyncio.run(take(feed, 1))
    with psycopg.connect(server.url) as database:
        database.execute("DROP TABLE players")
        database.execute("CREATE TABLE players (name text PRIMARY KEY, score int)")
        database.execute("INSERT INTO players VALUES ('ben', 2)")
    again = PostgresFeed(server.url, "players", key="name")
    write(server, "cleo")
    with psycopg.connect(server.url) as database:
        database.execute("TRUNCATE players")

    told = [(each.key, each.row is None) for each in asyncio.run(take(again, 5, first.position))]
    assert told[:3] == [("ada", True), ("ben", False), ("cleo", False)]
    assert sorted(told[3:]) == [("ben", True), ("cleo", True)]


@pytest.mark.parametrize("position", ["1", "-1-2", "a-b", "999999999999-1"])
def test_a_position_of_another_feed_is_refused(feed: PostgresFeed, position: str) -> None:
    with pytest.raises(UsageError, match="position"):
        asyncio.run(take(feed, 1, position))
