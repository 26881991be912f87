"""Publishing to many Pushpins by one ZeroMQ socket: one message leaves, each of them that listens has it."""

from __future__ import annotations

import asyncio
import contextlib
import json
from collections import Counter
from collections.abc import Sequence

import zmq
import zmq.asyncio

from realtime_kit.errors import PublishError, UsageError
from realtime_kit.publisher.queue import OnFailure, QueueingPublisher

_LINGER_S = 1.0


class ZeroMqBroadcast(QueueingPublisher):
    """Publishes by a PUB socket (an XPUB, which hears who subscribes), an item a message.

    A Pushpin is sent a channel's messages only while somebody there is subscribed to it, and learns of them a moment
    after the first subscription. Nothing answers: `listeners` is what is known of the other side.

    Args:
        sub_specs: Addresses of the Pushpins' `push_in_sub_specs`, such as `ipc:///tmp/…/k-sub`.
        on_failure: As for `QueueingPublisher`.

    Raises:
        UsageError: on entering, if one is no address.
    """

    max_items_per_batch = 1

    def __init__(self, sub_specs: Sequence[str], *, on_failure: OnFailure | None = None) -> None:
        super().__init__(on_failure=on_failure)
        self._specs = list(sub_specs)
        self._listening: Counter[bytes] = Counter()
        self._context: zmq.asyncio.Context | None = None
        self._socket: zmq.asyncio.Socket | None = None

    async def listeners(self, channel: str) -> int:
        """How many Pushpins listen for a channel at the moment."""
        socket = self._opened()
        while await socket.poll(0):
            message = await socket.recv()
            # A byte, 1 to subscribe and 0 to unsubscribe, and the channel.
            self._listening[message[1:]] += 1 if message[:1] == b"\1" else -1
        return self._listening[channel.encode()]

    def move(self, before: str, after: str) -> None:
        """One of them is at another address now."""
        self._specs[self._specs.index(before)] = after
        if self._socket is not None:
            with contextlib.suppress(zmq.ZMQError):  # it is gone already
                self._socket.disconnect(before)
            self._connect(self._socket, after)

    async def _open(self) -> None:
        if self._socket is not None:
            return
        self._context = zmq.asyncio.Context()
        self._socket = self._context.socket(zmq.XPUB)
        self._socket.setsockopt(
            zmq.XPUB_VERBOSER, 1
        )  # tell of every Pushpin's subscription, not the first's alone
        self._socket.setsockopt(zmq.IMMEDIATE, 1)  # forget the subscriptions of a connection that ends
        self._socket.setsockopt(zmq.SNDHWM, 0)
        self._socket.setsockopt(zmq.LINGER, int(_LINGER_S * 1000))
        self._socket.setsockopt(zmq.RECONNECT_IVL, 10)  # milliseconds
        try:
            for spec in self._specs:
                self._connect(self._socket, spec)
        except UsageError:
            await self._close()
            raise

    def _connect(self, socket: zmq.asyncio.Socket, spec: str) -> None:
        try:
            socket.connect(spec)
        except zmq.ZMQError as error:
            message = f"a sub_spec is {spec!r}: {error}; it is like tcp://127.0.0.1:5562"
            raise UsageError(message) from error

    def _opened(self) -> zmq.asyncio.Socket:
        if self._socket is None:
            raise PublishError("this publisher is closed: use it within its `async with` block")
        return self._socket

    async def _send_batch(self, encoded: list[bytes]) -> None:
        await self._open()
        for item in encoded:
            channel = json.loads(item)["channel"].encode()
            await self._opened().send_multipart([channel, b"J" + item])  # J: the encoding is JSON

    async def _close(self) -> None:
        if self._socket is None or self._context is None:
            return
        socket, context = self._socket, self._context
        self._socket = self._context = None
        socket.close()
        await asyncio.to_thread(context.term)  # waits for messages on their way, for up to LINGER
