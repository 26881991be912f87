"""What one connection of a swarm says, a reader for each transport. No sockets and no clock.

Everybody in a swarm is sent the same bytes. So a reader says when what it was fed makes a whole: such a piece means the
same to everybody who is between two messages, and needs to be read only once.
"""

from __future__ import annotations

import base64
import hashlib
import json
import os
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Protocol

from yarl import URL

from realtime_kit.clients.event_stream import EventStreamParser
from realtime_kit.clients.swarm.chunks import ChunkedBody, PlainBody
from realtime_kit.clients.swarm.frames import FrameReader, Opcode, control_frame
from realtime_kit.clients.swarm.head import Head, HeadReader, Refused
from realtime_kit.errors import ClientError

_MAX_DIGITS = 18  # what fits the 64 bits of a receipt
_OK, _SWITCHING = 200, 101
_ACCEPT_SUFFIX = b"258EAFA5-E914-47DA-95CA-C5AB0DC85B11"  # RFC 6455, section 1.3
_KEY = base64.b64encode(os.urandom(16))
"""A WebSocket key for all sockets of this process: it proves that the server speaks WebSocket, no more."""


class Reading(Protocol):
    """Reads the bytes of one connection.

    Attributes:
        opened: Whether the server has agreed.
        whole: Whether what was fed ends between two messages, and nothing of it matters to what comes next.
        over: Why the server has ended it in the middle of the connection; else empty.
        reply: What has to be sent back at once.
        cursor: Where to ask on from; None where there is nothing to ask.
    """

    opened: bool
    whole: bool
    over: str
    reply: bytes
    cursor: int | None

    def feed(self, data: bytes) -> tuple[int, ...]:
        """Ids of the events that these bytes complete.

        Raises:
            Refused: if the server does not agree.
            ClientError, ProtocolError: if that is not what was asked for.
        """


class StreamReading:
    """An event stream.

    Args:
        opened: Whether its head has been read.
    """

    __slots__ = ("_body", "_head", "_parser", "_tail", "cursor", "opened", "over", "reply", "whole")

    def __init__(self, *, opened: bool = False) -> None:
        self.opened, self.whole = opened, False
        self.over, self.reply = "", b""
        self.cursor: int | None = None
        self._head = HeadReader()
        self._body: ChunkedBody | PlainBody = ChunkedBody()
        self._parser = EventStreamParser(at_start=not opened)
        self._tail = b""  # the end of its content so far

    def feed(self, data: bytes) -> tuple[int, ...]:
        """Ids of the events that these bytes complete."""
        if not self.opened:
            head, data = self._head.feed(data)
            if head is None:
                return ()
            if head.status != _OK or head.content_type != "text/event-stream":
                raise head.no("event stream")
            self.opened = True
            if not head.chunked:
                self._body = PlainBody()
        content = self._body.feed(data)
        self._tail = (self._tail + content)[-2:]
        event_ids = tuple(_whole_number(event.id) for event in self._parser.feed(content))
        # A body that is not chunked stays with its reader: another would take it for a chunked one.
        chunked = isinstance(self._body, ChunkedBody)
        self.whole = chunked and self._body.at_boundary and self._tail == b"\n\n"
        if self._body.ended:  # the response is over, even if the connection could be used again
            self.over = "the server ended the stream"
        return event_ids


class SocketReading:
    """A WebSocket.

    Args:
        opened: Whether the handshake is over.
    """

    __slots__ = ("_frames", "_head", "cursor", "opened", "over", "reply", "whole")

    def __init__(self, *, opened: bool = False) -> None:
        self.opened, self.whole = opened, False
        self.over, self.reply = "", b""
        self.cursor: int | None = None
        self._head = HeadReader()
        self._frames = FrameReader()

    def feed(self, data: bytes) -> tuple[int, ...]:
        """Ids of the events that these bytes complete."""
        if not self.opened:
            head, data = self._head.feed(data)
            if head is None:
                return ()
            if head.status != _SWITCHING or head.fields.get("sec-websocket-accept") != _accept():
                raise head.no("WebSocket")
            self.opened = True
        event_ids = []
        self.reply = b""
        for opcode, content in self._frames.feed(data):
            match opcode:
                case Opcode.PING:
                    self.reply += control_frame(Opcode.PONG, content)
                case Opcode.CLOSE:
                    code = f" with code {int.from_bytes(content[:2], 'big')}" if content else ""
                    self.over = f"the server closed the WebSocket{code}"
                case Opcode.TEXT | Opcode.BINARY:
                    event_ids.append(_whole_number(_member(_json(content), "id", "a WebSocket message")))
        self.whole = self._frames.at_boundary and not self.reply
        return tuple(event_ids)


