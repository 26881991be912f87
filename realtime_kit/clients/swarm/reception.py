"""The sockets of a crew: read as they come, a receipt for each event, nothing kept.

There is no object for a client: a descriptor, and its place in a few columns. What is ready is asked of the system
for many sockets at once, and a piece of bytes that is the one before again costs one comparison.
"""

from __future__ import annotations

import asyncio
import os
import socket
import time
from array import array
from collections.abc import Callable

import numpy as np

from realtime_kit.clients.receipt import ReceiptBook, Receipts
from realtime_kit.clients.swarm.readiness import Readiness
from realtime_kit.clients.swarm.reading import Reading, Transport
from realtime_kit.errors import ClientError, ProtocolError

_READ_BYTES = 960
"""Read at a time, until somebody is sent more: what is shorter, Python's memory has at hand."""

_MOST_READ_BYTES = 16_384
"""Read at a time from then on. A piece that is longer is parsed anew for every client."""

_PIECES_KEPT = 256

_STAY_S = 0.01
_LONGEST_STAY_NS = 100_000_000
"""While a push is in the air the next receipt is waited for on the spot: to go back to the event loop between two
would cost more than to read them. Others get a turn after this."""

_NAP_PER_CLIENT_S = 50e-9
"""While a push is in the air, the next look is so much later for each client that is reached in turn, whoever reads for
it: 1/600 of what a Pushpin needs for them, 30 µs each. About so late is a receipt written down at most, and several are
read for one waking."""

_SHORTEST_NAP_S = 1e-4
"""For fewer clients than make this, 2,000, the next receipt is waited for: a sleep lasts half of it too long."""

_MANY = 64
"""After so many at a time there is no nap: more have come meanwhile."""

_NOT_YET = (BlockingIOError, InterruptedError)


