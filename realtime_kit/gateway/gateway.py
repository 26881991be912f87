"""A gateway in a `with` block, or between `start()` and `stop()`."""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import Self

from yarl import URL

from realtime_kit import background
from realtime_kit.errors import GatewayError, UsageError
from realtime_kit.gateway.access_log import LoggedRequest
from realtime_kit.gateway.policy import GatewayPolicy
from realtime_kit.gateway.process import GatewayProcess
from realtime_kit.gateway.program import program as find_program
from realtime_kit.pushpin.ports import HOST

_LOOK_EVERY_S = 0.01


class Gateway:
    """An nginx, or a Kong, with a policy before a port of this machine; gone afterwards.

        with serving(routes) as site, Gateway(site.url.port) as gateway:
            requests.get(str(gateway.url / "news"))
            print(gateway.requests())

    Args:
        target_port: Where requests go: Pushpin's port, or that of the application behind it.
        policy: What it asks of them; without one it only notes them.
        program: `nginx`, or `kong` where it is installed.
        port: Port to listen on; 0 is a free one.
        directives: Further lines for the server block, in nginx's own words.
        show_error: Called with each line of its error log; None writes it to standard error.

    Raises:
        UsageError: if a port is none, there is no such program, or it cannot follow the policy.
    """

    def __init__(
        self,
        target_port: int,
        policy: GatewayPolicy | None = None,
        *,
        program: str = "nginx",
        port: int = 0,
        directives: str = "",
        show_error: Callable[[str], object] | None = None,
    ) -> None:
        if not 0 < target_port < 65536 or not 0 <= port < 65536:
            message = (
                f"target_port is {target_port} and port is {port}: "
                "a port is 1 to 65535, and port may be 0, for a free one"
            )
            raise UsageError(message)
        self.policy = policy or GatewayPolicy()
        self._program = find_program(program)
        self._program.refuse(self.policy, directives)
        self._target_port = target_port
        self._asked_port = port
        self._directives = directives
        self._show = show_error or background.write_error
        self._process: GatewayProcess | None = None
        self._lease: background.Lease | None = None

    @property
    def port(self) -> int:
        """Where it listens."""
        return self._running().port

    @property
    def url(self) -> URL:
        """Where clients connect."""
        return URL.build(scheme="http", host=HOST, port=self.port)

    def requests(self, at_least: int = 0, *, within_s: float = 5.0) -> list[LoggedRequest]:
        """The requests that are over, in the order in which they ended. One that is held is not there yet.

        Args:
            at_least: Wait until there are so many: one is noted a moment after its answer has gone.
            within_s: How long.

        Raises:
            GatewayError: if there are fewer by then.
        """
        until_s = time.monotonic() + within_s
        while len(found := self._running().requests()) < at_least:
            if time.monotonic() > until_s:
                message = f"the gateway has noted {len(found)} requests after {within_s:g} s, not {at_least}"
                raise GatewayError(message)
            time.sleep(_LOOK_EVERY_S)
        return found

    def start(self) -> Self:
        """Bring it up; one that is up is taken down first."""
        try:
            background.run(self._astart())
        except BaseException:  # an interrupt may come when it is up and has not been handed over
            self.stop()
            raise
        return self

    def stop(self) -> None:
        """Take it down, with its log. May be called again."""
        background.run(self._astop())

    def __enter__(self) -> Self:
        return self.start()

    def __exit__(self, *_: object) -> None:
        self.stop()

    async def __aenter__(self) -> Self:
        try:
            await background.arun(self._astart())
        except BaseException:  # likewise for a task that is cancelled
            await background.arun(self._astop())
            raise
        return self

    async def __aexit__(self, *_: object) -> None:
        await background.arun(self._astop())

    async def _astart(self) -> None:
        await self._astop()
        lease = background.Lease(self.stop)
        try:
            self._process = await self._made().__aenter__()
        except BaseException:
            lease.end()
            raise
        self._lease = lease

    async def _astop(self) -> None:
        process, self._process = self._process, None
        lease, self._lease = self._lease, None
        if process is not None and lease is not None and not lease.inherited:
            try:
                await process.__aexit__(None, None, None)
            finally:
                lease.end()

    def _made(self) -> GatewayProcess:
        return GatewayProcess(
            self._program,
            self._target_port,
            self.policy,
            port=self._asked_port,
            directives=self._directives,
            show_error=self._show,
        )

    def _running(self) -> GatewayProcess:
        if self._process is None:
            message = "this gateway is not up: use it in a `with` block, or start() it"
            raise UsageError(message)
        return self._process

    def __repr__(self) -> str:
        return f"<Gateway {self.url}>" if self._process else "<Gateway, not up>"
