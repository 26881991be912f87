"""What the tests with a real Pushpin share: a check that nothing is left behind, origins, and a whole site."""

import asyncio
import contextlib
import fcntl
import functools
import gc
import os
import random
import secrets
import socket
import socketserver
import threading
import time
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import AbstractAsyncContextManager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any, Protocol, Self

import psutil
import pytest
from aiohttp import web
from aiohttp.typedefs import Middleware

from realtime_kit.clients import (
    Backoff,
    Client,
    LongPollingClient,
    PollingClient,
    StreamingClient,
    WebSocketClient,
)
from realtime_kit.origin import Announcer, EventLog, OriginServer, lessons_app
from realtime_kit.publisher import HttpPublisher
from realtime_kit.pushpin import Pushpin, Route
from realtime_kit.pushpin.find import find_pushpin
from realtime_kit.pushpin.version import PushpinVersion

MARKER = "REALTIME_KIT_TEST"
DEADLINE_S = 20.0
SUBSCRIBE = 'c:{{"type":"subscribe","channel":"{}"}}'
MODES = {"long-polling": "response", "streaming": "stream", "websocket": "ws"}
"""What Pushpin calls the subscriptions of each transport; polling has none."""


Eventually = Callable[[Callable[[], bool], str], None]


def wait_until(condition: Callable[[], bool], what: str) -> None:
    """Look again and again until something is so."""
    deadline = time.monotonic() + DEADLINE_S
    while not condition():
        assert time.monotonic() < deadline, what
        time.sleep(0.005)


def marked_processes(marker: str) -> list[psutil.Process]:
    """Every living process that has inherited the test's marker, whoever is its parent by now."""
    found = []
    for process in psutil.process_iter():
        with contextlib.suppress(psutil.Error):
            if process.environ().get(MARKER) == marker and process.pid != os.getpid():
                found.append(process)
    return found


def stale_folders() -> list[Path]:
    """Run folders that no living supervisor has locked; those of tests beside this one are locked."""
    found = []
    for folder in Path("/tmp").glob("rk-*"):
        with contextlib.suppress(OSError):
            descriptor = os.open(folder, os.O_RDONLY | os.O_DIRECTORY)
            try:
                fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
                found.append(folder)
            finally:
                os.close(descriptor)
    return found


def own_listeners() -> set[int]:
    connections = psutil.Process().net_connections("tcp")
    return {found.laddr.port for found in connections if found.status == psutil.CONN_LISTEN}


@pytest.fixture
def eventually() -> Eventually:
    """Looks again and again until something is so."""
    return wait_until


@pytest.fixture(scope="session")
def version() -> PushpinVersion:
    """Which Pushpin the tests run with."""
    return find_pushpin().version


@pytest.fixture
def nothing_left_behind(monkeypatch: pytest.MonkeyPatch) -> Iterator[str]:
    """Fails if a process, thread, port, descriptor or folder outlives the test. Gives the marker of its processes."""
    marker = secrets.token_hex(8)
    monkeypatch.setenv(MARKER, marker)
    own_listeners()  # whatever psutil opens for good is open before counting
    threads, listeners = set(threading.enumerate()), own_listeners()
    descriptors, folders = psutil.Process().num_fds(), set(stale_folders())
    yield marker
    wait_until(lambda: not marked_processes(marker), f"left: {marked_processes(marker)}")
    wait_until(lambda: not set(stale_folders()) - folders, f"left: {stale_folders()}")
    wait_until(lambda: set(threading.enumerate()) <= threads, f"left: {threading.enumerate()}")
    wait_until(lambda: own_listeners() <= listeners, f"left: {own_listeners()}")
    gc.collect()
    wait_until(lambda: psutil.Process().num_fds() <= descriptors, f"left: {psutil.Process().open_files()}")


def port_of(server: socketserver.BaseServer) -> int:
    address: tuple[str, int] = server.server_address  # type: ignore[assignment]  # what it is for TCP over IPv4
    return address[1]


