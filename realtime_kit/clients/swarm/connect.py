"""Connecting one client of a swarm: a socket without a transport around it."""

from __future__ import annotations

import asyncio
import functools
import socket
import ssl
import sys
from typing import Any

from yarl import URL

_HANDSHAKE_TIMEOUT_S = 15.0

_BIND_WITHOUT_PORT = 24
"""`IP_BIND_ADDRESS_NO_PORT` of Linux: the port is chosen when it is known where to, and may be shared until then."""


class Connector:
    """Connects to one address.

    Args:
        url: The address; `https` and `wss` are encrypted.
    """

    def __init__(self, url: URL) -> None:
        self.url = url
        self._secure = url.scheme in ("https", "wss")
        self._found: tuple[Any, tuple[str, int]] | None = None

    async def connect(self, source: str = "") -> socket.socket:
        """A connection that does not block.

        Args:
            source: Address of this machine to connect from; empty: the system chooses.

        Raises:
            OSError: if there is none.
        """
        loop = asyncio.get_running_loop()
        if self._found is None:
            port = self.url.port or (443 if self._secure else 80)
            family, _, _, _, address = (await loop.getaddrinfo(self.url.host, port, type=socket.SOCK_STREAM))[
                0
            ]
            self._found = family, (str(address[0]), int(address[1]))
        family, to = self._found
        connection = socket.socket(family, socket.SOCK_STREAM)
        try:
            connection.setblocking(False)
            connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            if source:
                if sys.platform == "linux":
                    connection.setsockopt(socket.IPPROTO_IP, _BIND_WITHOUT_PORT, 1)
                connection.bind((source, 0))
            await loop.sock_connect(connection, to)
            if self._secure:
                connection = await asyncio.to_thread(functools.partial(_encrypt, connection, self.url.host))
        except BaseException:
            connection.close()
            raise
        return connection


def _encrypt(connection: socket.socket, host: str | None) -> ssl.SSLSocket:
    connection.settimeout(_HANDSHAKE_TIMEOUT_S)
    secured = ssl.create_default_context().wrap_socket(connection, server_hostname=host)
    secured.setblocking(False)
    return secured
