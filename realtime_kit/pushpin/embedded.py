"""The embedded Pushpin: a real one that the kit finds, configures, starts, watches and stops."""

from __future__ import annotations

import asyncio
import contextlib
import enum
from collections.abc import Callable, Iterable, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any, Self

import psutil
from yarl import URL

from realtime_kit import background
from realtime_kit.errors import PushpinError, RealtimeKitError, UsageError
from realtime_kit.pushpin.attached import AttachedPushpin
from realtime_kit.pushpin.command_socket import command
from realtime_kit.pushpin.config import Addresses, PushpinSettings
from realtime_kit.pushpin.failures import explain
from realtime_kit.pushpin.find import Installation, find_pushpin
from realtime_kit.pushpin.ports import HOST, checked_host, checked_ports
from realtime_kit.pushpin.proxy import Proxy
from realtime_kit.pushpin.routes import Route, as_routes, render_routes
from realtime_kit.pushpin.statistics import Statistics

if TYPE_CHECKING:
    from realtime_kit.pushpin.instance import Instance
    from realtime_kit.pushpin.supervised import Ending


class State(enum.Enum):
    """Where an embedded Pushpin is in its life."""

    NEW = "new"
    STARTING = "starting"
    READY = "ready"
    STOPPED = "stopped"
    FAILED = "failed"


