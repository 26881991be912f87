"""One running Pushpin: everything that exists from a start to its end, and nothing longer."""

from __future__ import annotations

import asyncio
import contextlib
import dataclasses
import os
import secrets
import signal
from collections.abc import AsyncIterator, Callable, Coroutine, Iterable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, NoReturn

import psutil

from realtime_kit.errors import PortInUse, PushpinNotReady, RouteError, RunFolderError
from realtime_kit.pushpin.client_limit import limit_clients
from realtime_kit.pushpin.config import Addresses, PushpinSettings, render
from realtime_kit.pushpin.failures import explain, route_troubles
from realtime_kit.pushpin.find import Installation
from realtime_kit.pushpin.limits import connections_max
from realtime_kit.pushpin.ports import check_port, free_port, is_strangers, taken
from realtime_kit.pushpin.readiness import Probe
from realtime_kit.pushpin.routes import Route, render_routes
from realtime_kit.pushpin.run_folder import CONFIG, make_run_folder, sweep
from realtime_kit.pushpin.statistics import Statistics, StatisticsSocket
from realtime_kit.pushpin.supervised import SupervisedProcess

_PORT_TRIES = 5
"""A free port is free only until somebody takes it; after that many strangers in a row something else is wrong."""

_STRANGER_CHECK_S = 0.5


@dataclass(frozen=True, slots=True, kw_only=True)
class Plan:
    """What to start.

    Attributes:
        installation: Which Pushpin.
        settings: How to configure it.
        routes: Where requests go.
        host: Loopback address to listen on.
        http_port: Port for clients; 0 is a free one.
        publish_port: Port for publishing; 0 is a free one.
        run_folder: Where to make its run folder; None is `/tmp`.
        start_timeout_s: Seconds it may take to become ready.
        environ: Further environment variables of its processes.
    """

    installation: Installation
    settings: PushpinSettings
    routes: tuple[Route, ...]
    host: str
    http_port: int
    publish_port: int
    run_folder: Path | None
    start_timeout_s: float
    environ: Mapping[str, str]


async def start(plan: Plan, stack: contextlib.AsyncExitStack) -> Instance:
    """Start a Pushpin on the ports that were asked for, or on free ones.

    Args:
        plan: What to start; a port may be 0.
        stack: What stops it.

    Raises:
        PushpinError: one of its kinds, if it does not become ready.
        UsageError: if it cannot have as many connections as its settings say.
    """
    for tries_left in reversed(range(_PORT_TRIES)):
        http_port, publish_port = _choose_ports(plan)
        chosen = dataclasses.replace(plan, http_port=http_port, publish_port=publish_port)
        try:
            return await stack.enter_async_context(running(chosen))
        except PortInUse:  # taken since it was chosen
            if (plan.http_port and plan.publish_port) or not tries_left:
                raise
    raise AssertionError  # the last try returns or raises


def _choose_ports(plan: Plan) -> tuple[int, int]:
    given = (plan.http_port, plan.publish_port)
    for port in filter(None, given):
        check_port(plan.host, port)
    http_port, publish_port = (port or free_port(plan.host) for port in given)
    return (http_port, publish_port) if http_port != publish_port else _choose_ports(plan)


@contextlib.asynccontextmanager
async def running(plan: Plan) -> AsyncIterator[Instance]:
    """Start a Pushpin, and give it once it is ready; afterwards nothing of it is left."""
    async with contextlib.AsyncExitStack() as stack:
        most = connections_max(plan.settings.connections_max)
        folder, lock = make_run_folder(plan.installation.version, plan.run_folder)
        stack.callback(os.close, lock)
        stack.callback(sweep, folder)
        addresses = Addresses(plan.host, plan.http_port, plan.publish_port, folder)
        sig_key = secrets.token_hex(32)
        probe = await stack.enter_async_context(Probe())
        with _writing(folder):
            client_maxconn, environment = limit_clients(plan.installation, folder, most)
        config = render(
            plan.installation.version,
            addresses,
            plan.settings,
            client_maxconn=client_maxconn,
            sig_key=sig_key,
            libdir=plan.installation.libdir,
        )
        _write(folder / CONFIG, config)
        _write(folder / "routes", render_routes((*probe.next_routes(), *plan.routes)))
        process = await SupervisedProcess.launch(
            [str(plan.installation.binary), f"--config={folder / CONFIG}", "--merge-output"],
            environment={**plan.environ, **environment},
            folder=folder,
            lock=lock,
        )
        stack.push_async_callback(process.stop)
        statistics = await stack.enter_async_context(StatisticsSocket(addresses.socket("stats")))
        instance = Instance(plan, addresses, most, sig_key.encode(), process, statistics, probe)
        await instance.become_ready()
        yield instance


