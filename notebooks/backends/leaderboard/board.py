"""The board: the best players as the changefeed has told it so far."""

import json
from collections.abc import Awaitable, Callable
from contextlib import aclosing
from dataclasses import dataclass

from gripcontrol import HttpResponseFormat, HttpStreamFormat
from pubcontrol import Item

from realtime_kit.changefeeds import Change, ChangeFeed
from realtime_kit.publisher import JSON_TYPE, encode_event

CHANNEL = "leaderboard"


@dataclass(frozen=True)
class Top:
    """What clients see, and the position of the change that made it so."""

    version: str
    players: tuple[tuple[str, int], ...]

    @property
    def body(self) -> str:
        return json.dumps([{"name": name, "score": score} for name, score in self.players])

    @property
    def etag(self) -> str:
        return f'"{self.version}"'

    @property
    def event(self) -> str:
        return encode_event(self.body, id=self.version)


class Board:
    def __init__(self, size: int = 5) -> None:
        self.position = ""
        self.top = Top("0", ())
        self._size = size
        self._scores: dict[str, int] = {}

    def apply(self, change: Change) -> Item | None:
        """Take a change in; what to publish, if the top has changed."""
        self.position = change.position
        self._scores.pop(change.key, None)
        if change.row is not None:
            self._scores[change.key] = change.row["score"]
        best = sorted(self._scores.items(), key=lambda player: (-player[1], player[0]))[: self._size]
        if tuple(best) == self.top.players:
            return None
        before, self.top = self.top, Top(change.position, tuple(best))
        answer = HttpResponseFormat(
            headers={"Content-Type": JSON_TYPE, "ETag": self.top.etag}, body=self.top.body
        )
        return Item([answer, HttpStreamFormat(self.top.event)], id=self.top.version, prev_id=before.version)


async def follow(feed: ChangeFeed, board: Board, publish: Callable[[str, Item], Awaitable[None]]) -> None:
    """Keep the board up to date, from where it stands, until cancelled."""
    async with aclosing(feed.changes(board.position)) as changes:
        async for change in changes:
            if item := board.apply(change):
                await publish(CHANNEL, item)
