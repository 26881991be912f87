"""What a changefeed gives, whatever the database."""

from __future__ import annotations

from collections.abc import AsyncGenerator, Mapping
from dataclasses import dataclass
from typing import Any, Protocol

BEGINNING = ""
"""The position before the first change."""


@dataclass(frozen=True, slots=True)
class Change:
    """One row that was inserted, updated or deleted.

    Args:
        position: Where the feed stands after it; give it to `changes` to go on from there. Opaque.
        key: The row's primary key.
        row: The row as it is after the change, or None if it was deleted.
    """

    position: str
    key: Any
    row: Mapping[str, Any] | None


class ChangeFeed(Protocol):
    """The changes of one table, in an order that is the same for everybody who reads them.

    Attributes:
        looks_in_vain: How often a reader has found the database away.
    """

    looks_in_vain: int

    def changes(self, after: str = BEGINNING) -> AsyncGenerator[Change, None]:
        """What was committed after that position, and then, without an end, what is committed from now on.

        Args:
            after: The position of the last change that was seen.

        Raises:
            UsageError: a position that this feed has not given.
        """
        ...