class Instance:
    """A Pushpin that runs. Made by `running`.

    Attributes:
        addresses: Its ports and folder.
        connections_max: Client connections it serves at once.
        sig_key: The key with which it signs `Grip-Sig`.
        process: Its supervised process.
        statistics: Its statistics socket.
    """

    def __init__(
        self,
        plan: Plan,
        addresses: Addresses,
        most: int,
        sig_key: bytes,
        process: SupervisedProcess,
        statistics: StatisticsSocket,
        probe: Probe,
    ) -> None:
        self.addresses = addresses
        self.connections_max = most
        self.sig_key = sig_key
        self.process = process
        self.statistics = statistics
        self._probe = probe
        self._routes = plan.routes
        self._timeout_s = plan.start_timeout_s
        self._missing = "no event came through it"

    def processes(self) -> list[psutil.Process]:
        """Its runner, then its services."""
        if not self.process.ended.done():
            with contextlib.suppress(psutil.NoSuchProcess):
                return psutil.Process(self.process.supervisor_pid).children(recursive=True)
        return []

    async def become_ready(self) -> None:
        """Return when an event has come through.

        Raises:
            PushpinError: one of its kinds, if it ends, takes too long, or does not accept its routes.
        """
        await self._in_time(self._pass_event_and_hear_of_it())
        if troubles := route_troubles(self.process.log()):
            raise self._refusal(troubles)

    async def set_routes(self, routes: tuple[Route, ...]) -> None:
        """Change the routes, and return when they are in force.

        Raises:
            RouteError: if Pushpin does not accept one of them; the old ones are in force again.
        """
        known = len(route_troubles(self.process.log()))
        await self._put_in_force(routes)
        if troubles := route_troubles(self.process.log())[known:]:
            await self._put_in_force(self._routes)
            raise self._refusal(troubles)
        self._routes = routes

    async def until(self, condition: Callable[[Statistics], bool]) -> None:
        """Wait until the statistics fulfil a condition.

        Raises:
            PushpinError: one of its kinds, if Pushpin ends before they do.
        """
        await _first_of(self.statistics.until(condition), self._until_it_ends())

    async def _put_in_force(self, routes: Iterable[Route]) -> None:
        self._missing = "no event came through it by its new routes"
        _write(self.addresses.run_folder / "routes", render_routes((*self._probe.next_routes(), *routes)))
        for runner in self.processes()[:1]:  # it tells its services; else they look every second
            runner.send_signal(signal.SIGHUP)
        await self._in_time(self._pass_event())  # only the new file has the probe's new path

    async def _pass_event(self) -> None:
        """Let an event travel from end to end."""
        url, control_url = str(self.addresses.url).rstrip("/"), self.addresses.control_url
        await self._probe.succeed(url, control_url)

    async def _pass_event_and_hear_of_it(self) -> None:
        """The same, and let the statistics tell of it; their link may settle later than all others."""
        while True:
            await self._pass_event()
            self._missing = "its statistics said nothing, though events came through it"
            if await self.statistics.hears():
                return

    async def _in_time(self, proof: Coroutine[Any, Any, None]) -> None:
        try:
            await _first_of(
                proof, self._until_it_ends(), self._until_strangers_publish_port(), timeout_s=self._timeout_s
            )
        except TimeoutError:
            message = (
                f"Pushpin runs, but within {self._timeout_s:g} s {self._missing}: its log may say why; a busy"
                " machine needs a larger start_timeout_s, and one connection has to be left for the kit"
            )
            raise PushpinNotReady(message, self.process.log()) from None

    async def _until_it_ends(self) -> NoReturn:
        ending = await asyncio.shield(self.process.ended)
        raise explain(ending.log, code=ending.code)

    async def _until_strangers_publish_port(self) -> NoReturn:
        """The one trouble Pushpin says nothing about: where it was to be published to, somebody else listens."""
        port = self.addresses.publish_port
        while True:
            await asyncio.sleep(_STRANGER_CHECK_S)
            # Elsewhere than on the loop: where there are 100,000 connections it takes seconds.
            if await asyncio.to_thread(is_strangers, port, self.processes()):
                raise PortInUse(taken(port), self.process.log())

    def _refusal(self, troubles: list[str]) -> RouteError:
        return RouteError(f"Pushpin does not accept its routes: {'; '.join(troubles)}", self.process.log())


def _write(path: Path, text: str) -> None:
    """Put a file in place in one step: Pushpin may read at any moment."""
    fresh = path.with_name(path.name + ".new")
    with _writing(path):
        fresh.write_text(text, encoding="utf-8")
        fresh.replace(path)


@contextlib.contextmanager
def _writing(path: Path) -> Iterator[None]:
    try:
        yield
    except OSError as error:
        message = f"the run folder cannot be written: {path}: {error.strerror}"
        raise RunFolderError(message) from error


async def _first_of(*coroutines: Coroutine[Any, Any, None], timeout_s: float | None = None) -> None:
    """Run coroutines side by side until one returns or raises, and end the others."""
    tasks = [asyncio.create_task(coroutine) for coroutine in coroutines]
    try:
        done, _ = await asyncio.wait(tasks, timeout=timeout_s, return_when=asyncio.FIRST_COMPLETED)
        if not done:
            raise TimeoutError
        await next(task for task in tasks if task in done)
    finally:
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
