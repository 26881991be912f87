"""The origin of a measured run, in a process of its own: the lessons' application and its publisher.

An event happens here: it is appended to the log at its intended time, and in the same instant handed to the
publisher. So polling clients can read it no later than it is pushed, and no transport has a head start.
"""

from __future__ import annotations

import base64
import contextlib
from typing import Any

import numpy as np
from pubcontrol import Item

from realtime_kit import worker
from realtime_kit.errors import PublishError
from realtime_kit.origin.announcer import Announcer
from realtime_kit.origin.event_log import EventLog
from realtime_kit.origin.lessons import lessons_app
from realtime_kit.origin.request_log import RequestLog
from realtime_kit.origin.server import OriginServer
from realtime_kit.publisher import HttpPublisher, Pacer

CHANNEL = "events"


class _Origin:
    def __init__(self) -> None:
        self.log = EventLog()
        self.requests = RequestLog()
        self.publisher: HttpPublisher | None = None
        self.not_published: dict[int, str] = {}
        self.announcer: Announcer | None = None
        self.payload = ""
        self.pacer: Pacer | None = None
        self.first_id = 0
        self._stack = contextlib.AsyncExitStack()

    async def start(self, *, port: int) -> dict[str, Any]:
        """Listen on a port; 0 is a free one."""
        app = lessons_app(self.log)
        app.middlewares.append(self.requests.middleware())
        server = await self._stack.enter_async_context(OriginServer(app, port=port))
        return {"port": server.port}

    async def publish_to(self, *, publisher: dict[str, Any], payload_bytes: int) -> None:
        """Publish every event from now on, padded to `payload_bytes` bytes of text."""
        self.payload = "." * payload_bytes
        self.publisher = HttpPublisher(**publisher, on_failure=self._note_failure)
        await self.publisher.__aenter__()
        self.announcer = Announcer(self.log, self.publisher, channel=CHANNEL)

    def _note_failure(self, item: Item, error: PublishError) -> None:
        if item.id is not None:  # a call to the late has none, and is nobody's loss
            self.not_published[int(item.id)] = str(error)

    def _happen(self, _index: int = 0) -> None:
        name = f"event {self.log.last_id + 1} "
        self.log.append(name + self.payload[len(name) :])

    async def warm_up(self) -> dict[str, Any]:
        """Let one event happen that does not belong to the run."""
        self._happen()
        return {"last_id": self.log.last_id}

    async def run(self, *, offsets_ns: str, start_ns: int, first_id: int) -> None:
        """Let the scheduled events happen; returns after the last. `offsets_ns`: base64 of int64."""
        offsets = np.frombuffer(base64.b64decode(offsets_ns), np.int64)
        self.first_id = first_id
        self.pacer = Pacer(offsets + start_ns, self._happen)
        await self.pacer.run()

    async def asked(self, *, since_ns: int) -> dict[str, int]:
        """Requests by transport that have arrived from a moment on."""
        return self.requests.since(since_ns)

    async def halt(self) -> dict[str, Any]:
        """Let no further event happen; the id of the last that did."""
        if self.pacer is not None:
            self.pacer.stop()
        return {"last_id": self.log.last_id}

    async def report(self, *, start_ns: int, end_ns: int) -> dict[str, Any]:
        """What happened: ids, slip, why which event of the run was not published, requests in the window."""
        publisher, self.publisher = self.publisher, None
        if publisher is not None and self.announcer is not None:
            self.announcer.close()
            await publisher.aclose()
        load = self.requests.load(start_ns, end_ns)
        return {
            "first_id": self.first_id,
            "texts": [text for _, text in self.log.after(self.first_id - 1)],
            "slip_s": [] if self.pacer is None else self.pacer.slip_s.tolist(),
            "not_published": [
                [number, reason] for number, reason in self.not_published.items() if number >= self.first_id
            ],
            "requests": {name: route.to_json() for name, route in load.items()},
        }


def main() -> None:
    """Run the worker."""
    origin = _Origin()
    names = ("start", "publish_to", "warm_up", "run", "asked", "halt", "report")
    worker.serve({name: getattr(origin, name) for name in names})


if __name__ == "__main__":
    main()
