"""Publishing through the SUB sockets of any number of Pushpins with one PUB socket: each gets what is wanted there.

ZeroMQ copies the item to every Pushpin by itself, so publishing to twenty costs the publisher as much as to one. And
it knows who subscribes to what: a Pushpin at which nobody listens to a channel is sent nothing of it.
"""

from __future__ import annotations

import asyncio
import contextlib
import json
from collections import Counter
from collections.abc import Sequence
from typing import Self

import zmq
import zmq.asyncio
from pubcontrol import Item

from realtime_kit.errors import PublishError, UsageError
from realtime_kit.publisher.formats import exported

_TIMEOUT_S = 5.0
_encode = json.JSONEncoder(separators=(",", ":"), default=bytes.decode).encode


class BroadcastPublisher:
    """Publishes to many Pushpins at once. Use it with `async with`.

    There is no answer, and an item for a channel that nobody has subscribed to is dropped without a word. A Pushpin
    subscribes to a channel when its first client does, and its subscription takes a moment to get here: wait for it
    with `until_subscribed`.

    Args:
        specs: Addresses of the Pushpins' `push_in_sub_specs`, such as `ipc:///tmp/…/k-sub`.
        timeout_s: Longest wait for room in a Pushpin's queue, and for what is on its way at the end; seconds.
    """

    def __init__(self, specs: Sequence[str], *, timeout_s: float = _TIMEOUT_S) -> None:
        if isinstance(specs, str) or not specs:
            message = f"specs is {specs!r}: it has to be one address or more, in a list"
            raise UsageError(message)
        self._specs = tuple(specs)
        self._timeout_s = timeout_s
        self._wanted: Counter[str] = Counter()
        self._changed = asyncio.Condition()
        self._stack = contextlib.AsyncExitStack()
        self._socket: zmq.asyncio.Socket | None = None

    async def __aenter__(self) -> Self:
        async with contextlib.AsyncExitStack() as stack:
            context = zmq.asyncio.Context()
            stack.push_async_callback(asyncio.to_thread, context.term)
            socket = context.socket(zmq.XPUB)
            stack.callback(socket.close)
            socket.setsockopt(
                zmq.XPUB_VERBOSER, 1
            )  # tells of every Pushpin's subscription, not of the first alone
            socket.setsockopt(zmq.XPUB_NODROP, 1)  # waits for room instead of dropping
            socket.setsockopt(zmq.SNDTIMEO, int(self._timeout_s * 1000))
            socket.setsockopt(zmq.LINGER, int(self._timeout_s * 1000))
            for spec in self._specs:
                self._connect(socket, spec)
            listening = asyncio.create_task(self._listen(socket))
            stack.push_async_callback(_end, listening)
            self._socket = socket
            self._stack = stack.pop_all()
        return self

    async def __aexit__(self, *_: object) -> None:
        self._socket = None
        await self._stack.aclose()

    @property
    def subscribed(self) -> dict[str, int]:
        """At how many Pushpins each channel has subscribers, as far as they have said so."""
        return {channel: count for channel, count in self._wanted.items() if count > 0}

    async def until_subscribed(self, channel: str, *, pushpins: int = 1) -> None:
        """Wait until so many Pushpins have subscribers of a channel.

        Raises:
            UsageError: if there are not so many Pushpins.
        """
        if not 1 <= pushpins <= len(self._specs):
            message = f"pushpins is {pushpins!r}: there are {len(self._specs)}"
            raise UsageError(message)
        async with self._changed:
            await self._changed.wait_for(lambda: self._wanted[channel] >= pushpins)

    async def publish(self, channel: str, item: Item) -> None:
        """Hand an item to every Pushpin that wants it.

        Raises:
            UsageError: outside of `async with`.
            PublishError: if a Pushpin does not take what was published before.
        """
        if self._socket is None:
            raise UsageError("this publisher is not open: publish within its `async with` block")
        encoded = _encode(exported(channel, item)).encode()
        try:
            await self._socket.send_multipart([channel.encode(), b"J" + encoded])  # J: the encoding is JSON
        except zmq.Again:
            message = f"a Pushpin has taken nothing for {self._timeout_s:g} s: is it stuck?"
            raise PublishError(message) from None

    def _connect(self, socket: zmq.asyncio.Socket, spec: str) -> None:
        try:
            socket.connect(spec)
        except zmq.ZMQError as error:
            message = f"{spec!r}: {error}; an address is like tcp://127.0.0.1:5562"
            raise UsageError(message) from error

    async def _listen(self, socket: zmq.asyncio.Socket) -> None:
        """Keep count of what Pushpins subscribe to: a byte, 1 or 0, and the channel."""
        while True:
            text = await socket.recv()
            async with self._changed:
                self._wanted[text[1:].decode(errors="replace")] += 1 if text[:1] == b"\x01" else -1
                self._changed.notify_all()


async def _end(task: asyncio.Task[None]) -> None:
    task.cancel()
    await asyncio.gather(task, return_exceptions=True)
