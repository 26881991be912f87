"""Firing a schedule on time, and saying how late each shot was.

The pacer never waits for what it fires: a slow publish must not push back the events behind it, or the run
would silently measure a gentler schedule than the one asked for (coordinated omission).
"""

from __future__ import annotations

import asyncio
import contextlib
import threading
import time
from collections.abc import Callable

import numpy as np
from numpy.typing import NDArray

from realtime_kit.errors import UsageError


class Pacer:
    """Calls `fire(index)` on the running loop at each intended time.

    The clock is kept by a thread: an event loop's timers round up to whole milliseconds, which is of the
    order of the latencies to be measured, while a thread's wait is accurate to about 0.1 ms.

    A pacer runs once. If `fire` raises, nothing more is fired and `run` raises the same.

    Args:
        intended_ns: Shape (events,), int64, ascending: when each event is due on `CLOCK_MONOTONIC`. What was
            due before the start is fired at once.
        fire: Called with the index of the event; must return at once.

    Attributes:
        fired: How many events have been fired.
    """

    def __init__(self, intended_ns: NDArray[np.int64], fire: Callable[[int], None]) -> None:
        self._intended_ns = intended_ns
        self._fire = fire
        self._fired_ns = np.zeros(len(intended_ns), dtype=np.int64)
        self._stop = threading.Event()
        self._finished: asyncio.Future[None] | None = None
        self.fired = 0

    @property
    def slip_s(self) -> NDArray[np.float64]:
        """How late each fired event was: shape (fired,), seconds, in order of the schedule."""
        late_ns = self._fired_ns[: self.fired] - self._intended_ns[: self.fired]
        return late_ns.astype(np.float64) / 1e9

    async def run(self) -> None:
        """Fire every event; returns when the last has been fired, or when stopped.

        Raises:
            UsageError: if it has run before.
        """
        if self._finished is not None:
            raise UsageError("a pacer runs once: make another one")
        loop = asyncio.get_running_loop()
        self._finished = loop.create_future()
        name = "realtime_kit pacing"
        threading.Thread(target=self._keep_time, args=(loop, self._finished), name=name, daemon=True).start()
        try:
            await self._finished
        finally:
            self._stop.set()

    def stop(self) -> None:
        """Fire nothing more; `run` returns."""
        self._stop.set()

    def _keep_time(self, loop: asyncio.AbstractEventLoop, finished: asyncio.Future[None]) -> None:
        with contextlib.suppress(RuntimeError):  # the loop may have been closed meanwhile
            for index, due_ns in enumerate(self._intended_ns.tolist()):
                if self._stopped_before(due_ns):
                    break
                loop.call_soon_threadsafe(self._shoot, index, finished)
            loop.call_soon_threadsafe(_finish, finished)

    def _stopped_before(self, due_ns: int) -> bool:
        while (left_ns := due_ns - time.monotonic_ns()) > 0:
            if self._stop.wait(left_ns / 1e9):
                return True
        return self._stop.is_set()

    def _shoot(self, index: int, finished: asyncio.Future[None]) -> None:
        if self._stop.is_set():
            return
        self._fired_ns[index] = time.monotonic_ns()
        self.fired = index + 1
        try:
            self._fire(index)
        except Exception as error:  # noqa: BLE001 - a loop's callback has nobody to raise to
            self._stop.set()
            if not finished.done():
                finished.set_exception(error)


def _finish(finished: asyncio.Future[None]) -> None:
    if not finished.done():
        finished.set_result(None)
