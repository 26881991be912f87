"""Something that goes on beside the notebook, so that a cell that waits does not hold it up."""

import asyncio
import contextlib
import sys
from collections.abc import Callable, Coroutine
from typing import Any, Self

from realtime_kit import background, cell


class Beside:
    """Runs a coroutine on the kit's loop until it is stopped; if it fails, that is said where the learner looks.

    Args:
        name: What messages call it.
        work: Makes the coroutine of each start.
    """

    def __init__(self, name: str, work: Callable[[], Coroutine[Any, Any, None]]) -> None:
        self._name = name
        self._work = work
        self._task: asyncio.Task[None] | None = None
        self._lease: background.Lease | None = None

    @property
    def running(self) -> bool:
        """Whether it goes on."""
        return self._task is not None and not self._task.done()

    def start(self) -> Self:
        """Begin, or begin anew."""
        cell.forget(self.stop)
        cell.replace_by(self.stop)  # a cell that is run again ends what it began
        self._lease = self._lease or background.Lease(self.stop)
        background.run(self._start())
        return self

    def stop(self) -> None:
        """End it. May be called again."""
        cell.forget(self.stop)
        background.run(self._stop())
        lease, self._lease = self._lease, None
        if lease is not None:
            lease.end()

    async def _start(self) -> None:
        await self._stop()
        self._task = asyncio.create_task(self._work())
        self._task.add_done_callback(self._tell_failure)

    async def _stop(self) -> None:
        task, self._task = self._task, None
        if task:
            task.cancel()
            with contextlib.suppress(asyncio.CancelledError, Exception):  # a failure was told already
                await task

    def _tell_failure(self, task: asyncio.Task[None]) -> None:
        if not task.cancelled() and (error := task.exception()):
            sys.stderr.write(f"{self._name} has ended: {type(error).__name__}: {error}. Start it again.\n")
