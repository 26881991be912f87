"""WebSockets without a connection to hold: Pushpin keeps the client's, and POSTs what comes from it.

    async def chat(request: web.Request) -> web.Response:
        ws = await grip.websocket(request)
        if ws.opening:
            ws.accept()
            ws.subscribe("chat")
        for message in ws:
            ws.send(message)
        return ws.response()

Every request is a new object; what must be remembered about a client goes into `set_meta` and comes back with
its next request. Its route in Pushpin needs `over_http`.
"""

from __future__ import annotations

import base64
from collections.abc import Iterator, Mapping

from aiohttp import web
from gripcontrol import WebSocketEvent, websocket_control_message

from realtime_kit.errors import ProtocolError, UsageError
from realtime_kit.origin.grip import websocket_events
from realtime_kit.origin.grip.incoming import BadGripRequest
from realtime_kit.origin.grip.instructions import (
    Channel,
    as_bytes,
    require_header_value,
    require_single_lines,
    require_token,
    require_whole_seconds,
)

# Pushpin tells messages for the client (m:) from commands for itself (c:) by their first two bytes. The
# extension parameter message-prefix="" would spare us the m:, but then a message that happens to begin with
# c: would be carried out as a command: a chat line that is echoed could subscribe its sender to any channel.
# So every message is prefixed, whatever it begins with.
_MESSAGE = b"m:"
_COMMAND = b"c:"

MAX_MESSAGE_BYTES = 16_382
"""Longest message to a client, and longest command: with its prefix it fits into one of Pushpin's frames.
Longer commands are ignored without a word. Of a longer message the end can stay in Pushpin until the client
sends something (seen with 1.36 from 16,383 bytes on, in about every second message)."""

MAX_MESSAGES = 100
"""Most messages to a client in one answer: as many as Pushpin's queues hold. Of more it loses some without a word
when its parts or the client fall behind (1.36: of 5,000 short ones some hundreds)."""


