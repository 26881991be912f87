"""The yardstick: a bare blocking socket that reads the same events in the same run.

It does nothing between `recv` and looking at the clock, so what a client of the kit sees later than this is
the client's own doing. It also asks for an empty poll now and then, which tells how long a request takes to
the origin and back under the load of the run. What is cut off is begun again; what it missed, the report lacks.
"""

from __future__ import annotations

import contextlib
import re
import socket
import threading
import time
from collections.abc import Callable, Iterable
from typing import Any

import numpy as np

from realtime_kit import worker

POLL_EVERY_S = 0.1
AGAIN_AFTER_S = 0.05
"""Pushpin closes a fresh hold now and then, by a race of its own; a yardstick is worth another try."""

LOOK_UP_EVERY_S = 0.1
"""How often a silent stream asks whether it is still wanted."""

_LENGTH = re.compile(rb"(?i)\r\ncontent-length: *(\d+)")
_ID = re.compile(rb"(?<=\n)id: (\d+)\n")  # at the start of a line, not in the middle of an event's text
_LONGEST_ID_LINE = 64


class _Reference:
    def __init__(self) -> None:
        self._address = ("", 0)
        self._chunks: list[tuple[int, bytes]] = []
        self._round_trips_ns: list[tuple[int, int]] = []
        self._stop = threading.Event()
        self._threads: list[threading.Thread] = []

    async def open(self, *, host: str, port: int) -> None:
        """Begin to read the stream and to poll."""
        self._address = (host, port)
        self._threads = [
            threading.Thread(target=self._again_and_again, args=(each,), daemon=True)
            for each in (self._read_stream, self._poll)
        ]
        for thread in self._threads:
            thread.start()

    async def report(self, *, start_ns: int, end_ns: int) -> dict[str, Any]:
        """Receipt times by event id, and the median round trip of the polls within the window; None without one."""
        self._stop.set()
        for thread in self._threads:
            thread.join()
        within = [took for sent, took in self._round_trips_ns if start_ns <= sent < end_ns]
        return {
            "received_ns": read_receipts(self._chunks),
            "round_trip_s": float(np.median(within)) / 1e9 if within else None,
        }

    def _connect(self) -> socket.socket:
        made = socket.create_connection(self._address, timeout=10)
        made.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        return made

    def _request(self, path: str) -> bytes:
        host, port = self._address
        return f"GET {path} HTTP/1.1\r\nHost: {host}:{port}\r\n\r\n".encode()

    def _again_and_again(self, read: Callable[[], None]) -> None:
        """What breaks has ended like what ends; what is missing then, the report lacks."""
        while not self._stop.is_set():
            with contextlib.suppress(OSError):
                read()
            self._stop.wait(AGAIN_AFTER_S)

    def _read_stream(self) -> None:
        """Read one stream to its end."""
        with self._connect() as stream:
            stream.sendall(self._request("/reference/streaming/events"))
            stream.settimeout(LOOK_UP_EVERY_S)
            while not self._stop.is_set():
                with contextlib.suppress(TimeoutError):
                    if not (chunk := stream.recv(65536)):
                        return
                    self._chunks.append((time.monotonic_ns(), chunk))

    def _poll(self) -> None:
        request = self._request("/reference/polling/events")
        with self._connect() as connection:
            while not self._stop.wait(POLL_EVERY_S):
                sent_ns = time.monotonic_ns()
                connection.sendall(request)
                if not read_response(connection.recv):
                    return
                self._round_trips_ns.append((sent_ns, time.monotonic_ns() - sent_ns))


def read_receipts(chunks: Iterable[tuple[int, bytes]]) -> dict[str, int]:
    """When each event came, by id: with the bytes that complete its id, however these were cut.

    Args:
        chunks: (time, bytes) of each read of an event stream, in order.
    """
    text = b"\n"
    found: dict[str, int] = {}
    for received_ns, chunk in chunks:
        text += chunk
        end = 0
        for match in _ID.finditer(text):
            found.setdefault(match[1].decode(), received_ns)
            end = match.end() - 1  # the line feed may be what the next id's line begins after
        text = text[max(end, len(text) - _LONGEST_ID_LINE) :]
    return found


def read_response(receive: Callable[[int], bytes]) -> bool:
    """Read one whole response; False if the connection ended. Head and body may come in several pieces."""
    text = b""
    while chunk := receive(65536):
        text += chunk
        head, complete, body = text.partition(b"\r\n\r\n")
        length = _LENGTH.search(head)
        if complete and len(body) >= int(length[1] if length else 0):
            return True
    return False


def main() -> None:
    """Run the worker."""
    reference = _Reference()
    worker.serve({"open": reference.open, "report": reference.report})


if __name__ == "__main__":
    main()
