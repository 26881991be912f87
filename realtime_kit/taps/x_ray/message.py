"""What the X-ray keeps: one record for each thing that crossed a wire."""

from __future__ import annotations

from dataclasses import dataclass
from types import MappingProxyType
from typing import Literal

Party = Literal["client", "pushpin", "origin", "publisher"]
"""Who sends and who receives."""

Leg = Literal["client", "origin", "publish"]
"""Which wire: from the client, to the origin, or to the port that Pushpin is published to."""

PARTIES: MappingProxyType[Leg, tuple[Party, Party]] = MappingProxyType(
    {"client": ("client", "pushpin"), "origin": ("pushpin", "origin"), "publish": ("publisher", "pushpin")}
)
"""Of each leg, who opens its connections and who accepts them."""

Kind = Literal[
    "request",
    "response",
    "body part",
    "websocket message",
    "websocket control",
    "publish",
    "opened",
    "closed",
    "not understood",
]
"""`publish` is a request with items; a `body part` belongs to an answer without a known end."""

Pairs = tuple[tuple[str, str], ...]
"""Names and values, in order; a name may come more than once."""


@dataclass(frozen=True, slots=True)
class Head:
    """The first lines of a request or an answer.

    Attributes:
        headers: All of them, as sent; but authorization and cookies are hidden, and of `Grip-Sig` only the
            claims are kept.
        method: Of a request, otherwise empty.
        target: Of a request: path and query, otherwise empty.
        status: Of an answer, otherwise 0.
        reason: The words after the status; may be empty.
    """

    headers: Pairs
    method: str = ""
    target: str = ""
    status: int = 0
    reason: str = ""

    def get(self, name: str) -> str:
        """The header's value, its lines joined by commas; empty if there is none."""
        wanted = name.lower()
        return ", ".join(value for each, value in self.headers if each.lower() == wanted)


@dataclass(frozen=True, slots=True)
class Instruction:
    """What an answer tells Pushpin to do with the client's request.

    Attributes:
        hold: `response` or `stream`, as sent; empty for none.
        channels: Names of the channels to hold it on.
        next_link: Where to read on; empty for none.
    """

    hold: str = ""
    channels: tuple[str, ...] = ()
    next_link: str = ""


@dataclass(frozen=True, slots=True)
class Message:
    """One thing that crossed a wire.

    Attributes:
        number: Counts up from 1 within an X-ray, in the order seen.
        at_ns: When its last byte passed the tap, nanoseconds of `time.monotonic_ns`.
        leg: Which wire.
        connection: Which TCP connection; counts from 1 within an X-ray.
        exchange: Which request it belongs to, counted from 1 within an X-ray; None if to none.
        sender: Who sent it.
        receiver: Who received it.
        kind: What it is.
        title: What stands on its arrow, such as `GET /events?after=3`.
        details: Its decoded parts, by name.
        text: The content, shortened; bytes that are no text are described.
        size_bytes: Size of the content, without headers and framing.
        head: The first lines, if it has any.
        grip: What it tells Pushpin, if it does.
        last: Whether nothing more of its exchange is expected.
    """

    number: int
    at_ns: int
    leg: Leg
    connection: int
    exchange: int | None
    sender: Party
    receiver: Party
    kind: Kind
    title: str
    details: Pairs = ()
    text: str = ""
    size_bytes: int = 0
    head: Head | None = None
    grip: Instruction | None = None
    last: bool = False

    def __str__(self) -> str:
        return f"{self.sender} → {self.receiver}: {self.title}"
