"""The owner's side of the supervisor: start it, hold its pipe, learn when and how Pushpin ended."""

from __future__ import annotations

import asyncio
import contextlib
import json
import os
import sys
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from realtime_kit.pushpin import supervisor
from realtime_kit.pushpin.run_folder import sweep

_STOP_TIMEOUT_S = 6.0
"""Above the supervisor's own two graces of 2 s."""

_LAST_ERRORS_S = 1.0
"""How long its last words are read, if somebody of another parentage still holds its standard error."""

_LINE_LIMIT_BYTES = 1 << 24

_lifelines: set[int] = set()


def _cut_lifelines() -> None:
    """In a forked child: Pushpin lives as long as the process that started it, not as long as its forks."""
    for descriptor in _lifelines:
        os.close(descriptor)
    _lifelines.clear()


if hasattr(os, "register_at_fork"):
    os.register_at_fork(after_in_child=_cut_lifelines)


@dataclass(frozen=True, slots=True)
class Ending:
    """How Pushpin ended.

    Attributes:
        code: Exit status of its runner; None if it was told to end, or if nobody knows.
        log: The last 16 kB it wrote.
    """

    code: int | None
    log: str


class SupervisedProcess:
    """Pushpin under its supervisor. Made by `launch`.

    Attributes:
        ended: Done when nothing of it is left.
    """

    def __init__(
        self,
        process: asyncio.subprocess.Process,
        folder: Path,
        lifeline: int,
        show_error: Callable[[str], object] | None,
    ) -> None:
        self._process = process
        self._show_error = show_error
        self._folder = folder
        self._lifeline = lifeline
        _lifelines.add(lifeline)
        self.ended: asyncio.Task[Ending] = asyncio.create_task(self._wait())

    @classmethod
    async def launch(
        cls,
        argv: list[str],
        *,
        environment: dict[str, str],
        folder: Path,
        lock: int | None = None,
        cwd: Path | None = None,
        show_error: Callable[[str], object] | None = None,
    ) -> SupervisedProcess:
        """Start the supervisor, which starts Pushpin, or another program that must not outlive its owner.

        Args:
            argv: Its command line.
            environment: Variables to set for it alone, beside the inherited ones.
            folder: Its run folder, removed at the end.
            lock: File descriptor holding the folder's lock; the supervisor gets a copy.
            cwd: Where it runs; None is the run folder.
            show_error: Called with each line of its standard error; None leaves them to the log.
        """
        orders = {
            "argv": argv,
            "environment": environment,
            "folder": str(folder),
            "cwd": str(cwd or folder),
            "shows_errors": show_error is not None,
        }
        stdin, lifeline = os.pipe()
        try:
            process = await asyncio.create_subprocess_exec(
                sys.executable,
                "-I",
                "-S",
                supervisor.__file__,
                json.dumps(orders),
                stdin=stdin,
                stdout=asyncio.subprocess.PIPE,
                stderr=asyncio.subprocess.PIPE if show_error else asyncio.subprocess.DEVNULL,
                limit=_LINE_LIMIT_BYTES,
                start_new_session=True,  # out of reach of Ctrl-C and of Jupyter's interrupt
                pass_fds=[] if lock is None else [lock],
            )
        except BaseException:
            os.close(lifeline)
            raise
        finally:
            os.close(stdin)
        return cls(process, folder, lifeline, show_error)

    @property
    def supervisor_pid(self) -> int:
        """Pid of the supervisor; Pushpin's processes are its descendants."""
        return self._process.pid

    def log(self) -> str:
        """What Pushpin has written lately; empty once its folder is gone."""
        if self.ended.done() and not self.ended.cancelled():
            return self.ended.result().log
        try:
            return _read_log(self._folder / "pushpin.log")
        except OSError:
            return ""

    async def stop(self) -> Ending:
        """Close the pipe, wait until everything is gone, and tell how it ended. May be called again."""
        self._let_go()
        await asyncio.wait([self.ended], timeout=_STOP_TIMEOUT_S)
        if not self.ended.done():
            with contextlib.suppress(ProcessLookupError):
                self._process.kill()
        return await asyncio.shield(self.ended)

    def _let_go(self) -> None:
        if self._lifeline in _lifelines:
            _lifelines.discard(self._lifeline)
            os.close(self._lifeline)

    async def _wait(self) -> Ending:
        assert self._process.stdout is not None  # noqa: S101 - for the type checker
        errors = asyncio.create_task(self._read_errors())
        line = await self._process.stdout.readline()
        await self._process.wait()
        self._let_go()
        await asyncio.wait([errors], timeout=_LAST_ERRORS_S)
        errors.cancel()
        if line:
            report = json.loads(line)
            return Ending(report["code"], report["log"])
        # Killed before it could report or tidy up: the runner ends by a signal of its own, the rest is left to us.
        log = self.log()
        await asyncio.to_thread(sweep, self._folder)
        return Ending(None, log)

    async def _read_errors(self) -> None:
        if self._show_error is None or self._process.stderr is None:
            return
        while line := await self._process.stderr.readline():
            self._show_error(line.decode(errors="replace"))


def _read_log(path: Path) -> str:
    """The log's last file, and the one before it, however they are rotated meanwhile."""
    with path.open("rb") as current:
        before = b""
        with contextlib.suppress(FileNotFoundError), path.with_name(path.name + ".1").open("rb") as previous:
            if not os.path.sameopenfile(previous.fileno(), current.fileno()):
                before = previous.read()
        return (before + current.read()).decode(errors="replace")
