"""Free loopback ports, and whose a taken one is."""

from __future__ import annotations

import asyncio
import contextlib
import socket
import sys
from collections.abc import Iterable, Iterator
from typing import Any

import psutil

from realtime_kit.errors import PortInUse, UsageError

HOST = "127.0.0.1"


def checked_host(host: str) -> str:
    """The address to listen on; it has to be a loopback address, as nothing here is protected."""
    if host not in (HOST, "::1"):
        message = f"host is {host!r}: an embedded Pushpin listens on 127.0.0.1 or ::1 only"
        raise UsageError(message)
    return host


def checked_ports(http_port: int, publish_port: int) -> tuple[int, int]:
    """The two ports; each a number or 0 for a free one."""
    for name, port in (("http_port", http_port), ("publish_port", publish_port)):
        if not 0 <= port < 65536:
            message = f"{name} is {port}: a port is 1 to 65535, or 0 for a free one"
            raise UsageError(message)
    if http_port and http_port == publish_port:
        message = f"http_port and publish_port are both {http_port}: they have to differ"
        raise UsageError(message)
    return http_port, publish_port


def free_port(host: str = HOST) -> int:
    """A TCP port that nobody listens on at this moment. Another process may take it before it is used."""
    with _socket(host) as probe:
        probe.bind((host, 0))
        port: int = probe.getsockname()[1]
        return port


@contextlib.contextmanager
def reserved_port(host: str = HOST) -> Iterator[int]:
    """A free TCP port that the system gives to nobody else meanwhile, for a program that is told it beforehand.

    On Linux a socket that is bound and does not listen keeps a port, and a server, which sets SO_REUSEADDR, can
    listen on it all the same. Elsewhere it is a free port, and others may be quicker.
    """
    with _socket(host) as keeper:
        keeper.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        keeper.bind((host, 0))
        port: int = keeper.getsockname()[1]
        if sys.platform != "linux":
            keeper.close()
        yield port


def check_port(host: str, port: int) -> None:
    """Make sure a port that was asked for can be listened on.

    Raises:
        PortInUse: naming the process that has it, where the system tells.
    """
    with _socket(host) as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind((host, port))
        except OSError as error:
            raise PortInUse(taken(port, error.strerror)) from error


def taken(port: int, reason: str | None = None) -> str:
    """A sentence about a port that cannot be had."""
    owner = owner_of(port)
    whose = f"belongs to {owner}" if owner else (reason or "belongs to another process")
    return f"port {port} cannot be used: {whose}; give another, or 0 for a free one"


def owner_of(port: int) -> str | None:
    """Name and pid of the process that listens on a TCP port, or None if the system does not tell."""
    for pid in filter(None, (listener.pid for listener in _listeners(port))):
        with contextlib.suppress(psutil.Error):
            return f"{psutil.Process(pid).name()} (pid {pid})"
    return None


def is_strangers(port: int, ours: Iterable[psutil.Process]) -> bool:
    """Whether anybody listens on a TCP port who is not one of these processes; no, where the system does not tell."""
    pids = {process.pid for process in ours}
    return any(listener.pid not in pids for listener in _listeners(port))


def _listeners(port: int) -> list[Any]:
    with contextlib.suppress(psutil.Error, OSError):
        return [
            found
            for found in psutil.net_connections("tcp")
            if found.status == psutil.CONN_LISTEN and found.laddr and found.laddr.port == port
        ]
    return []


def _socket(host: str) -> socket.socket:
    return socket.socket(socket.AF_INET6 if ":" in host else socket.AF_INET)


async def listens(port: int) -> bool:
    """Whether somebody accepts connections there."""
    try:
        _, writer = await asyncio.open_connection(HOST, port)
    except OSError:
        return False
    writer.close()
    with contextlib.suppress(OSError):
        await writer.wait_closed()
    return True
