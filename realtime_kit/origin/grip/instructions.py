"""The parts of a GRIP instruction (channel, link, keep-alive, meta) and how each is written in a header.

Pushpin splits these headers at every comma outside quotes and then at every semicolon; what it cannot read it
takes for something else, or for nothing. So what would be misread is escaped where GRIP has an escape, and
refused where it has none. Nothing from a caller can end a header line and begin another.
"""

from __future__ import annotations

import base64
import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Literal
from urllib.parse import quote

import gripcontrol

from realtime_kit.errors import UsageError

_CONTROL = re.compile(r"[\x00-\x1f\x7f]")
_TOKEN = re.compile(r"[!#$%&'*+.^_`|~0-9A-Za-z-]+")

# What a URL can contain as it is; `,` `;` and `"` are left out because they end the link for Pushpin.
_SAFE_IN_LINK = "/:?#[]@!$&'()*+=%~-._"


@dataclass(frozen=True, slots=True)
class Channel:
    """A channel to subscribe to.

    Args:
        name: Its name. No comma, semicolon, quote or control character, no space at the ends.
        prev_id: Id of the latest message that the answer's body already contains. Pushpin then notices a
            message published in between, and asks again with this id in `Grip-Last`. A text, restricted as
            the name is: Pushpin writes it there without quotes.
        filters: Filters for messages on this subscription, such as `skip-self`. Pushpin ignores unknown ones.

    Raises:
        UsageError: A text that Pushpin would read as something else.
    """

    name: str
    prev_id: str | None = None
    filters: Sequence[str] = ()

    def __post_init__(self) -> None:
        _require_plain("channel name", self.name)
        if self.prev_id is not None:
            _require_plain("prev_id", self.prev_id)
        if isinstance(self.filters, str):
            message = f"filters are several texts: give ({self.filters!r},) instead of {self.filters!r}."
            raise UsageError(message)
        object.__setattr__(self, "filters", tuple(self.filters))
        for name in self.filters:
            _require_plain("filter", name)


Channels = str | Channel | Iterable[str | Channel]
"""A channel's name, a channel, or several of either."""


@dataclass(frozen=True, slots=True)
class Link:
    """An address for Pushpin, in `Grip-Link`.

    Args:
        url: Path or address. Characters that would break the header are percent-encoded, which leaves what
            the origin decodes from it unchanged. Pushpin makes one request for all clients that read a `next`
            link with the same path at the same time, whatever their queries: put into the path what makes a difference,
            and keep user ids out of it.
        rel: `next`: where the stream goes on, read at once after a page and after a gap when held. `gone`:
            where to POST when the client has left (Pushpin 1.41 or later, ignored by earlier ones).
        timeout_s: With `next`: read it after so many whole seconds without a message, 1 or more. None means
            Pushpin's 120. It bounds how late the loss of a *last* message is noticed.

    Raises:
        UsageError: An empty address, another relation, or a timeout that is not allowed.
    """

    url: str
    rel: Literal["next", "gone"] = "next"
    timeout_s: int | None = None

    def __post_init__(self) -> None:
        if not self.url:
            raise UsageError("A link needs an address; it is empty.")
        if self.rel not in ("next", "gone"):
            message = f"A link's rel is 'next' or 'gone', not {self.rel!r}; Pushpin ignores others."
            raise UsageError(message)
        if self.timeout_s is not None:
            if self.rel == "gone":
                raise UsageError("A 'gone' link has no timeout.")
            require_whole_seconds("A link's timeout_s", self.timeout_s, least=1)

    def header(self) -> str:
        """The value of `Grip-Link`."""
        timeout = "" if self.timeout_s is None else f"; timeout={self.timeout_s}"
        return f"<{quote(self.url, safe=_SAFE_IN_LINK)}>; rel={self.rel}{timeout}"


