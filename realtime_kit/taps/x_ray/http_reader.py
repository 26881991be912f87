"""HTTP off the wire: one direction of a connection, message after message, in whatever pieces it comes."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass

import h11

from realtime_kit.errors import ProtocolError

_LONGEST_HEAD_BYTES = 256 * 1024
_LONGEST_WAIT_BYTES = 1_000_000


@dataclass(frozen=True, slots=True)
class CutOff:
    """The direction ended in the middle of a message."""

    reason: str


_SPOKEN = h11.Request | h11.InformationalResponse | h11.Response | h11.Data | h11.EndOfMessage
HttpEvent = _SPOKEN | CutOff

_WAITS = h11.MIGHT_SWITCH_PROTOCOL  # type: ignore[attr-defined]  # documented, but not in its __all__


class HttpReader:
    """Reads one direction, and never speaks.

    h11 is made for taking part: it keeps the two directions in step, and refuses to go on with a connection
    that ought to end. A watcher has to take what comes, so every message gets a fresh h11 connection, and what
    is left of the bytes goes into the next.

    Args:
        expect: Makes the h11 connection for the next message.
    """

    def __init__(self, expect: Callable[[], h11.Connection]) -> None:
        self._expect = expect
        self._current: h11.Connection | None = None
        self._goes_on = False

    def feed(self, data: bytes) -> Iterator[HttpEvent]:
        """What is complete with these bytes. Exhaust it before feeding more.

        After a request for an upgrade nothing comes out until `go_on` says that it was refused.

        Raises:
            ProtocolError: The bytes are not HTTP.
        """
        rest = data
        while rest:
            if self._current is None:
                self._current = self._expect()
            self._current.receive_data(rest)
            rest = b""
            current = self._current
            for event in self._events(current):
                yield event
                waits = current.their_state is _WAITS and not self._goes_on
                if isinstance(event, h11.EndOfMessage) and not waits:
                    rest = self.take_rest()

    def _events(self, connection: h11.Connection) -> Iterator[HttpEvent]:
        while self._current is connection:
            try:
                event = connection.next_event()
            except h11.RemoteProtocolError as error:
                # Behind the colon h11 quotes the line, and a line may hold a secret.
                raise ProtocolError(str(error).partition(": bytearray")[0]) from error
            if event is h11.PAUSED and len(connection.trailing_data[0]) > _LONGEST_WAIT_BYTES:
                message = f"more than {_LONGEST_WAIT_BYTES:,} bytes follow a request for an upgrade"
                raise ProtocolError(message)
            if not isinstance(event, _SPOKEN):  # NEED_DATA, PAUSED or the end
                return
            yield event

    def end(self) -> Iterator[HttpEvent]:
        """The direction has ended: what that completes, or cuts off."""
        connection = self._current
        if connection is None or connection.their_state in (_WAITS, h11.SWITCHED_PROTOCOL):
            return
        connection.receive_data(b"")
        try:
            yield from self._events(connection)
        except ProtocolError as error:
            yield CutOff(str(error))
        self._current = None

    def go_on(self) -> Iterator[HttpEvent]:
        """The upgrade was refused: read on."""
        if self._current is not None and self._current.their_state is not _WAITS:
            self._goes_on = True  # as soon as the rest of the request has come
            return iter(())
        return self.feed(self.take_rest())

    def take_rest(self) -> bytes:
        """What follows the message that was read last, for whoever reads it from here on."""
        if self._current is None:
            return b""
        rest, _ = self._current.trailing_data
        self._current, self._goes_on = None, False
        return rest


def expect_request() -> h11.Connection:
    """What reads one request."""
    return h11.Connection(h11.SERVER, _LONGEST_HEAD_BYTES)


def expect_response(method: bytes, *, upgrade: bool) -> h11.Connection:
    """What reads the answer to one request.

    Args:
        method: Of the request; the answer to a HEAD has no body.
        upgrade: Whether an upgrade was asked for, so that there may be a 101.
    """
    connection = h11.Connection(h11.CLIENT, _LONGEST_HEAD_BYTES)
    headers = [("Host", "-"), *([("Upgrade", "-"), ("Connection", "Upgrade")] if upgrade else [])]
    connection.send(h11.Request(method=method, target="/", headers=headers))
    connection.send(h11.EndOfMessage())
    return connection


def has_known_end(method: bytes, response: h11.Response) -> bool:
    """Whether the answer's length was known when it began; RFC 9112 §6.3."""
    names = {name for name, _ in response.headers}
    if method == b"HEAD" or response.status_code in (204, 304):
        return True
    return b"content-length" in names and b"transfer-encoding" not in names
