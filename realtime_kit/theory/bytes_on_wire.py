"""What framing adds to a payload, to the byte, for the framings that have no choice about it.

Request and response headers are not here: they depend on both ends, so the kit measures them.
"""

from __future__ import annotations

import re

from realtime_kit.errors import UsageError
from realtime_kit.theory import _check as check

_LINE_BREAK = re.compile(rb"\r\n|\r|\n")


def websocket_frame_bytes(payload_bytes: int, *, masked: bool) -> int:
    """Size of one unfragmented, uncompressed WebSocket frame, payload included (RFC 6455 §5.2).

    The header takes 2 bytes for payloads up to 125, 4 up to 65,535 and 10 beyond; a mask takes 4 more.

    Args:
        payload_bytes: P, bytes of payload, 0 or more.
        masked: True from client to server, False from server to client: the protocol allows nothing else.

    Raises:
        UsageError: The payload's size is not a whole number from 0.
    """
    check.at_least(0, payload_bytes=payload_bytes)
    header_bytes = 2 if payload_bytes <= 125 else 4 if payload_bytes <= 0xFFFF else 10
    return header_bytes + (4 if masked else 0) + payload_bytes


def chunk_overhead_bytes(n: int) -> int:
    """Bytes that HTTP/1.1 chunked coding adds to one chunk: hexadecimal length and two CRLFs (RFC 9112 §7.1).

    Args:
        n: Bytes in the chunk, 1 or more; a chunk of 0 would end the body.

    Raises:
        UsageError: `n` is not a whole number from 1.
    """
    check.at_least(1, n=n)
    return len(f"{n:x}") + 4


def event_stream_bytes(
    payload: str | bytes, *, event_id: str | None = None, event_type: str | None = None
) -> int:
    """Size of one event-stream block, UTF-8, with one space after each colon (WHATWG HTML §9.2).

    A one-line payload takes 8 bytes more than itself (`data: `, its line feed, the blank line), each
    further line another 6 (`data: `), `id: ` 5 and `event: ` 8 more than their values. CRLF and CR in the
    payload end a line as LF does, and leave as LF.

    Args:
        payload: What the event says, possibly empty or of several lines.
        event_id: Value of the `id:` field; None for no such field.
        event_type: Value of the `event:` field; None for no such field.

    Raises:
        UsageError: `event_id` or `event_type` contains a line break, which the format cannot carry.
    """
    encoded = payload.encode() if isinstance(payload, str) else payload
    data_bytes = sum(len(b"data: \n") + len(line) for line in _LINE_BREAK.split(encoded))
    id_bytes = _field_bytes("event_id", "id", event_id)
    type_bytes = _field_bytes("event_type", "event", event_type)
    return id_bytes + type_bytes + data_bytes + len(b"\n")


def _field_bytes(argument: str, field: str, value: str | None) -> int:
    if value is None:
        return 0
    encoded = value.encode()
    if _LINE_BREAK.search(encoded):
        message = f"{argument} is {value!r}, but has to be a single line."
        raise UsageError(message)
    return len(f"{field}: \n") + len(encoded)
