"""Is it ready? Only an event that has travelled from end to end can tell.

Pushpin's processes listen within 25 ms, but the links between them settle one by one for another 0.3 s, and
until then a request, an answer or the first bytes of a hold can be lost for good, and a WebSocket can be refused
with a 502. So the probe does what clients will do: it opens a stream through Pushpin to a small origin of the
kit's own, publishes, and waits for the event; and it does the same on a WebSocket, which takes links of its own.
A random channel proves besides that it is this Pushpin that answers, on both of its ports.
"""

from __future__ import annotations

import asyncio
import contextlib
import json
import secrets
import socket
from collections.abc import Awaitable, Callable
from typing import Self

import aiohttp
from aiohttp import web
from gripcontrol import HttpStreamFormat, WebSocketMessageFormat
from pubcontrol import Item
from yarl import URL

from realtime_kit.listening import web_server
from realtime_kit.publisher.formats import exported
from realtime_kit.pushpin.ports import HOST
from realtime_kit.pushpin.routes import Route

PROBE = "realtime-kit-probe"
"""Id of the probe's route, and beginning of its channels' names: the statistics leave both out."""

PROBE_ADDRESS = "127.114.107.1"
"""Where the probe connects from, if it can: a busy handler announces connections without their route."""

_NEXT_TRY_S = 0.05
"""A try whose bytes were lost waits in vain; the next one starts beside it rather than after it."""

_SLOWER = 1.25
"""So many times longer is each wait than the last: many tries would make a busy machine busier, and none succeed."""

_BODY_TIMEOUT_S = 5.0
"""For a body of six bytes, from a Pushpin that has lost some of the links to its own parts."""

_PATH = "/.realtime-kit/"

_Try = Callable[[aiohttp.ClientSession, str, str, asyncio.Event], Awaitable[None]]


class Probe:
    """A small origin behind Pushpin, and the client that looks at it from the front.

    Use it with `async with`. Its route has to stand among Pushpin's routes.
    """

    def __init__(self) -> None:
        self._token = secrets.token_hex(8)
        self._generation = 0
        self._serving = contextlib.AsyncExitStack()
        self._port = 0

    async def __aenter__(self) -> Self:
        app = web.Application()
        app.router.add_get(_PATH + "{generation}/{channel}", self._hold)
        app.router.add_post(_PATH + "{generation}/{channel}", self._hold_websocket)
        self._port = await self._serving.enter_async_context(web_server(app, HOST, 0))
        return self

    async def __aexit__(self, *_: object) -> None:
        await self._serving.aclose()

    def next_routes(self) -> tuple[Route, Route]:
        """Routes to the probe that differ from all before, to tell new routes from old ones."""
        self._generation += 1
        target, path = f"{HOST}:{self._port}", f"{_PATH}{self._generation}/"
        # A route that names its protocol goes before all that do not, even before longer paths.
        return (
            Route(target, path=path, options=("proto=http", f"id={PROBE}")),
            Route(target, path=path, over_http=True, options=("proto=ws", f"id={PROBE}")),
        )

    async def succeed(self, url: str, control_url: str) -> None:
        """Return as soon as an event has come through in either way; try for as long as that takes."""
        connector = aiohttp.TCPConnector(force_close=True, limit=0, local_addr=_own_address(URL(url).host))
        async with aiohttp.ClientSession(connector=connector) as session, asyncio.TaskGroup() as ways:
            for way in (self._try_stream, self._try_websocket):
                ways.create_task(_until(way, session, url, control_url))

    async def _try_stream(
        self, session: aiohttp.ClientSession, url: str, control_url: str, came_through: asyncio.Event
    ) -> None:
        channel = f"{PROBE}-{secrets.token_hex(8)}"
        event = f"{channel}\n"
        items = {"items": [exported(channel, Item(HttpStreamFormat(event)))]}
        with contextlib.suppress(aiohttp.ClientError, OSError, TimeoutError):
            async with session.get(f"{url}{_PATH}{self._generation}/{channel}") as stream:
                if await stream.content.readline() == self._greeting():
                    async with session.post(f"{control_url}/publish/", json=items):
                        if await stream.content.readline() == event.encode():
                            came_through.set()

    async def _try_websocket(
        self, session: aiohttp.ClientSession, url: str, control_url: str, came_through: asyncio.Event
    ) -> None:
        channel = f"{PROBE}-{secrets.token_hex(8)}"
        items = {"items": [exported(channel, Item(WebSocketMessageFormat(channel)))]}
        # What is no text raises a TypeError: Pushpin closes a WebSocket that it has lost the links for.
        with contextlib.suppress(aiohttp.ClientError, OSError, TimeoutError, TypeError):
            async with session.ws_connect(f"{url}{_PATH}{self._generation}/{channel}") as websocket:
                if await websocket.receive_str() == self._greeting().decode():
                    async with session.post(f"{control_url}/publish/", json=items):
                        if await websocket.receive_str() == channel:
                            came_through.set()

    async def _hold_websocket(self, request: web.Request) -> web.Response:
        if request.match_info["generation"] != str(self._generation):
            return web.Response(status=404)
        body, told = b"", b""
        # A try that is given up may be cut off in the middle, or never say the rest.
        with contextlib.suppress(ConnectionError, TimeoutError):
            async with asyncio.timeout(_BODY_TIMEOUT_S):
                told = await request.read()
        if told.startswith(b"OPEN"):
            subscribe = json.dumps({"type": "subscribe", "channel": request.match_info["channel"]})
            texts = [f"c:{subscribe}".encode(), b"m:" + self._greeting()]
            body = b"OPEN\r\n" + b"".join(b"TEXT %x\r\n%b\r\n" % (len(text), text) for text in texts)
        headers = {"Content-Type": "application/websocket-events", "Sec-WebSocket-Extensions": "grip"}
        return web.Response(body=body, headers=headers)

    async def _hold(self, request: web.Request) -> web.Response:
        if request.match_info["generation"] != str(self._generation):
            return web.Response(status=404)
        headers = {"Grip-Hold": "stream", "Grip-Channel": request.match_info["channel"]}
        return web.Response(body=self._greeting(), headers=headers)

    def _greeting(self) -> bytes:
        return f"{self._token}\n".encode()


async def _until(attempt: _Try, session: aiohttp.ClientSession, url: str, control_url: str) -> None:
    """Try again and again, until a try has succeeded."""
    came_through = asyncio.Event()
    tries: set[asyncio.Future[None]] = set()
    wait_s = _NEXT_TRY_S
    try:
        while not came_through.is_set():
            tries.add(asyncio.ensure_future(attempt(session, url, control_url, came_through)))
            with contextlib.suppress(TimeoutError):
                await asyncio.wait_for(came_through.wait(), wait_s)
            wait_s *= _SLOWER
            tries = {each for each in tries if not each.done()}
    finally:
        for each in tries:
            each.cancel()
        await asyncio.gather(*tries, return_exceptions=True)


def _own_address(host: str | None) -> tuple[str, int] | None:
    """To bind to before connecting to a host; Linux has all of 127.0.0.0/8, others only its first address."""
    if host == HOST:
        with contextlib.suppress(OSError), socket.socket() as trial:
            trial.bind((PROBE_ADDRESS, 0))
            return PROBE_ADDRESS, 0
    return None