class WebSocketOverHttp:
    """What one request brought from a client, and what its answer will bring back.

    Iterating gives the messages received, in order: `str` for text, `bytes` for binary. Several come together
    if the client was quick. Pings are answered, and a close is confirmed, by themselves.

    Args:
        body: Body of the request.
        connection_id: Pushpin's name for the client's connection.
        meta: What earlier answers set with `set_meta`.

    Attributes:
        connection_id: The same in all requests for one client's connection.
        meta: What is remembered about the client, names in lower case; change it with `set_meta`.
        opening: The client wants to connect: `accept`, or return an ordinary answer (401, 404, …) instead of
            `response()` to refuse.
        messages: The messages received.
        closing: The client closed the connection.
        close_code: With which code; None if it gave none, or is not closing.
        close_reason: And for which reason; may be empty.
        disconnected: The client is gone without a close; nothing reaches it any more.

    Raises:
        ProtocolError: The body is not what the protocol allows.
    """

    def __init__(self, body: bytes, *, connection_id: str, meta: Mapping[str, str] | None = None) -> None:
        self.connection_id = connection_id
        self.meta = {name.lower(): value for name, value in (meta or {}).items()}
        self.opening = False
        self.messages: list[str | bytes] = []
        self.closing = False
        self.close_code: int | None = None
        self.close_reason = ""
        self.disconnected = False
        self._accepted = False
        self._out: list[WebSocketEvent] = []
        self._close: WebSocketEvent | None = None
        self._set_meta: dict[str, str] = {}
        for event in websocket_events.decode(body):
            self._receive(event)

    def __repr__(self) -> str:
        states = ("opening", "closing", "disconnected")
        what = [state for state in states if getattr(self, state)] + [f"{len(self.messages)} messages"]
        return f"WebSocketOverHttp({self.connection_id!r}: {', '.join(what)})"

    def __iter__(self) -> Iterator[str | bytes]:
        return iter(self.messages)

    def _receive(self, event: WebSocketEvent) -> None:
        content: bytes = event.content or b""
        match event.type:
            case "OPEN":
                self.opening = True
            case "TEXT":
                self.messages.append(_as_text(content))
            case "BINARY":
                self.messages.append(content)
            case "PING":
                self._out.append(WebSocketEvent("PONG", event.content))
            case "CLOSE":
                self.closing = True
                self.close_code, self.close_reason = websocket_events.decode_close(content)
                # Pushpin counts a close that the very next answer does not confirm as a broken connection.
                self._close = WebSocketEvent("CLOSE", content[:2] or None)
            case "DISCONNECT":
                self.disconnected = True

    def accept(self) -> None:
        """Take a connection that is opening. Calling it at any other time changes nothing."""
        self._accepted = True

    def send(self, message: str | bytes) -> None:
        """Send a message to this client.

        Args:
            message: Text is sent as text, bytes as binary; any content, up to `MAX_MESSAGE_BYTES`.
        """
        kind = "TEXT" if isinstance(message, str) else "BINARY"
        self._append(kind, _MESSAGE, as_bytes(message))

    def subscribe(self, channel: str | Channel) -> None:
        """Subscribe the client's connection to a channel.

        Args:
            channel: Its name, or a `Channel` with filters. A `prev_id` is refused: over WebSockets Pushpin
                does not notice gaps, so put ids into the messages and let the client ask for what it missed.
        """
        wanted = channel if isinstance(channel, Channel) else Channel(channel)
        if wanted.prev_id is not None:
            message = f"Channel {wanted.name!r} has a prev_id, which Pushpin ignores on WebSockets."
            raise UsageError(message)
        filters = {"filters": list(wanted.filters)} if wanted.filters else {}
        self._command("subscribe", channel=wanted.name, **filters)

    def unsubscribe(self, channel: str | Channel) -> None:
        """Undo `subscribe`."""
        self._command("unsubscribe", channel=channel.name if isinstance(channel, Channel) else channel)

    def detach(self) -> None:
        """Hear no more of this client: no more requests come, but what is published still reaches it."""
        self._command("detach")

    def keep_alive(self, content: str | bytes, timeout_s: int) -> None:
        """Let Pushpin send a message whenever nothing was sent for some time.

        Args:
            content: The message; text is sent as text, bytes as binary.
            timeout_s: Whole seconds, 1 or more.
        """
        require_whole_seconds("A keep-alive's timeout_s", timeout_s, least=1)
        if isinstance(content, str):
            self._command("keep-alive", content=content, timeout=timeout_s)
        else:
            encoded = {"content-bin": base64.b64encode(content).decode(), "message-type": "binary"}
            self._command("keep-alive", timeout=timeout_s, **encoded)

    def set_meta(self, name: str, value: str) -> None:
        """Remember something about the client: it is in `meta` now and in every later request.

        Args:
            name: Letters, digits and `-`; case does not matter.
            value: One line of text; empty forgets the name.
        """
        require_header_value("Meta value", value)
        key = require_token("meta name", name).lower()
        self._set_meta[key] = value
        self.meta[key] = value
        if not value:
            del self.meta[key]

    def set_subscription_meta(self, name: str, value: str) -> None:
        """Tell filters something about this connection: `("user", "alice")` for `skip-self`, for example."""
        self._command("set-meta", name=require_token("meta name", name), value=value)

    def close(self, code: int = 1000, reason: str = "") -> None:
        """Close the client's connection, after what was sent so far.

        Args:
            code: 1000 is a normal end; 4000 to 4999 are for your own purposes.
            reason: At most 123 bytes of UTF-8.
        """
        content = websocket_events.encode_close(code, reason)
        if not self.closing:
            self._close = WebSocketEvent("CLOSE", content)

    def response(self, *, headers: Mapping[str, str] | None = None) -> web.Response:
        """The answer to Pushpin, to be returned by the handler.

        Args:
            headers: Further headers. With `opening` they reach the client, for example a
                `Sec-WebSocket-Protocol` or a cookie.

        Raises:
            UsageError: A connection that is opening was not accepted, or the answer has too many messages or bytes.
        """
        if (count := sum(_is_message(event) for event in self._out)) > MAX_MESSAGES:
            message = (
                f"One answer has {count:,} messages for the client; of more than {MAX_MESSAGES} Pushpin may lose "
                "some. Put several things into one message, let the client ask for the next page, or publish to a "
                "channel; for one answer to each message of a burst give the route the option one_event."
            )
            raise UsageError(message)
        response = web.Response(headers=headers)
        events = list(self._out)
        if self.opening:
            if not self._accepted:
                raise UsageError(
                    "Call accept() first; to refuse, return an answer such as 403 instead of this."
                )
            events.insert(0, WebSocketEvent("OPEN"))
            response.headers["Sec-WebSocket-Extensions"] = "grip"
        if self._close is not None:
            events.append(self._close)
        for name, value in self._set_meta.items():
            response.headers[f"Set-Meta-{name}"] = value
        response.headers["Content-Type"] = websocket_events.CONTENT_TYPE
        require_single_lines(response.headers)
        response.body = websocket_events.encode(events)
        return response

    def _command(self, kind: str, **arguments: object) -> None:
        self._append("TEXT", _COMMAND, as_bytes(websocket_control_message(kind, arguments)))

    def _append(self, kind: str, prefix: bytes, content: bytes) -> None:
        if self._close is not None and not self.closing:
            raise UsageError("The connection was closed by close(); nothing can follow.")
        if len(content) > MAX_MESSAGE_BYTES:
            what = "command" if prefix == _COMMAND else "message"
            message = (
                f"A {what} over a WebSocket has at most {MAX_MESSAGE_BYTES:,} bytes, not {len(content):,}: "
                "Pushpin may hold back the end of a longer one. Send it in parts."
            )
            raise UsageError(message)
        self._out.append(WebSocketEvent(kind, prefix + content))


async def websocket(request: web.Request) -> WebSocketOverHttp:
    """Read a WebSocket-over-HTTP request.

    Raises:
        BadGripRequest: It is something else, or malformed. If the handler lets it pass, the answer is a 400.
    """
    if request.method != "POST" or request.content_type != websocket_events.CONTENT_TYPE:
        message = (
            f"This address takes WebSocket-over-HTTP, a POST of {websocket_events.CONTENT_TYPE}, not a "
            f"{request.method} of {request.content_type}. Connect with ws:// to Pushpin, whose route for it "
            "needs over_http."
        )
        raise BadGripRequest(message)
    connection_id = request.headers.get("Connection-Id")
    if not connection_id:
        raise BadGripRequest("A WebSocket-over-HTTP request needs a Connection-Id header; it has none.")
    meta = {name[5:]: value for name, value in request.headers.items() if name.lower().startswith("meta-")}
    try:
        return WebSocketOverHttp(await request.read(), connection_id=connection_id, meta=meta)
    except ProtocolError as error:
        raise BadGripRequest(str(error)) from error


def _is_message(event: WebSocketEvent) -> bool:
    return event.type in ("TEXT", "BINARY") and bool(event.content.startswith(_MESSAGE))


def _as_text(content: bytes) -> str:
    try:
        return content.decode()
    except UnicodeDecodeError as error:
        message = f"A text message is not UTF-8: {error}."
        raise ProtocolError(message) from error
