"""Connecting one client of a swarm: a socket without a transport around it."""

from __future__ import annotations

import asyncio
import socket
import sys
from typing import Any

from yarl import URL

_BIND_WITHOUT_PORT = 24
"""`IP_BIND_ADDRESS_NO_PORT` of Linux: the port is chosen when it is known where to, and may be shared until then."""


def shown(url: URL) -> str:
    """An address without what may be a secret in it: a name, a password, a query."""
    return str(url.with_user(None).with_query(None).with_fragment(None))


class Connector:
    """Connects to one address.

    Args:
        url: The address. TLS, if it asks for that, is up to whoever uses the connection.

    Attributes:
        name: It as it may be shown.
    """

    def __init__(self, url: URL) -> None:
        self.url = url
        self.name = shown(url)
        self._addresses: list[tuple[int, Any]] = []

    async def connect(self, source: str = "") -> socket.socket:
        """A connection that does not block. A host's first address that answers is the one for everybody.

        Args:
            source: IPv4 address of this machine to connect from; empty: the system chooses.

        Raises:
            OSError: if there is none.
        """
        if not self._addresses:
            found = await asyncio.get_running_loop().getaddrinfo(
                self.url.host, self.url.port, type=socket.SOCK_STREAM
            )
            self._addresses = [(family, to) for family, *_, to in found]
        *others, last = self._addresses
        for family, to in others:
            try:
                connection = await _connect(family, to, source)
            except OSError:
                continue
            self._addresses = [(family, to)]
            return connection
        connection = await _connect(*last, source)
        self._addresses = [last]
        return connection


async def _connect(family: int, to: Any, source: str) -> socket.socket:
    connection = make_socket(family, source)
    try:
        await asyncio.get_running_loop().sock_connect(connection, to)
    except BaseException:
        connection.close()
        raise
    return connection


def make_socket(family: int, source: str = "") -> socket.socket:
    """A socket that is not connected, and does not block.

    Args:
        family: Such as `socket.AF_INET`.
        source: As for `Connector.connect`.
    """
    connection = socket.socket(family, socket.SOCK_STREAM)
    try:
        connection.setblocking(False)
        connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        if source:
            if sys.platform == "linux":
                connection.setsockopt(socket.IPPROTO_IP, _BIND_WITHOUT_PORT, 1)
            connection.bind((source, 0))
    except BaseException:
        connection.close()
        raise
    return connection
