"""One client of a service that the kit knows nothing of: events are told apart by what is in them."""

from __future__ import annotations

import asyncio
import time
from hashlib import blake2b
from typing import Protocol, cast

import aiohttp

from realtime_kit.clients.event_stream import Event, EventStreamParser
from realtime_kit.clients.swarm.chunks import ChunkedBody, PlainBody
from realtime_kit.clients.swarm.head import HeadReader, Refused
from realtime_kit.errors import ClientError, ProtocolError

_PIECES_KEPT = 256
_OK = 200
_BETWEEN_EVENTS = (b"\n\n", b"\r\n\r\n")


def key_of(text: str, *, id: str = "", type: str = "message") -> int:  # noqa: A002
    """A number for an event that is the same in every process: 62 bits of a digest, and whether it has an id."""
    digest = blake2b("\0".join((id, type, text)).encode(errors="replace"), digest_size=8).digest()
    return int.from_bytes(digest, "big") >> 2 << 1 | bool(id)


def has_id(key: int) -> bool:
    """Whether the event of this key has an id; without one it may be the same again and again."""
    return bool(key & 1)


class OwnIdParser(EventStreamParser):
    """An id counts for the event that carries it: of what came before, clients have seen more or less."""

    def _dispatch(self) -> Event | None:
        event = super()._dispatch()
        self._id = ""
        return event


class Watcher(Protocol):
    """What a member reports to.

    Attributes:
        end_ns: When the watch is over, on `CLOCK_MONOTONIC`.
        pieces: What pieces of a stream hold: shared by all members of a process, who are sent the same bytes.
    """

    end_ns: int
    pieces: dict[bytes, tuple[int, ...]]

    def receive(self, number: int, keys: tuple[int, ...], received_ns: int, opened_ns: int) -> None:
        """These events have come."""

    def lose(self, number: int, member: object, reason: str) -> None:
        """Its connection has ended."""


class StreamMember(asyncio.Protocol):
    """A client of an event stream.

    Args:
        number: Its number.
        watcher: What it reports to.
        request: The bytes to ask with.

    Attributes:
        answered: Done when a stream is open; a `Refused` if none was opened.
    """

    def __init__(self, number: int, watcher: Watcher, request: bytes) -> None:
        self.answered: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        self._number = number
        self._watcher = watcher
        self._request = request
        self._opened_ns = 0
        self._head: HeadReader | None = HeadReader()  # None when it has been read
        self._plain = False
        self._body: ChunkedBody | PlainBody | None = None  # only while a piece is not whole
        self._parser: OwnIdParser | None = None  # likewise
        self._transport: asyncio.Transport | None = None
        self._wrong = ""  # why it has hung up, if the stream was none

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Ask at once."""
        self._transport = cast("asyncio.Transport", transport)
        self._opened_ns = time.monotonic_ns()
        self._transport.write(self._request)

    def data_received(self, data: bytes) -> None:
        """The fast way for what is known, the exact one for the rest; none when the watch is over."""
        received_ns = time.monotonic_ns()
        if received_ns >= self._watcher.end_ns:
            return
        if self._parser is None and self._head is None:
            keys = self._watcher.pieces.get(data)
            if keys is not None:
                if keys:
                    self._watcher.receive(self._number, keys, received_ns, self._opened_ns)
                return
        try:
            self._read(data)
        except (ClientError, ProtocolError) as error:
            self._refuse(error)

    def _read(self, data: bytes) -> None:
        if self._head is not None:
            head, data = self._head.feed(data)
            if head is None:
                return
            if head.status != _OK or head.content_type != "text/event-stream":
                raise head.no("event stream")
            self._head, self._plain, self._parser = None, not head.chunked, OwnIdParser()
            if not self.answered.done():
                self.answered.set_result(None)
            if not data:
                return
        fresh = self._parser is None
        parser = self._parser or OwnIdParser(at_start=False)
        body = self._body or (PlainBody() if self._plain else ChunkedBody())
        content = body.feed(data)
        keys = tuple(key_of(event.data, id=event.id, type=event.type) for event in parser.feed(content))
        whole = body.at_boundary and content.endswith(_BETWEEN_EVENTS) and not body.ended
        self._parser, self._body = (None, None) if whole else (parser, body)
        if fresh and whole:
            self._remember(data, keys)
        if keys:
            self._watcher.receive(self._number, keys, time.monotonic_ns(), self._opened_ns)
        if body.ended:  # the response is over, even if the connection could be used again
            self.close()

    def _remember(self, piece: bytes, keys: tuple[int, ...]) -> None:
        pieces = self._watcher.pieces
        if len(pieces) >= _PIECES_KEPT:
            del pieces[next(iter(pieces))]
        pieces[piece] = keys

    def _refuse(self, error: Exception) -> None:
        if not self.answered.done():
            self.answered.set_exception(
                error if isinstance(error, Refused) else Refused(str(error), again=False)
            )
        self._wrong = str(error)
        self.close()

    def connection_lost(self, exc: Exception | None) -> None:
        """Tell whoever waits, or the watcher."""
        self._transport = None
        reason = self._wrong or (str(exc) if exc else "the server ended the stream")
        if not self.answered.done():
            self.answered.set_exception(Refused(reason, again=True))
        else:
            self._watcher.lose(self._number, self, reason)

    def close(self) -> None:
        """Hang up."""
        if self._transport is not None:
            self._transport.abort()


class SocketMember:
    """A WebSocket client; its messages are the events."""

    def __init__(self, number: int, watcher: Watcher, socket: aiohttp.ClientWebSocketResponse) -> None:
        self._socket = socket
        self._reading = asyncio.create_task(self._read(number, watcher, time.monotonic_ns()))

    async def _read(self, number: int, watcher: Watcher, opened_ns: int) -> None:
        reason = ""
        try:
            async for message in self._socket:
                received_ns = time.monotonic_ns()
                if message.type is aiohttp.WSMsgType.ERROR:
                    break
                text = message.data if isinstance(message.data, str) else message.data.decode("latin-1")
                watcher.receive(number, (key_of(text),), received_ns, opened_ns)
        except (aiohttp.ClientError, OSError) as error:
            reason = f": {error}"
        finally:
            await self._socket.close()
        watcher.lose(number, self, f"the server closed the WebSocket ({self._socket.close_code}){reason}")

    def close(self) -> None:
        """Hang up."""
        self._reading.cancel()
