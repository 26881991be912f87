"""Reads a feed beside the notebook, and keeps the scores that come."""

import asyncio
import contextlib
import time
from collections.abc import Callable
from typing import Self

import numpy as np

from realtime_kit import background
from realtime_kit.changefeeds import ChangeFeed
from realtime_kit.clients import ReceiptBook
from realtime_kit.measurements import Ledger, account


def until(condition: Callable[[], bool], timeout_s: float = 20.0) -> None:
    """Return when something is so; nobody tells when, so it is looked at a hundred times a second."""
    end_s = time.monotonic() + timeout_s
    while not condition():
        if time.monotonic() > end_s:
            raise TimeoutError(f"not so after {timeout_s:g} s")
        time.sleep(0.01)


class Reader:
    def __init__(self, feed: ChangeFeed) -> None:
        self.scores: list[int] = []
        self._feed = feed
        self._book = ReceiptBook()
        self._task: asyncio.Task[None] | None = None

    def start(self) -> Self:
        background.run(self._start())
        return self

    def stop(self) -> None:
        """Stop reading. May be called again."""
        background.run(self._stop())

    def until(self, score: int) -> None:
        """Return when that score has come; raise what the feed has raised."""
        until(lambda: score in self.scores or self._task is None or self._task.done())
        if self._task is not None and self._task.done():
            self._task.result()

    def ledger(self, written: range) -> Ledger:
        """These scores were written: what has become of them?"""
        ids = np.array(written, np.int64)
        return account(self._book.receipts(), ids, np.zeros_like(ids), clients=1).ledger

    async def _start(self) -> None:
        await self._stop()
        self._task = asyncio.create_task(self._read())

    async def _stop(self) -> None:
        task, self._task = self._task, None
        if task:
            task.cancel()
            with contextlib.suppress(asyncio.CancelledError):
                await task

    async def _read(self) -> None:
        async with contextlib.aclosing(self._feed.changes()) as changes:
            async for change in changes:
                if change.row is not None:
                    self.scores.append(change.row["score"])
                    self._book.write(0, change.row["score"], time.monotonic_ns(), 0)
