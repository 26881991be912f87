"""What an exchange's parts are called: title, details and text of a record."""

from __future__ import annotations

from dataclasses import dataclass
from http import HTTPStatus

import h11
from wsproto.frame_protocol import Opcode

from realtime_kit.errors import ProtocolError
from realtime_kit.origin.grip import websocket_events
from realtime_kit.taps.x_ray import events, grip_headers, instruct, items
from realtime_kit.taps.x_ray.body import Body
from realtime_kit.taps.x_ray.frames import WebSocketMessage
from realtime_kit.taps.x_ray.hidden import SECRETS, without_secret
from realtime_kit.taps.x_ray.message import Head, Instruction, Kind, Pairs

_TOLD = {
    "connection-id",
    "content-encoding",
    "content-type",
    "etag",
    "if-none-match",
    "last-event-id",
    "retry-after",
    "sec-websocket-extensions",
    "sec-websocket-protocol",
}
_TOKEN = "grip-sig"  # noqa: S105 - the header's name
_TOLD_BEGINNINGS = ("grip-", "meta-", "set-meta-")
_CHANNELS_IN_TITLE = 2


@dataclass(frozen=True, slots=True)
class Told:
    """The part of a record that says what it is.

    Attributes: as those of `Message`.
    """

    kind: Kind
    title: str
    details: Pairs = ()
    text: str = ""
    size_bytes: int = 0
    head: Head | None = None
    grip: Instruction | None = None


def request_head(request: h11.Request) -> Head:
    """The first lines of a request."""
    return Head(_headers(request), method=request.method.decode(), target=request.target.decode("latin-1"))


def response_head(response: h11.Response | h11.InformationalResponse) -> Head:
    """The first lines of an answer."""
    reason = response.reason.decode("latin-1") or _usual_reason(response.status_code)
    return Head(_headers(response), status=response.status_code, reason=reason)


def tell_request(head: Head, body: Body, *, publishes: bool = False) -> Told:
    """A request with all of its body; `publishes` says that it is made to Pushpin's publish port."""
    line = f"{head.method} {head.target}"
    kind: Kind = "request"
    title, details, text = line, _told(head), body.text()
    if head.get("Upgrade").lower() == "websocket":
        title = f"{line}: WebSocket"
    elif said := _events(head, body, controls=False):
        title, details, text = f"{line}: {said.title}", (*details, *said.details), ""
    elif publishes and (published := items.read(head, body.content)):
        kind, title, text = "publish", published.title, published.text
        details = (*details, *published.details)
    elif body.size_bytes:
        title = f"{line}, {body.size_bytes:,} B"
    return Told(kind, title, details, text, body.size_bytes, head)


def tell_response(head: Head, body: Body, *, known_end: bool) -> Told:
    """An answer: with all of its body, or without any of it if its end is not known yet."""
    details, text = _told(head), body.text()
    grip = grip_headers.instruction(head.headers)
    if grip is None and instruct.CONTENT_TYPE in head.get("Content-Type"):
        grip, more, text = instruct.read(body.content)
        details = (*details, *more)
    line = str(head.status)
    if head.status == HTTPStatus.SWITCHING_PROTOCOLS:
        title = f"{line}, the WebSocket is open"
    elif said := _events(head, body, controls=True):
        title, details, text = f"{line}: {said.title}", (*details, *said.details), ""
    elif grip is not None and (grip.hold or grip.next_link):
        title = f"{line}, {_instructed(grip, body)}"
    else:
        size = f", {body.size_bytes:,} B" if body.size_bytes else "" if known_end else ", in parts"
        title = f"{line} {head.reason}{size}"
    return Told("response", title, details, text, body.size_bytes, head, grip)


def tell_part(body: Body) -> Told:
    """A part of an answer whose end was not known when it began."""
    return Told("body part", f"{body.size_bytes:,} B more", (), body.text(), body.size_bytes)


def tell_frame(message: WebSocketMessage) -> Told:
    """A WebSocket message or control frame."""
    name, body = message.opcode.name, message.body
    details = []
    if message.frames > 1:
        details.append(("frames", str(message.frames)))
    if message.compressed:
        details.append(("permessage-deflate", "compressed on the wire"))
    if message.opcode is Opcode.CLOSE:
        code, reason = websocket_events.decode_close(body.content)
        details += [("code", str(code or "none")), *([("reason", reason)] if reason else [])]
        return Told(
            "websocket control", f"CLOSE {code or ''}".strip(), tuple(details), reason, body.size_bytes
        )
    kind: Kind = "websocket control" if message.opcode.iscontrol() else "websocket message"
    return Told(kind, f"{name} {body.size_bytes:,} B", tuple(details), body.text(), body.size_bytes)


def cut_off(told: Told, reason: str) -> Told:
    """The same of a message whose end never came."""
    details = (*told.details, ("cut off", reason))
    return Told(
        told.kind, f"{told.title}, cut off", details, told.text, told.size_bytes, told.head, told.grip
    )


def _headers(event: h11.Request | h11.Response | h11.InformationalResponse) -> Pairs:
    """All headers; a token that could be used again is replaced by its claims."""
    found = ((name.decode("latin-1"), value.decode("latin-1")) for name, value in event.headers.raw_items())
    return tuple(
        (name, grip_headers.in_words(name, value) if name.lower() == _TOKEN else without_secret(name, value))
        for name, value in found
    )


def _told(head: Head) -> Pairs:
    """The headers that matter here, and those that are hidden, to show that they were there."""
    return tuple(
        (name, value if name.lower() == _TOKEN else grip_headers.in_words(name, value))
        for name, value in head.headers
        if (known := name.lower()) in _TOLD or known in SECRETS or known.startswith(_TOLD_BEGINNINGS)
    )


def _events(head: Head, body: Body, *, controls: bool) -> events.Said | None:
    """The WebSocket events in a body, if it should have some; what cannot be read is said."""
    if websocket_events.CONTENT_TYPE not in head.get("Content-Type"):
        return None
    if body.content is None:
        return events.Said(f"{body.size_bytes:,} B of WebSocket events", ())
    try:
        return events.say(websocket_events.decode(body.content), controls=controls)
    except ProtocolError as error:
        return events.Said("WebSocket events that cannot be read", (("problem", str(error)),))


def _instructed(grip: Instruction, body: Body) -> str:
    """What Pushpin is told, in words."""
    shown = ", ".join(grip.channels[:_CHANNELS_IN_TITLE])
    more = len(grip.channels) - _CHANNELS_IN_TITLE
    channels = f" on {shown}{f' and {more} more' if more > 0 else ''}" if shown else ""
    if grip.hold:
        return f"hold {grip.hold}{channels}"
    return f"{body.size_bytes:,} B, go on at {grip.next_link}"


def _usual_reason(status: int) -> str:
    return HTTPStatus(status).phrase if status in HTTPStatus._value2member_map_ else ""
