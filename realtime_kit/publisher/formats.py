"""One event in the shapes it travels in: a JSON page, an event-stream block, a WebSocket message.

The origin answers requests in these shapes and the publisher pushes in them, so a client cannot tell which of
the two an event came from.
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence

from gripcontrol import HttpResponseFormat, HttpStreamFormat, WebSocketMessageFormat
from pubcontrol import Format, Item

from realtime_kit.errors import UsageError
from realtime_kit.publisher.event_stream_format import encode_event

JSON_TYPE = "application/json"

_compact = json.JSONEncoder(separators=(",", ":")).encode


def json_page(events: Sequence[tuple[int, str]], cursor: int) -> bytes:
    """What polling and long-polling answer.

    Args:
        events: (id, data) of each event, ascending.
        cursor: Id to continue after: the last event's, or the one asked with if there is none.
    """
    listed = [{"id": number, "data": data} for number, data in events]
    return _compact({"events": listed, "cursor": cursor}).encode() + b"\n"


def websocket_message(number: int, data: str) -> str:
    """One event as the text of a WebSocket message."""
    return _compact({"id": number, "data": data})


def item_in_all_formats(number: int, data: str, *, prev_number: int | None = None) -> Item:
    """One item that reaches long-polling, streaming and WebSocket clients alike.

    Args:
        number: Id of the event.
        data: Its text.
        prev_number: Id of the event before it on the channel; with it Pushpin notices a gap (`prev-id`).
    """
    formats = [
        HttpResponseFormat(
            headers={"Content-Type": JSON_TYPE, "ETag": f'"{number}"'},
            body=json_page([(number, data)], number),
        ),
        HttpStreamFormat(encode_event(data, id=str(number))),
        WebSocketMessageFormat(websocket_message(number, data)),
    ]
    # Ids are strings: Pushpin answers a JSON number with 400.
    return Item(formats, id=str(number), prev_id=None if prev_number is None else str(prev_number))


def text_item(data: str) -> Item:
    """A text as each transport's own kind of message: a body, an event-stream block, a WebSocket message."""
    return Item(
        [HttpResponseFormat(body=data), HttpStreamFormat(encode_event(data)), WebSocketMessageFormat(data)]
    )


class _Hint(Format):  # type: ignore[misc]  # pubcontrol has no types
    """The `hint` action of a held response."""

    def name(self) -> str:
        return "http-response"

    def export(self) -> dict[str, str]:
        return {"action": "hint"}


def hint_item(meta: Mapping[str, str] | None = None) -> Item:
    """An item without content: Pushpin repeats each request that it holds on the channel to the origin, at once.

    Args:
        meta: For filters, such as `skip_users`; None is none.
    """
    return Item([_Hint()], meta=None if meta is None else dict(meta))


def exported(channel: str, item: Item) -> dict[str, object]:
    """The item as Pushpin's publish port and sockets read it; texts may be bytes of UTF-8, to be decoded.

    What gripcontrol's own `Item.export` gives, without its walk through every value, which would take half of
    a publisher's time.

    Raises:
        UsageError: if there are two formats of one kind, of which Pushpin would see one.
    """
    formats = {each.name(): each.export() for each in item.formats}
    if len(formats) < len(item.formats):
        names = ", ".join(each.name() for each in item.formats)
        message = f"an item has each format once, not {names}"
        raise UsageError(message)
    fields = {"channel": channel, "id": item.id, "prev-id": item.prev_id, "meta": item.meta}
    return {name: value for name, value in fields.items() if value} | {"formats": formats}
