"""A site: an application of yours behind a Pushpin of your own, in a `with` block."""

from __future__ import annotations

import asyncio
import contextlib
import time
from collections.abc import Callable
from typing import TYPE_CHECKING, Any, Self

from pubcontrol import Item
from yarl import URL

from realtime_kit import background, cell
from realtime_kit.errors import UsageError
from realtime_kit.origin.backend import Backend, BackendProcess
from realtime_kit.origin.own_process import OriginProcess
from realtime_kit.origin.server import OriginServer, Routes
from realtime_kit.pushpin import Pushpin, routes_to
from realtime_kit.pushpin.ports import reserved_port
from realtime_kit.taps import XRay

if TYPE_CHECKING:
    from realtime_kit.pushpin.find import Installation
    from realtime_kit.pushpin.instance import Instance
    from realtime_kit.taps.x_ray import Tap

Origin = OriginServer | OriginProcess | BackendProcess

_NOT_UP = "this site is not up: use it in a `with` block, or start() it"

_ANSWERS_S = 1.0
"""How long answers under way are waited for before the origin behind a tap is taken down."""

_LOOK_EVERY_S = 0.01


class Site:
    """Origin and Pushpin, up together on free loopback ports, both gone afterwards.

    The origin runs on the kit's own thread and loop, never on a notebook's; a handler that raises answers 500
    and shows its traceback. Starting it again replaces both, and a fork of this process stops neither: the life
    of a site is that of its Pushpin.

        with serving(routes) as site:
            site.publish("news", "hello")
            for event in sse_events(site.url / "news"):
                print(event.data)

    Args:
        routes: An `aiohttp.web.Application`, a `RouteTableDef`, or the name of one as `module:attribute`, which is
            then served by a process of its own; or a `Backend`, an application in any language.
        origin_port: Port for the application itself; 0 is a free one.
        show_error: Called with the traceback of a handler that raised, and with what a backend writes to its standard
            error; None writes it to standard error.
        x_ray: Whether `x_ray` shall see what crosses the wires, or an `XRay` that shall. It costs each message some
            tenths of a millisecond.
        **options: Those of `Pushpin`, such as `http_port` or `settings`.

    Attributes:
        pushpin: The embedded Pushpin.
    """

    def __init__(
        self,
        routes: Routes | str | Backend,
        *,
        origin_port: int = 0,
        show_error: Callable[[str], object] | None = None,
        x_ray: bool | XRay = False,
        **options: Any,
    ) -> None:
        def make_origin(port: int, grip_url: str) -> Origin:
            shown = show_error or background.write_error
            if isinstance(routes, Backend):
                return BackendProcess(routes, port=port, grip_url=grip_url, show_error=shown)
            if isinstance(routes, str):
                return OriginProcess(routes, port=port, show_error=shown)
            return OriginServer(routes, port=port, show_error=shown)

        self._x_ray: XRay | None
        if isinstance(x_ray, bool):
            self._x_ray = XRay() if x_ray else None
        else:
            self._x_ray = x_ray
        self._pushpin = _PushpinWithOrigin(make_origin, origin_port, self._x_ray, **options)

    @property
    def pushpin(self) -> Pushpin:
        """The embedded Pushpin, while the site is up."""
        if self._pushpin.origin is None:
            raise UsageError(_NOT_UP)
        return self._pushpin

    @property
    def url(self) -> URL:
        """Where clients connect; `site.url / "news"` is an address below it."""
        return self.pushpin.url

    @property
    def origin_port(self) -> int:
        """Where the application itself listens, for a look behind Pushpin."""
        if self._pushpin.origin is None:
            raise UsageError(_NOT_UP)
        return self._pushpin.origin.port

    @property
    def x_ray(self) -> XRay:
        """What has crossed the wires of this site: to Pushpin, to the origin and to the publish port.

        Raises:
            UsageError: if it was not asked for.
        """
        if self._x_ray is None:
            raise UsageError("this site has no taps on its wires: make it with x_ray=True")
        return self._x_ray

    def publish(self, channel: str, item: Item | str) -> None:
        """Publish a text or an item; see `Pushpin.publish`."""
        self.pushpin.publish(channel, item)

    async def apublish(self, channel: str, item: Item | str) -> None:
        """Like `publish`, for coroutines."""
        await self.pushpin.apublish(channel, item)

    def start(self) -> Self:
        """Bring both up; a site that is up is taken down first.

        A notebook's cell that is run again takes down the sites that it had started before.
        """
        cell.forget(self.stop)  # if it is this one that is started again
        cell.replace_by(self.stop)
        self._pushpin.start()
        return self

    def stop(self) -> None:
        """Take both down. May be called again."""
        cell.forget(self.stop)
        self._pushpin.stop()

    def stop_origin(self) -> None:
        """Take only the application down; Pushpin stays up, with its clients. While it is down this does nothing.

        What clients ask meanwhile Pushpin answers with a 502. What they say on WebSockets it keeps, and tries
        again after 1, 2, 4, 8 and 16 s.

        Raises:
            UsageError: if the site is not up.
        """
        background.run(self._pushpin.stop_origin())

    async def astop_origin(self) -> None:
        """Like `stop_origin`, for coroutines."""
        await background.arun(self._pushpin.stop_origin())

    def start_origin(self) -> None:
        """Bring the application back, on the port that it had. While it is up this does nothing.

        Raises:
            UsageError: if the site is not up.
            OriginError: if it does not start, or somebody else has its port by now; it can be tried again.
        """
        background.run(self._pushpin.start_origin())

    async def astart_origin(self) -> None:
        """Like `start_origin`, for coroutines."""
        await background.arun(self._pushpin.start_origin())

    def __enter__(self) -> Self:
        self._pushpin.start()  # it ends with its block, whatever becomes of the cell
        return self

    def __exit__(self, *_: object) -> None:
        self.stop()

    async def __aenter__(self) -> Self:
        await self._pushpin.astart()
        return self

    async def __aexit__(self, *_: object) -> None:
        await self._pushpin.astop()

    def __repr__(self) -> str:
        return f"<Site {self._pushpin}>" if self._pushpin.origin else "<Site, not up>"


