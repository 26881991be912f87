"""The messages of a WebSocket as a server sends them, however its bytes are cut (RFC 6455, section 5.2)."""

from __future__ import annotations

import enum
import os

from realtime_kit.errors import ProtocolError

_LONGEST_BYTES = 1 << 20
_FINAL, _RESERVED, _MASKED = 0x80, 0x70, 0x80


class Opcode(enum.IntEnum):
    """What a frame is."""

    CONTINUATION = 0
    TEXT = 1
    BINARY = 2
    CLOSE = 8
    PING = 9
    PONG = 10


class FrameReader:
    """Reads frames of a server and puts messages together.

    Attributes:
        at_boundary: Whether all that was fed makes whole messages, so that what comes next is read as if it were first.
    """

    __slots__ = ("_bytes", "_kind", "_parts", "at_boundary")

    def __init__(self) -> None:
        self._bytes = b""
        self._kind: Opcode | None = None  # of a message that is not whole
        self._parts: list[bytes] = []
        self.at_boundary = True

    def feed(self, data: bytes) -> list[tuple[Opcode, bytes]]:
        """(kind, content) of the messages and control frames that these bytes complete.

        Raises:
            ProtocolError: if a server may not send this.
        """
        self._bytes += data
        messages = []
        while frame := self._next_frame():
            final, opcode, content = frame
            if opcode >= Opcode.CLOSE:
                messages.append((opcode, content))
                continue
            if (opcode is Opcode.CONTINUATION) != (self._kind is not None):
                raise ProtocolError(
                    "a WebSocket frame continues a message that has not begun, or begins in another"
                )
            self._kind = self._kind or opcode
            self._parts.append(content)
            if final:
                messages.append((self._kind, b"".join(self._parts)))
                self._kind, self._parts = None, []
        self.at_boundary = not self._bytes and self._kind is None
        return messages

    def _next_frame(self) -> tuple[bool, Opcode, bytes] | None:
        data = self._bytes
        if len(data) < 2:
            return None
        if data[0] & _RESERVED or data[1] & _MASKED or data[0] & 0x0F not in set(Opcode):
            message = f"no WebSocket frame of a server begins with {data[:2].hex()}"
            raise ProtocolError(message)
        length, begin = data[1], 2
        if length > 125:  # the length itself stands in the next two or eight bytes
            begin = 4 if length == 126 else 10
            if len(data) < begin:
                return None
            length = int.from_bytes(data[2:begin], "big")
        if length > _LONGEST_BYTES:
            message = f"a WebSocket frame of {length:,} bytes came; {_LONGEST_BYTES:,} are allowed"
            raise ProtocolError(message)
        if len(data) < begin + length:
            return None
        self._bytes = data[begin + length :]
        return bool(data[0] & _FINAL), Opcode(data[0] & 0x0F), data[begin : begin + length]


def control_frame(opcode: Opcode, content: bytes) -> bytes:
    """A control frame of a client, which masks what it sends (section 5.3); at most 125 bytes of content."""
    mask = os.urandom(4)
    masked = bytes(byte ^ mask[place % 4] for place, byte in enumerate(content))
    return bytes([_FINAL | opcode, _MASKED | len(content)]) + mask + masked
