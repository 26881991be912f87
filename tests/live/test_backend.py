"""Applications in any language, started and stopped by the kit: here in Python, with nothing of the kit in them."""

from __future__ import annotations

import contextlib
import json
import os
import re
import signal
import subprocess
import sys
import textwrap
from collections.abc import Callable
from pathlib import Path

import psutil
import pytest
import requests

from realtime_kit import Backend, serving, sse_events
from realtime_kit.errors import OriginError, UsageError
from realtime_kit.origin import backend as backend_module

pytestmark = pytest.mark.live

SERVER = """
import os, sys, urllib.request
from http.server import BaseHTTPRequestHandler, HTTPServer

class Handler(BaseHTTPRequestHandler):
    def do_GET(self):
        self.send_response(200)
        if self.path == "/stream":
            self.send_header("Grip-Hold", "stream")
            self.send_header("Grip-Channel", "news")
        self.send_header("Content-Type", "text/event-stream")
        self.end_headers()
        self.wfile.write(f"data: {os.getcwd()} {os.environ['GREETING']}\\n\\n".encode())

    def do_POST(self):
        item = b'{"items":[{"channel":"news","formats":{"http-stream":{"content":"data: told\\\\n\\\\n"}}}]}'
        urllib.request.urlopen(os.environ["GRIP_URL"] + "/publish/", item).read()
        self.send_response(204)
        self.end_headers()

    def do_DELETE(self):
        os._exit(3)

print("to standard output", flush=True)
print("to standard error", file=sys.stderr, flush=True)
HTTPServer(("127.0.0.1", int(os.environ["PORT"])), Handler).serve_forever()
"""


def server(folder: Path, source: str = SERVER) -> Backend:
    (folder / "server.py").write_text(source)
    return Backend((sys.executable, "server.py"), folder, environ={"GREETING": "hello"})


@pytest.mark.usefixtures("nothing_left_behind")
@pytest.mark.parametrize("x_ray", [False, True])
def test_it_is_told_where_to_listen_and_where_to_publish(x_ray: bool, tmp_path: Path) -> None:
    with serving(server(tmp_path), x_ray=x_ray) as site:
        events = sse_events(site.url / "stream")
        assert next(events).data == f"{tmp_path} hello"
        requests.post(str(site.url / "news"), timeout=5)
        assert next(events).data == "told"
        events.close()


@pytest.mark.usefixtures("nothing_left_behind")
def test_it_can_be_taken_down_and_brought_back_while_clients_stay(tmp_path: Path) -> None:
    with serving(server(tmp_path)) as site:
        events, port = sse_events(site.url / "stream"), site.origin_port
        next(events)
        site.stop_origin()
        assert requests.get(str(site.url / "stream"), timeout=5).status_code == 502
        site.start_origin()
        requests.post(str(site.url / "news"), timeout=5)
        assert (next(events).data, site.origin_port) == ("told", port)
        events.close()


def test_only_what_it_writes_to_standard_error_is_shown(tmp_path: Path) -> None:
    shown: list[str] = []
    with serving(server(tmp_path), show_error=shown.append) as site:
        requests.get(str(site.url / "news"), timeout=5)
    assert shown[0] == "to standard error\n"
    assert "to standard output" not in "".join(shown)


def test_one_that_ends_by_itself_is_told_with_its_last_words(
    tmp_path: Path, eventually: Callable[[Callable[[], bool], str], None]
) -> None:
    shown: list[str] = []
    with serving(server(tmp_path), show_error=shown.append) as site:
        assert requests.delete(str(site.url / "news"), timeout=5).status_code == 502
        eventually(lambda: any("has ended by itself: " in line for line in shown), "nothing was told")
        assert "to standard error" in shown[-1]
        assert requests.get(str(site.url / "news"), timeout=5).status_code == 502


