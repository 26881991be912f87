"""The chat as a function, on three platforms: the same code, the same chat, and nothing left of any."""

from __future__ import annotations

import contextlib
import os
import shutil
import signal
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import psutil
import pytest
import requests
import websocket

from realtime_kit import Backend, Site, serving
from realtime_kit.origin.platforms import function_platforms

pytestmark = pytest.mark.live

FOLDER = Path(__file__).parents[2] / "notebooks/backends/serverless"
PLATFORMS = ["Lambda runtime", "functions-framework", "process per request"]


def enter(site: Site, name: str) -> contextlib.closing[websocket.WebSocket]:
    address = f"ws://{site.url.authority}/chat?name={name}"
    return contextlib.closing(websocket.create_connection(address, timeout=20))


def with_chat(folder: Path, chat: str, name: str, *more: str) -> Backend:
    shutil.copytree(FOLDER, folder, dirs_exist_ok=True)
    (folder / "chat.py").write_text(chat)
    found = function_platforms(folder)[name]
    return Backend((*found.command, *more), folder, name=name)


@pytest.mark.usefixtures("nothing_left_behind")
@pytest.mark.parametrize("name", PLATFORMS)
def test_two_people_talk_and_the_count_comes_back(name: str) -> None:
    with (
        serving(function_platforms(FOLDER)[name]) as site,
        enter(site, "Ada") as ada,
        enter(site, "Ben") as ben,
    ):
        for number in (1, 2):
            ada.send("grüße")
            assert ada.recv() == ben.recv() == f"Ada ({number}): grüße"


@pytest.mark.usefixtures("nothing_left_behind")
@pytest.mark.parametrize("name", PLATFORMS)
def test_a_crash_is_a_500_and_the_next_request_is_answered(name: str, tmp_path: Path) -> None:
    chat = (
        "def answer(query, headers, body):\n"
        "    if query: raise ValueError('broken')\n"
        "    return 200, {}, b'well'\n"
    )
    shown: list[str] = []
    with serving(with_chat(tmp_path, chat, name), show_error=shown.append) as site:
        assert requests.get(f"{site.url}?a=1", timeout=15).status_code == 500
        assert requests.get(str(site.url), timeout=15).text == "well"
    assert "broken" in "".join(shown)


@pytest.mark.usefixtures("nothing_left_behind")
@pytest.mark.parametrize("name", ["process per request", "Lambda runtime"])
def test_one_that_takes_too_long_is_killed(name: str, tmp_path: Path) -> None:
    chat = "import time\ndef answer(*_):\n    time.sleep(60)\n"
    backend = with_chat(tmp_path, chat, name, "--timeout", "1.5")
    with serving(backend, show_error=lambda _: None) as site:
        assert requests.get(str(site.url), timeout=15).status_code == 504


@pytest.mark.usefixtures("nothing_left_behind")
@pytest.mark.parametrize("name", PLATFORMS)
def test_killed_while_a_function_runs_the_host_takes_it_along_and_the_client_is_told(
    name: str, tmp_path: Path, eventually: Callable[[Callable[[], bool], str], None]
) -> None:
    chat = (
        "import os, pathlib, time\n"
        "def answer(query, headers, body):\n"
        "    if not query: return 200, {}, b'well'\n"
        "    pathlib.Path('running').write_text(str(os.getpid()))\n"
        "    time.sleep(60)\n"
    )
    shown: list[str] = []
    with (
        serving(with_chat(tmp_path, chat, name), show_error=shown.append) as site,
        ThreadPoolExecutor(1) as threads,
    ):
        asking = threads.submit(requests.get, f"{site.url}?a=1", timeout=30)
        eventually(lambda: bool(read(tmp_path / "running")), "the function was not started")
        function = psutil.Process(int(read(tmp_path / "running")))
        kill_host(tmp_path, name)

        answer = asking.result()
        assert (answer.status_code, "origin" in answer.text) == (502, True)
        eventually(lambda: not alive(function), "the function goes on")
        eventually(lambda: f"{name} has ended by itself" in "".join(shown), "nothing was shown")
        site.stop_origin()
        site.start_origin()
        assert requests.get(str(site.url), timeout=15).text == "well"


@pytest.mark.parametrize("name", PLATFORMS)
def test_a_host_that_is_killed_leaves_nothing(
    name: str, eventually: Callable[[Callable[[], bool], str], None]
) -> None:
    with serving(function_platforms(FOLDER)[name], show_error=lambda _: None) as site:
        with enter(site, "Ada") as ada:
            ada.send("hello")
            ada.recv()
        backend = [
            each
            for each in psutil.Process().children(recursive=True)
            if any(
                word in " ".join(each.cmdline())
                for word in (str(FOLDER), "process.py", "google_", "lambda_f")
            )
        ]
        assert backend
        host = next(each for each in backend if "supervisor" not in " ".join(each.cmdline()))
        os.kill(host.pid, signal.SIGKILL)
        eventually(lambda: not any(map(alive, backend)), f"still there: {backend}")


def alive(process: psutil.Process) -> bool:
    with contextlib.suppress(psutil.Error):
        return process.is_running() and process.status() != psutil.STATUS_ZOMBIE
    return False


def read(file: Path) -> str:
    with contextlib.suppress(FileNotFoundError):
        return file.read_text()
    return ""


def kill_host(folder: Path, name: str) -> None:
    """Kill the platform itself, the process that its supervisor has started."""
    command = list(function_platforms(folder)[name].command)[:3]
    everything = psutil.Process().children(recursive=True)
    next(each for each in everything if each.cmdline()[:3] == command).kill()
