"""The head of an HTTP response: its status and fields."""

from __future__ import annotations

from dataclasses import dataclass

from realtime_kit.errors import ClientError

_LIMIT_BYTES = 16_384
OVERLOADED = frozenset({500, 502, 503, 504})
"""Statuses after which another try may succeed."""


class Refused(ClientError):
    """A server did not open what was asked for.

    Args:
        message: What it answered.
        again: Whether another try may succeed.
    """

    def __init__(self, message: str, *, again: bool) -> None:
        super().__init__(message)
        self.again = again


@dataclass(frozen=True, slots=True)
class Head:
    """What a response begins with.

    Attributes:
        status: Its status; 0 if the first line has none.
        status_line: The first line.
        fields: The header fields, names in lower case; of several with one name the last.
    """

    status: int
    status_line: str
    fields: dict[str, str]

    @property
    def content_type(self) -> str:
        """The media type alone."""
        return self.fields.get("content-type", "").split(";")[0].strip().lower()

    @property
    def chunked(self) -> bool:
        """Whether the body comes in chunks."""
        return "chunked" in self.fields.get("transfer-encoding", "").lower()

    def no(self, what: str) -> Refused:
        """The error that says that this is not what was asked for."""
        kind = self.fields.get("content-type", "no content type")
        message = f"the answer is no {what}: {self.status_line} ({kind})"
        return Refused(message, again=self.status in OVERLOADED)


class HeadReader:
    """Gathers the bytes of a head."""

    __slots__ = ("_bytes",)

    def __init__(self) -> None:
        self._bytes = b""

    def feed(self, data: bytes) -> tuple[Head | None, bytes]:
        """The head when it is there, and what follows it.

        Raises:
            ClientError: if it does not end.
        """
        self._bytes += data
        head, found, rest = self._bytes.partition(b"\r\n\r\n")
        if not found:
            if len(self._bytes) > _LIMIT_BYTES:
                raise ClientError("the response's head does not end")
            return None, b""
        self._bytes = b""
        status_line, *lines = head.decode("latin-1").split("\r\n")
        words = status_line.split(" ", 2)
        status = int(words[1]) if len(words) > 1 and words[1].isdigit() else 0
        fields = {name.strip().lower(): value.strip() for name, _, value in (f.partition(":") for f in lines)}
        return Head(status, status_line, fields), rest
