"""An nginx that lives as long as its owner, in a folder of its own."""

from __future__ import annotations

import asyncio
import contextlib
import shutil
import tempfile
from collections import deque
from collections.abc import Callable
from pathlib import Path
from typing import Self

from realtime_kit import components
from realtime_kit.errors import GatewayError, PortInUse
from realtime_kit.gateway import access_log
from realtime_kit.gateway.nginx import ACCESS_LOG, nginx_conf
from realtime_kit.gateway.policy import GatewayPolicy
from realtime_kit.pushpin.ports import HOST, check_port, listens, reserved_port
from realtime_kit.pushpin.supervised import SupervisedProcess

START_TIMEOUT_S = 10.0

_LOOK_EVERY_S = 0.01
_LAST_LINES = 15


class NginxProcess:
    """An nginx with a policy, under a supervisor that lets nothing of it outlive this process.

    Use it with `async with`.

    Args:
        target_port: Where requests go.
        policy: What it asks of them.
        port: Port to listen on; 0 is a free one.
        directives: Further lines in nginx's own words.
        show_error: Called with each line of its error log.

    Attributes:
        port: Where it listens, once entered.

    Raises:
        MissingDependency: on entering, if there is no nginx.
        GatewayError: on entering, if its port is taken, or nginx refuses its configuration; the text has its reason.
    """

    def __init__(
        self,
        target_port: int,
        policy: GatewayPolicy,
        *,
        port: int = 0,
        directives: str = "",
        show_error: Callable[[str], object],
    ) -> None:
        self.port = port
        self._target_port = target_port
        self._policy = policy
        self._directives = directives
        self._show = show_error
        self._said: deque[str] = deque(maxlen=_LAST_LINES)
        self._folder = Path()
        self._process: SupervisedProcess | None = None
        self._up = False

    async def __aenter__(self) -> Self:
        program = str(components.find("nginx").path)
        with contextlib.ExitStack() as stack:
            if self.port:
                self._check_port()
            else:
                self.port = stack.enter_context(reserved_port())
            self._folder = Path(await asyncio.to_thread(tempfile.mkdtemp, prefix="rk-", dir="/tmp"))
            try:
                await self._launch(program)
            except BaseException:
                await self.__aexit__()
                await asyncio.to_thread(shutil.rmtree, self._folder, ignore_errors=True)
                raise
        self._up = True
        return self

    async def __aexit__(self, *_: object) -> None:
        if self._process is not None:
            await self._process.stop()

    def requests(self) -> list[access_log.LoggedRequest]:
        """The requests that are over."""
        return access_log.read(self._folder / ACCESS_LOG)

    async def _launch(self, program: str) -> None:
        text = nginx_conf(
            self._policy, port=self.port, target_port=self._target_port, directives=self._directives
        )
        (self._folder / "nginx.conf").write_text(text, encoding="utf-8")
        self._process = await SupervisedProcess.launch(
            [program, "-p", str(self._folder), "-e", "stderr", "-c", str(self._folder / "nginx.conf")],
            environment={},
            folder=self._folder,
            show_error=self._hear,
        )
        await self._until_itlistens(self._process)

    def _check_port(self) -> None:
        try:
            check_port(HOST, self.port)
        except PortInUse as error:
            message = f"the gateway cannot listen: {error}"
            raise GatewayError(message) from error

    async def _until_itlistens(self, process: SupervisedProcess) -> None:
        try:
            async with asyncio.timeout(START_TIMEOUT_S):
                while not await listens(self.port):
                    if process.ended.done():
                        message = f"nginx has ended at once: {self._last_words()}"
                        raise GatewayError(message)
                    await asyncio.sleep(_LOOK_EVERY_S)
        except TimeoutError:
            words = self._last_words()
            message = f"nginx does not listen on port {self.port} after {START_TIMEOUT_S:g} s: {words}"
            raise GatewayError(message) from None

    def _hear(self, line: str) -> None:
        self._said.append(line)
        if self._up:  # before that it is in the error that is raised
            self._show(line)

    def _last_words(self) -> str:
        return "".join(self._said).strip() or "it said nothing"
