"""What Pushpin says of itself: connections, subscribers and messages, live from its statistics socket.

Events arrive 1 to 7 ms after the fact. Long-poll subscriptions linger for `subscription_linger_s` after the
last poll, so they tell that a channel is warm rather than that somebody is there.
"""

from __future__ import annotations

import asyncio
import contextlib
import json
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any, Self

import zmq
import zmq.asyncio

from realtime_kit.errors import PushpinStopped
from realtime_kit.pushpin.readiness import PROBE, PROBE_ADDRESS

_HEARING_S = 0.05
"""Events arrive within 7 ms."""

_AT_ONCE = 100
"""Messages taken in a turn of the loop: a millisecond's. A Pushpin whose clock was put back sends 100,000 a second."""

_WAITING_MAX = 500_000
"""Messages that may wait to be counted, up to 150 MB: more than 100,000 clients make that leave at once, as one that is
lost would be counted wrongly for ever; and an end to such a flood."""

_REMEMBERED = 10_000
"""Connections whose end is remembered: Pushpin's proxy may announce one to which its handler has said good-bye."""


@dataclass(slots=True)
class Statistics:
    """A live count, kept up to date while the socket is open. The kit's own probe is left out.

    Attributes:
        connections: Requests, holds and WebSockets that are open. A client that waits between two requests on a
            kept connection counts as none; one whose hold went wrong may be counted for a minute longer.
        connections_seen: Requests and WebSockets opened so far.
        subscriptions: (channel, mode) of what is subscribed; mode is `stream`, `response` or `ws`.
        messages: Published messages so far, by transport: `http-stream`, `http-response`, `ws-message`.
        receivers: Subscribers those messages were meant for, by transport; what a limiter drops is counted as well.
    """

    connections: int = 0
    connections_seen: int = 0
    subscriptions: dict[tuple[str, str], int] = field(default_factory=dict)
    messages: Counter[str] = field(default_factory=Counter)
    receivers: Counter[str] = field(default_factory=Counter)
    _open: set[str] = field(default_factory=set, repr=False)
    _ended: dict[str, None] = field(default_factory=dict, repr=False)

    def subscribers(self, channel: str) -> int:
        """Subscribers of a channel over all modes."""
        # A copy, made in one step: the kit's thread may add to the original meanwhile.
        return sum(count for (name, _), count in self.subscriptions.copy().items() if name == channel)

    def take(self, message: bytes) -> None:
        """Count one message of the socket: its kind, a space, `J` and a JSON object."""
        kind, _, body = message.partition(b" ")
        if body[:1] == b"J" and (count := _COUNTS.get(kind)):
            values = json.loads(body[1:])
            if values.get("route") == PROBE or values.get("peer-address") == PROBE_ADDRESS:
                self._leave_out(values.get("id", ""))
            elif not values.get("channel", "").startswith(PROBE):
                count(self, values)

    def _leave_out(self, name: str) -> None:
        """Do not count a connection of the probe, however it is announced: a busy handler forgets the route."""
        if name in self._open:
            self.connections_seen -= 1
        self._end(name)
        self.connections = len(self._open)

    def _end(self, name: str) -> None:
        self._open.discard(name)
        self._ended[name] = None
        if len(self._ended) > _REMEMBERED:
            del self._ended[next(iter(self._ended))]

    def _connection(self, values: dict[str, Any]) -> None:
        name = values.get("id", "")
        if values.get("unavailable"):
            self._end(name)
        elif name not in self._open and name not in self._ended:  # living ones are announced again and again
            self._open.add(name)
            self.connections_seen += 1
        self.connections = len(self._open)

    def _subscription(self, values: dict[str, Any]) -> None:
        key = (values.get("channel", ""), values.get("mode", ""))
        if values.get("unavailable"):
            self.subscriptions.pop(key, None)
        else:
            self.subscriptions[key] = values.get("subscribers", 0)

    def _message(self, values: dict[str, Any]) -> None:
        transport = values.get("transport", "")
        self.messages[transport] += 1
        self.receivers[transport] += values.get("count", 0)


_COUNTS: dict[bytes, Callable[[Statistics, dict[str, Any]], None]] = {
    b"conn": Statistics._connection,
    b"sub": Statistics._subscription,
    b"message": Statistics._message,
}


class StatisticsSocket:
    """Follows one Pushpin's statistics socket, on the running loop. Use it with `async with`.

    Args:
        spec: ZeroMQ address of the socket.

    Attributes:
        statistics: The live count.
    """

    def __init__(self, spec: str) -> None:
        self.statistics = Statistics()
        self._changed = asyncio.Event()
        self._heard = asyncio.Event()
        self._following = asyncio.create_task(self._follow(spec))

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(self, *_: object) -> None:
        self._following.cancel()
        await asyncio.wait([self._following])

    async def hears(self) -> bool:
        """Whether anything has arrived, or does so shortly: then all that follows will."""
        with contextlib.suppress(TimeoutError):
            await asyncio.wait_for(self._heard.wait(), _HEARING_S)
        self._raise_what_ended_it()
        return self._heard.is_set()

    async def until(self, condition: Callable[[Statistics], bool]) -> None:
        """Wait until the count fulfils a condition.

        Raises:
            PushpinStopped: if the socket is closed before it does.
        """
        while not condition(self.statistics):
            self._raise_what_ended_it()
            await self._changed.wait()

    def _raise_what_ended_it(self) -> None:
        if self._following.cancelled():
            message = "Pushpin was stopped before its statistics were what was waited for"
            raise PushpinStopped(message)
        if self._following.done():
            self._following.result()  # raises what went wrong

    async def _follow(self, spec: str) -> None:
        context = zmq.asyncio.Context()
        socket = context.socket(zmq.SUB)
        try:
            socket.setsockopt(zmq.LINGER, 0)
            socket.setsockopt(zmq.RECONNECT_IVL, 10)  # milliseconds; it is there before Pushpin is
            socket.setsockopt(zmq.RCVHWM, _WAITING_MAX)
            socket.subscribe(b"")
            socket.connect(spec)
            while True:
                for _ in range(_AT_ONCE):
                    self.statistics.take(await socket.recv())
                    self._heard.set()
                    self._wake()
                await asyncio.sleep(0)  # while there is a next message, receiving it gives nobody else a turn
        finally:
            socket.close()
            context.term()
            self._wake()

    def _wake(self) -> None:
        self._changed.set()
        self._changed = asyncio.Event()