class _Handler(BaseHTTPRequestHandler):
    """`/stream/CHANNEL` and `/poll/CHANNEL` hold, `/socket/CHANNEL` is a WebSocket, all else answers at once."""

    def do_GET(self) -> None:
        _, how, *rest = self.path.split("/")
        hold = {"stream": "stream", "poll": "response"}.get(how)
        grip = {"Grip-Hold": hold, "Grip-Channel": rest[0]} if hold else {}
        text = "welcome\n" if hold else f"{port_of(self.server)} {'Grip-Sig' in self.headers}\n"
        self._answer(text.encode(), {"Content-Type": "text/plain", **grip})

    def do_POST(self) -> None:
        body = self.rfile.read(int(self.headers["Content-Length"]))
        control = SUBSCRIBE.format(self.path.split("/")[2]).encode()
        events = b"OPEN\r\n" + b"TEXT %x\r\n%s\r\n" % (len(control), control) if body == b"OPEN\r\n" else body
        extension = {"Sec-WebSocket-Extensions": 'grip; message-prefix=""'} if body == b"OPEN\r\n" else {}
        self._answer(events, {"Content-Type": "application/websocket-events", **extension})

    def _answer(self, body: bytes, headers: dict[str, str]) -> None:
        self.send_response(200)
        for name, value in {**headers, "Content-Length": str(len(body))}.items():
            self.send_header(name, value)
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *_: object) -> None: ...


@contextlib.contextmanager
def serving() -> Iterator[int]:
    """An origin on a free port, in a thread of its own."""
    server = ThreadingHTTPServer(("127.0.0.1", 0), _Handler)
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
    thread.start()
    try:
        yield port_of(server)
    finally:
        server.shutdown()
        server.server_close()
        thread.join()


@pytest.fixture
def origin(nothing_left_behind: str) -> Iterator[int]:
    """The port of an origin."""
    with serving() as port:
        yield port


@pytest.fixture
def second_origin(nothing_left_behind: str) -> Iterator[int]:
    """The port of another."""
    with serving() as port:
        yield port


