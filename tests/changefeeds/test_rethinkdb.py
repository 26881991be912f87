"""The feed of RethinkDB; Debian has no such server, so most of this runs where RETHINKDB_URL names one."""

import asyncio
import importlib.util
import os
import sys
from collections.abc import Callable
from contextlib import aclosing
from pathlib import Path
from unittest.mock import Mock

import pytest

from realtime_kit.changefeeds.rethink_address import rethink_address
from realtime_kit.errors import UsageError
from realtime_kit.pushpin.ports import free_port

sys.path.append(str(Path(__file__).parents[2] / "notebooks"))

URL = os.environ.get("RETHINKDB_URL", "")
driver = pytest.mark.skipif(
    importlib.util.find_spec("rethinkdb") is None,
    reason="RethinkDB's driver is not installed: it was NOT tried",
)


async def until(condition: Callable[[], bool]) -> None:
    """Look again and again until something is so."""
    async with asyncio.timeout(20):
        while True:
            if condition():
                return
            await asyncio.sleep(0.001)


@pytest.mark.skipif(not URL, reason="RETHINKDB_URL is not set: the feed of RethinkDB was NOT tried")
def test_rows_come_first_and_then_changes() -> None:
    from rethinkdb import RethinkDB

    from realtime_kit.changefeeds.rethinkdb import RethinkFeed

    r, address = RethinkDB(), rethink_address(URL)

    async def scenario() -> list[object]:
        async with asyncio.timeout(20), aclosing(RethinkFeed(URL, "rk_players").changes()) as changes:
            first = await anext(changes)
            with r.connect(**address) as c:
                r.table("rk_players").get("ada").delete().run(c)
            return [first.key, (await anext(changes)).row]

    with r.connect(**address) as c:
        r.table_create("rk_players").run(c)
        r.table("rk_players").insert({"id": "ada", "score": 1}).run(c)
        try:
            assert asyncio.run(scenario()) == ["ada", None]
        finally:
            r.table_drop("rk_players").run(c)


@driver
def test_a_server_that_is_away_is_looked_for_again_and_again() -> None:
    from realtime_kit.changefeeds.rethinkdb import RethinkFeed

    async def scenario() -> None:
        feed = RethinkFeed(f"rethinkdb://127.0.0.1:{free_port()}", "players")
        async with asyncio.timeout(20), aclosing(feed.changes()) as changes:
            reading = asyncio.create_task(anext(changes))
            await until(lambda: feed.looks_in_vain > 1)
            assert not reading.done()
            reading.cancel()
            await asyncio.wait([reading])

    asyncio.run(scenario())


@driver
def test_what_a_return_of_the_server_cures_is_told_from_what_it_does_not() -> None:
    from rethinkdb import errors

    from realtime_kit.changefeeds.rethinkdb import RethinkFeed

    feed = RethinkFeed("rethinkdb://127.0.0.1", "players")
    passes = [
        errors.ReqlRuntimeError("Connection is closed (0 bytes read on a total of 12 expected bytes)."),
        errors.ReqlDriverError("Could not connect to 127.0.0.1:28015. Error: refused"),
        errors.ReqlOpFailedError("Cannot perform read: primary replica for shard [-inf, +inf) not available"),
        errors.ReqlCursorEmpty(),
        ConnectionResetError(),
    ]
    stays = [
        errors.ReqlOpFailedError("Table `test.players` does not exist."),
        errors.ReqlAuthError("Wrong password"),
        errors.ReqlPermissionError("User `ada` does not have the required `read` permission"),
        errors.ReqlNonExistenceError("No attribute `id` in object"),
        KeyError("id"),
    ]
    assert [feed._is_away(error) for error in passes] == [True] * len(passes)
    assert [feed._is_away(error) for error in stays] == [False] * len(stays)


@driver
def test_a_game_connects_as_whom_its_address_names(monkeypatch: pytest.MonkeyPatch) -> None:
    from backends.leaderboard.games import RethinkGame
    from rethinkdb import RethinkDB

    connect = Mock(side_effect=ConnectionRefusedError)
    monkeypatch.setattr(RethinkDB, "connect", connect)
    url = "rethinkdb://ada:secret@127.0.0.1/games"
    with pytest.raises(ConnectionRefusedError):
        RethinkGame(url)

    connect.assert_called_once_with(**rethink_address(url))


@driver
def test_a_position_of_another_feed_is_refused() -> None:
    from realtime_kit.changefeeds.rethinkdb import RethinkFeed

    async def scenario() -> None:
        async with aclosing(RethinkFeed("rethinkdb://127.0.0.1", "players").changes("12-34")) as changes:
            await anext(changes)

    with pytest.raises(UsageError, match="position '12-34'"):
        asyncio.run(scenario())