@dataclass(frozen=True, slots=True)
class KeepAlive:
    r"""What Pushpin sends by itself on a held stream, so that a silent connection stays open.

    Args:
        content: What to send, complete: for an event stream a comment, `":\n\n"`. Not empty.
        timeout_s: Whole seconds, 1 or more. The first comes up to a second early: Pushpin spreads them.
        mode: `idle` sends it after so long without a message, `interval` at every interval.

    Raises:
        UsageError: An empty content, another mode, or a timeout that is not allowed.
    """

    content: str | bytes
    timeout_s: int
    mode: Literal["idle", "interval"] = "idle"

    def __post_init__(self) -> None:
        if not self.content:
            raise UsageError("A keep-alive needs content; Pushpin refuses an empty one.")
        if self.mode not in ("idle", "interval"):
            message = f"A keep-alive's mode is 'idle' or 'interval', not {self.mode!r}."
            raise UsageError(message)
        require_whole_seconds("A keep-alive's timeout_s", self.timeout_s, least=1)

    def header(self) -> str:
        """The value of `Grip-Keep-Alive`: text stays readable, anything else is base64."""
        content = as_bytes(self.content)
        if re.fullmatch(rb"[\t\r\n -~]+", content):
            value, encoding = _cstring(content.decode()), "cstring"
        else:
            value, encoding = base64.b64encode(content).decode(), "base64"
        return f"{value}; format={encoding}; timeout={self.timeout_s}; mode={self.mode}"


def channel_header(channels: Channels) -> str:
    """The value of `Grip-Channel`."""
    header: str = gripcontrol.create_grip_channel_header(as_channels(channels))
    return header


def as_channels(channels: Channels) -> list[Channel]:
    """One or more channels, however they were given."""
    several = [channels] if isinstance(channels, str | Channel) else list(channels)
    if not several:
        raise UsageError("A hold needs at least one channel; there is none.")
    return [each if isinstance(each, Channel) else Channel(each) for each in several]


def meta_headers(meta: Mapping[str, str]) -> list[str]:
    """The values of `Grip-Set-Meta`, one for each entry."""
    return [f"{require_token('meta name', name)}={_quoted(value)}" for name, value in meta.items()]


def require_token(what: str, name: str) -> str:
    """The name, if it can stand in a header as it is."""
    if not _TOKEN.fullmatch(name):
        message = f"A {what} has letters, digits and -_. only, not {name!r}."
        raise UsageError(message)
    return name


def require_header_value(what: str, value: str) -> str:
    """The value, if it stays inside its header line."""
    if _CONTROL.search(value):
        message = f"{what} {value!r} has a line break or another control character."
        raise UsageError(message)
    return value


def require_single_lines(headers: Mapping[str, str]) -> None:
    """Refuse a header that would begin another one."""
    for name, value in headers.items():
        require_header_value(f"Header {require_token('header name', name)}", value)


def require_whole_seconds(what: str, seconds: int, *, least: int) -> None:
    """Refuse anything but `least` or more whole seconds."""
    if isinstance(seconds, bool) or not isinstance(seconds, int) or seconds < least:
        message = f"{what} is {least} or more whole seconds, not {seconds!r}."
        raise UsageError(message)


def as_bytes(content: str | bytes) -> bytes:
    """Text as UTF-8, bytes as they are."""
    return content.encode() if isinstance(content, str) else content


def _require_plain(what: str, text: str) -> None:
    plain = isinstance(text, str) and text and text == text.strip() and not re.search('[,;"]', text)
    if not plain or _CONTROL.search(text):
        message = (
            f"A {what} is text without comma, semicolon, quote, control character or space at its ends, "
            f"not {text!r}; Pushpin would read it as something else."
        )
        raise UsageError(message)


def _quoted(value: str) -> str:
    escaped = require_header_value("Meta value", value).replace("\\", "\\\\").replace('"', '\\"')
    return f'"{escaped}"'


def _cstring(text: str) -> str:
    # A semicolon would end the value, and spaces at its ends would be trimmed.
    for plain, escaped in (("\\", "\\\\"), ("\r", "\\r"), ("\n", "\\n"), ("\t", "\\x09"), (";", "\\x3b")):
        text = text.replace(plain, escaped)
    return re.sub(r"^ | $", r"\\x20", text)
