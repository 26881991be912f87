"""GRIP headers in words, and what they tell Pushpin.

Read as Pushpin does: split at commas, then at semicolons, both outside of quotes and of a link's brackets. What
cannot be read is shown as it was sent, because an origin's mistakes are worth seeing.
"""

from __future__ import annotations

import base64
import codecs
import contextlib
import re
from collections.abc import Callable, Iterator, Sequence
from datetime import UTC, datetime
from typing import Any

import jwt

from realtime_kit.taps.x_ray.message import Instruction, Pairs

_PIECE = r'"(?:[^"\\]|\\.)*"|<[^>]*>'
_BETWEEN_COMMAS = re.compile(rf"(?:{_PIECE}|[^,])+")
_BETWEEN_SEMICOLONS = re.compile(rf"(?:{_PIECE}|[^;])+")


def instruction(headers: Pairs) -> Instruction | None:
    """What the headers of an answer tell Pushpin; None if nothing."""
    holds = [value for name, value in headers if name.lower() == "grip-hold"]
    channels = tuple(name for name, _ in _entries(headers, "grip-channel"))
    links = [url for url, words in _entries(headers, "grip-link") if dict(words).get("rel") == "next"]
    if not (holds or channels or links):
        return None
    return Instruction(holds[0] if holds else "", channels, links[0].strip("<>") if links else "")


def in_words(name: str, value: str) -> str:
    """A GRIP header's value as a person would say it.

    Args:
        name: Of the header, in any case.
        value: As sent.
    """
    say = _SAYINGS.get(name.lower())
    return say(value) if say else value


def _parsed(value: str) -> Iterator[tuple[str, Pairs]]:
    for entry in _BETWEEN_COMMAS.findall(value):
        first, *words = (part.strip() for part in _BETWEEN_SEMICOLONS.findall(entry))
        yield first, tuple(map(_parameter, words))


def _entries(headers: Pairs, wanted: str) -> list[tuple[str, Pairs]]:
    return [entry for name, value in headers if name.lower() == wanted for entry in _parsed(value)]


def _parameter(word: str) -> tuple[str, str]:
    name, _, value = word.partition("=")
    value = value.strip()
    if len(value) > 1 and value[0] == value[-1] == '"':
        value = re.sub(r"\\(.)", r"\1", value[1:-1])
    return name.strip().lower(), value


def _channels(value: str) -> str:
    return ", ".join(
        _with_remarks(name, [" ".join(word).strip() for word in words]) for name, words in _parsed(value)
    )


def _links(value: str) -> str:
    said = []
    for url, words in _parsed(value):
        known = dict(words)
        remarks = [f"after {known['timeout']} s of silence too"] if "timeout" in known else []
        said.append(f"{known.get('rel', '?')}: {_with_remarks(url.strip('<>'), remarks)}")
    return ", ".join(said)


def _keep_alive(value: str) -> str:
    content, words = next(_parsed(value), ("", ()))
    known = dict(words)
    decoded = _decoded(content, known.get("format", "raw"))
    when = "every" if known.get("mode") == "interval" else "after silence of"
    return f"{decoded!r} {when} {known.get('timeout', '?')} s"


def _decoded(content: str, encoding: str) -> str:
    try:
        if encoding == "cstring":
            return codecs.decode(content, "unicode_escape")
        if encoding == "base64":
            return base64.b64decode(content, validate=True).decode()
    except ValueError:
        pass  # shown as it was sent
    return content


def _last_ids(value: str) -> str:
    return ", ".join(
        f"{channel} up to {dict(words).get('last-id', '?')}" for channel, words in _parsed(value)
    )


def _claims(token: str) -> str:
    """What a token claims. Nothing here says that the claim is true: no key is known."""
    try:
        claims: dict[str, Any] = jwt.decode(token, options={"verify_signature": False})
    except jwt.PyJWTError:
        return "(no token that can be read)"
    if isinstance(expiry := claims.get("exp"), int):
        with contextlib.suppress(ValueError, OverflowError, OSError):
            claims["exp"] = datetime.fromtimestamp(expiry, UTC).strftime("%Y-%m-%d %H:%M:%S UTC")
    said = ", ".join(f"{name} {value}" for name, value in claims.items())
    return f"{said or 'no claims'} (signature not checked)"


def _seconds(value: str) -> str:
    return f"{value} s"


def _with_remarks(what: str, remarks: Sequence[str]) -> str:
    return f"{what} ({', '.join(remarks)})" if remarks else what


_SAYINGS: dict[str, Callable[[str], str]] = {
    "grip-channel": _channels,
    "grip-link": _links,
    "grip-keep-alive": _keep_alive,
    "grip-last": _last_ids,
    "grip-sig": _claims,
    "grip-timeout": _seconds,
}
