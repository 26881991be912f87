"""The origin of a fan-out, in a process of its own: each event is published to several Pushpins at once."""

from __future__ import annotations

import asyncio
import contextlib
import time
from collections.abc import Sequence
from typing import Any

from realtime_kit import worker
from realtime_kit.errors import PublishError
from realtime_kit.origin.announcer import LATE_CALLS_S, late_call, late_channel
from realtime_kit.origin.event_log import EventLog
from realtime_kit.origin.hold_server import HoldServer
from realtime_kit.origin.process import CHANNEL
from realtime_kit.publisher import (
    HttpPublisher,
    QueueingPublisher,
    ZeroMqBroadcast,
    item_in_all_formats,
    stamped,
)

_COARSE_S = 0.002
"""A sleep may end this much late: what is left is waited for in small steps."""

_LISTEN_WITHIN_S = 2.0
"""A Pushpin that listened is heard of through a new socket within some hundredths of that."""


class _Origin:
    def __init__(self) -> None:
        self.log = EventLog()
        self.publishers: list[HttpPublisher] = []
        self.broadcast: ZeroMqBroadcast | None = None
        self.listening = 0
        self.late = False
        self.payload_bytes, self.stamp = 0, False
        self.channel = CHANNEL
        self.ids_before = 0
        self.server: HoldServer
        self._stack = contextlib.AsyncExitStack()
        self._doors = contextlib.AsyncExitStack()

    async def start(self, *, port: int) -> dict[str, Any]:
        """Listen on a port; 0 is a free one."""
        self.server = await self._stack.enter_async_context(HoldServer(self.log, CHANNEL, port=port))
        return {"port": self.server.port}

    async def requests(self) -> dict[str, int]:
        """How many requests have come so far, and how many of them Pushpin had repeated by itself."""
        return {"requests": self.server.requests, "repeats": self.server.repeats}

    async def publish_to(
        self,
        *,
        publishers: list[dict[str, Any]],
        payload_bytes: int,
        sub_specs: Sequence[str] = (),
        late: bool = False,
        channel: str = CHANNEL,
        ids_before: int = 0,
        stamp: bool = False,
    ) -> None:
        """Publish every event from now on to all of these, padded to `payload_bytes` bytes of text.

        Args:
            publishers: Arguments of an `HttpPublisher` for each Pushpin.
            payload_bytes: Size of an event's text, bytes.
            sub_specs: The Pushpins' ZeroMQ addresses, to publish by one PUB socket instead; empty: over HTTP. If there
                was another such socket, it returns when as many listen as did there.
            late: Whether long-polls are called that are behind after an event, as the `Announcer` does.
            channel: To which channel. On one that is not the kit's own, nobody is told which event came before.
            ids_before: The first event's id is one more.
            stamp: Whether an event says when it was due, as `stamped` has it, for who is not told otherwise.
        """
        self.payload_bytes, self.stamp = payload_bytes, stamp
        self.late = late
        self.channel, self.ids_before = channel, ids_before
        listened = self.listening - len(await self._deaf())
        await self._doors.aclose()
        self.publishers, self.broadcast = [], None
        if sub_specs:
            self.broadcast = await self._doors.enter_async_context(ZeroMqBroadcast(sub_specs))
            self.listening = len(sub_specs)
            await self._until_listening(min(listened, self.listening))
            return
        for options in publishers:
            self.publishers.append(await self._doors.enter_async_context(HttpPublisher(**options)))

    async def push(self, *, due_ns: int) -> dict[str, Any]:
        """Let one event happen at a moment of `CLOCK_MONOTONIC`; returns when every Pushpin has accepted it."""
        await asyncio.sleep(max(0.0, (due_ns - time.monotonic_ns()) / 1e9 - _COARSE_S))
        while time.monotonic_ns() < due_ns:  # noqa: ASYNC110 - it is a clock that is waited for
            await asyncio.sleep(0)
        number = self.ids_before + self.log.last_id + 1
        data = self._text(number, due_ns)
        self.log.append(data)
        slip_s = (time.monotonic_ns() - due_ns) / 1e9
        item = item_in_all_formats(number, data, prev_number=number - 1 if self.channel == CHANNEL else None)
        doors = self._open_doors()
        refused = await self._deaf()
        answers = await asyncio.gather(
            *(publisher.publish(self.channel, item) for publisher in doors), return_exceptions=True
        )
        for answer in answers:
            if isinstance(answer, PublishError):
                refused.append(str(answer))
            elif isinstance(answer, BaseException):
                raise answer
        for after_s in LATE_CALLS_S if self.late else ():
            asyncio.get_running_loop().call_later(after_s, self._call_the_late, number)
        return {"event_id": number, "data": data, "slip_s": slip_s, "not_published": refused}

    def _text(self, number: int, due_ns: int) -> str:
        name = f"event {number} "
        if not self.stamp:
            return name.ljust(self.payload_bytes, ".")
        due_wall_ns = time.time_ns() - (time.monotonic_ns() - due_ns if due_ns else 0)
        room = self.payload_bytes - len(stamped(due_ns=due_wall_ns))
        return stamped(name.ljust(room, "."), due_ns=due_wall_ns)

    def _open_doors(self) -> list[QueueingPublisher]:
        return [self.broadcast] if self.broadcast else [*self.publishers]

    def _call_the_late(self, number: int) -> None:
        if number == self.log.last_id:
            for publisher in self._open_doors():
                publisher.send(late_channel(CHANNEL), late_call(number))

    async def _until_listening(self, count: int) -> None:
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(_LISTEN_WITHIN_S):
                while self.listening - len(await self._deaf()) < count:  # noqa: ASYNC110 - it tells when asked
                    await asyncio.sleep(_COARSE_S)

    async def _deaf(self) -> list[str]:
        """A sentence for each Pushpin to which a PUB socket will send nothing."""
        if self.broadcast is None:
            return []
        deaf = self.listening - await self.broadcast.listeners(CHANNEL)
        return [f"{deaf} of {self.listening} Pushpins do not listen on their ZeroMQ socket"] * deaf


def main() -> None:
    """Run the worker."""
    origin = _Origin()
    names = ("start", "publish_to", "push", "requests")
    worker.serve({name: getattr(origin, name) for name in names}, loop_factory=worker.fastest_loop())


if __name__ == "__main__":
    main()
