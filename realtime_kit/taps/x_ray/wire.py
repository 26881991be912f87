"""A wire that can be listened to: a TCP forwarder that changes nothing about what it forwards."""

from __future__ import annotations

import asyncio
import contextlib
import os
import socket
import struct
import time
from collections.abc import Callable
from typing import Protocol, Self

from realtime_kit.errors import UsageError
from realtime_kit.listening import listening

HOST = "127.0.0.1"

_BACKLOG = 4096  # a herd of clients that connect at once must not find a queue shorter than Pushpin's
_NO_LINGER = struct.pack("ii", 1, 0)  # a socket closed with it sends a reset


class Listener(Protocol):
    """Hears one connection. It must be quick and not raise. Times are nanoseconds of `time.monotonic_ns`."""

    def opened(self, *, at_ns: int) -> None:
        """Somebody has connected."""

    def received(self, data: bytes, *, from_opener: bool, at_ns: int) -> None:
        """Bytes that are being passed on."""

    def ended(self, *, from_opener: bool, at_ns: int) -> None:
        """One side will send nothing more; the other may."""

    def failed(self, reason: str, *, from_opener: bool, at_ns: int) -> None:
        """One side has reset the connection, or cannot be reached; it is over."""


class Wire:
    """Forwards connections to a port. Use it with `async with`, on one loop.

    Bytes go both ways unchanged. A side that ends its direction ends it for the other, a reset is passed on as
    a reset, and a side that does not read stops the one that writes: besides the sockets' own buffers, at most
    64 kB and one read (256 kB) are under way in each direction. The one difference to a cable: a target that refuses
    connections resets them instead, because by then they have been accepted.

    Args:
        target: Host and port to forward to.
        listen: Makes what hears each new connection.
        host: Address to listen on.
        port: Port to listen on; 0 is a free one.

    Attributes:
        port: Where it listens, once entered.

    Raises:
        UsageError: on entering, if the port cannot be had.
    """

    def __init__(
        self, target: tuple[str, int], listen: Callable[[], Listener], *, host: str = HOST, port: int = 0
    ) -> None:
        self.port = port
        self._target = target
        self._listen = listen
        self._host = host
        self._server: asyncio.Server | None = None
        self._sides: set[_Side] = set()
        self._connecting: set[asyncio.Task[None]] = set()

    async def __aenter__(self) -> Self:
        loop = asyncio.get_running_loop()
        try:
            make = loop.create_server(
                self._accept,
                self._host,
                self.port,
                family=_family(self._host),
                backlog=_BACKLOG,
                start_serving=False,
            )
            self._server = await listening(make)
        except OSError as error:
            reason = os.strerror(error.errno) if error.errno else str(error)
            message = f"the X-ray cannot listen on port {self.port}: {reason}; 0 is a free port"
            raise UsageError(message) from error
        self.port = self._server.sockets[0].getsockname()[1]
        return self

    async def __aexit__(self, *_: object) -> None:
        server, self._server = self._server, None
        if server is None:
            return
        server.close()
        for task in self._connecting:
            task.cancel()
        await asyncio.gather(*self._connecting, return_exceptions=True)
        sides = list(self._sides)
        for side in sides:
            side.stop()
        await asyncio.gather(*(side.gone.wait() for side in sides))
        await server.wait_closed()

    def _accept(self) -> _Side:
        listener = self._listen()
        opener = _Side(listener, self._sides, from_opener=True)
        opener.on_made = lambda: self._begin(opener)
        return opener

    def _begin(self, opener: _Side) -> None:
        if self._server is None:  # accepted in the moment of the end
            opener.stop()
            return
        opener.listener.opened(at_ns=time.monotonic_ns())
        task = asyncio.get_running_loop().create_task(self._connect(opener))
        self._connecting.add(task)
        task.add_done_callback(self._connecting.discard)

    async def _connect(self, opener: _Side) -> None:
        opener.transport.pause_reading()
        target = _Side(opener.listener, self._sides, from_opener=False)
        opener.other, target.other = target, opener
        try:
            await asyncio.get_running_loop().create_connection(lambda: target, *self._target)
        except OSError as error:
            opener.listener.failed(str(error), from_opener=False, at_ns=time.monotonic_ns())
            opener.reset()
        else:
            opener.transport.resume_reading()


class _Side(asyncio.Protocol):
    """One of a connection's two sockets: what it reads, the other one writes."""

    other: _Side
    transport: asyncio.Transport

    def __init__(self, listener: Listener, sides: set[_Side], *, from_opener: bool) -> None:
        self.listener = listener
        self.gone = asyncio.Event()
        self.on_made: Callable[[], None] = lambda: None
        self._sides = sides
        self._from_opener = from_opener
        self._has_ended = False

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        assert isinstance(transport, asyncio.Transport)  # noqa: S101 - for the type checker
        self.transport = transport
        self._sides.add(self)
        self.on_made()

    def data_received(self, data: bytes) -> None:
        # First, so that whatever follows from these bytes is heard after them.
        self.listener.received(data, from_opener=self._from_opener, at_ns=time.monotonic_ns())
        if not self.other.transport.is_closing():
            self.other.transport.write(data)

    def eof_received(self) -> bool:
        if not self._has_ended:  # it is read again when reading goes on after a pause
            self._has_ended = True
            self.listener.ended(from_opener=self._from_opener, at_ns=time.monotonic_ns())
            if not self.other.transport.is_closing():
                self.other.transport.write_eof()
            if self.other._has_ended:
                self.transport.close()
                self.other.transport.close()
        return True  # the other direction goes on

    def pause_writing(self) -> None:
        self.other.transport.pause_reading()

    def resume_writing(self) -> None:
        self.other.transport.resume_reading()

    def connection_lost(self, error: Exception | None) -> None:
        self._sides.discard(self)
        self.gone.set()
        if error is not None and not self._is_over():
            reason = error.strerror if isinstance(error, OSError) and error.strerror else str(error)
            self.listener.failed(reason, from_opener=self._from_opener, at_ns=time.monotonic_ns())
            self.other.reset()

    def _is_over(self) -> bool:
        return self._has_ended and self.other._has_ended

    def reset(self) -> None:
        """End with a reset."""
        with contextlib.suppress(OSError):
            connected = self.transport.get_extra_info("socket")
            connected.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, _NO_LINGER)
        self.transport.abort()

    def stop(self) -> None:
        """End at once; a peer that is not reading does not hold it up."""
        self.transport.abort()


def _family(host: str) -> socket.AddressFamily:
    return socket.AF_INET6 if ":" in host else socket.AF_INET
