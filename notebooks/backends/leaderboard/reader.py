"""Reads a feed beside the notebook, and keeps the scores that come."""

import contextlib
import time
from collections.abc import Callable

import numpy as np
from backends.leaderboard.beside import Beside

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


class Reader(Beside):
    """Reads from the beginning.

    Attributes:
        scores: What has come, in that order.
    """

    def __init__(self, feed: ChangeFeed) -> None:
        super().__init__("the reader", self._read)
        self.scores: list[int] = []
        self._feed = feed
        self._book = ReceiptBook()

    def until(self, score: int) -> None:
        """Return when that score has come, or the reader has ended."""
        until(lambda: score in self.scores or not self.running)

    def ledger(self, written: range) -> Ledger:
        """These scores were written: what has become of them?"""
        ids = np.array(written, np.int64)
        return account(self._book.receipts(), ids, np.zeros_like(ids), clients=1).ledger

    async def _read(self) -> None:
        async with contextlib.aclosing(self._feed.changes()) as changes:
            async for change in changes:
                if change.row is not None:
                    self._book.write(0, change.row["score"], time.monotonic_ns(), 0)
                    self.scores.append(change.row["score"])