class Pushpin(Proxy):
    """A real Pushpin of your own, on free loopback ports.

    It starts with `with`, `async with` or `start()`, and is ready when these return: an event has travelled
    through it. It stops at the end of the block, with `stop()`, or with the process that started it, however
    that ends. Starting it again replaces the running one. A fork of that process neither keeps it alive nor
    stops it.

        with Pushpin(8000) as pushpin:      # an origin listens on port 8000
            print(pushpin.url)
            pushpin.publish("news", "hello")

    Args:
        routes: Where requests go: `Route`s, or just the origin's port on this machine.
        settings: What to configure.
        binary: A Pushpin to use; None looks in `REALTIME_KIT_PUSHPIN`, `PATH` and the kit's private prefix.
        host: Loopback address to listen on.
        http_port: Port for clients; 0 is a free one.
        publish_port: Port for publishing; 0 is a free one.
        run_folder: Where each start makes the folder for its sockets; None is `/tmp`. A short path, see
            `SocketPathTooLong`.
        start_timeout_s: Seconds it may take to become ready. It takes about 0.3.
        environ: Further environment variables of its processes; those that the kit sets win over them.

    Attributes:
        state: Where it is in its life.
        error: Why it failed, if it did.
        settings: What it is configured with.
        installation: Which Pushpin it is, once started.
    """

    def __init__(
        self,
        routes: Iterable[Route] | int = (),
        *,
        settings: PushpinSettings | None = None,
        binary: str | Path | None = None,
        host: str = HOST,
        http_port: int = 0,
        publish_port: int = 0,
        run_folder: str | Path | None = None,
        start_timeout_s: float = 10.0,
        environ: Mapping[str, str] | None = None,
    ) -> None:
        self.settings = settings or PushpinSettings()
        self.state = State.NEW
        self.error: RealtimeKitError | None = None
        self.installation: Installation | None = None
        self._routes = _checked_routes(routes)
        self._binary = binary
        self._host = checked_host(host)
        self._ports = checked_ports(http_port, publish_port)
        self._run_folder = Path(run_folder) if run_folder else None
        self._start_timeout_s = start_timeout_s
        self._environ = dict(environ or {})
        self._instance: Instance | None = None  # the running one, or the last one that ran
        self._stack = contextlib.AsyncExitStack()
        self._lease: background.Lease | None = None
        self._turns = background.Turns()
        self._of_parent: list[object] = []
        self._log = ""

    @staticmethod
    def attach(url: str, control_url: str | Sequence[str] | None = None, **options: Any) -> AttachedPushpin:
        """Use a Pushpin that runs elsewhere; the arguments are those of `AttachedPushpin`."""
        return AttachedPushpin(url, control_url, **options)

    # Life

    def start(self) -> Self:
        """Start, and return when it is ready.

        Raises:
            MissingDependency: if there is no Pushpin; the text has the cure.
            PushpinError: one of its kinds, if it cannot start; the text says why, `log` has its last words.
        """
        try:
            return background.run(self._start())
        except BaseException:  # an interrupt may come when it is ready and has not been handed over
            self.stop()
            raise

    async def astart(self) -> Self:
        """Like `start`, for coroutines."""
        try:
            return await background.arun(self._start())
        except BaseException:
            await self.astop()
            raise

    def stop(self) -> None:
        """Stop, and return when no process, port or folder is left. May be called again."""
        background.run(self._stop())

    async def astop(self) -> None:
        """Like `stop`, for coroutines."""
        await background.arun(self._stop())

    def __enter__(self) -> Self:
        return self.start()

    def __exit__(self, *_: object) -> None:
        self.stop()

    async def __aenter__(self) -> Self:
        return await self.astart()

    async def __aexit__(self, *_: object) -> None:
        await self.astop()

    async def _start(self) -> Self:
        async with self._turns.take():
            await self._end()
            self.state, self.error, self._log = State.STARTING, None, ""
            self._lease = background.Lease(self.stop)
            try:
                self.installation = await asyncio.to_thread(find_pushpin, self._binary)
                self._instance = await self._start_instance(self.installation)
            except BaseException as error:
                self._note_failure(error)
                await self._end()
                raise
            self.state = State.READY
            self._instance.process.ended.add_done_callback(self._note_end)
            return self

    async def _start_instance(self, installation: Installation) -> Instance:
        # It needs a Unix; importing it here leaves `attach` usable where there is none.
        from realtime_kit.pushpin.instance import Plan, start

        plan = Plan(
            installation=installation,
            settings=self.settings,
            routes=self._routes,
            host=self._host,
            http_port=self._ports[0],
            publish_port=self._ports[1],
            run_folder=self._run_folder,
            start_timeout_s=self._start_timeout_s,
            environ=self._environ,
        )
        return await start(plan, self._stack)

    def _note_failure(self, error: BaseException) -> None:
        self.state = State.FAILED if isinstance(error, RealtimeKitError) else State.STOPPED
        self.error = error if isinstance(error, RealtimeKitError) else None
        self._log = error.log if isinstance(error, PushpinError) else ""

    def _note_end(self, ended: asyncio.Task[Ending]) -> None:
        ending = ended.result()
        by_itself = (
            self.state is State.READY or ending.code is not None
        )  # perhaps a moment before it was stopped
        if by_itself and self._instance and self._instance.process.ended is ended:
            self._note_failure(explain(ending.log, code=ending.code))

    async def _stop(self) -> None:
        async with self._turns.take():
            await self._end()

    async def _end(self) -> None:
        if self._lease is not None and self._lease.inherited:
            # A fork: what runs is the parent's. Kept, because collecting it would close the parent's descriptors.
            self._of_parent.append((self._lease, self._stack))
            self._lease, self._stack = None, contextlib.AsyncExitStack()
        if self.state is State.READY:
            self.state = State.STOPPED
        lease, self._lease = self._lease, None
        stack, self._stack = self._stack, contextlib.AsyncExitStack()
        try:
            await stack.aclose()
        finally:
            if lease is not None:
                lease.end()

    # Looking at it

    @property
    def url(self) -> URL:
        """Where clients connect; `pushpin.url / "news"` is an address below it."""
        return self.addresses.url

    @property
    def control_url(self) -> str:
        """The publish port."""
        return self.addresses.control_url

    @property
    def sig_key(self) -> bytes:
        """Random key of this start with which it signs `Grip-Sig`."""
        return self._started.sig_key

    @property
    def connections_max(self) -> int:
        """Client connections it serves at once; more wait, unanswered, until others leave."""
        return self._started.connections_max

    @property
    def addresses(self) -> Addresses:
        """Ports and folder, of the running instance or the last one."""
        return self._started.addresses

    @property
    def log(self) -> str:
        """What it has written lately (1 to 2 MB are kept), or its last words when it has ended."""
        return self._log or (self._instance.process.log() if self._instance else "")

    @property
    def statistics(self) -> Statistics:
        """A live count of connections, subscribers and messages."""
        return self._started.statistics.statistics

    async def auntil(self, condition: Callable[[Statistics], bool]) -> None:
        """Wait until the statistics fulfil a condition, such as `lambda s: s.subscribers("news") == 3`.

        Raises:
            PushpinError: one of its kinds, if Pushpin ends before they do.
        """
        await background.arun(self._started.until(condition))

    async def aended(self) -> None:
        """Wait until it is not running any more, whatever the reason."""
        await background.arun(self._ended())

    async def _ended(self) -> None:
        if self.state is State.READY:
            await asyncio.wait({self._started.process.ended})

    async def arestart(self) -> Self:
        """Start again on the ports it had, so that its clients find it where it was."""
        addresses = self.addresses
        given, self._ports = self._ports, (addresses.http_port, addresses.publish_port)
        try:
            return await self.astart()
        finally:
            self._ports = given

    def command(self, method: str, **arguments: Any) -> Any:
        """Ask it on its ZeroMQ command socket: `refresh` (cid=), `recover`, `conncheck` (ids=), `get-zmq-uris`.

        Raises:
            CommandError: if it says no, or does not answer.
        """
        return background.run(command(self.addresses.socket("command"), method, arguments))

    async def acommand(self, method: str, **arguments: Any) -> Any:
        """Like `command`, for coroutines."""
        return await background.arun(command(self.addresses.socket("command"), method, arguments))

    def processes(self) -> list[psutil.Process]:
        """Its runner and services, for whoever counts their processor time or memory."""
        return self._instance.processes() if self._instance else []

    def __repr__(self) -> str:
        words = ["Pushpin"]
        if self.installation:
            words.append(str(self.installation.version))
        if self.state is State.READY:
            words.append(f"at {self.url}")
        return f"<{' '.join(words)}, {self.state.value}>"

    @property
    def _started(self) -> Instance:
        if self._instance is None:
            message = "this Pushpin has not been started"
            raise UsageError(message)
        return self._instance

    # Routes

    def set_routes(self, routes: Iterable[Route] | int) -> None:
        """Change the routes; of a running instance they are in force when this returns.

        Raises:
            RouteError: if one of them cannot be read; the old ones stay.
        """
        background.run(self._set_routes(routes))

    async def aset_routes(self, routes: Iterable[Route] | int) -> None:
        """Like `set_routes`, for coroutines."""
        await background.arun(self._set_routes(routes))

    async def _set_routes(self, routes: Iterable[Route] | int) -> None:
        async with self._turns.take():
            checked = _checked_routes(routes)
            if self.state is State.READY:
                await self._started.set_routes(checked)
            self._routes = checked


def _checked_routes(given: Iterable[Route] | int) -> tuple[Route, ...]:
    routes = as_routes(given)
    render_routes(routes)  # finds two for the same requests
    return routes
