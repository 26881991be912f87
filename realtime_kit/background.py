"""The kit's own thread and event loop, and the two ways to wait for work done there.

Everything in the kit is a coroutine that runs on this one loop, so that a handler, a probe or a supervisor
never shares a loop with a notebook's kernel. `run` waits for it from ordinary code, `arun` from a coroutine
on any other loop. The thread exists while something holds it: the first holder starts it, the last ends it.

What was forgotten is stopped when the interpreter exits. No thread can start then any more (Python 3.12 and
later), and no pool takes work: so stopping needs neither.
"""

from __future__ import annotations

import asyncio
import atexit
import concurrent.futures
import contextlib
import contextvars
import os
import sys
import threading
from collections.abc import Callable, Coroutine
from typing import Any, Generic, TypeVar

T = TypeVar("T")

_INTERRUPT_GRACE_S = 10.0
"""How long an interrupted `run` waits for the cancelled coroutine to tidy up before it gives up on it. A Pushpin
whose every part is stuck takes up to 6 s to stop; another interrupt ends the wait at once."""

_LOOK_S = 0.1
"""How long an interrupt may go unnoticed. A signal that another thread takes, or that comes as the main thread is about
to wait for a lock, is only noted: the main thread learns of it when it runs again."""


class _Background:
    """A reference-counted thread with an event loop."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._holders = 0
        self._loop: asyncio.AbstractEventLoop | None = None
        self._thread: threading.Thread | None = None
        self._inherited: list[object] = []

    def acquire(self) -> asyncio.AbstractEventLoop:
        """Hold the thread, and give its loop.

        Raises:
            RuntimeError: if it had to be started and cannot be, because the interpreter exits.
        """
        with self._lock:
            if self._loop is None:
                self._loop, self._thread = _start_thread()
            self._holders += 1
            return self._loop

    def release(self) -> None:
        with self._lock:
            self._holders -= 1
            if self._holders or self._loop is None or self._thread is None:
                return
            loop, thread = self._loop, self._thread
            self._loop = self._thread = None
        loop.call_soon_threadsafe(loop.stop)
        if threading.current_thread() is not thread:
            thread.join()

    def is_current(self) -> bool:
        return threading.current_thread() is self._thread

    def forget(self) -> None:
        """In a forked child, where the thread does not exist: begin anew."""
        # The loop is kept from being collected: closing it would take the parent's descriptors out of its selector.
        self._inherited.append(self._loop)
        self._lock = threading.Lock()
        self._holders = 0
        self._loop = self._thread = None


def _start_thread() -> tuple[asyncio.AbstractEventLoop, threading.Thread]:
    loop = asyncio.new_event_loop()
    thread = threading.Thread(target=_run_forever, args=(loop,), name="realtime_kit", daemon=True)
    try:
        thread.start()
    except RuntimeError:
        loop.close()
        raise
    return loop, thread


def _run_forever(loop: asyncio.AbstractEventLoop) -> None:
    asyncio.set_event_loop(loop)
    executor = _Executor(thread_name_prefix="realtime_kit_blocking")
    loop.set_default_executor(executor)
    try:
        loop.run_forever()
        while tasks := asyncio.all_tasks(loop):  # one that is cancelled may start another to tidy up
            for task in tasks:
                task.cancel()
            loop.run_until_complete(asyncio.wait(tasks))
        loop.run_until_complete(loop.shutdown_asyncgens())
        executor.shutdown()  # the loop's own way to wait for it would start a thread
    finally:
        asyncio.set_event_loop(None)
        loop.close()


class _Executor(concurrent.futures.ThreadPoolExecutor):
    """The threads behind `asyncio.to_thread`; where none can be had, the work is done at once by the caller."""

    def submit(self, fn: Callable[..., T], /, *args: Any, **kwargs: Any) -> concurrent.futures.Future[T]:
        try:
            return super().submit(fn, *args, **kwargs)
        except RuntimeError:  # the interpreter exits
            done: concurrent.futures.Future[T] = concurrent.futures.Future()
            try:
                done.set_result(fn(*args, **kwargs))
            except Exception as error:  # noqa: BLE001 - whoever awaits it decides
                done.set_exception(error)
            return done


_background = _Background()

if hasattr(os, "register_at_fork"):
    os.register_at_fork(after_in_child=_background.forget)


class Lease:
    """Keeps the kit's thread alive between calls, for a thing that goes on living there.

    `stop` is called when the interpreter exits while the lease is still on, so that forgotten things end.
    """

    def __init__(self, stop: Callable[[], object]) -> None:
        _background.acquire()
        self._stop = stop
        self._pid = os.getpid()
        self._on = True
        atexit.register(self._at_exit)

    @property
    def inherited(self) -> bool:
        """Whether this is a fork of the process that took the lease: the thing lives over there."""
        return os.getpid() != self._pid

    def end(self) -> None:
        """Let go of the thread; the second call does nothing."""
        if self._on and not self.inherited:
            self._on = False
            atexit.unregister(self._at_exit)
            _background.release()

    def _at_exit(self) -> None:
        if not self.inherited:
            self._stop()


class Turns:
    """Lets coroutines on the kit's loop go one after the other: `async with turns.take()`.

    An `asyncio.Lock` belongs to one loop for good, and the kit's loop comes and goes with its thread.
    """

    def __init__(self) -> None:
        self._loop: asyncio.AbstractEventLoop | None = None
        self._lock = asyncio.Lock()

    def take(self) -> asyncio.Lock:
        """The lock for the loop of now."""
        loop = asyncio.get_running_loop()
        if loop is not self._loop:
            self._loop, self._lock = loop, asyncio.Lock()
        return self._lock


def outcome(finished: concurrent.futures.Future[T], look_s: float | None = _LOOK_S) -> T:
    """Wait for a result, and notice an interrupt within `look_s`, whichever thread it came to.

    Args:
        finished: Gets the result.
        look_s: Seconds; None where no interrupt can come: then none is looked for.

    Raises:
        KeyboardInterrupt: if it comes meanwhile.
        Exception: what the future has been given instead of a result.
    """
    while not finished.done():
        with contextlib.suppress(TimeoutError):  # the future's own is raised below
            return finished.result(look_s)
    return finished.result()


class _Submitted(Generic[T]):
    """A coroutine on its way through the kit's loop.

    `finished` is done when the task has *ended*. (`run_coroutine_threadsafe` reports a cancelled task as done
    before it has run a single `finally`, and whoever waits would leave half-stopped processes behind.)
    """

    def __init__(self, coroutine: Coroutine[Any, Any, T], loop: asyncio.AbstractEventLoop) -> None:
        self.finished: concurrent.futures.Future[T] = concurrent.futures.Future()
        self._coroutine = coroutine
        self._loop = loop
        self._task: asyncio.Task[T] | None = None

    def start(self) -> None:
        self.call(self._start)

    def call(self, function: Callable[[], object]) -> None:
        self._loop.call_soon_threadsafe(function)

    def cancel(self) -> None:
        self.call(self._cancel)

    def _start(self) -> None:
        self._task = self._loop.create_task(self._coroutine)
        self._task.add_done_callback(self._finish)

    def _cancel(self) -> None:
        if self._task is not None:
            self._task.cancel()
        elif not self.finished.done():  # interrupted before it was started
            self._coroutine.close()
            self.finished.set_exception(asyncio.CancelledError())

    def _finish(self, task: asyncio.Task[T]) -> None:
        if task.cancelled():
            self.finished.set_exception(asyncio.CancelledError())
        elif (error := task.exception()) is not None:
            self.finished.set_exception(error)
        else:
            self.finished.set_result(task.result())


def run(
    coroutine: Coroutine[Any, Any, T],
    *,
    on_interrupt: Callable[[], object] | None = None,
    look_s: float | None = _LOOK_S,
) -> T:
    """Run a coroutine on the kit's loop and wait for its result.

    Args:
        coroutine: What to run.
        on_interrupt: Called on the kit's loop when Ctrl-C (or Jupyter's interrupt button) arrives, instead of
            cancelling the coroutine: it may then finish early and still return what it has. A second
            interrupt cancels it.
        look_s: As for `outcome`.

    Raises:
        KeyboardInterrupt: after the coroutine has been cancelled and has tidied up.
        RuntimeError: when called on the kit's own thread, which would wait for itself.
    """
    if _background.is_current():
        coroutine.close()
        message = "this would wait for its own thread: on the kit's loop, await the coroutine instead"
        raise RuntimeError(message)
    try:
        loop = _background.acquire()
    except RuntimeError:  # the interpreter exits, and nothing lives on the thread any more
        return asyncio.run(coroutine)
    submitted = _Submitted(coroutine, loop)
    try:
        try:
            submitted.start()
            return outcome(submitted.finished, look_s)
        except KeyboardInterrupt:
            if on_interrupt is None:
                raise
            submitted.call(on_interrupt)
            return outcome(submitted.finished, look_s)
    except KeyboardInterrupt:
        submitted.cancel()
        concurrent.futures.wait([submitted.finished], timeout=_INTERRUPT_GRACE_S)
        raise
    finally:
        _background.release()


async def arun(coroutine: Coroutine[Any, Any, T]) -> T:
    """Run a coroutine on the kit's loop and await its result from whichever loop this is.

    Cancelling the caller cancels the coroutine, and returns when it has ended.
    """
    if _background.is_current():
        return await coroutine
    try:
        loop = _background.acquire()
    except RuntimeError:  # as in `run`
        return await coroutine
    submitted = _Submitted(coroutine, loop)
    try:
        submitted.start()
        result = asyncio.wrap_future(submitted.finished)
        try:
            return await asyncio.shield(result)
        except asyncio.CancelledError:
            submitted.cancel()
            await asyncio.wait([result])
            result.exception()  # seen, so that nobody logs it
            raise
    finally:
        _background.release()


def write_error(text: str) -> None:
    """Write what a handler or a program has to say to standard error; in a notebook below the cell that runs.

    A task of this loop lives in the context of the cell that has begun it, and ipykernel would put the text below
    that one, however long ago it was. In an empty context it asks which cell is the latest.
    """
    contextvars.Context().run(sys.stderr.write, text)
