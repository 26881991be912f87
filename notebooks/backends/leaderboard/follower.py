"""Follows the feed beside the notebook: the board is kept up to date, and what changes is published."""

from collections.abc import Awaitable, Callable

from backends.leaderboard.beside import Beside
from backends.leaderboard.board import Board, follow
from pubcontrol import Item

from realtime_kit.changefeeds import ChangeFeed


class Follower(Beside):
    def __init__(
        self, feed: ChangeFeed, board: Board, publish: Callable[[str, Item], Awaitable[None]]
    ) -> None:
        super().__init__("the follower", lambda: follow(feed, board, publish))
