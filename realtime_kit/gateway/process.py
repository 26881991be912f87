"""A gateway's program that lives as long as its owner, in a folder of its own."""

from __future__ import annotations

import asyncio
import contextlib
from collections import deque
from collections.abc import Callable
from pathlib import Path
from typing import Self

import aiohttp

from realtime_kit import components
from realtime_kit.errors import GatewayError, PortInUse
from realtime_kit.gateway import access_log
from realtime_kit.gateway.policy import GatewayPolicy
from realtime_kit.gateway.program import Place, Program
from realtime_kit.pushpin.ports import HOST, check_port, listens, reserved_port
from realtime_kit.pushpin.run_folder import locked_folder
from realtime_kit.pushpin.supervised import SupervisedProcess

_LOOK_EVERY_S = 0.01
_LAST_LINES = 15
_READY_TIMEOUT_S = 1.0


class GatewayProcess:
    """A gateway with a policy, under a supervisor that lets nothing of it outlive this process.

    Use it with `async with`.

    Args:
        program: Which program it is.
        target_port: Where requests go.
        policy: What it asks of them.
        port: Port to listen on; 0 is a free one.
        directives: Further lines in its own words.
        show_error: Called with each line of its error log.

    Attributes:
        port: Where it listens, once entered.

    Raises:
        MissingDependency: on entering, if the program is not here.
        GatewayError: on entering, if its port is taken, or it refuses its configuration; the text has its reason.
        RunFolderError: on entering, if no folder can be made for it.
    """

    def __init__(
        self,
        program: Program,
        target_port: int,
        policy: GatewayPolicy,
        *,
        port: int = 0,
        directives: str = "",
        show_error: Callable[[str], object],
    ) -> None:
        self.port = port
        self._program = program
        self._target_port = target_port
        self._policy = policy
        self._directives = directives
        self._show = show_error
        self._said: deque[str] = deque(maxlen=_LAST_LINES)
        self._folder = Path()
        self._stack = contextlib.AsyncExitStack()
        self._up = False

    async def __aenter__(self) -> Self:
        found = await asyncio.to_thread(components.find, self._program.name)
        async with contextlib.AsyncExitStack() as stack:
            with contextlib.ExitStack() as until_it_listens:
                if self.port:
                    self._check_port()
                else:
                    self.port = until_it_listens.enter_context(reserved_port())
                status_port = until_it_listens.enter_context(reserved_port())
                await self._launch(str(found.path), status_port, stack)
            self._stack = stack.pop_all()
        return self

    async def __aexit__(self, *_: object) -> None:
        self._up = False
        await self._stack.aclose()

    def requests(self) -> list[access_log.LoggedRequest]:
        """The requests that are over."""
        return access_log.read(self._folder / self._program.log, self._program.read)

    async def _launch(self, path: str, status_port: int, stack: contextlib.AsyncExitStack) -> None:
        self._folder, lock = stack.enter_context(locked_folder())
        place = Place(
            folder=self._folder,
            port=self.port,
            target_port=self._target_port,
            status_port=status_port,
            directives=self._directives,
        )
        for name, text in self._program.files(self._policy, place).items():
            (self._folder / name).write_text(text, encoding="utf-8")
        process = await SupervisedProcess.launch(
            [path, *self._program.command(self._folder)],
            environment={},
            folder=self._folder,
            lock=lock,
            show_error=self._hear,
        )
        stack.push_async_callback(process.stop)
        await self._until_ready(process, status_port)
        self._up = True
        process.ended.add_done_callback(lambda _: self._note_end(process))

    def _check_port(self) -> None:
        try:
            check_port(HOST, self.port)
        except PortInUse as error:
            message = f"the gateway cannot listen: {error}"
            raise GatewayError(message) from error

    async def _until_ready(self, process: SupervisedProcess, status_port: int) -> None:
        name, longest_s = self._program.name, self._program.start_timeout_s
        try:
            async with asyncio.timeout(longest_s):
                while not await self._is_ready(status_port):
                    if process.ended.done():
                        message = f"{name} has ended at once: {self._last_words(process)}"
                        raise GatewayError(message)
                    await asyncio.sleep(_LOOK_EVERY_S)
        except TimeoutError:
            words = self._last_words(process)
            message = f"{name} is not ready on port {self.port} after {longest_s:g} s: {words}"
            raise GatewayError(message) from None

    async def _is_ready(self, status_port: int) -> bool:
        if not await listens(self.port):
            return False
        if not self._program.ready_path:
            return True
        limit = aiohttp.ClientTimeout(total=_READY_TIMEOUT_S)
        address = f"http://{HOST}:{status_port}{self._program.ready_path}"
        try:
            async with aiohttp.ClientSession(timeout=limit) as session, session.get(address) as answer:
                return answer.status == 200
        except (aiohttp.ClientError, TimeoutError):
            return False

    def _hear(self, line: str) -> None:
        self._said.append(line)
        if self._up:  # before that it is in the error that is raised
            self._show(line)

    def _note_end(self, process: SupervisedProcess) -> None:
        if self._up:
            self._show(f"{self._program.name} has ended by itself: {self._last_words(process)}\n")

    def _last_words(self, process: SupervisedProcess) -> str:
        return ("".join(self._said).strip() or process.log().strip()) or "it said nothing"
