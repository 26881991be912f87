"""What is published, in words: the items in the body of a request to Pushpin's publish port."""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from realtime_kit.taps.x_ray.body import shorten
from realtime_kit.taps.x_ray.hidden import without_secret
from realtime_kit.taps.x_ray.message import Head, Pairs

_SHOWN_ITEMS = 20
_SHOWN_CHANNELS = 2
_SHOWN_CHARACTERS = 200
_CONTENTS = ("content", "body", "content-bin", "body-bin", "body-patch", "action", "type")


@dataclass(frozen=True, slots=True)
class Published:
    """Items in words.

    Attributes:
        title: Short, such as `publish to news`.
        details: Channel, ids and formats of each.
        text: The content of the first.
    """

    title: str
    details: Pairs
    text: str


def read(head: Head, body: bytes | None) -> Published | None:
    """The items of a publish request; None if it is another request or cannot be read."""
    if head.method != "POST" or not head.target.split("?")[0].endswith("/publish/") or body is None:
        return None
    try:
        items = [dict(item) for item in json.loads(body)["items"]]
        details = [pair for item in items[:_SHOWN_ITEMS] for pair in _in_words(item)]
        texts = [text for item in items[:1] for text in _texts(item)]
        channels = list(dict.fromkeys(str(item["channel"]) for item in items))
    except (ValueError, LookupError, TypeError, AttributeError):
        return None
    if (more := len(items) - _SHOWN_ITEMS) > 0:
        details.append(("and", f"{more:,} more items"))
    return Published(_title(len(items), channels), tuple(details), next(iter(texts), ""))


def _title(count: int, channels: list[str]) -> str:
    shown = ", ".join(channels[:_SHOWN_CHANNELS])
    more = len(channels) - _SHOWN_CHANNELS
    where = f"{shown} and {more} more" if more > 0 else shown
    return f"publish to {where}" if count == 1 else f"publish {count:,} items to {where}"


def _in_words(item: dict[str, Any]) -> Iterator[tuple[str, str]]:
    yield "channel", str(item["channel"])
    for name in ("id", "prev-id", "meta"):
        if name in item:
            yield name, shorten(str(item[name]), _SHOWN_CHARACTERS)
    yield from _formats(item)


def _formats(item: dict[str, Any]) -> Iterator[tuple[str, str]]:
    for name, fields in item["formats"].items():
        parts = [f"code {fields['code']}"] if "code" in fields else []
        parts += [f"{key}: {without_secret(key, str(value))}" for key, value in _headers(fields)]
        parts += _contents(fields)
        yield str(name), shorten("; ".join(parts), _SHOWN_CHARACTERS)


def _texts(item: dict[str, Any]) -> Iterator[str]:
    """The plainest first: what a WebSocket gets is the bare message."""
    formats = item["formats"]
    for name in sorted(formats, key=lambda name: name != "ws-message"):
        yield shorten("; ".join(_contents(formats[name])), _SHOWN_CHARACTERS)


def _contents(fields: dict[str, Any]) -> list[str]:
    return [str(fields[key]) for key in _CONTENTS if key in fields]


def _headers(fields: dict[str, Any]) -> list[tuple[str, Any]]:
    """Headers come as an object or as a list of pairs."""
    given = fields.get("headers") or {}
    return [(str(name), value) for name, value in (given.items() if isinstance(given, dict) else given)]
