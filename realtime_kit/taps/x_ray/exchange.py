"""Exchanges: which messages belong together, which request caused which, and what was held for how long.

All of it follows from what was on the wires. Where that leaves more than one possibility, it is said.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

from realtime_kit.taps.x_ray.message import Leg, Message

Why = Literal["client request", "websocket", "next link", "repeat", "unknown"]


@dataclass(frozen=True, slots=True)
class Cause:
    """Why Pushpin asked the origin.

    Attributes:
        why: `client request`: it passed one on. `websocket`: it tells what came on a client's WebSocket.
            `next link`: it follows an origin's link. `repeat`: it asks again what it asked before, though the
            client has not: that is what happens about a second after a channel's first subscriber, and after
            a gap or a hint. `unknown`: nothing on the wire explains it.
        exchange: The client's request, or the origin's answer with the link, or the request it repeats.
        clients: The requests of clients for whose sake it asks.
        certain: Whether no other explanation fits as well.
    """

    why: Why
    exchange: int | None = None
    clients: tuple[int, ...] = ()
    certain: bool = True

    @property
    def is_pushpins_own(self) -> bool:
        """Whether no client sent anything for it."""
        return self.why not in ("client request", "websocket")

    def __str__(self) -> str:
        said = _WORDS[self.why].format(self.exchange)
        return said if self.certain else f"{said}, or another like it"


_WORDS: dict[Why, str] = {
    "client request": "passes on request {}",
    "websocket": "tells what came on WebSocket {}",
    "next link": "Pushpin's own: follows the link in answer {}",
    "repeat": "Pushpin's own: repeats request {}",
    "unknown": "no client's request is known for it",
}


@dataclass(frozen=True, slots=True)
class Hold:
    """Pushpin keeps a client waiting, or its stream open.

    Attributes:
        mode: `response` and `stream` as the origin instructed; `websocket` for one that is open.
        channels: On which channels, as far as the origin's answer says it.
        from_ns: When the instruction, or the WebSocket's 101, passed the tap.
        until_ns: When it ended; None if it goes on.
    """

    mode: str
    channels: tuple[str, ...]
    from_ns: int
    until_ns: int | None = None


@dataclass(frozen=True, slots=True)
class Exchange:
    """A request and all that belongs to it.

    Attributes:
        number: As in its messages.
        leg: On which wire.
        connection: On which connection.
        messages: All of its messages that are still kept, in order.
        request: None if it is no longer kept, or not complete yet.
        response: The beginning of the answer, if it has begun.
        ended_ns: When the last of it passed the tap; None if it goes on.
        hold: Of a client's request, whether it was held.
        cause: Of a request to the origin, why it was sent.
    """

    number: int
    leg: Leg
    connection: int
    messages: tuple[Message, ...]
    request: Message | None = None
    response: Message | None = None
    ended_ns: int | None = None
    hold: Hold | None = None
    cause: Cause | None = None

    @property
    def began_ns(self) -> int:
        """When the request passed the tap."""
        return self.messages[0].at_ns

    @property
    def took_s(self) -> float | None:
        """Seconds from the request to the end of the answer; None if it goes on."""
        return None if self.ended_ns is None else (self.ended_ns - self.began_ns) / 1e9

    @property
    def held_s(self) -> float | None:
        """Seconds that Pushpin held it; 0 if it did not, None if it still does."""
        if self.hold is None:
            return 0.0
        return None if self.hold.until_ns is None else (self.hold.until_ns - self.hold.from_ns) / 1e9
