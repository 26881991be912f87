"""Reading server-sent events: the bytes of a `text/event-stream` in, events out (WHATWG HTML §9.2.6).

No sockets and no clock, so that every client of the kit, blocking or not, reads a stream in the same way:

    parser = EventStreamParser()
    for chunk in chunks:  # of any size
        for event in parser.feed(chunk):
            ...

The end of the stream needs no call: an event that no empty line has ended was never complete and is dropped.
"""

from __future__ import annotations

from dataclasses import dataclass

from realtime_kit.errors import ProtocolError

MAX_EVENT_BYTES = 2**20
"""Longest line, and most data of one event. Pushpin takes publishes of up to 1,000,000 bytes unless told
otherwise, so what it relays stays below; and a stream that never ends a line cannot fill the memory."""

_BOM = b"\xef\xbb\xbf"
_LINE_ENDS = (b"\n", b"\r")


@dataclass(frozen=True, slots=True)
class Event:
    """One event of a stream.

    Attributes:
        type: Its name, `message` unless the server gave one.
        data: Its text; the lines of a longer one are joined with a line feed.
        id: The last event id when it was dispatched: its own, or else the latest before it, or empty.
    """

    type: str
    data: str
    id: str


class EventStreamParser:
    """Turns the bytes of one connection into events, however they are cut into chunks.

    Args:
        last_event_id: Id to begin with, for a connection that continues an earlier one. (The standard starts
            empty; browsers start with the earlier id, or else the first event without an id would lose it.)
        max_event_bytes: Longest line, and most data of one event, that is accepted.
        at_start: Whether the stream begins here, where a byte order mark is none of its content.

    Attributes:
        last_event_id: What to send as `Last-Event-ID` when connecting again; empty: no such header.
        retry_s: How long the server asked clients to wait before connecting again, in seconds; None if it did
            not. It can be absurdly long, even infinite: bound it before waiting.
    """

    def __init__(
        self, *, last_event_id: str = "", max_event_bytes: int = MAX_EVENT_BYTES, at_start: bool = True
    ) -> None:
        self.last_event_id = last_event_id
        self.retry_s: float | None = None
        self._max_event_bytes = max_event_bytes
        self._error: ProtocolError | None = None
        self._at_start = at_start
        self._after_cr = False
        self._line = bytearray()
        self._id = last_event_id
        self._type = ""
        self._data: list[bytes] = []
        self._data_bytes = 0

    def feed(self, data: bytes) -> list[Event]:
        """Read some more of the stream.

        Args:
            data: The next bytes, any number of them.

        Returns:
            The events that these bytes complete, in order; often none.

        Raises:
            ProtocolError: A line or an event is longer than allowed. Events complete before it are returned
                first, and then this is raised by the next call. The parser is of no use afterwards.
        """
        events: list[Event] = []
        if self._error is None:
            try:
                self._read(data, events)
            except ProtocolError as error:
                self._error = error
        if self._error is not None and not events:
            raise self._error
        return events

    def _read(self, data: bytes, events: list[Event]) -> None:
        for line in self._split(data):
            self._check("a line", len(line))
            event = self._read_line(line)
            if event is not None:
                events.append(event)
        self._check("a line", len(self._line))

    def _split(self, data: bytes) -> list[bytes]:
        """The lines that `data` completes; what follows them waits in `_line`, searched only once."""
        if not data:
            return []
        # §9.2.5: lines end with CRLF, LF or CR. A CR ends its line at once, without waiting to see whether an
        # LF follows: waiting would hold back an event until the next one. The LF is dropped when it comes.
        if self._after_cr:
            data = data.removeprefix(b"\n")
        self._after_cr = data.endswith(b"\r")
        lines = data.splitlines()
        rest = b"" if data.endswith(_LINE_ENDS) or not lines else lines.pop()
        if lines:
            lines[0] = self._first(bytes(self._line) + lines[0])
            self._line.clear()
        self._line += rest
        return lines

    def _first(self, line: bytes) -> bytes:
        # §9.2.6: decoding strips one leading byte order mark; a later one is part of a line.
        if self._at_start:
            self._at_start = False
            return line.removeprefix(_BOM)
        return line

    def _read_line(self, line: bytes) -> Event | None:
        # An empty line dispatches the event.
        if not line:
            return self._dispatch()
        # A line that starts with a colon is a comment. Otherwise the field's name ends at the first colon; a
        # line without one is all name, and its value is empty.
        name, _, value = line.partition(b":")
        # One space after the colon is not part of the value; further ones are.
        if value.startswith(b" "):
            value = value[1:]
        # Names are compared as they are (case matters); other names, like a comment's empty one, are ignored.
        if name == b"data":
            self._data.append(value)
            self._data_bytes += len(value) + 1
            self._check("an event", self._data_bytes)
        elif name == b"event":
            self._type = _text(value)
        elif name == b"id":
            # An id with a NUL is ignored, as if it were not there.
            if b"\0" not in value:
                self._id = _text(value)
        # A retry of ASCII digits only sets the reconnection time, in milliseconds; anything else is ignored.
        # `float`, because `int` refuses more than 4,300 digits.
        elif name == b"retry" and value.isdigit():
            self.retry_s = float(value) / 1000
        return None

    def _dispatch(self) -> Event | None:
        # The id counts from here on, even if there is no data and so no event.
        self.last_event_id = self._id
        type_, self._type = self._type, ""
        # No data line: nothing is dispatched, and the type is forgotten. (An empty data line is data.)
        if not self._data:
            return None
        # Each data line adds its value and a line feed; the last line feed is removed.
        data = _text(b"\n".join(self._data))
        self._data.clear()
        self._data_bytes = 0
        return Event(type_ or "message", data, self._id)

    def _check(self, what: str, size: int) -> None:
        if size > self._max_event_bytes:
            message = (
                f"The event stream has {what} of at least {size:,} bytes; {self._max_event_bytes:,} are "
                "allowed (max_event_bytes). Is this really a text/event-stream?"
            )
            raise ProtocolError(message)


def _text(value: bytes) -> str:
    # Always UTF-8, whatever the Content-Type says; wrong bytes become U+FFFD and the rest stays readable.
    return value.decode("utf-8", "replace")
