"""Serving an origin: any `aiohttp.web` application, or just its routes, on a free loopback port."""

from __future__ import annotations

import contextlib
import os
import traceback
from collections.abc import Callable
from typing import Self

from aiohttp import web
from aiohttp.typedefs import Handler

from realtime_kit.errors import OriginError, UsageError
from realtime_kit.listening import web_server

HOST = "127.0.0.1"

Routes = web.Application | web.RouteTableDef
"""What can be served: an application, or a table of routes."""

ShowError = Callable[[str], object]


class OriginServer:
    """Serves an application on the running loop. Use it with `async with`.

    An application can be served again, also on two ports at once, as long as it is on the same loop; a table of
    routes can be served anywhere.

    Args:
        routes: The application or its routes; yours as well as the kit's.
        port: Port to listen on; 0 is a free one.
        show_error: Called with the traceback of a handler that raised, or forgot to return an answer; the
            client gets a 500 in any case.

    Attributes:
        port: Where it listens, once entered.

    Raises:
        UsageError: if the routes or the port are none, or a table has two routes for the same.
        OriginError: on entering, if the port is taken or the application belongs to another loop.
    """

    def __init__(self, routes: Routes, *, port: int = 0, show_error: ShowError | None = None) -> None:
        given: object = routes
        if not isinstance(given, Routes):
            message = f"routes is {routes!r}: it has to be a web.Application or a web.RouteTableDef"
            raise UsageError(message)
        if not 0 <= port < 65536:
            message = f"port is {port}: a port is 1 to 65535, or 0 for a free one"
            raise UsageError(message)
        self._app = _application(routes, show_error)
        self.port = port
        self._serving = contextlib.AsyncExitStack()

    async def __aenter__(self) -> Self:
        try:
            self.port = await self._serving.enter_async_context(web_server(self._app, HOST, self.port))
        except Exception as error:
            if message := self._explain(error):
                raise OriginError(message) from error
            raise
        return self

    def _explain(self, error: BaseException) -> str:
        if isinstance(error, OSError) and error.errno:
            reason = os.strerror(error.errno)
            return f"the origin cannot listen on port {self.port}: {reason}; 0 is a free port"
        if isinstance(error, RuntimeError) and "different loop" in str(error):
            return (
                "this web.Application has been served before, on an event loop that is gone: make it anew, or "
                "serve a web.RouteTableDef, which can be served any number of times"
            )
        return ""

    async def __aexit__(self, *_: object) -> None:
        await self._serving.aclose()


def _application(routes: Routes, show_error: ShowError | None) -> web.Application:
    if isinstance(routes, web.Application):
        app = routes
    else:
        app = web.Application()
        try:
            app.add_routes(routes)
        except (RuntimeError, ValueError) as error:
            message = (
                f"the routes cannot be served: {error}. A handler that is defined again, as by a cell that is run "
                "again, is added to its table once more: make the table anew where the handler is defined"
            )
            raise UsageError(message) from error
    if reporter := app.get(_REPORTER):
        reporter.show = show_error
    elif not app.frozen:  # one that was served elsewhere before takes no more middlewares
        app[_REPORTER] = _Reporter(show_error)
        app.middlewares.insert(0, app[_REPORTER].middleware)
    return app


class _Reporter:
    """Shows what a handler raised to whoever serves its application at the moment."""

    def __init__(self, show: ShowError | None) -> None:
        self.show = show

    @web.middleware
    async def middleware(self, request: web.Request, handler: Handler) -> web.StreamResponse:
        try:
            response = await handler(request)
            answer: object = response
            if self.show is not None and not isinstance(answer, web.StreamResponse):
                message = f"the handler returned {answer!r}, not a response: is there a `return`?"
                raise TypeError(message)
        except web.HTTPException:
            raise
        except Exception as error:
            if isinstance(error, ConnectionResetError) and _has_hung_up(request):
                return web.Response(status=400)  # in the middle of its request; nobody will read this
            if self.show is None:
                raise
            self.show(traceback.format_exc())
            text = f"{request.method} {request.path} raised {type(error).__name__}: {error}\n"
            return web.Response(status=500, text=text)
        return response


def _has_hung_up(request: web.Request) -> bool:
    return request.transport is None or request.transport.is_closing()


_REPORTER = web.AppKey("realtime_kit_reporter", _Reporter)