@pytest.mark.usefixtures("nothing_left_behind")
@pytest.mark.parametrize(
    ("source", "said"),
    [
        ("1 / 0", r"has ended at once: (.|\n)*ZeroDivisionError"),
        ("", "has ended at once: it said nothing"),
        (
            "import time; time.sleep(60)",
            r"does not listen on port \d+ of 127.0.0.1 after 0.5 s, as the variable PORT",
        ),
    ],
)
def test_one_that_does_not_come_up_is_told_with_the_reason(
    source: str, said: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(backend_module, "START_TIMEOUT_S", 0.5 if "sleep" in source else 20)
    with pytest.raises(OriginError, match=said):
        serving(server(tmp_path, source), show_error=lambda _: None).start()


def test_a_port_that_is_taken_is_told_with_its_owner(tmp_path: Path) -> None:
    with (
        serving(server(tmp_path)) as site,
        pytest.raises(
            OriginError, match=rf"cannot listen: port {site.origin_port} cannot be used: belongs to "
        ),
    ):
        serving(server(tmp_path), origin_port=site.origin_port).start()


def test_a_program_that_is_not_there_is_named() -> None:
    with pytest.raises(OriginError, match="cobol cannot be started: there is no program cobol"):
        serving(Backend(("cobol", "server.cob"))).start()


def test_a_backend_has_a_command_and_a_folder() -> None:
    with pytest.raises(
        UsageError, match=r"command is 'node server.js': it has to be a program and its arguments"
    ):
        Backend("node server.js")  # type: ignore[arg-type]  # that is the mistake
    with pytest.raises(UsageError, match="folder is /no/such/folder: there is no such folder"):
        Backend(("node",), Path("/no/such/folder"))


@pytest.mark.usefixtures("nothing_left_behind")
@pytest.mark.parametrize("victim", ["owner", "supervisor"])
def test_it_ends_with_its_owner_and_with_its_supervisor(
    victim: str, tmp_path: Path, eventually: Callable[[Callable[[], bool], str], None]
) -> None:
    server(tmp_path)
    script = f"""
        import sys
        from realtime_kit import Backend, serving
        site = serving(Backend((sys.executable, "server.py"), {str(tmp_path)!r}, environ={{"GREETING": ""}})).start()
        print(site.origin_port, flush=True)
        sys.stdin.read()
    """
    command = [sys.executable, "-c", textwrap.dedent(script)]
    with subprocess.Popen(command, stdin=-1, stdout=-1, stderr=subprocess.DEVNULL, text=True) as owner:
        assert owner.stdout
        assert re.fullmatch(r"\d+\n", owner.stdout.readline())
        below = psutil.Process(owner.pid).children(recursive=True)
        backend = next(process for process in below if process.cmdline()[-1:] == ["server.py"])
        folder = Path(json.loads(psutil.Process(backend.ppid()).cmdline()[-1])["folder"])
        os.kill(owner.pid if victim == "owner" else backend.ppid(), signal.SIGKILL)
        eventually(lambda: not alive(backend), "it goes on")
        eventually(lambda: not folder.exists(), "its folder stays")
        owner.kill()


@pytest.mark.usefixtures("nothing_left_behind")
def test_its_folder_is_swept_by_the_next_start_when_owner_and_supervisor_were_killed(
    tmp_path: Path, eventually: Callable[[Callable[[], bool], str], None]
) -> None:
    server(tmp_path)
    script = f"""
        import sys
        from realtime_kit import Backend, serving
        site = serving(Backend((sys.executable, "server.py"), {str(tmp_path)!r}, environ={{"GREETING": ""}})).start()
        print(flush=True)
        sys.stdin.read()
    """
    command = [sys.executable, "-c", textwrap.dedent(script)]
    before = set(Path("/tmp").glob("rk-*"))
    with subprocess.Popen(command, stdin=-1, stdout=-1, stderr=subprocess.DEVNULL, text=True) as owner:
        assert owner.stdout
        owner.stdout.readline()
        below = psutil.Process(owner.pid).children()
        owner.send_signal(signal.SIGSTOP)
        for supervisor in below:
            supervisor.kill()
        owner.kill()
    left = set(Path("/tmp").glob("rk-*")) - before
    assert left
    eventually(lambda: not any(map(alive, below)), f"still there: {below}")

    with serving(server(tmp_path)):
        assert not any(folder.exists() for folder in left)


def alive(process: psutil.Process) -> bool:
    """Nobody may be there to bury an orphan."""
    with contextlib.suppress(psutil.Error):
        return process.is_running() and process.status() != psutil.STATUS_ZOMBIE
    return False
