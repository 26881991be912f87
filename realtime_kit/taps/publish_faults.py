"""Faults on the way from the application to Pushpin: an event that is not published, or late, or twice."""

from __future__ import annotations

import asyncio
from collections import Counter
from collections.abc import Callable
from enum import StrEnum

from pubcontrol import Item

from realtime_kit.publisher import QueueingPublisher


class PublishFault(StrEnum):
    """What can happen to a publish."""

    DROP = "drop"
    """It is never sent: an application that crashed between its commit and its publish."""
    DELAY = "delay"
    """It is sent later, after those that followed it meanwhile."""
    REORDER = "reorder"
    """It changes places with the next one."""
    DUPLICATE = "duplicate"
    """It is sent twice: a publisher that was not answered and tried again."""
    WRONG_PREV_ID = "wrong-prev-id"
    """It names an event before it that nobody has heard of: a publisher that counts for itself, beside another. (If it
    named the last but one, that would fit a client that had just missed the one between: nobody could notice.)"""


class FaultyPublisher:
    """Stands before a publisher and does harm to the events chosen.

    Only items with an id are events; others, such as the calls to late long-polls, pass.

    Args:
        publisher: Sends what is sent at all.
        delay_s: How late a delayed event is sent, seconds.

    Attributes:
        fault: What to do to an event; gets its id, gives None for no harm. May be changed at any time.
        harmed: How many events each fault has befallen.
        dropped: Ids of the events that were never sent.
    """

    def __init__(self, publisher: QueueingPublisher, *, delay_s: float = 0.3) -> None:
        self.fault: Callable[[int], PublishFault | None] = lambda _: None
        self.harmed: Counter[PublishFault] = Counter()
        self.dropped: set[int] = set()
        self._publisher = publisher
        self._delay_s = delay_s
        self._waiting: list[tuple[str, Item]] = []  # for the next one to go first
        self._delayed: set[asyncio.TimerHandle] = set()

    def send(self, channel: str, item: Item) -> None:
        """Like the publisher's `send`, perhaps with a fault."""
        if item.id is None:
            self._publisher.send(channel, item)
            return
        chosen = self.fault(int(item.id))
        if chosen is not None:
            self.harmed[chosen] += 1
        if chosen is PublishFault.REORDER:
            self._waiting.append((channel, item))
            return
        if chosen is PublishFault.DROP:
            self.dropped.add(int(item.id))
        elif chosen is PublishFault.DELAY:
            self._delayed.add(
                asyncio.get_running_loop().call_later(self._delay_s, self._publisher.send, channel, item)
            )
        elif chosen is PublishFault.WRONG_PREV_ID:
            self._publisher.send(channel, _after_another(item))
        else:
            for _ in range(2 if chosen is PublishFault.DUPLICATE else 1):
                self._publisher.send(channel, item)
        self.let_go()

    def let_go(self) -> None:
        """Send what waits for a next event; there may be none."""
        waiting, self._waiting = self._waiting, []
        for channel, item in waiting:
            self._publisher.send(channel, item)

    def close(self) -> None:
        """Send nothing more of what is delayed; call it before the publisher is closed."""
        self._waiting.clear()
        for timer in self._delayed:
            timer.cancel()


def _after_another(item: Item) -> Item:
    """The same, as if it came after an event of another publisher's."""
    return Item(item.formats, id=item.id, prev_id=f"elsewhere-{item.prev_id}", meta=item.meta)
