"""The body of an HTTP response that arrives in pieces, chunked or as it comes."""

from __future__ import annotations

from realtime_kit.errors import ProtocolError

_SIZE_LINE_LIMIT = 100


class ChunkedBody:
    """Takes the chunked transfer coding off (RFC 9112, section 7.1), piece by piece.

    Attributes:
        at_boundary: Whether all that was fed makes whole chunks, so that what comes next is read as if it were first.
        ended: Whether the last chunk has come.
    """

    __slots__ = ("_left", "_line", "at_boundary", "ended")

    def __init__(self) -> None:
        self._line = b""  # of a size line that is not whole yet
        self._left = 0  # bytes of the current chunk still to come, its line end included
        self.at_boundary = True
        self.ended = False

    def feed(self, data: bytes) -> bytes:
        """The content in the next bytes of a connection.

        Raises:
            ProtocolError: if what should be a chunk's size is none.
        """
        content = []
        position = 0
        while position < len(data) and not self.ended:
            if self._left:
                piece = data[position : position + self._left]
                content.append(piece[: max(0, self._left - 2)])  # the last two bytes are its line end
                self._left -= len(piece)
                position += len(piece)
                continue
            end = data.find(b"\n", position)
            self._line += data[position : end if end >= 0 else len(data)]
            if end < 0:
                if len(self._line) > _SIZE_LINE_LIMIT:
                    raise ProtocolError(_no_size(self._line))
                break
            position = end + 1
            self._begin_chunk()
        self.at_boundary = not self._left and not self._line
        return b"".join(content)

    def _begin_chunk(self) -> None:
        digits = self._line.split(b";")[0].strip()
        try:
            size = int(digits, 16)
        except ValueError:
            raise ProtocolError(_no_size(self._line)) from None
        self._line = b""
        self.ended = size == 0
        self._left = size + 2 if size else 0


class PlainBody:
    """A body without a transfer coding: what comes is what is meant."""

    __slots__ = ()
    at_boundary = True
    ended = False

    def feed(self, data: bytes) -> bytes:
        """The bytes themselves."""
        return data


def _no_size(line: bytes) -> str:
    return f"a chunk's size was due, and {line[:40].strip()!r} came"
