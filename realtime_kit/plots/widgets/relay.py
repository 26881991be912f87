"""The way from the Jupyter server to Pushpin, with a gate in it that can be shut.

When a page leaves an event stream, jupyter-server-proxy (4.6) goes on reading it for up to two hours: Pushpin would
count subscribers who are long gone, and a Binder would never fall idle. It also passes the page's credentials on to
the origin. So it is given this relay's port instead of Pushpin's, which makes a push about 0.4 ms slower.
"""

from __future__ import annotations

import asyncio
import contextlib
import re
from collections.abc import Callable
from dataclasses import dataclass

from yarl import URL

from realtime_kit import background
from realtime_kit.errors import ProtocolError
from realtime_kit.listening import listening

HOST = "127.0.0.1"
SECRETS = (b"authorization", b"cookie", b"x-xsrftoken")
"""Whoever has these may run code on the Jupyter server."""

_OF_VS_CODE = re.compile(rb"vscode-webview://[0-9a-z-]+")
"""Origin of a view in VS Code's window, which is no page of the Jupyter server: its EventSource may read an answer only
if the answer names this origin. No page of the web can have it, and no other origin is ever named."""

_HEAD_TIMEOUT_S = 10.0
_PIECE_BYTES = 1 << 16


class Relay:
    """Passes one connection at a time on to a Pushpin: a newer one ends the one before.

    The first part of a path says which page asks, and is taken off: `GET /page/events` becomes `GET /events`. A POST,
    which neither EventSource nor WebSocket sends, is a page's good-bye: it ends that page's connection.

    Args:
        target: The Pushpin; only scheme, host and port count.
        seconds: When to end by itself, above 0.
        on_end: Called then, on the kit's thread.
    """

    def __init__(self, target: URL, *, seconds: float, on_end: Callable[[], object]) -> None:
        self._target = target
        self._seconds = seconds
        self._on_end = on_end
        self._turns = background.Turns()
        self._lease: background.Lease | None = None
        self._server: asyncio.Server | None = None
        self._timer: asyncio.Task[None] | None = None
        self._tasks: set[asyncio.Task[None]] = set()
        self._current: asyncio.Task[None] | None = None
        self._page = ""

    def start(self) -> int:
        """Listen on a free loopback port, and return it."""
        return background.run(self._start())

    def stop(self) -> None:
        """End the connection, on both sides, and listen no more. May be called again."""
        background.run(self._stop())

    async def _start(self) -> int:
        async with self._turns.take():
            await self._end()
            self._lease = background.Lease(self.stop)
            make = asyncio.start_server(self._accept, HOST, 0, start_serving=False)
            self._server = await listening(make)
            self._timer = asyncio.create_task(self._time_out())
            port: int = self._server.sockets[0].getsockname()[1]
            return port

    async def _stop(self) -> None:
        async with self._turns.take():
            await self._end()

    async def _end(self) -> None:
        server, self._server = self._server, None
        if server is not None:
            server.close()
        timer, self._timer = self._timer, None
        await _cancel(timer, *self._tasks)
        lease, self._lease = self._lease, None
        if lease is not None:
            lease.end()

    async def _time_out(self) -> None:
        await asyncio.sleep(self._seconds)
        await self._stop()
        self._on_end()

    def _accept(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        if self._server is None:  # it came in the moment of stopping
            writer.transport.abort()
            return
        task = asyncio.create_task(self._serve(reader, writer))
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)
        # Not in the task: one that is cancelled before its first step has no `finally`.
        task.add_done_callback(lambda _: writer.transport.abort())

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        with contextlib.suppress(
            OSError, TimeoutError, asyncio.IncompleteReadError, asyncio.LimitOverrunError, ProtocolError
        ):
            async with asyncio.timeout(_HEAD_TIMEOUT_S):
                request = read_request(await reader.readuntil(b"\r\n\r\n"), self._target)
            if request.method == "POST":
                if request.page == self._page:
                    await _cancel(self._current)
                writer.write(b"HTTP/1.1 204 No Content\r\nConnection: close\r\n\r\n")
            else:
                earlier, self._current, self._page = self._current, asyncio.current_task(), request.page
                await _cancel(earlier)
                await self._pass_on(request, reader, writer)
            writer.close()
            await writer.wait_closed()  # the last of an answer that has ended is still on its way

    async def _pass_on(
        self, request: Request, reader: asyncio.StreamReader, writer: asyncio.StreamWriter
    ) -> None:
        tls = True if self._target.scheme == "https" else None
        there, to_there = await asyncio.open_connection(self._target.host, self._target.port, ssl=tls)
        to_there.write(request.head)
        both = [
            asyncio.create_task(_pipe(reader, to_there)),
            asyncio.create_task(_pipe(there, writer, request.reader)),
        ]
        try:
            await asyncio.wait(both, return_when=asyncio.FIRST_COMPLETED)
        finally:
            await _cancel(*both)
            to_there.transport.abort()


