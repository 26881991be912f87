"""Follows the feed beside the notebook, so that a cell that waits does not hold it up."""

import asyncio
import contextlib
from collections.abc import Awaitable, Callable
from typing import Self

from backends.leaderboard.board import Board, follow
from pubcontrol import Item

from realtime_kit import background
from realtime_kit.changefeeds import ChangeFeed


class Follower:
    def __init__(
        self, feed: ChangeFeed, board: Board, publish: Callable[[str, Item], Awaitable[None]]
    ) -> None:
        self._feed, self._board, self._publish = feed, board, publish
        self._task: asyncio.Task[None] | None = None

    def start(self) -> Self:
        background.run(self._start())
        return self

    def stop(self) -> None:
        """Stop following. May be called again."""
        background.run(self._stop())

    async def _start(self) -> None:
        await self._stop()
        self._task = asyncio.create_task(follow(self._feed, self._board, self._publish))

    async def _stop(self) -> None:
        task, self._task = self._task, None
        if task:
            task.cancel()
            with contextlib.suppress(asyncio.CancelledError):
                await task