class Relay:
    """Stands between client and Pushpin, and can cut what passes."""

    def __init__(self, port: int) -> None:
        self._port = port
        self._open: set[asyncio.StreamWriter] = set()
        self._tasks: set[asyncio.Task[Any]] = set()
        self.down = False
        self.limit: Callable[[], int | None] = lambda: None  # bytes of answers a connection may pass on
        self.cuts = 0

    async def __aenter__(self) -> Self:
        self._server = await asyncio.start_server(self._accept, "127.0.0.1", 0)
        self.port: int = self._server.sockets[0].getsockname()[1]
        return self

    async def __aexit__(self, *_: object) -> None:
        self._server.close()
        self.cut()
        await asyncio.gather(*self._tasks, return_exceptions=True)

    def cut(self) -> None:
        self.down = True
        for writer in self._open:
            writer.transport.abort()

    async def _accept(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        if task := asyncio.current_task():
            self._tasks.add(task)
        if self.down:
            writer.transport.abort()
            return
        try:
            there, to_there = await asyncio.open_connection("127.0.0.1", self._port)
        except ConnectionError:
            writer.transport.abort()
            return
        self._open |= {writer, to_there}
        await asyncio.gather(self._pass_on(reader, to_there), self._pass_on(there, writer, self.limit()))
        self._open -= {writer, to_there}
        for each in (writer, to_there):
            each.transport.abort()

    async def _pass_on(
        self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter, limit: int | None = None
    ) -> None:
        with contextlib.suppress(ConnectionError):
            while data := await reader.read(65536):
                if limit is not None and (limit := limit - len(data)) < 0:
                    writer.write(data[:limit])
                    await writer.drain()
                    self.cuts += 1
                    break
                writer.write(data)
                await writer.drain()
        writer.close()


class Reader:
    """Reads a client in the background."""

    def __init__(self, client: Client) -> None:
        self.client = client
        self.ids: list[int] = []
        self._news = asyncio.Condition()

    async def __aenter__(self) -> Self:
        await self.client.__aenter__()
        self._task = asyncio.create_task(self._read())
        return self

    async def __aexit__(self, *_: object) -> None:
        self._task.cancel()
        await asyncio.wait([self._task])
        await self.client.__aexit__()

    async def _read(self) -> None:
        async for receipt in self.client:
            self.ids.append(int(receipt.event.id))
            async with self._news:
                self._news.notify_all()

    async def until_last(self, event_id: int) -> None:
        """Wait until an event with this id or a later one is the last that was read."""
        try:
            async with asyncio.timeout(DEADLINE_S), self._news:
                await self._news.wait_for(lambda: self.ids and self.ids[-1] >= event_id)
        except TimeoutError:
            pytest.fail(f"{self.client} has {len(self.ids)} events after {self.client.failures} failures")


class Site:
    """A log, its lessons behind a Pushpin, and a publisher of everything that is appended."""

    def __init__(self, log: EventLog, pushpin: Pushpin, publisher: HttpPublisher) -> None:
        self.log = log
        self.pushpin = pushpin
        self.publisher = publisher

    def client(
        self, name: str, *, port: int | None = None, last_event_id: str = "", max_failures: int = 1000
    ) -> Client:
        """A client of the events by one transport, perhaps through a relay's port."""
        url = self.pushpin.url.with_port(port or self.pushpin.url.port) / name / "events"
        makers: dict[str, Callable[..., Client]] = {
            "polling": functools.partial(PollingClient, interval_s=0.01),
            "long-polling": LongPollingClient,
            "streaming": StreamingClient,
            "websocket": WebSocketClient,
        }
        waits = Backoff(random.Random(1), first_s=0.05, max_s=0.05)
        return makers[name](url, backoff=waits, last_event_id=last_event_id, max_failures=max_failures)

    def reading(self, name: str, *, port: int | None = None, last_event_id: str = "") -> Reader:
        """Such a client, read in the background."""
        return Reader(self.client(name, port=port, last_event_id=last_event_id))

    def relayed(self) -> Relay:
        """A relay before this Pushpin."""
        return Relay(self.pushpin.url.port or 0)

    async def subscribed(self, name: str) -> None:
        """Wait until Pushpin has the client's subscription; a poll has none."""
        if name in MODES:
            async with asyncio.timeout(DEADLINE_S):
                await self.pushpin.auntil(lambda s: s.subscriptions.get(("events", MODES[name]), 0) > 0)

    async def unsubscribed(self, name: str) -> None:
        """Wait until Pushpin has no such subscription."""
        async with asyncio.timeout(DEADLINE_S):
            await self.pushpin.auntil(lambda s: not s.subscriptions.get(("events", MODES[name]), 0))


class OpenSite(Protocol):
    """Opens a site: perhaps with middlewares, an app of the test's own, or options for Pushpin."""

    def __call__(
        self, *middlewares: Middleware, app: web.Application | None = None, **pushpin_options: Any
    ) -> AbstractAsyncContextManager[Site]: ...


@contextlib.asynccontextmanager
async def _open_site(
    *middlewares: Middleware, app: web.Application | None = None, **pushpin_options: Any
) -> AsyncIterator[Site]:
    log = EventLog()
    served = app or lessons_app(log)
    served.middlewares.extend(middlewares)
    async with OriginServer(served) as server:
        routes = (Route(f"127.0.0.1:{server.port}", over_http=True),)
        async with (
            Pushpin(routes, **pushpin_options) as pushpin,
            HttpPublisher(pushpin.control_url) as publisher,
        ):
            announcer = Announcer(log, publisher)
            try:
                yield Site(log, pushpin, publisher)
            finally:
                announcer.close()
                await publisher.flush()
                publisher.failures.clear()  # an interruption is part of some tests


def steady_port() -> int:
    """A free port that the system gives to no outgoing connection, so that it can be let go of and had again."""
    while True:
        port = random.SystemRandom().randrange(10_000, 30_000)
        with contextlib.suppress(OSError), socket.create_server(("127.0.0.1", port)):
            return port


@pytest.fixture
def steady_ports() -> tuple[int, int]:
    """Two of them."""
    return steady_port(), steady_port()


@pytest.fixture
def site() -> OpenSite:
    """Opens a site."""
    return _open_site
