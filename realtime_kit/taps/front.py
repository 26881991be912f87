"""A process that stands before the origin and can be stopped in the middle of everything: SIGSTOP, then SIGCONT.

As with a stopped application, connections are accepted, by the system, and nothing answers. The fault lab's own
origin shares a process with what measures it, which must not stop.
"""

from __future__ import annotations

import contextlib
from typing import Self

from realtime_kit import worker
from realtime_kit.taps.origin_faults import paused
from realtime_kit.taps.tcp_faults import ToxicProxy
from realtime_kit.worker import Worker


class Front:
    """Passes TCP on to a port of this machine, in a process of its own. Use it with `async with`.

    Args:
        target_port: Port to pass everything on to.

    Attributes:
        port: Where it listens, once entered.
    """

    def __init__(self, target_port: int) -> None:
        self.port = 0
        self._target_port = target_port
        self._worker = Worker("realtime_kit.taps.front", name="the process before the origin")
        self._stopped = contextlib.ExitStack()

    async def __aenter__(self) -> Self:
        await self._worker.__aenter__()
        try:
            self.port = await self._worker.ask("start", target_port=self._target_port)
        except BaseException:
            await self._worker.__aexit__()
            raise
        return self

    async def __aexit__(self, *_: object) -> None:
        self.go_on()
        await self._worker.__aexit__()

    def stop(self) -> None:
        """SIGSTOP: it does nothing more, until `go_on`; again changes nothing."""
        self._stopped.close()
        self._stopped.enter_context(paused(self._worker.pid))

    def go_on(self) -> None:
        """SIGCONT."""
        self._stopped.close()


class _Front:
    def __init__(self) -> None:
        self._stack = contextlib.AsyncExitStack()

    async def start(self, *, target_port: int) -> int:
        """Listen on a free port, and give it."""
        return (await self._stack.enter_async_context(ToxicProxy(target_port))).port


def main() -> None:
    """Run the worker."""
    worker.serve({"start": _Front().start})


if __name__ == "__main__":
    main()
