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
from typing import Any

import numpy as np
from numpy.typing import NDArray

from realtime_kit.clients.receipt import ReceiptBook, Receipts
from realtime_kit.clients.swarm.readiness import Readiness
from realtime_kit.clients.swarm.reading import Reading, Transport

_MOST_BYTES = 16_384
"""Read at a time while it is not known what is sent; a piece that is longer is parsed anew for every client. From then
on it is one byte more than the longest that is known: less shows that this was all, and Python has a few at hand."""

_PIECES_KEPT = 256

_STAY_S = 0.01
_LONGEST_STAY_NS = 100_000_000
"""While a push is in the air the next receipt is waited for on the spot: to go back to the event loop between two
would cost more than to read them. Others get a turn after this."""

_NAP_PER_CLIENT_S = 200e-9
"""While a push is in the air, the next look is so much later for each client that is reached in turn, whoever reads for
it: 1/150 of what a Pushpin needs for them, 30 µs each. About so late is a receipt written down at most, and several are
read for one waking."""

_FEWEST_TO_NAP = 1_000
"""For fewer clients the next receipt is waited for: a sleep lasts 0.05 ms longer than it should."""

Said = tuple[tuple[int, ...], int | None]
"""What a piece of bytes says to everybody who gets it: ids of events, and a long-poll's cursor."""

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
        latest: Shape (clients,), int64: the latest event of each client, 0 for none.
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
        self.latest = np.zeros(clients, np.int64)
        self.arrived = asyncio.Event()
        self._transport = transport
        self._on_answer = on_answer
        self._on_loss = on_loss
        self._opened_ns = np.zeros(clients, np.int64)
        self._fds = array("i", [-1]) * clients
        self._whose = array("i")  # by descriptor: a client's number
        self._readings: dict[int, Reading] = {}  # by descriptor, of those who are not between two messages
        self._opening: dict[int, asyncio.Future[None]] = {}
        self._known: dict[bytes, Said] = {}
        self._longest, self._read_bytes = 0, _MOST_BYTES
        self._usual_fds, self._usual_ns = array("i"), array("q")  # who has read the usual piece, and when
        self.awaited = self._missing = 0
        self._owed = np.zeros(clients, np.bool_)  # who has not got the awaited event yet
        in_turn = in_turn or clients
        self._nap_s = in_turn * _NAP_PER_CLIENT_S if in_turn >= _FEWEST_TO_NAP else 0.0
        self._readiness = Readiness()
        self._loop = asyncio.get_running_loop()
        self._loop.add_reader(self._readiness.fileno(), self._wake)

    # Connections

    def take(self, number: int, connection: socket.socket, opened_ns: int) -> asyncio.Future[None]:
        """Take a client's connection over; done when the server has agreed, with what it says if it has not."""
        self.hang_up(number)
        fd = connection.detach()
        self._fds[number] = fd
        self._opened_ns[number] = opened_ns
        self._whose.extend([-1] * (fd + 1 - len(self._whose)))
        self._whose[fd] = number
        self._readings[fd] = self._transport.reading()
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
        if not self._transport.repeated:
            self._strike_off(number)
        opening = self._opening.pop(number, None)
        if opening is None or opening.done():
            self._on_loss(number, error or ConnectionError(reason))
        else:
            opening.set_exception(error or ConnectionError(reason))

    # Events

    def receipts(self) -> Receipts:
        """The receipts since the last call."""
        book, self.book = self.book, ReceiptBook()
        return book.receipts()

    def expect(self, event_id: int) -> None:
        """The event to await from now on: of who is connected, or of all where they come back by themselves."""
        self.arrived.clear()
        self.awaited = event_id
        connected = np.frombuffer(self._fds, np.int32) >= 0
        self._owed = connected | self._transport.repeated
        self._strike_off(self.latest >= event_id)

    def _wake(self) -> None:
        """Read what there is; with a push in the air, stay until nothing comes for a moment.

        The inner loop is the hot one: a receipt costs what stands there, and the system's read.
        """
        poll, read, clock = self._readiness.poll, os.read, time.monotonic_ns
        write_fd, write_time = self._usual_fds.append, self._usual_ns.append
        some, most, nap_s = self._readiness.SOME, self._readiness.MOST, self._nap_s
        unsteady, size = self._readings, self._read_bytes
        usual: bytes | None = None  # the piece that most are sent, and its event
        event_id, until_ns = 0, 0
        ready = poll(0)
        try:
            while ready:
                for fd, figure in ready:
                    try:
                        piece = read(fd, size)
                    except OSError as error:
                        self._note_usual(event_id)
                        self._stumble(self._whose[fd], error)
                        continue
                    if piece != usual or figure != some or fd in unsteady:
                        self._note_usual(event_id)
                        usual, event_id = self._read_other(fd, piece, figure)
                        size = self._read_bytes
                        continue
                    write_fd(fd)
                    write_time(clock())
                if len(self._usual_fds) >= self._missing:
                    self._note_usual(event_id)
                    if not self._missing:
                        return
                until_ns = until_ns or clock() + _LONGEST_STAY_NS
                # A long-poll's clients have to ask again meanwhile.
                if self._transport.repeated or clock() > until_ns:
                    return
                if nap_s and len(ready) < most:
                    time.sleep(nap_s)
                ready = poll(_STAY_S)
        finally:
            self._note_usual(event_id)

    def _note_usual(self, event_id: int) -> None:
        """Write down who has read the usual piece, and of which event it was."""
        if not self._usual_fds:
            return
        fds, received_ns = np.array(self._usual_fds), np.array(self._usual_ns)
        del self._usual_fds[:], self._usual_ns[:]
        clients = np.frombuffer(self._whose, np.int32)[fds]
        self.book.extend(
            Receipts(clients, np.full(len(clients), event_id), received_ns, self._opened_ns[clients])
        )
        self.latest[clients] = np.maximum(self.latest[clients], event_id)
        if event_id >= self.awaited:
            self._strike_off(clients)

    def _read_other(self, fd: int, piece: bytes, figure: int) -> tuple[bytes | None, int]:
        """Take a piece that is not the usual one; the usual one from then on and its event, if it has just one."""
        number, is_first = self._whose[fd], fd not in self._readings
        is_all = len(piece) < self._read_bytes  # else there may be more to read
        said = self._known.get(piece) if is_first and is_all and figure == self._readiness.SOME else None
        if said is None:
            if not is_all:
                self._read_bytes = _MOST_BYTES
            said = self._read_anew(number, fd, piece)
            if is_first and said is not None:
                self._remember(piece, said)
            return None, 0
        self._read_bytes = self._longest + 1
        event_ids, cursor = said
        now_ns = time.monotonic_ns()
        for event_id in event_ids:
            self._write(number, event_id, now_ns)
        if cursor is not None:
            self._on_answer(number, cursor)
        return (piece, event_ids[0]) if len(event_ids) == 1 and cursor is None else (None, 0)

    def _remember(self, piece: bytes, said: Said) -> None:
        """Whoever is between two messages and gets just this piece need not be read anew."""
        if len(self._known) >= _PIECES_KEPT:
            del self._known[next(iter(self._known))]
        self._known[piece] = said
        self._longest = max(map(len, self._known))

    def _read_anew(self, number: int, fd: int, piece: bytes) -> Said | None:
        """Read what nobody has been sent before, or not in these pieces, or what is said last, to its end.

        Returns:
            What the piece says, if a message ends with it.
        """
        said = self._feed(number, fd, piece)
        while self._fds[number] == fd:
            try:
                more = os.read(fd, _MOST_BYTES)
            except OSError as error:
                self._stumble(number, error)
                break
            self._feed(number, fd, more)
        return said

    def _feed(self, number: int, fd: int, piece: bytes) -> Said | None:
        if not piece:
            self._lose(number, "the server ended the connection")
            return None
        now_ns = time.monotonic_ns()
        reading = self._readings.get(fd)
        if reading is None:
            reading = self._readings[fd] = self._transport.reading(opened=True)
        try:
            event_ids = reading.feed(piece)
        except Exception as error:  # noqa: BLE001 - whatever one server says, the others are read
            self._lose(number, str(error), error)
            return None
        opening = self._opening.get(number)
        if opening is not None and reading.opened and not opening.done():
            opening.set_result(None)
        for event_id in event_ids:
            self._write(number, event_id, now_ns)
        if reading.reply and not self.send(number, reading.reply):
            return None
        if reading.whole:
            del self._readings[fd]
            if reading.cursor is not None:
                self._on_answer(number, reading.cursor)
        if reading.over:
            self._lose(number, reading.over)
            return None
        return (event_ids, reading.cursor) if reading.whole else None

    def _write(self, number: int, event_id: int, now_ns: int) -> None:
        self.book.write(number, event_id, now_ns, int(self._opened_ns[number]))
        self.latest[number] = max(event_id, self.latest[number])
        if event_id >= self.awaited:
            self._strike_off(number)

    def _strike_off(self, clients: int | NDArray[Any]) -> None:
        """These are not waited for any more."""
        self._owed[clients] = False
        self._missing = int(np.count_nonzero(self._owed))
        if not self._missing:
            self.arrived.set()

    def _stumble(self, number: int, error: OSError) -> None:
        """What a read that failed means; that there is nothing to read yet means nothing."""
        if not isinstance(error, _NOT_YET):
            self._lose(number, _reason(error))


def _reason(error: OSError) -> str:
    return error.strerror or str(error) or type(error).__name__
