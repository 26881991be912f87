"""A process of the kit's own, for work that must not share an interpreter with anything that is measured.

The parent asks in JSON lines on the worker's standard input, the worker answers in JSON lines on its
standard output. A worker ends when its standard input does, so a parent that disappears, killed or not, takes it
along; and when its parent is another one than it was, because a fork of the parent holds that input open, too. One
that is stopped (SIGSTOP) at that moment notices nothing of this until Linux wakes it.

A worker is a module with `main()`, which hands a table of coroutine functions to `serve`::

    async def open_clients(*, count: int) -> dict: ...
    def main() -> None:
        serve({"open": open_clients})
"""

from __future__ import annotations

import asyncio
import contextlib
import ctypes
import json
import os
import signal
import sys
import threading
import time
import traceback
from collections import deque
from collections.abc import Awaitable, Callable, Mapping
from typing import Any, BinaryIO

from realtime_kit.errors import RealtimeKitError

_LINE_LIMIT_BYTES = 1 << 28  # receipts of a large run travel in one line
_STOP_GRACE_S = 3.0
_PARENT_CHECK_S = 1.0
_PR_SET_PDEATHSIG = 1


class WorkerError(RealtimeKitError):
    """A worker raised, or ended by itself; the text carries its traceback or its last words.

    Args:
        message: What happened, with the worker's name.
        sentence: The text of an error of the kit that it raised, without the worker's name; else empty.
    """

    def __init__(self, message: str, sentence: str = "") -> None:
        super().__init__(message)
        self.sentence = sentence


class Worker:
    """The parent's side of a worker process.

    Args:
        module: The module to run, with `python -m`.
        name: What messages call it.
        environ: Environment variables to set beside the parent's.
        show_error: Called with each line that the process writes to its standard error.
    """

    def __init__(
        self,
        module: str,
        *,
        name: str,
        environ: Mapping[str, str] | None = None,
        show_error: Callable[[str], object] | None = None,
    ) -> None:
        self.name = name
        self._show_error = show_error
        self._module = module
        self._environ = {**os.environ, **(environ or {})}
        self._process: asyncio.subprocess.Process | None = None
        self._waiting: dict[int, asyncio.Future[Any]] = {}
        self._readers: list[asyncio.Task[None]] = []
        self._stderr: deque[str] = deque(maxlen=40)
        self._asked = 0

    @property
    def pid(self) -> int:
        """The process id, for whoever counts its processor time."""
        if self._process is None:
            message = f"{self.name} has not been started"
            raise WorkerError(message)
        return self._process.pid

    async def __aenter__(self) -> Worker:
        self._process = await asyncio.create_subprocess_exec(
            sys.executable,
            "-m",
            self._module,
            str(os.getpid()),
            stdin=asyncio.subprocess.PIPE,
            stdout=asyncio.subprocess.PIPE,
            stderr=asyncio.subprocess.PIPE,
            limit=_LINE_LIMIT_BYTES,
            env=self._environ,
            start_new_session=True,  # Ctrl-C belongs to the parent, which ends its workers in order
        )
        self._readers = [asyncio.create_task(self._read_answers()), asyncio.create_task(self._read_stderr())]
        return self

    async def __aexit__(self, *_: object) -> None:
        process = self._process
        if process is None or process.stdin is None:
            return
        with contextlib.suppress(OSError):
            process.stdin.close()
        try:
            await asyncio.wait_for(process.wait(), _STOP_GRACE_S)
        except TimeoutError:
            pass
        finally:  # cancelled or not
            with contextlib.suppress(ProcessLookupError):
                process.kill()
        await process.wait()
        await asyncio.gather(*self._readers, return_exceptions=True)

    async def ask(self, do: str, **arguments: Any) -> Any:
        """Ask for one thing and wait for its answer.

        Args:
            do: A key of the worker's table.
            **arguments: Keyword arguments of that coroutine function; JSON values.

        Raises:
            WorkerError: with the worker's own traceback, or its last words if it is gone.
        """
        if self._process is None or self._process.stdin is None:
            message = f"{self.name} has not been started"
            raise WorkerError(message)
        if self._readers[0].done():
            raise WorkerError(self._last_words())
        self._asked += 1
        number = self._asked
        answer = self._waiting[number] = asyncio.get_running_loop().create_future()
        line = json.dumps({"number": number, "do": do, "arguments": arguments})
        try:
            self._process.stdin.write(line.encode() + b"\n")
            with contextlib.suppress(OSError):  # it is gone: its last words arrive as the answer
                await self._process.stdin.drain()
            return await answer
        finally:
            self._waiting.pop(number, None)

    async def _read_answers(self) -> None:
        stdout = _stream(self._process, "stdout")
        try:
            while line := await stdout.readline():
                self._take(json.loads(line))
            await asyncio.wait(self._readers[1:])  # so that the last words are complete
        finally:  # whatever went wrong, nobody waits for ever
            for waiting in self._waiting.values():
                if not waiting.done():
                    waiting.set_exception(WorkerError(self._last_words()))

    def _take(self, answer: dict[str, Any]) -> None:
        waiting = self._waiting.get(answer["number"])
        if waiting is None or waiting.done():
            return
        if "error" in answer:
            waiting.set_exception(WorkerError(f"{self.name}: {answer['error']}", answer.get("sentence", "")))
        else:
            waiting.set_result(answer["result"])

    async def _read_stderr(self) -> None:
        stderr = _stream(self._process, "stderr")
        while line := await stderr.readline():
            text = line.decode(errors="replace")
            self._stderr.append(text.rstrip())
            if self._show_error is not None:
                self._show_error(text)

    def _last_words(self) -> str:
        said = "\n".join(self._stderr) or "it said nothing"
        return f"{self.name} has ended by itself: {said}"


