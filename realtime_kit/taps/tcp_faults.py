"""Faults of the network: a TCP proxy that delays, throttles, swallows or cuts what passes.

The names are those of Toxiproxy (Shopify), whose toxics these are, as far as a lesson needs them.
"""

from __future__ import annotations

import asyncio
import contextlib
import socket
import statistics
import struct
import sys
import time
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Self

from realtime_kit.listening import listening

HOST = "127.0.0.1"
_READ_BYTES = 4096
_READ_AHEAD_BYTES = 3 * _READ_BYTES
"""What a connection has read when nothing passes: asyncio's reader takes twice its limit, and a piece is in hand."""

_WAITING_CHUNKS = 64
"""What is read and not yet passed on: small, so that a slow reader is felt on the other side."""

_WINDOW_BYTES = 4096
_SEGMENT_BYTES = 536
"""Likewise for the system's buffers on both sides of a connection, which otherwise hold some megabytes. That of the
other side grows with the segments that this side takes; 536 is what every TCP has to take (RFC 9293 §3.7.1)."""

_PIECE_S = 0.05
"""How long a piece takes at a limited bandwidth, seconds."""


@dataclass(frozen=True, slots=True)
class Toxics:
    """What befalls the answers on every connection; nothing, as it is made.

    Attributes:
        latency_s: How much later everything arrives, seconds.
        bandwidth_bytes_per_s: How much passes in a second; None is everything. A slow reader. With 0 nothing passes and
            nothing is read, until this changes: one that stands still.
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
        is_narrow: Whether the system's buffers on the target's side are small, so that the target soon feels one who
            does not read.

    Attributes:
        port: Where it listens, once entered.
        connections: How many have been opened through it.
    """

    def __init__(self, target_port: int, *, is_narrow: bool = False) -> None:
        self.port = 0
        self._is_narrow = is_narrow
        self.connections = 0
        self._target_port = target_port
        self._toxics = Toxics()
        self._changed = asyncio.Event()
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
        self._changed.set()
        self._changed = asyncio.Event()
        if not toxics.timeout:
            swallowed, self._swallowed = self._swallowed, set()
            for writer in swallowed:
                writer.transport.abort()

    @property
    def waiting_bytes(self) -> int:
        """What waits at this moment for who reads here, on the median connection: `waiting_bytes` of this one."""
        return waiting_bytes([self])[0]

    def _waiting_bytes(self, sent: dict[int, int]) -> int:
        waiting = []
        for writers in self._open.values():
            for each in writers[1:]:
                if each.transport.is_closing():  # its client has hung up
                    continue
                found, port = each.get_extra_info("socket"), each.get_extra_info("sockname")[1]
                in_system = _arrived_bytes(found.fileno()) + sent.get(port, 0)
                waiting.append(in_system + _READ_AHEAD_BYTES * bool(in_system))
        return int(statistics.median(waiting)) if waiting else 0

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
        make = asyncio.start_server(self._accept, HOST, self.port, limit=_READ_BYTES, start_serving=False)
        self._server = await listening(make)
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
            there, to_there = await _connect(self._target_port, is_narrow=self._is_narrow)
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
            await self._is_flowing()
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
            await self._is_flowing()
            rate = self._toxics.bandwidth_bytes_per_s
            size = max(1, int(rate * _PIECE_S)) if rate else len(data)
            piece, data = data[:size], data[size:]
            writer.write(piece)
            await writer.drain()
            if rate:
                await asyncio.sleep(len(piece) / rate)

    async def _is_flowing(self) -> None:
        while self._toxics.bandwidth_bytes_per_s == 0:
            await self._changed.wait()


def waiting_bytes(proxies: Sequence[ToxicProxy]) -> list[int]:
    """What waits at this moment between the target and those who read through each proxy, on its median connection.

    That is what the system's buffers hold, and what the proxy has read and cannot pass on. Linux tells of both sides;
    elsewhere only what has arrived on this one is known.
    """
    sent = {port: _sent_and_not_taken(port) for port in {each._target_port for each in proxies}}
    return [each._waiting_bytes(sent[each._target_port]) for each in proxies]


async def _connect(port: int, *, is_narrow: bool) -> tuple[asyncio.StreamReader, asyncio.StreamWriter]:
    there = socket.socket()
    try:
        there.setblocking(False)
        if is_narrow:
            there.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, _WINDOW_BYTES)
            with contextlib.suppress(OSError):  # not every system takes it before there is a connection
                there.setsockopt(socket.IPPROTO_TCP, socket.TCP_MAXSEG, _SEGMENT_BYTES)
        await asyncio.get_running_loop().sock_connect(there, (HOST, port))
        return await asyncio.open_connection(sock=there, limit=_READ_BYTES)
    except BaseException:
        there.close()
        raise


def _arrived_bytes(descriptor: int) -> int:
    import fcntl  # a Unix's; everything else here does without
    import termios

    answer = fcntl.ioctl(descriptor, termios.FIONREAD, b"\0\0\0\0")
    return int.from_bytes(answer, sys.byteorder)


def _sent_and_not_taken(port: int) -> dict[int, int]:
    """Bytes that a local port has sent and that have not been taken, by the port at the other end."""
    waiting = {}
    with contextlib.suppress(OSError):
        for line in Path("/proc/net/tcp").read_text().splitlines()[1:]:
            _, local, remote, _, queues, *_ = line.split()
            if int(local.partition(":")[2], 16) == port:
                waiting[int(remote.partition(":")[2], 16)] = int(queues.partition(":")[0], 16)
    return waiting


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
