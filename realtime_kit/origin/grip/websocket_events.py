r"""The bodies of WebSocket-over-HTTP: gripcontrol's codec, with the checks that it leaves out.

A body is a row of events: a type, the content's length in hexadecimal unless there is no content, CRLF, the
content, CRLF. `TEXT 5\r\nhello\r\n` is one, `OPEN\r\n` is another.
"""

from __future__ import annotations

from gripcontrol import WebSocketEvent, decode_websocket_events, encode_websocket_events

from realtime_kit.errors import ProtocolError, UsageError

CONTENT_TYPE = "application/websocket-events"

MAX_ANSWER_BYTES = 1_000_000
"""Longest body that Pushpin reads; it drops the client's connection at one byte more."""

_TYPES = {"OPEN", "TEXT", "BINARY", "PING", "PONG", "CLOSE", "DISCONNECT"}


def decode(body: bytes) -> list[WebSocketEvent]:
    """The events in a request's body.

    Raises:
        ProtocolError: The body is cut off or is not a row of known events, or OPEN is not the first of them.
    """
    try:
        events: list[WebSocketEvent] = decode_websocket_events(body)
        again: bytes = encode_websocket_events(events)
    except ValueError as error:
        message = f"The body is not a row of WebSocket events: {error}."
        raise ProtocolError(message) from error
    # gripcontrol takes what there is of a content that is cut off. Such an event is shorter when encoded
    # again. (Only the case of a hexadecimal digit may differ: the rest is the same by construction.)
    if again.lower() != body.lower():
        message = f"The last of {len(events)} WebSocket events is cut off, or its length is wrong."
        raise ProtocolError(message)
    for index, event in enumerate(events):
        if event.type not in _TYPES or (event.type == "OPEN" and index > 0):
            message = f"The WebSocket event {event.type!r} is not allowed as number {index + 1}."
            raise ProtocolError(message)
    return events


def encode(events: list[WebSocketEvent]) -> bytes:
    """The body of an answer.

    Raises:
        UsageError: It is longer than Pushpin reads.
    """
    body: bytes = encode_websocket_events(events)
    if len(body) > MAX_ANSWER_BYTES:
        message = (
            f"One answer has {len(body):,} bytes of WebSocket events; Pushpin allows {MAX_ANSWER_BYTES:,}. "
            "Publish larger things to a channel, or let the client fetch them."
        )
        raise UsageError(message)
    return body


def decode_close(content: bytes | None) -> tuple[int | None, str]:
    """The code and reason of a CLOSE; None and an empty text if it has none."""
    if not content:
        return None, ""
    if len(content) == 1:
        raise ProtocolError("A CLOSE has no content, or two bytes of code and a reason; it has one byte.")
    return int.from_bytes(content[:2], "big"), content[2:].decode("utf-8", "replace")


def encode_close(code: int, reason: str) -> bytes:
    """The content of a CLOSE.

    Raises:
        UsageError: A code that may not be sent, or a reason too long for a close frame.
    """
    # RFC 6455 §7.4: 1004 to 1006 and 1015 are never sent, and 1016 to 2999 are reserved.
    sendable = 1000 <= code <= 1003 or 1007 <= code <= 1014 or 3000 <= code <= 4999
    if not sendable:
        message = (
            f"A close code is 1000 to 1003, 1007 to 1014, or 3000 to 4999 (your own: 4000 on), not {code}."
        )
        raise UsageError(message)
    raw = reason.encode()
    if len(raw) > 123:  # RFC 6455 §5.5: 125 bytes with the code
        message = f"A close reason has at most 123 bytes of UTF-8, not {len(raw)}: {reason!r}."
        raise UsageError(message)
    return code.to_bytes(2, "big") + raw
