"""A backend in any language: a command that starts it, and its life in a process of its own."""

from __future__ import annotations

import asyncio
import contextlib
import shutil
from collections import deque
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from types import MappingProxyType
from typing import Self

from realtime_kit.errors import OriginError, PortInUse, UsageError
from realtime_kit.pushpin.ports import HOST, check_port, listens, reserved_port
from realtime_kit.pushpin.run_folder import locked_folder
from realtime_kit.pushpin.supervised import SupervisedProcess

START_TIMEOUT_S = 20.0
"""Longest wait until it listens. Node.js takes 0.3 s, a Python framework up to 2 s on a busy machine."""

_LOOK_EVERY_S = 0.01
_LAST_LINES = 15


@dataclass(frozen=True, slots=True)
class Backend:
    """How to start an application that is not the kit's own, to be served with `serving(Backend(…))`.

    It is told by environment variables, as most platforms do it, to which port of 127.0.0.1 it shall listen (`PORT`),
    and where Pushpin can be published to (`GRIP_URL`). What it writes to standard error is shown.

    Attributes:
        command: The program and its arguments.
        folder: Where it runs.
        name: What messages call it; empty is the program.
        environ: Further environment variables.

    Raises:
        UsageError: if there is no command, or no such folder.
    """

    command: tuple[str, ...]
    folder: Path = Path()
    name: str = ""
    environ: Mapping[str, str] = field(default_factory=lambda: MappingProxyType({}))

    def __post_init__(self) -> None:
        given: object = self.command
        if isinstance(given, str) or not given:
            message = f"command is {self.command!r}: it has to be a program and its arguments, as a tuple"
            raise UsageError(message)
        object.__setattr__(self, "command", tuple(map(str, self.command)))
        object.__setattr__(self, "folder", Path(self.folder).absolute())
        object.__setattr__(self, "name", self.name or Path(self.command[0]).name)
        if not self.folder.is_dir():
            message = f"folder is {self.folder}: there is no such folder"
            raise UsageError(message)


class BackendProcess:
    """A backend that runs, under a supervisor that lets nothing of it outlive this process. Use it with `async with`.

    Args:
        backend: What to start.
        port: Port that it is told to listen on; 0 is a free one.
        grip_url: Where it is told that Pushpin can be published to.
        show_error: Called with each line that it writes to its standard error, and with a last one if it ends by
            itself.

    Attributes:
        port: Where it listens, once entered.

    Raises:
        OriginError: on entering, if it cannot be started, ends, does not listen in time, or its port is taken; the
            text has its last lines.
        RunFolderError: on entering, if no folder can be made for it.
    """

    def __init__(
        self,
        backend: Backend,
        *,
        port: int = 0,
        grip_url: str = "",
        show_error: Callable[[str], object] | None = None,
    ) -> None:
        self.port = port
        self._backend = backend
        self._grip_url = grip_url
        self._show = show_error or (lambda _: None)
        self._said: deque[str] = deque(maxlen=_LAST_LINES)
        self._process: SupervisedProcess | None = None
        self._stack = contextlib.AsyncExitStack()
        self._stopping = False

    @property
    def pid(self) -> int:
        """The supervisor's pid; the backend's processes are its descendants."""
        if self._process is None:
            message = f"{self._backend.name} has not been started"
            raise OriginError(message)
        return self._process.supervisor_pid

    async def __aenter__(self) -> Self:
        program = self._program()
        async with contextlib.AsyncExitStack() as stack:
            with contextlib.ExitStack() as until_it_listens:
                if self.port:
                    self._check_port()
                else:
                    self.port = until_it_listens.enter_context(reserved_port())
                await self._launch(program, stack)
            self._stack = stack.pop_all()
        return self

    async def __aexit__(self, *_: object) -> None:
        self._stopping = True
        await self._stack.aclose()

    async def _launch(self, program: str, stack: contextlib.AsyncExitStack) -> None:
        folder, lock = stack.enter_context(locked_folder())
        self._process = process = await SupervisedProcess.launch(
            [program, *self._backend.command[1:]],
            environment={**self._backend.environ, "PORT": str(self.port), "GRIP_URL": self._grip_url},
            folder=folder,
            lock=lock,
            cwd=self._backend.folder,
            show_error=self._hear,
        )
        stack.push_async_callback(process.stop)
        await self._until_it_listens(process)
        process.ended.add_done_callback(lambda _: self._note_end())

    def _program(self) -> str:
        wanted = self._backend.command[0]
        program = shutil.which(wanted)
        if program is None:
            message = f"{self._backend.name} cannot be started: there is no program {wanted}"
            raise OriginError(message)
        return program

    def _check_port(self) -> None:
        try:
            check_port(HOST, self.port)
        except PortInUse as error:
            message = f"{self._backend.name} cannot listen: {error}"
            raise OriginError(message) from error

    async def _until_it_listens(self, process: SupervisedProcess) -> None:
        try:
            async with asyncio.timeout(START_TIMEOUT_S):
                while not await listens(self.port):
                    if process.ended.done():
                        message = f"{self._backend.name} has ended at once: {self._last_words()}"
                        raise OriginError(message)
                    await asyncio.sleep(_LOOK_EVERY_S)
        except TimeoutError:
            message = (
                f"{self._backend.name} does not listen on port {self.port} of {HOST} after {START_TIMEOUT_S:g} s, "
                f"as the variable PORT says: {self._last_words()}"
            )
            raise OriginError(message) from None

    def _hear(self, line: str) -> None:
        self._said.append(line)
        self._show(line)

    def _note_end(self) -> None:
        if not self._stopping:
            self._show(f"{self._backend.name} has ended by itself: {self._last_words()}\n")

    def _last_words(self) -> str:
        written = self._process.log() if self._process else ""
        lines = [*written.splitlines()[-_LAST_LINES:], *("".join(self._said)).splitlines()]
        return "\n".join(lines).strip() or "it said nothing"
