"""The lessons' holds without a framework: the same answers as theirs, at a tenth of the work for each.

A fan-out opens very many holds. aiohttp reads and routes each request with care; here a request is a path, an
`after` and a body, and what is answered to everybody is put together once.
"""

from __future__ import annotations

import asyncio
import contextlib
import functools
import re
from collections.abc import Callable
from typing import Self, cast

from aiohttp import web

from realtime_kit.errors import ProtocolError
from realtime_kit.listening import listening
from realtime_kit.origin import grip
from realtime_kit.origin.event_log import EventLog
from realtime_kit.origin.lessons import find_lesson
from realtime_kit.origin.long_polling import hold
from realtime_kit.origin.server import HOST
from realtime_kit.publisher import JSON_TYPE, json_page

QUIET_S = 600
"""How long holds are left in peace. At the lessons' times a crowd would keep a machine busy by its mere presence:
15,000 long-polls held for 25 s ask 600 times a second for nothing, 100,000 streams are sent 5,000 comments a second."""

_HEAD_LIMIT_BYTES = 65_536
_LENGTH = re.compile(rb"\r\ncontent-length:[ \t]*(\d+)", re.IGNORECASE)
_GRIP_LAST = re.compile(rb"\r\ngrip-last:[^\r]*last-id=(\d{1,18})", re.IGNORECASE)
_AFTER = re.compile(rb"[?&]after=(\d{1,18})(?:&|$)")


class HoldServer:
    """Serves the holds of streaming, WebSocket and long-polling on a free loopback port. Use it with `async with`.

    Args:
        log: The events; a long-poll that is behind gets them at once.
        channel: What is held for.
        port: Port to listen on; 0 is a free one.

    Attributes:
        port: Where it listens, once entered.
        requests: How many requests have come.
        repeats: How many of them Pushpin has repeated by itself, and not a client: they have a `Grip-Last`.
    """

    def __init__(self, log: EventLog, channel: str, *, port: int = 0) -> None:
        self.port = port
        self.requests = self.repeats = 0
        self._log = log
        self._channel = channel
        self._connections: set[_Connection] = set()
        self._server: asyncio.Server | None = None
        stream = grip.hold_stream(
            channel, body=b":\n\n", keep_alive=grip.KeepAlive(":\n\n", timeout_s=QUIET_S)
        )
        self._stream = _on_the_wire(stream)
        self._answers: dict[bytes, Callable[[re.Match[bytes] | None, bytes], bytes]] = {
            find_lesson("streaming").path.encode(): lambda _, __: self._stream,
            find_lesson("websocket").path.encode(): self._socket,
            find_lesson("long-polling").path.encode(): self._poll,
        }

    async def __aenter__(self) -> Self:
        loop = asyncio.get_running_loop()
        make = loop.create_server(
            lambda: _Connection(self), HOST, self.port, backlog=1024, start_serving=False
        )
        self._server = await listening(make)
        self.port = self._server.sockets[0].getsockname()[1]
        return self

    async def __aexit__(self, *_: object) -> None:
        if self._server is not None:
            self._server.close()
        for connection in list(self._connections):
            connection.close()

    def answer(self, head: bytes, body: bytes) -> bytes:
        """The bytes to answer a request with."""
        self.requests += 1
        words = head.split(b" ", 2)
        target = words[1] if len(words) == 3 else b""
        last = _GRIP_LAST.search(head)
        self.repeats += last is not None
        path, _, _ = target.partition(b"?")
        make = self._answers.get(path)
        if make is None:
            return _on_the_wire(web.Response(status=404, text=f"{path.decode('latin-1')}: nothing is held\n"))
        return make(last or _AFTER.search(target), body)

    def _socket(self, _: re.Match[bytes] | None, body: bytes) -> bytes:
        try:
            return _socket_answer(body, self._channel)
        except ProtocolError as error:
            return _on_the_wire(web.Response(status=400, text=f"{error}\n"))

    def _poll(self, after_id: re.Match[bytes] | None, _: bytes) -> bytes:
        after = int(after_id[1]) if after_id else self._log.last_id
        if news := self._log.after(after):
            return _on_the_wire(web.Response(body=json_page(news, self._log.last_id), content_type=JSON_TYPE))
        return _poll_hold(self._channel, self._log.last_id)

    def join(self, connection: _Connection) -> None:
        """Close this one in the end, too."""
        self._connections.add(connection)

    def leave(self, connection: _Connection) -> None:
        """It is closed."""
        self._connections.discard(connection)


@functools.lru_cache(64)
def _socket_answer(body: bytes, channel: str) -> bytes:
    """What a WebSocket's opening, or a ping, is answered with; everybody's are the same."""
    socket = grip.WebSocketOverHttp(body, connection_id="")
    if socket.opening:
        socket.accept()
        socket.subscribe(channel)
    return _on_the_wire(socket.response())


@functools.lru_cache(4)
def _poll_hold(channel: str, last_id: int) -> bytes:
    return _on_the_wire(hold(channel, last_id, timeout_s=QUIET_S))


def _on_the_wire(response: web.Response) -> bytes:
    body = response.body
    content = body if isinstance(body, bytes | bytearray) else b""
    lines = [f"HTTP/1.1 {response.status} {response.reason}"]
    lines += [f"{name}: {value}" for name, value in response.headers.items() if name != "Content-Length"]
    lines += [f"Content-Length: {len(content)}", "\r\n"]
    return "\r\n".join(lines).encode() + content


class _Connection(asyncio.Protocol):
    """One of Pushpin's, on which it asks again and again."""

    def __init__(self, server: HoldServer) -> None:
        self._server = server
        self._bytes = b""
        self._transport: asyncio.Transport | None = None

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport = cast("asyncio.Transport", transport)  # uvloop's is one in all but name
        self._server.join(self)

    def data_received(self, data: bytes) -> None:
        self._bytes += data
        while self._transport is not None and (request := self._next()):
            self._transport.write(self._server.answer(*request))

    def _next(self) -> tuple[bytes, bytes] | None:
        """The head and the body of the next request, when it is complete."""
        end = self._bytes.find(b"\r\n\r\n")
        if end < 0:
            if len(self._bytes) > _HEAD_LIMIT_BYTES:
                self.close()
            return None
        head = self._bytes[:end]
        found = _LENGTH.search(head)
        whole = end + 4 + (int(found[1]) if found else 0)
        if len(self._bytes) < whole:
            return None
        body, self._bytes = self._bytes[end + 4 : whole], self._bytes[whole:]
        return head, body

    def connection_lost(self, _: Exception | None) -> None:
        self._transport = None
        self._server.leave(self)

    def close(self) -> None:
        """Hang up."""
        if self._transport is not None:
            with contextlib.suppress(OSError):
                self._transport.abort()