class Reception:
    """Reads the sockets of a crew's clients.

    Args:
        transport: What they speak.
        clients: How many there are.
        in_turn: How many, of all crews' clients, a push reaches one after the other; None: these.
        on_answer: Called with a client and its cursor when one of its requests has been answered: long-polling.
        on_loss: Called with a client and the reason when its connection has ended, but for a `hang_up`.

    Attributes:
        book: The receipts.
        latest: The latest event of each client, 0 for none.
        awaited: The event that is awaited.
        arrived: Set when everybody has the event that is awaited, but for those whose connection has ended.
    """

    def __init__(
        self,
        transport: Transport,
        clients: int,
        *,
        in_turn: int | None = None,
        on_answer: Callable[[int, int], None],
        on_loss: Callable[[int, Exception], None],
    ) -> None:
        self.book = ReceiptBook()
        self.latest = [0] * clients
        self.arrived = asyncio.Event()
        self._transport = transport
        self._on_answer = on_answer
        self._on_loss = on_loss
        self._opened_ns = np.zeros(clients, np.int64)
        self._fds = [-1] * clients
        # By descriptor: whose it is if it is between two messages, else -1. An array lies in one piece.
        self._steady = array("i")
        self._readings: dict[int, tuple[int, Reading]] = {}  # by descriptor, of all others
        self._opening: dict[int, asyncio.Future[None]] = {}
        self._known: dict[bytes, tuple[tuple[int, ...], int | None]] = {}
        self._read_bytes = _READ_BYTES
        self.awaited = self._missing = 0
        self._nap_s = nap_s if (nap_s := (in_turn or clients) * _NAP_PER_CLIENT_S) >= _SHORTEST_NAP_S else 0.0
        self._readiness = Readiness()
        self._loop = asyncio.get_running_loop()
        self._loop.add_reader(self._readiness.fileno(), self._wake)

    # Connections

    def take(self, number: int, connection: socket.socket, opened_ns: int) -> asyncio.Future[None]:
        """Take a client's connection over; done when the server has agreed, with what it says if it has not."""
        self.hang_up(number)
        fd = connection.detach()
        self._fds[number] = fd
        self.book.fill_opened(self._opened_ns)
        self._opened_ns[number] = opened_ns
        self._steady.extend([-1] * (fd + 1 - len(self._steady)))
        self._readings[fd] = number, self._transport.reading()
        self._opening[number] = agreed = self._loop.create_future()
        self._readiness.add(fd)
        return agreed

    def settle(self, number: int) -> None:
        """Nobody waits any more for this client's server to agree."""
        self._opening.pop(number, None)

    def send(self, number: int, data: bytes) -> bool:
        """Send something short; whether the system took it. If not, the connection is lost."""
        fd = self._fds[number]
        try:
            sent = os.write(fd, data)
        except OSError as error:
            self._lose(number, _reason(error))
            return False
        if sent < len(data):
            self._lose(number, "the server does not read")
            return False
        return True

    def is_connected(self, number: int) -> bool:
        """Whether a client has a connection."""
        return self._fds[number] >= 0

    def hang_up(self, number: int) -> None:
        """End a client's connection, if it has one."""
        fd, self._fds[number] = self._fds[number], -1
        if fd < 0:
            return
        self._steady[fd] = -1
        self._readings.pop(fd, None)
        os.close(fd)

    def close(self) -> None:
        """Hang up everybody."""
        self._loop.remove_reader(self._readiness.fileno())
        for number in range(len(self._fds)):
            self.hang_up(number)
        self._readiness.close()

    def _lose(self, number: int, reason: str, error: Exception | None = None) -> None:
        self.hang_up(number)
        if self.latest[number] < self.awaited and not self._transport.repeated:
            self._strike_off()
        opening = self._opening.pop(number, None)
        if opening is None or opening.done():
            self._on_loss(number, error or ConnectionError(reason))
        else:
            opening.set_exception(error or ConnectionError(reason))

    # Events

    def receipts(self) -> Receipts:
        """The receipts since the last call."""
        book, self.book = self.book, ReceiptBook()
        book.fill_opened(self._opened_ns)
        return book.receipts()

    def expect(self, event_id: int) -> None:
        """The event to await from now on: of who is connected, or of all where they come back by themselves."""
        self.arrived.clear()
        self.awaited = event_id
        returning = self._transport.repeated
        self._missing = sum(
            latest < event_id and (returning or fd >= 0)
            for latest, fd in zip(self.latest, self._fds, strict=True)
        )
        if self._missing <= 0:
            self.arrived.set()

    def _wake(self) -> None:
        """Read what there is; with a push in the air, stay until nothing comes for a moment.

        The inner loop is the hot one: a receipt costs what stands there, and the system's read.
        """
        poll, read, clock, repeated = (
            self._readiness.poll,
            os.read,
            time.monotonic_ns,
            self._transport.repeated,
        )
        steady, latest, awaited, nap_s = self._steady, self.latest, self.awaited, self._nap_s
        some, size = self._readiness.SOME, self._read_bytes
        write_client, write_time = self.book.columns()
        usual: bytes | None = None  # the piece that most are sent, and its event
        event_id, until_ns = 0, 0
        ready = poll(0)
        try:
            while ready:
                reached = 0
                for fd, figure in ready:
                    number = steady[fd]
                    if number < 0:
                        self.book.fill_event(event_id)
                        self._read_slowly(fd)
                        continue
                    try:
                        piece = read(fd, size)
                    except OSError as error:
                        self._stumble(number, error)
                        continue
                    if piece != usual or figure != some:
                        self.book.fill_event(event_id)
                        usual, event_id = self._read_other(number, fd, piece, size, figure)
                        continue
                    write_client(number)
                    write_time(clock())
                    before = latest[number]
                    if before < event_id:
                        latest[number] = event_id
                        reached += before < awaited <= event_id
                self._missing -= reached
                if self._missing <= 0:
                    self.arrived.set()
                    return
                until_ns = until_ns or clock() + _LONGEST_STAY_NS
                if repeated or clock() > until_ns:  # a long-poll's clients have to ask again meanwhile
                    return
                if nap_s and len(ready) < _MANY:
                    time.sleep(nap_s)
                ready = poll(_STAY_S)
        finally:
            self.book.fill_event(event_id)

    def _read_other(
        self, number: int, fd: int, piece: bytes, size: int, figure: int
    ) -> tuple[bytes | None, int]:
        """Take a piece that is not the usual one; the usual one from then on and its event, if it has just one."""
        said = self._known.get(piece)
        if said is None or figure != self._readiness.SOME:
            self._read_anew(number, fd, piece, size)
            return None, 0
        event_ids, cursor = said
        now_ns = time.monotonic_ns()
        for event_id in event_ids:
            self._write(number, event_id, now_ns)
        if cursor is not None:
            self._on_answer(number, cursor)
        return (piece, event_ids[0]) if len(event_ids) == 1 and cursor is None else (None, 0)

    def _read_anew(self, number: int, fd: int, piece: bytes, size: int) -> None:
        """Read what nobody has been sent before, or not in these pieces, or what is said last.

        Only a piece that is shorter than was asked for is known from then on: whoever gets the same has read all.
        """
        if not piece:
            self._lose(number, "the server ended the connection")
            return
        reading = self._transport.reading(opened=True)
        self._steady[fd] = -1
        self._readings[fd] = number, reading
        is_all = self._note_size(piece, size)
        event_ids = self._feed(number, fd, reading, piece)
        if event_ids is not None and reading.whole and not reading.over and is_all:
            if len(self._known) >= _PIECES_KEPT:
                del self._known[next(iter(self._known))]
            self._known[piece] = event_ids, reading.cursor
        self._read_on(number, fd)

    def _read_slowly(self, fd: int) -> None:
        """Read for somebody who is in the middle of a message."""
        if fd in self._readings:  # else hung up while others were read
            self._read_on(self._readings[fd][0], fd)

    def _read_on(self, number: int, fd: int) -> None:
        """Read until there is no more, or the connection has ended."""
        while self._fds[number] == fd:
            size = self._read_bytes
            try:
                data = os.read(fd, size)
            except OSError as error:
                self._stumble(number, error)
                return
            if not data:
                self._lose(number, "the server ended the connection")
                return
            self._note_size(data, size)
            if self._steady[fd] >= 0:
                self._steady[fd] = -1
                self._readings[fd] = number, self._transport.reading(opened=True)
            self._feed(number, fd, self._readings[fd][1], data)

    def _note_size(self, data: bytes, size: int) -> bool:
        """Whether this was all there was to read, as so much was asked for; if not, more is, from now on."""
        is_all = len(data) < size
        if not is_all:
            self._read_bytes = _MOST_READ_BYTES
        return is_all

    def _feed(self, number: int, fd: int, reading: Reading, data: bytes) -> tuple[int, ...] | None:
        now_ns = time.monotonic_ns()
        try:
            event_ids = reading.feed(data)
        except (ClientError, ProtocolError) as error:
            self._lose(number, str(error), error)
            return None
        if reading.reply and not self.send(number, reading.reply):
            return None
        opening = self._opening.get(number)
        if opening is not None and reading.opened and not opening.done():
            opening.set_result(None)
        for event_id in event_ids:
            self._write(number, event_id, now_ns)
        if reading.whole:
            del self._readings[fd]
            self._steady[fd] = number
            if reading.cursor is not None:
                self._on_answer(number, reading.cursor)
        if reading.over:
            self._lose(number, reading.over)
        return event_ids

    def _write(self, number: int, event_id: int, now_ns: int) -> None:
        self.book.fill_opened(self._opened_ns)
        self.book.write(number, event_id, now_ns, int(self._opened_ns[number]))
        before = self.latest[number]
        if event_id > before:
            self.latest[number] = event_id
            if before < self.awaited <= event_id:
                self._strike_off()

    def _strike_off(self) -> None:
        self._missing -= 1
        if self._missing <= 0:
            self.arrived.set()

    def _stumble(self, number: int, error: OSError) -> None:
        """What a read that failed means; that there is nothing to read yet means nothing."""
        if not isinstance(error, _NOT_YET):
            self._lose(number, _reason(error))


def _reason(error: OSError) -> str:
    return error.strerror or str(error) or type(error).__name__