class _PushpinWithOrigin(Pushpin):
    """A Pushpin whose origin comes up before it and goes down after it, as a part of itself.

    So all that can happen to a Pushpin between its start and its end (an interrupt, a fork, another start, the exit
    of the interpreter) is dealt with once, there.

    With an X-ray there are taps before it, behind it and before its publish port. They have the ports that were
    asked for, and their addresses count as its own, so that nothing goes around them.

    Args:
        make_origin: Makes the origin, not yet entered, of each start; is given its port, and where it can publish.
        origin_port: That port; 0 is a free one.
        x_ray: What looks at its wires; None for nothing.
        **options: Those of `Pushpin`, without routes.

    Attributes:
        origin: The origin of this start; it may be down for a while.
    """

    def __init__(
        self,
        make_origin: Callable[[int, str], Origin],
        origin_port: int,
        x_ray: XRay | None,
        **options: Any,
    ) -> None:
        super().__init__(**options)
        self.origin: Origin | None = None
        self._make_origin = make_origin
        self._grip_url = ""
        self._origin_port = origin_port
        self._behind: Tap | None = None  # the tap behind it
        self._origin_stack = contextlib.AsyncExitStack()
        self._behind_stack = contextlib.AsyncExitStack()
        self._origin_is_up = False
        self._x_ray = x_ray
        self._taps: tuple[Tap, Tap] | None = None  # before it, and before its publish port
        self._asked_ports = self._ports  # of the taps, if there are any

    async def _start_instance(self, installation: Installation) -> Instance:
        self._taps = self._behind = None
        with contextlib.ExitStack() as reservation:
            http_port, publish_port = self._asked_ports
            # Chosen before the origin is started, which may have to be told.
            publish_port = publish_port or reservation.enter_context(reserved_port(self._host))
            self._grip_url = str(URL.build(scheme="http", host=self._host, port=publish_port))
            return await self._start_parts(installation, (http_port, publish_port))

    async def _start_parts(self, installation: Installation, ports: tuple[int, int]) -> Instance:
        self._origin_stack = await self._stack.enter_async_context(contextlib.AsyncExitStack())
        self._behind_stack = await self._stack.enter_async_context(contextlib.AsyncExitStack())
        origin = await self._bring_origin_up(self._origin_port)
        self._origin_is_up = True
        self._ports = ports if self._x_ray is None else (0, 0)
        if self._x_ray is None:
            self._routes = routes_to(origin.port)
            return await super()._start_instance(installation)
        self._behind = await self._behind_stack.enter_async_context(self._x_ray.tap("origin", origin.port))
        self._routes = routes_to(self._behind.port)
        instance = await super()._start_instance(installation)
        where, (http_port, publish_port) = instance.addresses, ports
        before = self._x_ray.tap("client", where.http_port, host=self._host, listen_port=http_port)
        beside = self._x_ray.tap("publish", where.publish_port, host=self._host, listen_port=publish_port)
        await self._stack.enter_async_context(before)
        await self._stack.enter_async_context(beside)
        self._taps = before, beside
        return instance

    async def _bring_origin_up(self, port: int) -> Origin:
        self.origin = origin = self._make_origin(port, self._grip_url)
        return await self._origin_stack.enter_async_context(origin)

    async def stop_origin(self) -> None:
        """Take the origin down alone; on the kit's loop."""
        async with self._turns.take():
            self._started_origin()
            await self._until_answers_have_passed()
            await self._take_origin_down()

    async def start_origin(self) -> None:
        """Bring it back; on the kit's loop."""
        async with self._turns.take():
            origin = self._started_origin()
            if self._origin_is_up:
                return
            try:
                await self._bring_origin_up(origin.port)
                if self._behind is not None:
                    await self._behind_stack.enter_async_context(self._behind)
            except BaseException:
                await self._take_origin_down()
                raise
            self._origin_is_up = True

    async def _until_answers_have_passed(self) -> None:
        """Wait until nothing is under way through the tap, or not for longer: an answer cut off ends a WebSocket."""
        until_s = time.monotonic() + _ANSWERS_S
        while self._x_ray is not None and time.monotonic() < until_s:
            if all(each.leg != "origin" or each.ended_ns is not None for each in self._x_ray.exchanges()):
                return
            await asyncio.sleep(_LOOK_EVERY_S)

    async def _take_origin_down(self) -> None:
        self._origin_is_up = False
        try:
            await self._origin_stack.aclose()  # first, so that answers under way still pass the tap
        finally:
            # A tap accepts, and can then only reset: that ends a WebSocket. Refused, Pushpin tries again.
            await self._behind_stack.aclose()

    def _started_origin(self) -> Origin:
        """The origin of this start, up or down; in a fork it is the parent's."""
        if self.origin is None or self._lease is None or self._lease.inherited:
            raise UsageError(_NOT_UP)
        return self.origin

    @property
    def url(self) -> URL:
        """Where clients connect: the tap before it, if there is one."""
        return super().url.with_port(self._taps[0].port) if self._taps else super().url

    @property
    def control_url(self) -> str:
        """The publish port, or the tap before that."""
        url = super().control_url
        return str(URL(url).with_port(self._taps[1].port)) if self._taps else url

    async def _end(self) -> None:
        self.origin = None
        await super()._end()


def serving(routes: Routes | str | Backend, **options: Any) -> Site:
    """A site for these routes, to use with `with` or `async with`; the arguments are those of `Site`."""
    return Site(routes, **options)
