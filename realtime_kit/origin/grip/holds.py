"""Answers that tell Pushpin to hold the client's connection, and pages that tell it where to read on."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Literal

from aiohttp import web

from realtime_kit.errors import UsageError
from realtime_kit.origin.grip.instructions import (
    Channels,
    KeepAlive,
    Link,
    as_bytes,
    as_channels,
    channel_header,
    meta_headers,
    require_single_lines,
    require_whole_seconds,
)

MAX_HELD_BODY_BYTES = 100_000
"""Longest body of a response hold; for one byte more Pushpin answers the client with 502."""

MIN_HOLD_TIMEOUT_S = 5
"""Shortest response hold, in seconds; for anything less Pushpin silently takes 5."""

_WITHOUT_BODY = (204, 304)


def hold_response(
    channel: Channels,
    *,
    body: bytes | str = b"",
    timeout_s: int | None = None,
    content_type: str = "text/plain; charset=utf-8",
    status: int = 200,
    headers: Mapping[str, str] | None = None,
    meta: Mapping[str, str] | None = None,
) -> web.Response:
    """Long-polling: Pushpin answers the client with the next message, or with this body after the timeout.

    About a second after a channel gains its first subscriber Pushpin repeats the request to the origin, its
    body included, and the timeout starts again; before 1.41 this cannot be switched off. A handler must bear
    that. A new channel name for every request would repeat it for ever.

    Args:
        channel: Where the message will come from: a name, a `Channel`, or several. Pushpin silently keeps to
            the first 20 (its `connection_subscription_max`).
        body: What to answer if no message comes, at most `MAX_HELD_BODY_BYTES`; text is sent as UTF-8.
        timeout_s: How long to hold, in whole seconds, 5 or more; None means Pushpin's 55.
        content_type: Of the body; a message that brings its own headers overrides it.
        status: Of the answer.
        headers: Further response headers.
        meta: What filters know about this subscription, for example `{"user": "alice"}` for `skip-self`.

    Raises:
        UsageError: Something that Pushpin would refuse or silently change.
    """
    if timeout_s is not None:
        require_whole_seconds("A response hold's timeout_s", timeout_s, least=MIN_HOLD_TIMEOUT_S)
    content = as_bytes(body)
    if len(content) > MAX_HELD_BODY_BYTES:
        message = (
            f"The body of a response hold has {len(content):,} bytes; {MAX_HELD_BODY_BYTES:,} are allowed. "
            "Answer at once without a hold, or hold a stream, which has no such limit."
        )
        raise UsageError(message)
    grip = [("Grip-Hold", "response"), ("Grip-Channel", channel_header(channel))]
    if timeout_s is not None:
        grip.append(("Grip-Timeout", str(timeout_s)))
    return _answer(content, grip, content_type=content_type, status=status, headers=headers, meta=meta)


def hold_stream(
    channel: Channels,
    *,
    body: bytes | str = b"",
    content_type: str = "text/event-stream",
    next_link: Link | str | None = None,
    gone_link: Link | str | None = None,
    keep_alive: KeepAlive | None = None,
    status: int = 200,
    headers: Mapping[str, str] | None = None,
    meta: Mapping[str, str] | None = None,
) -> web.Response:
    """Streaming: Pushpin sends this body at once and then every message, on one connection that stays open.

    Args:
        channel: Where messages will come from: a name, a `Channel`, or several. Pushpin silently keeps to the
            first 20 (its `connection_subscription_max`).
        body: The beginning of the stream, of any size; text is sent as UTF-8.
        content_type: Of the stream.
        next_link: Where Pushpin reads what it missed when ids show a gap; required with a `prev_id`.
        gone_link: Where Pushpin POSTs when the client has left; 1.41 or later.
        keep_alive: What to send into silence.
        status: Of the answer.
        headers: Further response headers.
        meta: What filters know about this subscription, for example `{"user": "alice"}` for `skip-self`.

    Raises:
        UsageError: Something that Pushpin would refuse or silently change.
    """
    for each in as_channels(channel):
        if each.prev_id is not None and next_link is None:
            message = (
                f"Channel {each.name!r} has a prev_id, so the stream needs a next_link to read what was "
                "missed; without it Pushpin ends the stream."
            )
            raise UsageError(message)
    grip = [("Grip-Hold", "stream"), ("Grip-Channel", channel_header(channel))]
    if next_link is not None:
        grip.append(("Grip-Link", _as_link(next_link, "next").header()))
    if gone_link is not None:
        grip.append(("Grip-Link", _as_link(gone_link, "gone").header()))
    if keep_alive is not None:
        grip.append(("Grip-Keep-Alive", keep_alive.header()))
    return _answer(as_bytes(body), grip, content_type=content_type, status=status, headers=headers, meta=meta)


def page(
    body: bytes | str,
    *,
    next_link: Link | str,
    content_type: str = "text/event-stream",
    headers: Mapping[str, str] | None = None,
) -> web.Response:
    """A page of history: Pushpin sends it, then reads the next link and sends that on the same connection.

    The last page must be a `hold_stream`, even an empty one: without any hold Pushpin reads on and on, about
    900 times a second for each client.

    Args:
        body: This part of the stream, of any size; text is sent as UTF-8.
        next_link: Where the next part is.
        content_type: Of the whole stream; the first page's counts.
        headers: Further response headers.

    Raises:
        UsageError: Something that Pushpin would refuse or misread.
    """
    grip = [("Grip-Link", _as_link(next_link, "next").header())]
    return _answer(as_bytes(body), grip, content_type=content_type, status=200, headers=headers, meta=None)


def _as_link(link: Link | str, rel: Literal["next", "gone"]) -> Link:
    link = link if isinstance(link, Link) else Link(link, rel)
    if link.rel != rel:
        message = f"{rel}_link has rel {link.rel!r}; give Link({link.url!r}, {rel!r})."
        raise UsageError(message)
    return link


def _answer(
    body: bytes,
    grip: list[tuple[str, str]],
    *,
    content_type: str,
    status: int,
    headers: Mapping[str, str] | None,
    meta: Mapping[str, str] | None,
) -> web.Response:
    """The response; aiohttp adds its Content-Length, without which Pushpin 1.37 to 1.39 can hang."""
    if body and status in _WITHOUT_BODY:
        message = f"An answer with status {status} has no body, but {len(body):,} bytes were given."
        raise UsageError(message)
    ours = [*grip, *(("Grip-Set-Meta", value) for value in meta_headers(meta or {}))]
    ours.append(("Content-Type", content_type))
    response = web.Response(body=body, status=status, headers=headers)
    for name in [name for name, _ in ours if name in response.headers]:
        message = f"The header {name} is written by this function; leave it out of headers."
        raise UsageError(message)
    response.headers.extend(ours)
    require_single_lines(response.headers)
    return response
