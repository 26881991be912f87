"""The leaderboard of lesson 11: what somebody writes to the table reaches those who look at the board."""

import asyncio
import contextlib
import json
import sqlite3
import sys
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

import pytest
import requests

from realtime_kit import Site, background, serving, sse_events
from realtime_kit.changefeeds import SqliteFeed

sys.path.append(str(Path(__file__).parents[2] / "notebooks"))

from backends.leaderboard.api import leaderboard
from backends.leaderboard.board import Board, follow

pytestmark = pytest.mark.live


def write(file: Path, name: str, score: int) -> None:
    with closing(sqlite3.connect(file)) as database, database:
        database.execute("REPLACE INTO players VALUES (?, ?)", (name, score))


@pytest.fixture
def file(tmp_path: Path) -> Path:
    path = tmp_path / "game.db"
    with closing(sqlite3.connect(path)) as database:
        database.execute("CREATE TABLE players (name TEXT PRIMARY KEY, score INTEGER)")
    return path


@contextlib.contextmanager
def followed(file: Path, board: Board, site: Site) -> Iterator[None]:
    async def start() -> asyncio.Task[None]:
        return asyncio.create_task(follow(SqliteFeed(file, "players", key="name"), board, site.apublish))

    async def stop(task: asyncio.Task[None]) -> None:
        task.cancel()
        with contextlib.suppress(asyncio.CancelledError):
            await task

    task = background.run(start())
    try:
        yield
    finally:
        background.run(stop(task))


def test_get_long_poll_and_stream_agree(file: Path) -> None:
    board = Board()
    with serving(leaderboard(board)) as site, followed(file, board, site):
        address = site.url / "leaderboard"
        events = sse_events(address)
        assert json.loads(next(events).data) == []

        write(file, "ada", 5)
        streamed = json.loads(next(events).data)
        answer = requests.get(str(address), timeout=20)
        unchanged = requests.get(str(address), headers={"If-None-Match": answer.headers["ETag"]}, timeout=20)

        assert streamed == answer.json() == [{"name": "ada", "score": 5}]
        assert unchanged.status_code == 304


def test_a_long_poll_is_answered_when_the_table_changes(file: Path) -> None:
    board = Board()
    with serving(leaderboard(board)) as site, followed(file, board, site):
        headers = {"If-None-Match": board.top.etag, "Wait": "25"}

        async def asked() -> requests.Response:
            asking = asyncio.to_thread(
                requests.get, str(site.url / "leaderboard"), headers=headers, timeout=20
            )
            task = asyncio.create_task(asking)
            await site.pushpin.auntil(lambda seen: seen.subscribers("leaderboard") == 1)
            write(file, "ben", 9)
            return await task

        answer = asyncio.run(asked())

    assert (answer.status_code, answer.json()) == (200, [{"name": "ben", "score": 9}])
    assert answer.headers["ETag"] == board.top.etag


def test_what_was_written_while_nobody_followed_is_on_the_board_in_the_end(file: Path) -> None:
    board = Board()
    with serving(leaderboard(board)) as site:
        events = sse_events(site.url / "leaderboard")
        next(events)
        with followed(file, board, site):
            write(file, "ada", 1)
            next(events)
        write(file, "ben", 2)
        write(file, "cleo", 3)
        with followed(file, board, site):
            seen = [json.loads(next(events).data), json.loads(next(events).data)]

    assert [[player["name"] for player in top] for top in seen] == [["ben", "ada"], ["cleo", "ben", "ada"]]
