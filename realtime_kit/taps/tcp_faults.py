"""Faults of the network: a TCP proxy that delays, throttles, swallows or cuts what passes.

The names are those of Toxiproxy (Shopify), whose toxics these are, as far as a lesson needs them.
"""

from __future__ import annotations

import asyncio
import contextlib
import socket
import struct
import time
from dataclasses import dataclass
from typing import Any, Self

HOST = "127.0.0.1"
_READ_BYTES = 4096
_WAITING_CHUNKS = 64
"""What is read and not yet passed on: small, so that a slow reader is felt on the other side."""


_PIECE_S = 0.05
"""How long a piece takes at a limited bandwidth, seconds."""


@dataclass(frozen=True, slots=True)
class Toxics:
    """What befalls the answers on every connection; nothing, as it is made.

    Attributes:
        latency_s: How much later everything arrives, seconds.
        bandwidth_bytes_per_s: How much passes in a second; None is everything. A slow reader.
        timeout: Whether nothing passes and nothing is closed: a machine that has vanished. What is swallowed
            so is gone, and the connection with it: it is cut as soon as this ends.
        slow_close_s: How much later the end of a connection is told, seconds.
    """

    latency_s: float = 0.0
    bandwidth_bytes_per_s: float | None = None
    timeout: bool = False
    slow_close_s: float = 0.0


class ToxicProxy:
    """Passes TCP on to a port of this machine, with faults. Use it with `async with`.

    Args:
        target_port: Port to pass everything on to.

    Attributes:
        port: Where it listens, once entered.
        connections: How many have been opened through it.
    """

    def __init__(self, target_port: int) -> None:
        self.port = 0
        self.connections = 0
        self._target_port = target_port
        self._toxics = Toxics()
        self._is_down = False
        self._server: asyncio.Server | None = None
        self._open: dict[asyncio.Task[Any], tuple[asyncio.StreamWriter, ...]] = {}
        self._swallowed: set[asyncio.StreamWriter] = set()

    @property
    def toxics(self) -> Toxics:
        """What befalls the answers; may be changed at any time, and is felt by open connections too."""
        return self._toxics

    @toxics.setter
    def toxics(self, toxics: Toxics) -> None:
        self._toxics = toxics
        if not toxics.timeout:
            swallowed, self._swallowed = self._swallowed, set()
            for writer in swallowed:
                writer.transport.abort()

    def reset_peer(self) -> None:
        """Cut every connection with a TCP reset (RST); new ones are taken."""
        for writers in list(self._open.values()):
            for writer in writers:
                _reset(writer)

    def down(self) -> None:
        """Cut every connection, and every new one, until `up`."""
        self._is_down = True
        self.reset_peer()

    def up(self) -> None:
        """Take connections again."""
        self._is_down = False

    async def __aenter__(self) -> Self:
        self._server = await asyncio.start_server(self._accept, HOST, self.port, limit=_READ_BYTES)
        self.port = self._server.sockets[0].getsockname()[1]
        return self

    async def __aexit__(self, *_: object) -> None:
        if self._server is not None:
            self._server.close()
        tasks = list(self._open)
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)

    async def _accept(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        task = asyncio.current_task()
        assert task is not None  # noqa: S101 - for the type checker; asyncio runs this as one
        self.connections += 1
        self._open[task] = (writer,)
        try:
            if self._is_down:
                return
            there, to_there = await asyncio.open_connection(HOST, self._target_port, limit=_READ_BYTES)
            self._open[task] = (writer, to_there)
            requests = asyncio.create_task(_pass_on(reader, to_there))
            try:
                await self._pass_answers(there, writer)
            finally:
                requests.cancel()
                await asyncio.wait([requests])
        except (OSError, asyncio.CancelledError):
            pass  # either side is gone, or the proxy is: so is the connection
        finally:
            for each in self._open.pop(task):
                self._swallowed.discard(each)
                _reset(each)

    async def _pass_answers(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        """In two tasks, so that what comes while something waits is late by its own time only."""
        queue: asyncio.Queue[tuple[float, bytes]] = asyncio.Queue(_WAITING_CHUNKS)
        reading = asyncio.create_task(self._read(reader, queue))
        try:
            while True:
                read_s, data = await queue.get()
                await asyncio.sleep(read_s + self._toxics.latency_s - time.monotonic())
                if not data:
                    break
                await self._write(data, writer)
        finally:
            reading.cancel()
            await asyncio.wait([reading])
        await asyncio.sleep(self._toxics.slow_close_s)
        writer.close()
        await writer.wait_closed()

    async def _read(self, reader: asyncio.StreamReader, queue: asyncio.Queue[tuple[float, bytes]]) -> None:
        data = b"."
        while data:
            try:
                data = await reader.read(_READ_BYTES)
            except OSError:
                data = b""
            await queue.put((time.monotonic(), data))

    async def _write(self, data: bytes, writer: asyncio.StreamWriter) -> None:
        if self._toxics.timeout or writer in self._swallowed:
            self._swallowed.add(writer)
            return
        while data:  # in small pieces, so that the end of a toxic is felt at once
            rate = self._toxics.bandwidth_bytes_per_s
            size = max(1, int(rate * _PIECE_S)) if rate else len(data)
            piece, data = data[:size], data[size:]
            writer.write(piece)
            await writer.drain()
            if rate:
                await asyncio.sleep(len(piece) / rate)


async def _pass_on(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    with contextlib.suppress(OSError):
        while data := await reader.read(_READ_BYTES):
            writer.write(data)
            await writer.drain()
        # The client has hung up: so does the proxy, as a browser's tab that is closed.
        writer.transport.abort()


def _reset(writer: asyncio.StreamWriter) -> None:
    """End a connection with RST: lingering on, for no time."""
    found = writer.get_extra_info("socket")
    if found is not None:
        with contextlib.suppress(OSError):
            found.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
    writer.transport.abort()
