"""The way from the Jupyter server to Pushpin, with a gate in it that can be shut.

When a page leaves an event stream, jupyter-server-proxy (4.6) goes on reading it for up to two hours: Pushpin would
count subscribers who are long gone, and a Binder would never fall idle. It also passes the page's credentials on to
the origin. So it is given this relay's port instead of Pushpin's, which makes a push about 0.4 ms slower.
"""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import Callable

from yarl import URL

from realtime_kit import background

HOST = "127.0.0.1"
SECRETS = (b"authorization", b"cookie", b"x-xsrftoken")
"""Whoever has these may run code on the Jupyter server."""

_HEAD_TIMEOUT_S = 10.0
_PIECE_BYTES = 1 << 16


class Relay:
    """Passes one connection at a time on to a Pushpin: a newer one ends the one before.

    A POST, which neither EventSource nor WebSocket sends, is a page's good-bye: it ends the one before, and goes no
    further.

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
        self._passing: asyncio.Task[None] | None = None

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
            self._server = await asyncio.start_server(self._accept, HOST, 0)
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
        timer, passing = self._timer, self._passing
        self._timer = self._passing = None
        await _cancel(timer, passing)
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
        self._passing = asyncio.create_task(self._pass_on(self._passing, reader, writer))
        # Not in the task: one that is cancelled before its first step has no `finally`.
        self._passing.add_done_callback(lambda _: writer.transport.abort())

    async def _pass_on(
        self, earlier: asyncio.Task[None] | None, reader: asyncio.StreamReader, writer: asyncio.StreamWriter
    ) -> None:
        await _cancel(earlier)
        with contextlib.suppress(
            OSError, TimeoutError, asyncio.IncompleteReadError, asyncio.LimitOverrunError
        ):
            async with asyncio.timeout(_HEAD_TIMEOUT_S):
                head = await reader.readuntil(b"\r\n\r\n")
            if head.startswith(b"POST "):
                writer.write(b"HTTP/1.1 204 No Content\r\nConnection: close\r\n\r\n")
                writer.close()
                await writer.wait_closed()
                return
            tls = True if self._target.scheme == "https" else None
            there, to_there = await asyncio.open_connection(self._target.host, self._target.port, ssl=tls)
            to_there.write(forwarded(head, self._target))
            both = [asyncio.create_task(_pipe(reader, to_there)), asyncio.create_task(_pipe(there, writer))]
            try:
                await asyncio.wait(both, return_when=asyncio.FIRST_COMPLETED)
                writer.close()
                await writer.wait_closed()  # the last of an answer that has ended is still on its way
            finally:
                await _cancel(*both)
                to_there.transport.abort()


def forwarded(head: bytes, target: URL) -> bytes:
    """A request's head as it goes on: for the target's host, and without the page's credentials."""
    first, *fields = head.removesuffix(b"\r\n\r\n").split(b"\r\n")
    left_out = (*SECRETS, b"host")
    kept = [field for field in fields if field.partition(b":")[0].strip().lower() not in left_out]
    return b"\r\n".join([first, f"Host: {target.authority}".encode(), *kept]) + b"\r\n\r\n"


async def _pipe(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    with contextlib.suppress(OSError):
        while piece := await reader.read(_PIECE_BYTES):
            writer.write(piece)
            await writer.drain()


async def _cancel(*tasks: asyncio.Task[None] | None) -> None:
    ending = [task for task in tasks if task is not None and task is not asyncio.current_task()]
    for task in ending:
        task.cancel()
    if ending:
        await asyncio.wait(ending)
