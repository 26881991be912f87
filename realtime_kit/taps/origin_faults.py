"""Faults of the origin: it stalls, or answers with an error."""

from __future__ import annotations

import asyncio
import contextlib
import os
import signal
from collections.abc import Iterator

from aiohttp import web
from aiohttp.typedefs import Handler


class OriginFaults:
    """A middleware that can keep an origin from answering.

    Attributes:
        status: With which every request is answered, such as 500; None is as the origin does.
        harmed: How many requests have been stalled or answered so.
    """

    def __init__(self) -> None:
        self.status: int | None = None
        self.harmed = 0
        self._goes_on = asyncio.Event()
        self._goes_on.set()

    def stall(self) -> None:
        """Accept requests and answer none, until `go_on`: a process that is stopped, or waits for its database."""
        self._goes_on.clear()

    def go_on(self) -> None:
        """Answer what has been asked meanwhile, and from now on."""
        self._goes_on.set()

    def install(self, app: web.Application) -> None:
        """Stand before everything else in an application that has not been served yet."""

        @web.middleware
        async def middleware(request: web.Request, handler: Handler) -> web.StreamResponse:
            self.harmed += self.status is not None or not self._goes_on.is_set()
            await self._goes_on.wait()
            if self.status is not None:
                return web.Response(status=self.status, text=f"a fault: {self.status}\n")
            return await handler(request)

        app.middlewares.insert(0, middleware)


@contextlib.contextmanager
def paused(pid: int) -> Iterator[None]:
    """Stops a process of yours (SIGSTOP), and lets it go on (SIGCONT): its sockets accept, nothing answers."""
    os.kill(pid, signal.SIGSTOP)
    try:
        yield
    finally:
        with contextlib.suppress(ProcessLookupError):
            os.kill(pid, signal.SIGCONT)
