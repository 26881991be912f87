"""What the tests with a real Pushpin share: a check that nothing is left behind, and an origin to talk to."""

import contextlib
import fcntl
import gc
import os
import secrets
import threading
import time
from collections.abc import Callable, Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import psutil
import pytest

MARKER = "REALTIME_KIT_TEST"
DEADLINE_S = 20.0
SUBSCRIBE = 'c:{{"type":"subscribe","channel":"{}"}}'


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


class _Handler(BaseHTTPRequestHandler):
    """`/stream/CHANNEL` and `/poll/CHANNEL` hold, `/socket/CHANNEL` is a WebSocket, all else answers at once."""

    def do_GET(self) -> None:
        _, how, *rest = self.path.split("/")
        hold = {"stream": "stream", "poll": "response"}.get(how)
        grip = {"Grip-Hold": hold, "Grip-Channel": rest[0]} if hold else {}
        text = "welcome\n" if hold else f"{self.server.server_port} {'Grip-Sig' in self.headers}\n"
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
        yield server.server_port
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
