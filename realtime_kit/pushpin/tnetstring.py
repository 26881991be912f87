"""Tagged netstrings, the encoding of Pushpin's command socket: values to bytes and back, without I/O.

A value is its length in bytes, a colon, its payload and one byte that tells the type: `5:hello,` is a text, `2:42#` a
number, `4:true!` a truth, `0:~` nothing, `]` ends a list and `}` a dictionary of their items one after the other.
Source: tnetstrings.org, and what Pushpin 1.36 answers.
"""

from __future__ import annotations

from typing import Any

from realtime_kit.errors import ProtocolError


def encode(value: Any) -> bytes:
    """A value as bytes.

    Args:
        value: None, a truth, a whole number, a text or bytes; or a list or dictionary of those, whose keys are texts.

    Raises:
        ProtocolError: for anything else.
    """
    payload, tag = _encoded(value)
    return b"%d:%b%b" % (len(payload), payload, tag)


def _encoded(value: Any) -> tuple[bytes, bytes]:
    match value:
        case None:
            return b"", b"~"
        case bool():
            return b"true" if value else b"false", b"!"
        case int():
            return b"%d" % value, b"#"
        case bytes():
            return value, b","
        case str():
            return value.encode(), b","
        case list():
            return b"".join(map(encode, value)), b"]"
        case dict() if all(isinstance(key, str) for key in value):
            return b"".join(encode(key) + encode(each) for key, each in value.items()), b"}"
    message = f"{value!r} cannot be a tagged netstring"
    raise ProtocolError(message)


def decode(data: bytes) -> Any:
    """The value that bytes stand for; texts stay bytes, which Pushpin says no encoding for.

    Raises:
        ProtocolError: if they are not one whole tagged netstring.
    """
    value, rest = _first(data)
    if rest:
        message = f"{len(rest)} bytes follow the end of a tagged netstring: {rest[:20]!r}"
        raise ProtocolError(message)
    return value


def _first(data: bytes) -> tuple[Any, bytes]:
    """The first value, and the bytes after it."""
    length, colon, rest = data.partition(b":")
    if not (colon and length.isdigit() and len(rest) > int(length)):
        message = f"not a tagged netstring: {data[:20]!r}"
        raise ProtocolError(message)
    end = int(length)
    return _decoded(rest[:end], rest[end : end + 1]), rest[end + 1 :]


def _decoded(payload: bytes, tag: bytes) -> Any:
    match tag:
        case b",":
            return payload
        case b"#" if payload.removeprefix(b"-").isdigit():
            return int(payload)
        case b"!" if payload in (b"true", b"false"):
            return payload == b"true"
        case b"~" if not payload:
            return None
        case b"]":
            return _items(payload)
        case b"}":
            items = _items(payload)
            if len(items) % 2 == 0:
                return {_key(key): each for key, each in zip(items[::2], items[1::2], strict=True)}
    message = f"not a tagged netstring of type {tag!r}: {payload[:20]!r}"
    raise ProtocolError(message)


def _items(payload: bytes) -> list[Any]:
    found = []
    while payload:
        value, payload = _first(payload)
        found.append(value)
    return found


def _key(key: Any) -> str:
    if isinstance(key, bytes):
        return key.decode(errors="replace")
    message = f"a key of a tagged netstring has to be a text, not {key!r}"
    raise ProtocolError(message)
