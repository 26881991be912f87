"""Writing server-sent events: one event as the bytes of a `text/event-stream` (WHATWG HTML §9.2.5).

Reading them is `realtime_kit.clients.event_stream`; what is encoded here comes out there unchanged, except
that every line break of the data comes out as a line feed.
"""

from __future__ import annotations

import re

from realtime_kit.errors import UsageError

# Not str.splitlines(): it would also split at U+2028 and others, which are ordinary characters here.
_LINE_BREAK = re.compile(r"\r\n|\r|\n")


def encode_event(data: str, *, id: str | None = None, type: str | None = None) -> bytes:  # noqa: A002
    """One event, ready to be sent: its fields and the empty line that ends it.

    Args:
        data: The text; may be empty and may have several lines. CR, LF and CRLF all count as one line break.
        id: What a client that reconnects sends back as `Last-Event-ID`. The empty string makes the client
            forget the last one; None leaves it as it is.
        type: The event's name, which a browser listens for; None and the empty string mean `message`.

    Raises:
        UsageError: The id or type has a line break, the id has a NUL (clients ignore such an id), or a text
            cannot be written as UTF-8.
    """
    fields = [] if id is None else [f"id: {_one_line('id', id)}"]
    if type:
        fields.append(f"event: {_one_line('type', type)}")
    # The space after the colon is always there: clients remove one, so a line that starts with one survives.
    fields += [f"data: {line}" for line in _LINE_BREAK.split(data)]
    try:
        return ("\n".join(fields) + "\n\n").encode()
    except UnicodeEncodeError as error:
        message = f"An event cannot be written as UTF-8: {error}."
        raise UsageError(message) from None


def _one_line(name: str, value: str) -> str:
    if _LINE_BREAK.search(value):
        message = f"The {name} of an event is one line; {value!r} has a line break."
        raise UsageError(message)
    if name == "id" and "\0" in value:
        message = f"The id {value!r} has a NUL character; clients would ignore it."
        raise UsageError(message)
    return value
