"""Readers that stand still: what waits for each of them meanwhile, and how much of it finds no room.

A reader that stands still lets the buffers of the system fill, then those of Pushpin, and then the queue that its
handler keeps for a stream; what comes after that is dropped without a word. Reading on, it gets what the system held,
and then, with Pushpin 1.36, nothing: also where nothing overflowed, the connection stays open and mute until the
handler next tells Condure that it is in use. That happens every 45 s for each connection, in a second of its own, so
that muteness lasts from nothing to 45 s. Then comes all that was kept. Where that second falls into the stand-still,
the system's buffers take more meanwhile.
"""

from __future__ import annotations

import asyncio
import contextlib
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from realtime_kit.taps.tcp_faults import ToxicProxy, Toxics, waiting_bytes
from realtime_kit.theory import reliability

QUEUE_MESSAGES = 100
"""Messages that Pushpin keeps for a stream that does not take them (its handler's `PUBLISH_QUEUE_MAX`)."""

KEEP_ALIVE_S = 45.0
"""So often Pushpin's handler tells Condure of each connection (three quarters of `ZHTTP_EXPIRE`)."""

WAKES_WITHIN_S = 3 * KEEP_ALIVE_S
"""What comes then may fill the buffers once more, on a busy machine, and the connection is mute again."""

LOOK_EVERY_S = 0.05

UNDER_WAY_NS = 100_000_000
"""So long, at most, a message is on its way from a buffer to its client's receipt."""


@dataclass(frozen=True, slots=True)
class Kept:
    """What Pushpin keeps for a connection that does not take it.

    Attributes:
        messages: Messages in a queue.
        buffered_bytes: Bytes in its buffers, before that.
    """

    messages: int
    buffered_bytes: int


_CONDURE_BYTES = 8_192
"""Its `client_buffer_size`."""

STREAM = Kept(messages=QUEUE_MESSAGES, buffered_bytes=200_000 + _CONDURE_BYTES)
"""The handler has written as much before it queues (`IDEAL_CREDITS`)."""

SOCKET = Kept(messages=0, buffered_bytes=_CONDURE_BYTES)
"""Over a WebSocket the proxy drops what Condure does not take."""


def kept_for(transport: str) -> Kept:
    """What Pushpin keeps for a client of a transport of the lab."""
    return SOCKET if "websocket" in transport else STREAM


class StandStill:
    """All readers stand still, from `begin` to `end`; what waits for each is looked at until `close`.

    Args:
        proxies: Those that each client of each transport reads through.

    Attributes:
        begun_ns: Since when nobody reads, on the monotonic clock.
        ended_ns: Since when they read on; 0 as long as they do not.
    """

    def __init__(self, proxies: Mapping[str, Sequence[ToxicProxy]]) -> None:
        self._proxies = {
            (name, number): each for name, some in proxies.items() for number, each in enumerate(some)
        }
        self.begun_ns = self.ended_ns = 0
        self._looked_ns: list[int] = []
        self._waiting_bytes: list[list[int]] = []
        self._looking: asyncio.Task[None] | None = None

    def begin(self) -> None:
        """Let nobody read, and look from now on at what waits for each."""
        self.begun_ns = time.monotonic_ns()
        self._let(Toxics(bandwidth_bytes_per_s=0.0))
        self._looking = asyncio.create_task(self._keep_looking())

    def end(self) -> None:
        """Let them read on; nothing happens if they do."""
        if not self.ended_ns:
            self._look()
            self.ended_ns = time.monotonic_ns()
            self._let(Toxics())

    async def close(self) -> None:
        """Let them read on, and look no more: nothing happens any longer."""
        self.end()
        looking, self._looking = self._looking, None
        if looking is not None:
            looking.cancel()
            with contextlib.suppress(asyncio.CancelledError):
                await looking

    def _let(self, toxics: Toxics) -> None:
        for each in self._proxies.values():
            each.toxics = toxics

    def _look(self) -> None:
        self._looked_ns.append(time.monotonic_ns())
        self._waiting_bytes.append(waiting_bytes(list(self._proxies.values())))

    async def _keep_looking(self) -> None:
        while True:
            self._look()
            await asyncio.sleep(LOOK_EVERY_S)

    def concerns(self, transport: str) -> bool:
        """Whether clients of that transport stood still."""
        return (transport, 0) in self._proxies

    def overflow(
        self,
        client: tuple[str, int],
        due_ns: NDArray[np.int64],
        received_ns: NDArray[np.int64],
        *,
        message_bytes: float,
    ) -> float:
        """How many messages found no room, from the sizes of buffers and queue.

        Args:
            client: Name of a transport, and number of its client.
            due_ns: Shape (events,), ascending: when each was due.
            received_ns: Shape (receipts,), ascending: when this client received each that was due since `begin`.
            message_bytes: Size of a message on the wire, bytes.
        """
        at, kept = list(self._proxies).index(client), kept_for(client[0])
        looked_ns = np.array(self._looked_ns)
        # What has left the buffers is a moment under way; nothing is, as long as nobody reads.
        until_ns = np.where(looked_ns < self.ended_ns, looked_ns, looked_ns + UNDER_WAY_NS)
        return most_overflow(
            np.searchsorted(due_ns[due_ns >= self.begun_ns], looked_ns),
            np.searchsorted(received_ns, until_ns),
            np.array([each[at] + kept.buffered_bytes for each in self._waiting_bytes]),
            queue=kept.messages,
            message_bytes=message_bytes,
        )


def most_overflow(
    came: NDArray[np.int64],
    left: NDArray[np.int64],
    buffered_bytes: NDArray[np.int64],
    *,
    queue: int,
    message_bytes: float,
) -> float:
    """What a queue has dropped in all: the most that was ever there beyond what there was room for.

    What has been dropped stays so, even if there is room for more later. Arrays have the shape (looks,).

    Args:
        came: How many messages had come until each look.
        left: How many of them had left.
        buffered_bytes: What the buffers before the queue had taken at each look, bytes.
        queue: How many messages there is room for behind the buffers.
        message_bytes: Size of a message, bytes.
    """
    return max(
        reliability.overflow(
            messages=max(0, int(here)),
            queue=queue,
            buffered_bytes=float(buffered),
            message_bytes=message_bytes,
        )
        for here, buffered in zip(came - left, buffered_bytes, strict=True)
    )
