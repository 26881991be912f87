"""A measurement that goes on while the notebook does something else."""

from __future__ import annotations

import asyncio
import concurrent.futures
import contextlib
import threading
from collections.abc import Callable, Coroutine
from typing import Any, Generic, TypeVar

from realtime_kit import background

T = TypeVar("T")

Measure = Callable[[asyncio.Event], Coroutine[Any, Any, T]]
"""Measures, on the kit's loop; ends early with what it has when the event is set."""


class Work(Generic[T]):
    """A coroutine on the kit's loop, and a thread that waits for its end.

    Args:
        measure: What to do; it is given the event that asks it to end early.
        on_end: Called by the thread when it has ended, with its result or with its error; whoever waits for
            `finished` is told afterwards, and if this raises, that.

    Attributes:
        running: Whether it goes on; False when `on_end` is called.
        finished: Done when all is over: with a result, an error, or an `asyncio.CancelledError`.
    """

    def __init__(
        self, measure: Measure[T], *, on_end: Callable[[T | None, BaseException | None], object]
    ) -> None:
        self.running = True
        self.finished: concurrent.futures.Future[T] = concurrent.futures.Future()
        self._measure = measure
        self._on_end = on_end
        self._stop = asyncio.Event()
        self._lock = threading.Lock()
        self._running: tuple[asyncio.AbstractEventLoop, asyncio.Task[Any]] | None = None
        self._stopped = self._cancelled = False
        self._thread = threading.Thread(target=self._run, name="realtime_kit measurement", daemon=True)
        self._thread.start()

    def stop(self) -> None:
        """Ask it to end early and keep what it has measured."""
        with self._lock:
            self._stopped = True
            self._call(lambda _: self._stop.set())

    def cancel(self) -> None:
        """Make it end, without a result."""
        with self._lock:
            self._cancelled = True
            self._call(lambda task: task.cancel())

    def join(self, timeout_s: float) -> None:
        """Wait for its end, and for that of its thread."""
        self._thread.join(timeout_s)

    def _call(self, function: Callable[[asyncio.Task[Any]], object]) -> None:
        if self._running is not None:
            loop, task = self._running
            with contextlib.suppress(RuntimeError):  # it has ended, and its loop is closed
                loop.call_soon_threadsafe(function, task)

    def _run(self) -> None:
        try:
            self.finished.set_result(self._result())
        except BaseException as error:  # noqa: BLE001 - a cancellation is one too; whoever waits is told
            self.finished.set_exception(error)

    def _result(self) -> T:
        try:
            result = background.run(self._main())
        except BaseException as error:
            self.running = False
            self._on_end(None, error)
            raise
        self.running = False
        self._on_end(result, None)
        return result

    async def _main(self) -> T:
        task = asyncio.current_task()
        with self._lock:
            if self._cancelled or task is None:
                raise asyncio.CancelledError
            self._running = asyncio.get_running_loop(), task
            if self._stopped:
                self._stop.set()
        return await self._measure(self._stop)
