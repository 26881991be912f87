"""One streaming client of a swarm: an asyncio protocol that writes a receipt for each event, and keeps nothing.

Everybody in a swarm is sent the same bytes. What a piece of a stream holds is therefore read once, with a full parser,
and looked up from then on: a delivery costs one look into a dictionary and one receipt. A look-up is right only where
the piece begins and ends between two events; anything else is parsed.
"""

from __future__ import annotations

import asyncio
import time
from typing import ClassVar, Protocol, cast

from realtime_kit.clients.event_stream import Event, EventStreamParser
from realtime_kit.clients.swarm.chunks import ChunkedBody, PlainBody
from realtime_kit.errors import ClientError, ProtocolError

_HEAD_LIMIT_BYTES = 16_384
_PIECES_KEPT = 256
_MAX_DIGITS = 18  # what fits the 64 bits of a receipt
_OVERLOADED = frozenset({500, 502, 503, 504})
_OK = 200
_BETWEEN_EVENTS = (b"\n\n", b"\r\n\r\n")


class Refused(ClientError):
    """A server did not open a stream.

    Args:
        message: What it answered.
        again: Whether another try may succeed.
    """

    def __init__(self, message: str, *, again: bool) -> None:
        super().__init__(message)
        self.again = again


class Crew(Protocol):
    """What a member reports to."""

    def number_of(self, event: Event) -> int:
        """What to write down for an event, at most 63 bits."""

    def receive(self, number: int, event_ids: tuple[int, ...], received_ns: int, opened_ns: int) -> None:
        """These events have come."""

    def lose(self, number: int, member: StreamMember, reason: str) -> None:
        """Its connection has ended."""


class PieceReader:
    """What pieces of a stream hold, remembered: shared by all members of a process."""

    def __init__(self) -> None:
        self.known: dict[bytes, tuple[int, ...]] = {}

    def remember(self, piece: bytes, event_ids: tuple[int, ...]) -> None:
        """Keep it, as the newest of a few."""
        if len(self.known) >= _PIECES_KEPT:
            del self.known[next(iter(self.known))]
        self.known[piece] = event_ids


class StreamMember(asyncio.Protocol):
    """One client.

    Args:
        number: Its number in the crew.
        crew: What it reports to.
        reader: What its process knows of pieces.
        request: The bytes to ask with.

    Attributes:
        opened_ns: When it asked, on `CLOCK_MONOTONIC`.
        answered: Done when a stream is open; a `Refused` if none was opened.
    """

    PARSER: ClassVar[type[EventStreamParser]] = EventStreamParser

    __slots__ = (
        "_body",
        "_crew",
        "_head",
        "_known",
        "_parser",
        "_plain",
        "_reader",
        "_request",
        "_transport",
        "answered",
        "number",
        "opened_ns",
    )

    def __init__(self, number: int, crew: Crew, reader: PieceReader, request: bytes) -> None:
        self.number = number
        self.opened_ns = 0
        self.answered: asyncio.Future[None] | None = asyncio.get_running_loop().create_future()
        self._crew = crew
        self._reader = reader
        self._known = reader.known
        self._request = request
        self._head: bytes | None = b""  # None when it has been read
        self._plain = False
        self._body: ChunkedBody | PlainBody | None = None  # only while a piece is not whole
        self._parser: EventStreamParser | None = None  # likewise
        self._transport: asyncio.Transport | None = None

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Ask at once."""
        self._transport = cast("asyncio.Transport", transport)
        self.opened_ns = time.monotonic_ns()
        self._transport.write(self._request)

    def data_received(self, data: bytes) -> None:
        """The fast way for what is known, the exact one for the rest."""
        if self._parser is None and self._head is None:
            event_ids = self._known.get(data)
            if event_ids is not None:
                if event_ids:
                    self._crew.receive(self.number, event_ids, time.monotonic_ns(), self.opened_ns)
                return
        try:
            self._read(data)
        except (ClientError, ProtocolError) as error:
            self._refuse(error)

    def _read(self, data: bytes) -> None:
        if self._head is not None:
            self._head += data
            head, found, data = self._head.partition(b"\r\n\r\n")
            if not found:
                if len(self._head) > _HEAD_LIMIT_BYTES:
                    raise ClientError("the response's head does not end")
                return
            self._head = None
            self._check(head)
            self._parser = self.PARSER()
            if self.answered is not None and not self.answered.done():
                self.answered.set_result(None)
            if not data:
                return
        fresh = self._parser is None
        parser = self._parser or self.PARSER(at_start=False)
        body = self._body or (PlainBody() if self._plain else ChunkedBody())
        content = body.feed(data)
        event_ids = tuple(self._crew.number_of(event) for event in parser.feed(content))
        whole = body.at_boundary and content.endswith(_BETWEEN_EVENTS) and not body.ended
        self._parser, self._body = (None, None) if whole else (parser, body)
        if fresh and whole:
            self._reader.remember(data, event_ids)
        if event_ids:
            self._crew.receive(self.number, event_ids, time.monotonic_ns(), self.opened_ns)
        if body.ended:  # the response is over, even if the connection could be used again
            self.close()

    def _check(self, head: bytes) -> None:
        """Whether this is the beginning of an event stream."""
        status_line, *lines = head.decode("latin-1").split("\r\n")
        words = status_line.split(" ", 2)
        status = int(words[1]) if len(words) > 1 and words[1].isdigit() else 0
        fields = {name.strip().lower(): value.strip() for name, _, value in (f.partition(":") for f in lines)}
        kind = fields.get("content-type", "")
        if status != _OK or kind.split(";")[0].strip().lower() != "text/event-stream":
            message = f"the answer is no event stream: {status_line} ({kind or 'no content type'})"
            raise Refused(message, again=status in _OVERLOADED)
        self._plain = "chunked" not in fields.get("transfer-encoding", "").lower()

    def _refuse(self, error: Exception) -> None:
        if self.answered is not None and not self.answered.done():
            self.answered.set_exception(
                error if isinstance(error, Refused) else Refused(str(error), again=False)
            )
        if self._transport is not None:
            self._transport.abort()

    def connection_lost(self, exc: Exception | None) -> None:
        """Tell whoever waits, or the crew."""
        self._transport = None
        reason = str(exc) if exc else "the server ended the stream"
        if self.answered is not None and not self.answered.done():
            self.answered.set_exception(Refused(reason, again=True))
        else:
            self._crew.lose(self.number, self, reason)

    def close(self) -> None:
        """Hang up."""
        if self._transport is not None:
            self._transport.abort()


def whole_number(event_id: str) -> int:
    """An event's id as a number.

    Raises:
        ClientError: if it is none.
    """
    if not (event_id.isascii() and event_id.isdigit() and len(event_id) <= _MAX_DIGITS):
        message = f"an event came with the id {event_id[:40]!r}: to be measured it needs a whole number"
        raise ClientError(message)
    return int(event_id)
