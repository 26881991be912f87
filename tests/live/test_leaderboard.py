"""The leaderboard of lesson 11: what somebody writes to the table reaches those who look at the board."""

import asyncio
import contextlib
import json
import sqlite3
import sys
import time
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

import numpy as np
import pytest
import requests
from matplotlib import font_manager

from realtime_kit import Site, serving, sse_events
from realtime_kit.changefeeds import SqliteFeed
from realtime_kit.plots import LIGHT

sys.path.append(str(Path(__file__).parents[2] / "notebooks"))

from backends.leaderboard.api import leaderboard
from backends.leaderboard.board import Board
from backends.leaderboard.feed_race import race, table
from backends.leaderboard.follower import Follower
from backends.leaderboard.games import PostgresGame, SqliteGame
from backends.leaderboard.live_board import LiveBoard
from backends.leaderboard.picture import race_figure
from backends.leaderboard.reader import Reader, until

pytestmark = pytest.mark.live


@pytest.fixture(autouse=True)
def fonts_closed(nothing_left_behind: str) -> Iterator[None]:
    """Matplotlib keeps the fonts open that a thread has drawn with; they are no board's."""
    yield
    font_manager._get_font.cache_clear()


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
    follower = Follower(SqliteFeed(file, "players", key="name"), board, site.apublish).start()
    try:
        yield
    finally:
        follower.stop()


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


@pytest.fixture
def postgres_game() -> Iterator[PostgresGame]:
    game = PostgresGame()
    yield game
    game.stop()


def test_all_feeds_in_one_run_lose_nothing_and_the_one_that_asks_waits_for_its_looks(
    tmp_path: Path, postgres_game: PostgresGame
) -> None:
    games = [SqliteGame(tmp_path / "game.db"), postgres_game]
    for game in games:
        for score in (3, 5):  # scores that will be numbers of writes, too
            game.sql(
                f"INSERT INTO players VALUES ('Ada', {score}) ON CONFLICT (name) DO UPDATE SET score = {score}"
            )

    asked, told = race(games, seconds=4)

    for each in (asked, told):
        assert each.ledger.lost == each.ledger.duplicate == each.ledger.unexpected == 0
        assert each.ledger.expected == each.ledger.received == len(each.commit_s) > 40
        assert (each.to_client_s > each.to_reader_s).all()
        assert each.game in str(table([asked, told]))
    # Load on the machine adds to every wait, so theory is a bound from below, and the quickest are compared.
    interval_s = asked.theory.max - asked.theory.min
    assert np.median(asked.waited_s) > 0.7 * interval_s / 2
    assert np.quantile(asked.waited_s, 0.1) < interval_s
    assert np.quantile(told.waited_s, 0.1) < np.median(asked.waited_s)
    assert len(race_figure([asked, told]).axes[0].lines) == 6


def test_postgresql_goes_away_in_the_middle_and_the_books_balance(postgres_game: PostgresGame) -> None:
    postgres_game.sql("INSERT INTO players VALUES ('Ada', 1)")
    reader = Reader(postgres_game.feed).start()
    try:
        reader.until(1)
        postgres_game.server.stop_server()
        until(lambda: postgres_game.feed.looks_in_vain > 1)
        with pytest.raises(RuntimeError, match="not written: "):
            postgres_game.sql("UPDATE players SET score = 2")
        postgres_game.server.start_server()
        for score in range(2, 6):
            postgres_game.sql(f"UPDATE players SET score = {score}")
        reader.until(5)
        ledger = reader.ledger(range(1, 6))
    finally:
        reader.stop()
    assert reader.scores == [1, 2, 3, 4, 5]
    assert (ledger.received, ledger.lost, ledger.duplicate) == (5, 0, 0)


def test_waiting_for_what_does_not_come_ends() -> None:
    began_s = time.monotonic()
    with pytest.raises(TimeoutError, match="not so after"):
        until(lambda: False, timeout_s=0.05)
    assert time.monotonic() - began_s >= 0.05


def test_a_statement_moves_the_live_board_and_it_starts_again_after_a_stop(tmp_path: Path) -> None:
    game, board = SqliteGame(tmp_path / "game.db"), Board()
    game.sql("INSERT INTO players VALUES ('Ada', 30), ('<Ben>', 20)")
    with serving(leaderboard(board)) as site, followed(game.file, board, site):
        live = LiveBoard(site.url / "leaderboard", game.sql, theme=LIGHT)
        try:
            live.start()
            until(lambda: live.players == (("Ada", 30), ("<Ben>", 20)))
            live.sql("UPDATE players SET score = 45 WHERE name = '<Ben>'")
            until(lambda: live.players[0] == ("<Ben>", 45))
            assert "up 1" in str(live.table())
            assert "&lt;Ben&gt;" in live.table()._repr_html_()
            live.stop()
            assert live.wait().players == live.players
            live.sql("DELETE FROM players WHERE name = 'Ada'")
            live.start()
            until(lambda: live.players == (("<Ben>", 45),))
            with pytest.raises(RuntimeError, match=r"not written: .*no such table"):
                live.sql("DELETE FROM nobody")
            assert live.picture.settle()
            assert live.picture.error is None
            assert live.figure().axes
        finally:
            live.close()
            live.close()


def test_a_follower_that_fails_says_so(file: Path, capsys: pytest.CaptureFixture[str]) -> None:
    async def publish(channel: str, item: object) -> None:
        raise RuntimeError("no board today")

    write(file, "ada", 5)
    follower = Follower(SqliteFeed(file, "players", key="name"), Board(), publish).start()
    until(lambda: not follower.running)
    follower.stop()

    assert (
        capsys.readouterr().err == "the follower has ended: RuntimeError: no board today. Start it again.\n"
    )
