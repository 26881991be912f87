"""A site: an application of yours behind a Pushpin of your own, in a `with` block."""

from __future__ import annotations

import contextlib
import sys
from collections.abc import Callable
from typing import Any, Self

from pubcontrol import Item
from yarl import URL

from realtime_kit import background
from realtime_kit.errors import UsageError
from realtime_kit.origin.own_process import OriginProcess
from realtime_kit.origin.server import OriginServer, Routes
from realtime_kit.pushpin import Pushpin, routes_to

_NOT_UP = "this site is not up: use it in a `with` block, or start() it"


class Site:
    """Origin and Pushpin, up together on free loopback ports, both gone afterwards.

    The origin runs on the kit's own thread and loop, never on a notebook's; a handler that raises answers 500
    and shows its traceback.

        with serving(routes) as site:
            site.publish("news", "hello")
            for event in sse_events(site.url / "news"):
                print(event.data)

    Args:
        routes: An `aiohttp.web.Application`, a `RouteTableDef`, or the name of one as `module:attribute`, which is
            then served by a process of its own.
        origin_port: Port for the application itself; 0 is a free one.
        show_error: Called with the traceback of a handler that raised; None writes it to standard error.
        **options: Those of `Pushpin`, such as `http_port` or `settings`.

    Attributes:
        pushpin: The embedded Pushpin.
    """

    def __init__(
        self,
        routes: Routes | str,
        *,
        origin_port: int = 0,
        show_error: Callable[[str], object] | None = None,
        **options: Any,
    ) -> None:
        self._routes = routes
        self._origin_port = origin_port
        self._show_error = show_error or _to_stderr
        self._options = options
        self._origin: OriginServer | OriginProcess | None = None
        self._stack = contextlib.AsyncExitStack()
        self._lease: background.Lease | None = None
        self._pushpin: Pushpin | None = None

    @property
    def pushpin(self) -> Pushpin:
        """The embedded Pushpin, while the site is up."""
        if self._pushpin is None:
            raise UsageError(_NOT_UP)
        return self._pushpin

    @property
    def url(self) -> URL:
        """Where clients connect; `site.url / "news"` is an address below it."""
        return self.pushpin.url

    @property
    def origin_port(self) -> int:
        """Where the application itself listens, for a look behind Pushpin."""
        if self._origin is None:
            raise UsageError(_NOT_UP)
        return self._origin.port

    def publish(self, channel: str, item: Item | str) -> None:
        """Publish a text or an item; see `Pushpin.publish`."""
        self.pushpin.publish(channel, item)

    async def apublish(self, channel: str, item: Item | str) -> None:
        """Like `publish`, for coroutines."""
        await self.pushpin.apublish(channel, item)

    def start(self) -> Self:
        """Bring both up; a site that is up is taken down first."""
        return background.run(self._start())

    def stop(self) -> None:
        """Take both down. May be called again."""
        background.run(self._stop())

    def __enter__(self) -> Self:
        return self.start()

    def __exit__(self, *_: object) -> None:
        self.stop()

    async def __aenter__(self) -> Self:
        return await background.arun(self._start())

    async def __aexit__(self, *_: object) -> None:
        await background.arun(self._stop())

    async def _start(self) -> Self:
        await self._stop()
        self._lease = background.Lease(self.stop)
        try:
            self._origin = origin = self._make_origin()
            await self._stack.enter_async_context(origin)
            pushpin = Pushpin(routes_to(origin.port), **self._options)
            self._pushpin = await self._stack.enter_async_context(pushpin)
        except BaseException:
            await self._stop()
            raise
        return self

    def _make_origin(self) -> OriginServer | OriginProcess:
        make = OriginProcess if isinstance(self._routes, str) else OriginServer
        return make(self._routes, port=self._origin_port, show_error=self._show_error)  # type: ignore[arg-type]

    async def _stop(self) -> None:
        self._pushpin = self._origin = None
        try:
            await self._stack.aclose()
        finally:
            if self._lease is not None:
                self._lease.end()
                self._lease = None

    def __repr__(self) -> str:
        return f"<Site {self._pushpin}>" if self._pushpin else "<Site, not up>"


def serving(routes: Routes | str, **options: Any) -> Site:
    """A site for these routes, to use with `with` or `async with`; the arguments are those of `Site`."""
    return Site(routes, **options)


def _to_stderr(text: str) -> None:
    sys.stderr.write(text)
