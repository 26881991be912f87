"""WebSocket-over-HTTP in words: the events of a body, the control messages among them told apart."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass

from gripcontrol import WebSocketEvent

from realtime_kit.origin.grip import websocket_events
from realtime_kit.taps.x_ray.body import Body, shorten
from realtime_kit.taps.x_ray.message import Pairs

_CONTROL = b"c:"
_SHOWN_IN_TITLE = 3
_SHOWN_EVENTS = 40
_SHOWN_CHARACTERS = 200


@dataclass(frozen=True, slots=True)
class Said:
    """A body in words.

    Attributes:
        title: Short, such as `OPEN + TEXT 5 B`.
        details: One entry for each event.
    """

    title: str
    details: Pairs


def say(found: Sequence[WebSocketEvent], *, controls: bool) -> Said:
    """Events in words.

    Args:
        found: The events, in order.
        controls: Whether texts that begin with `c:` are meant for Pushpin. Only an origin's are: what a client
            sends is passed on as it is, whatever it begins with.
    """
    pairs = [_in_words(each, controls=controls) for each in found]
    titles = [title for title, _ in pairs[:_SHOWN_IN_TITLE]]
    if (more := len(pairs) - _SHOWN_IN_TITLE) > 0:
        titles.append(f"{more} more")
    details = [(title, content) for title, content in pairs[:_SHOWN_EVENTS]]
    if (more := len(pairs) - _SHOWN_EVENTS) > 0:
        details.append(("and", f"{more:,} more events"))
    return Said(" + ".join(titles) or "no events", tuple(details))


def _in_words(event: WebSocketEvent, *, controls: bool) -> tuple[str, str]:
    content: bytes = event.content or b""
    if event.type == "CLOSE":
        code, reason = websocket_events.decode_close(content)
        return f"CLOSE {code or ''}".strip(), reason
    if controls and event.type == "TEXT" and content.startswith(_CONTROL):
        return _control(content[len(_CONTROL) :])
    size = f" {len(content):,} B" if event.content is not None else ""
    return f"{event.type}{size}", shorten(Body(content).text(), _SHOWN_CHARACTERS)


def _control(content: bytes) -> tuple[str, str]:
    """A command for Pushpin."""
    text = shorten(Body(content).text(), _SHOWN_CHARACTERS)
    try:
        command = json.loads(content)
        object_of = command.get("channel") or command.get("name") or ""
        return f"{command['type']} {object_of}".strip(), text
    except (ValueError, LookupError, AttributeError):
        return "a command that cannot be read", text