def _stream(process: asyncio.subprocess.Process | None, name: str) -> asyncio.StreamReader:
    stream: asyncio.StreamReader = getattr(process, name)
    return stream


Handler = Callable[..., Awaitable[Any]]


def fastest_loop() -> Callable[[], asyncio.AbstractEventLoop] | None:
    """What makes the fastest event loop there is: uvloop's if it is installed (`pip install realtime-kit[fast]`)."""
    try:
        from uvloop import new_event_loop
    except ImportError:
        return None
    return new_event_loop


def serve(
    handlers: Mapping[str, Handler], *, loop_factory: Callable[[], asyncio.AbstractEventLoop] | None = None
) -> None:
    """The worker's side: answer until standard input ends, or the parent whose pid is the first argument does.

    Requests run concurrently, each in a task of its own. At the end running tasks are cancelled and given a moment;
    a thread makes sure that the process ends even if the loop is stuck.

    Args:
        handlers: What may be asked for.
        loop_factory: Makes the event loop; None is asyncio's own.
    """
    with contextlib.suppress(KeyboardInterrupt), asyncio.Runner(loop_factory=loop_factory) as runner:
        _wake_with_parents_end()
        runner.run(_serve(handlers, parent=int(sys.argv[1])))


def _wake_with_parents_end() -> None:
    if sys.platform == "linux":
        ctypes.CDLL(None).prctl(_PR_SET_PDEATHSIG, signal.SIGCONT, 0, 0, 0)


async def _serve(handlers: Mapping[str, Handler], *, parent: int) -> None:
    loop = asyncio.get_running_loop()
    answers, sys.stdout = sys.stdout, sys.stderr  # a stray `print` must not end up among the answers
    lines: asyncio.Queue[bytes] = asyncio.Queue()
    threading.Thread(target=_read_input, args=(loop, lines), daemon=True).start()
    if hasattr(os, "fork"):
        threading.Thread(target=_watch_parent, args=(parent, loop, lines), daemon=True).start()
    tasks: set[asyncio.Task[None]] = set()
    while line := await lines.get():
        task = asyncio.create_task(_answer(handlers, json.loads(line), answers.buffer))
        tasks.add(task)
        task.add_done_callback(tasks.discard)
    for task in tasks:
        task.cancel()
    await asyncio.gather(*tasks, return_exceptions=True)


def _read_input(loop: asyncio.AbstractEventLoop, lines: asyncio.Queue[bytes]) -> None:
    # Not sys.stdin, which the interpreter closes at its exit: it would fail if this thread were reading.
    for line in open(0, "rb", closefd=False):  # noqa: SIM115 - for the life of the process
        loop.call_soon_threadsafe(lines.put_nowait, line)
    _end(loop, lines)


def _watch_parent(parent: int, loop: asyncio.AbstractEventLoop, lines: asyncio.Queue[bytes]) -> None:
    while os.getppid() == parent:
        time.sleep(_PARENT_CHECK_S)
    _end(loop, lines)


def _end(loop: asyncio.AbstractEventLoop, lines: asyncio.Queue[bytes]) -> None:
    with contextlib.suppress(RuntimeError):  # the loop may be closed already
        loop.call_soon_threadsafe(lines.put_nowait, b"")
    threading.Event().wait(_STOP_GRACE_S)
    os._exit(1)  # the loop is stuck: no parent will ever want this process again


async def _answer(handlers: Mapping[str, Handler], request: dict[str, Any], answers: BinaryIO) -> None:
    number = {"number": request["number"]}
    try:
        result = await handlers[request["do"]](**request["arguments"])
        line = json.dumps({**number, "result": result})
    except RealtimeKitError as error:
        line = json.dumps({**number, "error": str(error), "sentence": str(error)})
    except (Exception, asyncio.CancelledError):  # noqa: BLE001 - a worker's bug must reach the parent, whatever it is
        line = json.dumps({**number, "error": traceback.format_exc()})
    with contextlib.suppress(OSError):  # the parent is gone
        answers.write(line.encode() + b"\n")
        answers.flush()
