"""Publishing through Pushpin's ZeroMQ PUSH socket: one way, no answer, the least work for the handler."""

from __future__ import annotations

import asyncio

import zmq
import zmq.asyncio

from realtime_kit.errors import UsageError
from realtime_kit.publisher.queue import NobodyAnswers, OnFailure, QueueingPublisher

_TIMEOUT_S = 5.0


class ZeroMqPublisher(QueueingPublisher):
    """Publishes by a PUSH socket, an item a message.

    ZeroMQ gives no answer: `publish` returns when the item has left this program's hands, and one that Pushpin
    cannot read is only a line in Pushpin's log. What is noticed is a Pushpin that is not there, because
    nothing takes the messages off the socket. What is on its way when Pushpin dies is lost without a word.

    Args:
        push_spec: Address of Pushpin's `push_in_spec`, such as `ipc:///tmp/…/k-pull` or `tcp://127.0.0.1:5560`.
        timeout_s: Longest wait for somebody to take an item, and for what is on its way at the end; seconds.
        on_failure: As for `QueueingPublisher`.
    """

    max_items_per_batch = 1  # a message each: nothing to gain, and what was sent before a failure is known

    def __init__(
        self, push_spec: str, *, timeout_s: float = _TIMEOUT_S, on_failure: OnFailure | None = None
    ) -> None:
        super().__init__(on_failure=on_failure)
        self._spec = push_spec
        self._timeout_s = timeout_s
        self._context: zmq.asyncio.Context | None = None
        self._socket: zmq.asyncio.Socket | None = None

    async def _open(self) -> None:
        if self._socket is not None:
            return
        self._context = zmq.asyncio.Context()
        self._socket = self._context.socket(zmq.PUSH)
        self._socket.setsockopt(zmq.IMMEDIATE, 1)  # queue only for a peer that is really connected
        self._socket.setsockopt(zmq.SNDTIMEO, int(self._timeout_s * 1000))
        self._socket.setsockopt(zmq.LINGER, int(self._timeout_s * 1000))
        try:
            self._socket.connect(self._spec)
        except zmq.ZMQError as error:
            await self._close()
            message = f"push_spec is {self._spec!r}: {error}; it is like tcp://127.0.0.1:5560"
            raise UsageError(message) from error

    async def _send_batch(self, encoded: list[bytes]) -> None:
        await self._open()
        assert self._socket is not None  # noqa: S101 - for the type checker
        try:
            for item in encoded:
                await self._socket.send(b"J" + item)  # J: the encoding is JSON
        except zmq.Again:
            message = f"nothing took an item off {self._spec} within {self._timeout_s:g} s: is Pushpin up?"
            raise NobodyAnswers(message) from None

    async def _close(self) -> None:
        if self._socket is None or self._context is None:
            return
        socket, context = self._socket, self._context
        self._socket = self._context = None
        socket.close()
        # Terminating waits for messages still on their way, for up to LINGER.
        await asyncio.to_thread(context.term)
