"""Content on its way: counted to the end, kept up to a limit, and shown as text that fits on a page."""

from __future__ import annotations

import codecs

KEPT_BYTES = 1_100_000
"""Longest content that is kept until it can be decoded. Pushpin itself reads at most 1,000,000 bytes of a publish
request or of WebSocket events."""

SHOWN_CHARACTERS = 2_000
"""Longest text in a record; ten thousand records stay below some tens of megabytes."""

_SHOWN_BYTES = 16


class Body:
    """Content that arrives in pieces.

    Attributes:
        size_bytes: All that has arrived.
    """

    __slots__ = ("_kept", "size_bytes")

    def __init__(self, data: bytes = b"") -> None:
        self._kept = bytearray()
        self.size_bytes = 0
        self.add(data)

    def add(self, data: bytes) -> None:
        """Take the next piece; beyond `KEPT_BYTES` it is only counted."""
        self.size_bytes += len(data)
        self._kept += data[: KEPT_BYTES - len(self._kept)]

    @property
    def content(self) -> bytes | None:
        """All of it, or None if it was too long to keep."""
        return bytes(self._kept) if len(self._kept) == self.size_bytes else None

    def text(self) -> str:
        """Its beginning as text, or words about bytes that are none."""
        start = bytes(self._kept[: 4 * SHOWN_CHARACTERS + 4])  # a character has four bytes at most
        decoder = codecs.getincrementaldecoder("utf-8")()
        try:
            decoded = decoder.decode(start, final=len(start) == self.size_bytes)
        except UnicodeDecodeError:
            more = " …" if self.size_bytes > _SHOWN_BYTES else ""
            return f"({self.size_bytes:,} B, not text: {start[:_SHOWN_BYTES].hex(' ')}{more})"
        return shorten(decoded, SHOWN_CHARACTERS)


def shorten(text: str, most: int) -> str:
    """The text, or its beginning and an ellipsis.

    Args:
        text: Any text.
        most: Characters to keep, the ellipsis included.
    """
    return text if len(text) <= most else text[: most - 1] + "…"
