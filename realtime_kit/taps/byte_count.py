"""Bytes on the wire, counted where they leave and enter a socket: headers, framing and all."""

from __future__ import annotations

import asyncio
import socket
from typing import Any

from realtime_kit.errors import UsageError


class ByteCount:
    """What the sockets of one or more clients have moved so far.

    Attributes:
        connections: Sockets made, those included that could not connect.
    """

    __slots__ = ("_bypassed", "_received", "_sent", "connections")

    def __init__(self) -> None:
        self._received = 0
        self._sent = 0
        self._bypassed = ""
        self.connections = 0

    @property
    def received(self) -> int:
        """Bytes read.

        Raises:
            UsageError: if a socket was used by an event loop that goes around it: then nothing is known.
        """
        self._require_counting()
        return self._received

    @property
    def sent(self) -> int:
        """Bytes written; raises as `received` does."""
        self._require_counting()
        return self._sent

    def __repr__(self) -> str:
        if self._bypassed:
            return f"<ByteCount: not counted on {self._bypassed}, {self.connections} connections>"
        return f"<ByteCount: {self._received} received, {self._sent} sent, {self.connections} connections>"

    def make_socket(self, address_info: tuple[Any, ...]) -> socket.socket:
        """A counting socket, in the form of aiohttp's `TCPConnector(socket_factory=…)`."""
        family, kind, protocol, *_ = address_info
        made = _CountingSocket(family, kind, protocol)
        made.count = self
        self.connections += 1
        # uvloop takes the file descriptor and never calls the socket: a count of 0 would be a lie.
        if not isinstance(loop := asyncio.get_running_loop(), asyncio.SelectorEventLoop):
            self._bypassed = type(loop).__module__
        return made

    def _require_counting(self) -> None:
        if self._bypassed:
            message = (
                f"bytes cannot be counted on {self._bypassed}: run the client on asyncio's own event loop"
            )
            raise UsageError(message)


class _CountingSocket(socket.socket):
    """A socket that adds to its `count` whatever passes through the calls that asyncio uses."""

    count: ByteCount

    def recv(self, *args: Any) -> bytes:
        data = super().recv(*args)
        self.count._received += len(data)
        return data

    def recv_into(self, *args: Any) -> int:
        size = super().recv_into(*args)
        self.count._received += size
        return size

    def send(self, *args: Any) -> int:
        size = super().send(*args)
        self.count._sent += size
        return size

    def sendmsg(self, *args: Any) -> int:  # asyncio writes with it from Python 3.12 on
        size = super().sendmsg(*args)
        self.count._sent += size
        return size
