"""WebSocket frames off the wire: one direction of a connection, message after message."""

from __future__ import annotations

import zlib
from collections.abc import Iterator
from dataclasses import dataclass

from wsproto.extensions import Extension
from wsproto.frame_protocol import (
    CloseReason,
    FrameDecoder,
    FrameProtocol,
    Opcode,
    ParseFailed,
    RsvBits,
)

from realtime_kit.errors import ProtocolError
from realtime_kit.taps.x_ray.body import Body

_LEFT_OUT = b"\x00\x00\xff\xff"  # RFC 7692 §7.2.1: the sender removes it from the end of every message


@dataclass(frozen=True, slots=True)
class WebSocketMessage:
    """A whole message or control frame.

    Attributes:
        opcode: What it is.
        body: Its content, unmasked and inflated.
        frames: In how many frames it came.
        compressed: Whether it was deflated on the wire.
    """

    opcode: Opcode
    body: Body
    frames: int = 1
    compressed: bool = False


class FrameReader:
    """Reads one direction, and never speaks.

    Args:
        from_client: Whether the sender is the client, which has to mask what it sends.
        extensions: Value of `Sec-WebSocket-Extensions` in the 101 answer: what is in force.
    """

    def __init__(self, *, from_client: bool, extensions: str) -> None:
        self._inflate = _inflate(extensions, "client" if from_client else "server")
        in_force: list[Extension] = [self._inflate] if self._inflate else []
        self._decoder = FrameDecoder(client=not from_client, extensions=in_force)  # the receiver's side
        self._opcode = Opcode.CONTINUATION
        self._body = Body()
        self._frames = 0

    def feed(self, data: bytes) -> Iterator[WebSocketMessage]:
        """What is complete with these bytes. Exhaust it before feeding more.

        Raises:
            ProtocolError: The bytes are no WebSocket frames, or use an extension that is not in force.
        """
        self._decoder.receive_bytes(data)
        try:
            while (frame := self._decoder.process_buffer()) is not None:
                assert isinstance(frame.payload, bytes)  # noqa: S101 - for the type checker
                if frame.opcode.iscontrol():
                    yield WebSocketMessage(frame.opcode, Body(frame.payload))
                    continue
                self._gather(frame.opcode, frame.payload, finished=frame.frame_finished)
                if frame.frame_finished and frame.message_finished:
                    yield self._take()
        except ParseFailed as error:
            raise ProtocolError(str(error)) from error

    def _gather(self, opcode: Opcode, payload: bytes, *, finished: bool) -> None:
        # A frame is given out in as many parts as it came in; all but the first are called CONTINUATION, as
        # are all but the first frame of a message.
        if opcode is not Opcode.CONTINUATION:
            self._opcode = opcode
        self._body.add(payload)
        self._frames += finished

    def _take(self) -> WebSocketMessage:
        compressed = self._inflate is not None and self._inflate.compressed
        message = WebSocketMessage(self._opcode, self._body, self._frames, compressed)
        self._opcode, self._body, self._frames = Opcode.CONTINUATION, Body(), 0
        return message


class _Inflate(Extension):
    """Undoes permessage-deflate in one direction. RFC 7692.

    wsproto's own forgets that a message is compressed when a control frame comes between its fragments.
    """

    name = "permessage-deflate"

    def __init__(self, *, window_bits: int, keeps_context: bool) -> None:
        self.compressed = False
        self._window_bits = window_bits
        self._keeps_context = keeps_context
        self._inflater = zlib.decompressobj(-window_bits)
        self._is_control = False

    def enabled(self) -> bool:
        return True

    def offer(self) -> bool:
        return False

    def frame_inbound_header(
        self, _: FrameDecoder | FrameProtocol, opcode: Opcode, rsv: RsvBits, __: int
    ) -> RsvBits:
        self._is_control = opcode.iscontrol()
        starts = opcode in (Opcode.TEXT, Opcode.BINARY)
        if starts:
            self.compressed = rsv.rsv1
        return RsvBits(starts, False, False)  # the bit is allowed in the first frame of a message only

    def frame_inbound_payload_data(self, _: FrameDecoder | FrameProtocol, data: bytes) -> bytes | CloseReason:
        return data if self._is_control or not self.compressed else self._inflated(data)

    def frame_inbound_complete(
        self, _: FrameDecoder | FrameProtocol, fin: bool
    ) -> bytes | CloseReason | None:
        if self._is_control or not self.compressed or not fin:
            return None
        end = self._inflated(_LEFT_OUT)
        if not self._keeps_context:
            self._inflater = zlib.decompressobj(-self._window_bits)
        return end

    def _inflated(self, data: bytes) -> bytes | CloseReason:
        try:
            return self._inflater.decompress(data)
        except zlib.error:
            return CloseReason.INVALID_FRAME_PAYLOAD_DATA


def _inflate(extensions: str, sender: str) -> _Inflate | None:
    """For permessage-deflate as it was agreed on; None if it was not."""
    for extension in extensions.split(","):
        name, *words = (word.strip() for word in extension.split(";"))
        if name.lower() == _Inflate.name:
            known = dict(word.partition("=")[::2] for word in words)
            bits = known.get(f"{sender}_max_window_bits", "").strip('" ')
            return _Inflate(
                window_bits=int(bits) if bits.isdecimal() else zlib.MAX_WBITS,
                keeps_context=f"{sender}_no_context_takeover" not in known,
            )
    return None