@dataclass(frozen=True, slots=True)
class Request:
    """A request's head, taken apart.

    Attributes:
        method: Such as `GET`.
        page: Which page asks: the first part of the path.
        head: How it goes on: without that part, for the target's host, and without the page's credentials.
        reader: The origin that has to be named to be let read the answer; empty if none has to be, or may be.
    """

    method: str
    page: str
    head: bytes
    reader: bytes = b""


def read_request(head: bytes, target: URL) -> Request:
    """Take the head of a request apart, the empty line at its end included.

    Raises:
        ProtocolError: if its first line is not that of a request to a page's path.
    """
    first, *fields = head.removesuffix(b"\r\n\r\n").split(b"\r\n")
    if not (match := re.fullmatch(rb"([A-Z]+) /([^/]+)(/\S*) (HTTP/1\.[01])", first)):
        message = f"{first!r:.200} asks for no page's path"
        raise ProtocolError(message)
    method, page, path, version = match.groups()
    left_out = (*SECRETS, b"host")
    kept = [field for field in fields if field.partition(b":")[0].strip().lower() not in left_out]
    lines = [b" ".join((method, path, version)), f"Host: {target.authority}".encode(), *kept]
    origins = [
        value.strip() for name, _, value in (field.partition(b":") for field in fields) if _is_origin(name)
    ]
    reader = origins[0] if len(origins) == 1 and _OF_VS_CODE.fullmatch(origins[0]) else b""
    return Request(method.decode(), page.decode("latin-1"), b"\r\n".join(lines) + b"\r\n\r\n", reader)


def _is_origin(name: bytes) -> bool:
    return name.strip().lower() == b"origin"


def naming(reader: bytes, head: bytes) -> bytes:
    """The head of an answer, with that origin as the one that may read it; whoever else was named in it is not."""
    first, *fields = head.removesuffix(b"\r\n\r\n").split(b"\r\n")
    kept = [field for field in fields if not field.lower().startswith(b"access-control-allow-origin:")]
    return b"\r\n".join([first, b"Access-Control-Allow-Origin: " + reader, *kept]) + b"\r\n\r\n"


async def _pipe(reader: asyncio.StreamReader, writer: asyncio.StreamWriter, named: bytes = b"") -> None:
    """Pass everything on; the head of an answer with the origin that may read it, if one is to be named."""
    with contextlib.suppress(OSError, asyncio.IncompleteReadError, asyncio.LimitOverrunError):
        if named:
            writer.write(naming(named, await reader.readuntil(b"\r\n\r\n")))
        while piece := await reader.read(_PIECE_BYTES):
            writer.write(piece)
            await writer.drain()


async def _cancel(*tasks: asyncio.Task[None] | None) -> None:
    ending = [task for task in tasks if task is not None and task is not asyncio.current_task()]
    for task in ending:
        task.cancel()
    if ending:
        await asyncio.wait(ending)