class PollReading:
    """The answer to one request of a long-poll."""

    __slots__ = (
        "_body",
        "_content",
        "_head",
        "_header",
        "_left",
        "cursor",
        "opened",
        "over",
        "reply",
        "whole",
    )

    def __init__(self, *, opened: bool = False) -> None:
        self.opened, self.whole = opened, False
        self.over, self.reply = "", b""
        self.cursor: int | None = None
        self._head = HeadReader()
        self._header: Head | None = None
        self._body: ChunkedBody | None = None
        self._left = 0
        self._content = b""

    def feed(self, data: bytes) -> tuple[int, ...]:
        """Ids of the events in the answer, once it is complete."""
        if self._header is None:
            self._header, data = self._head.feed(data)
            if self._header is None:
                return ()
            if self._header.status != _OK or self._header.content_type != "application/json":
                raise self._header.no("page of events")
            self._body = ChunkedBody() if self._header.chunked else None
            self._left = int(self._header.fields.get("content-length") or 0)
        self._content += self._body.feed(data) if self._body else data
        if not (self._body.ended if self._body else len(self._content) >= self._left):
            return ()
        page = _json(self._content)
        self.opened = self.whole = True
        self.cursor = _whole_number(_member(page, "cursor", "a page of events"))
        if self._header.fields.get("connection", "").lower() == "close":
            self.over = "the server ends the connection after each answer"
        return tuple(
            _whole_number(_member(event, "id", "an event")) for event in _member(page, "events", "a page")
        )


@dataclass(frozen=True, slots=True)
class Transport:
    """How a transport is asked for and read.

    Attributes:
        reading: Makes a reader.
        fields: Header fields to ask with.
        repeated: Whether each event has to be asked for: long-polling.
    """

    reading: Callable[..., Reading]
    fields: tuple[str, ...]
    repeated: bool = False

    def request(self, url: URL, after: int | None = None) -> bytes:
        """What to ask with; a long-poll says after which event, None for those to come."""
        path = url.raw_path_qs if after is None else url.update_query(after=str(after)).raw_path_qs
        lines = (f"GET {path} HTTP/1.1", f"Host: {url.host}:{url.port}", *self.fields, "\r\n")
        return "\r\n".join(lines).encode()


_UPGRADE = (
    "Upgrade: websocket",
    "Connection: Upgrade",
    "Sec-WebSocket-Version: 13",
    f"Sec-WebSocket-Key: {_KEY.decode()}",
)

SWARM_TRANSPORTS = {
    "streaming": Transport(StreamReading, ("Accept: text/event-stream",)),
    "websocket": Transport(SocketReading, _UPGRADE),
    "long-polling": Transport(PollReading, ("Accept: application/json",), repeated=True),
}


def _accept() -> str:
    digest = hashlib.sha1(_KEY + _ACCEPT_SUFFIX, usedforsecurity=False).digest()
    return base64.b64encode(digest).decode()


def _json(content: bytes) -> Any:
    try:
        return json.loads(content)
    except ValueError:
        message = f"JSON was due, and {content[:40]!r} came"
        raise ClientError(message) from None


def _member(value: Any, name: str, what: str) -> Any:
    if not isinstance(value, dict) or name not in value:
        message = f"{what} has no {name!r}: {str(value)[:40]}"
        raise ClientError(message)
    return value[name]


def _whole_number(event_id: object) -> int:
    text = str(event_id)
    if not (text.isascii() and text.isdigit() and len(text) <= _MAX_DIGITS):
        message = f"an event came with the id {text[:40]!r}: to be measured it needs a whole number"
        raise ClientError(message)
    return int(text)


__all__ = [
    "SWARM_TRANSPORTS",
    "PollReading",
    "Reading",
    "Refused",
    "SocketReading",
    "StreamReading",
    "Transport",
]
