"""What the feeds of all databases share: going on from a position, whatever happens to the database meanwhile."""

from __future__ import annotations

import asyncio
from abc import ABC, abstractmethod
from collections.abc import AsyncGenerator, Sequence
from contextlib import AbstractAsyncContextManager
from typing import Generic, Protocol, TypeVar

from realtime_kit.changefeeds.change import BEGINNING, Change
from realtime_kit.changefeeds.names import plain_name

PAGE = 500
"""Lines of a log that are read at once."""

Position = TypeVar("Position")


class Reader(Protocol[Position]):
    """One connection to the database, while it lasts."""

    async def page(self, after: Position) -> Sequence[tuple[Position, Change]]:
        """The next changes after a position that can be had at once, some or all; nothing if there are none."""

    async def wait(self) -> None:
        """Return when there may be more: once too often is allowed, once too seldom is not."""


class TableFeed(ABC, Generic[Position]):
    """The changes of one table.

    Args:
        table: The table's name.
        key: Its primary key, one column.
        again_after_s: Seconds between two looks for a database that is away.

    Attributes:
        looks_in_vain: How often a reader has found the database away.

    Raises:
        UsageError: a name that would need quoting.
    """

    def __init__(self, table: str, key: str, *, again_after_s: float) -> None:
        self.looks_in_vain = 0
        self._table = plain_name("table", table)
        self._key = plain_name("column", key)
        self._log = f"{table}_changes"  # of those that have one
        self._again_after_s = again_after_s

    @abstractmethod
    def _reading(self, after: Position) -> AbstractAsyncContextManager[Reader[Position]]:
        """Connect; raises `UsageError` if the database does not know that position."""

    @abstractmethod
    def _position(self, text: str) -> Position:
        """The position that a change's text stands for; raises `UsageError` if it stands for none."""

    @abstractmethod
    def _is_away(self, error: Exception) -> bool:
        """Whether that error passes when the database comes back."""

    async def changes(self, after: str = BEGINNING) -> AsyncGenerator[Change, None]:
        """What was committed after that position, and then, without an end, what is committed from now on.

        A database that goes away is looked for until it comes back.

        Args:
            after: The position of the last change that was seen.

        Raises:
            UsageError: a position that this feed has not given.
        """
        position = self._position(after)
        while True:
            try:
                async with self._reading(position) as reader:
                    while True:
                        while page := await reader.page(position):
                            for position, change in page:  # noqa: B007  # where it stands from now on
                                yield change
                        await reader.wait()
            except Exception as error:
                if not self._is_away(error):
                    raise
            self.looks_in_vain += 1
            await asyncio.sleep(self._again_after_s)
