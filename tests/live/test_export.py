"""An exported prototype, run as its README says: by nothing but the lines in it."""

from __future__ import annotations

import contextlib
import os
import random
import re
import shutil
import signal
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from realtime_kit import cli
from realtime_kit.origin import LESSONS

pytestmark = pytest.mark.live

DEADLINE_S = 20.0


@pytest.mark.usefixtures("nothing_left_behind")
@pytest.mark.parametrize("name", [lesson.name for lesson in LESSONS])
def test_a_prototype_does_what_its_readme_says(name: str, tmp_path: Path) -> None:
    assert cli.run(["export", name, str(tmp_path), "--port", str(three_free_ports())]) == 0
    install, app, pushpin, _docker, listen, happen = blocks(tmp_path / "README.md")
    shell(tmp_path, install)

    with run_folder(tmp_path), running(tmp_path, app), running(tmp_path, pushpin):
        first, *_, last = [*listen.splitlines(), *listen.splitlines()[-1:]]
        until_heard(tmp_path, first, "the third event")
        heard = threading.Thread(target=until_heard, args=(tmp_path, last, "hello"))
        heard.start()
        assert '"id": 4' in shell(tmp_path, happen)
        heard.join()

    assert (tmp_path / "events.jsonl").read_text().splitlines()[3:] == ['"hello"']


def blocks(readme: Path) -> list[str]:
    """The lines to type: install, application, Pushpin, Docker, listen, make something happen."""
    return [block.strip() for block in re.findall(r"```sh\n(.*?)```", readme.read_text(), re.DOTALL)]


def environ() -> dict[str, str]:
    """That of a terminal in which the virtual environment is active."""
    return {**os.environ, "PATH": f"{Path(sys.executable).parent}:{os.environ['PATH']}", "PIP_NO_INDEX": "1"}


def shell(folder: Path, lines: str) -> str:
    done = subprocess.run(
        ["sh", "-ec", lines], cwd=folder, env=environ(), capture_output=True, text=True, timeout=DEADLINE_S
    )
    assert done.returncode == 0, done.stderr
    return done.stdout


@contextlib.contextmanager
def running(folder: Path, line: str) -> Iterator[None]:
    """A line in a terminal of its own, and Ctrl-C at the end."""
    with (folder.parent / f"{folder.name}.log").open("a") as log:
        process = subprocess.Popen(
            ["sh", "-c", f"exec env {line}"],
            cwd=folder,
            env=environ(),
            stdout=log,
            stderr=log,
            start_new_session=True,
        )
    try:
        yield
        assert process.poll() is None, "it has ended by itself"
    finally:
        os.killpg(process.pid, signal.SIGINT)
        code = process.wait(DEADLINE_S)
    assert code == 0


@contextlib.contextmanager
def run_folder(folder: Path) -> Iterator[None]:
    """Pushpin by itself leaves the folder of its sockets behind."""
    found = re.search(r"^rundir=(/tmp/pushpin-\w+)$", (folder / "pushpin.conf").read_text(), re.MULTILINE)
    assert found
    try:
        yield
    finally:
        shutil.rmtree(found[1])


def until_heard(folder: Path, line: str, text: str) -> None:
    """Listen, again if that has ended, until a text comes. At first nobody answers, for things are still starting."""
    deadline = time.monotonic() + DEADLINE_S
    while time.monotonic() < deadline:
        if hears(folder, line, text):
            return
        time.sleep(0.05)
    pytest.fail(f"{line} has never said {text!r}")


def hears(folder: Path, line: str, text: str) -> bool:
    heard = b""
    command = ["sh", "-c", f"exec timeout 3 {line}"]
    with subprocess.Popen(command, cwd=folder, stdout=-1, stderr=subprocess.DEVNULL) as process:
        assert process.stdout
        while text.encode() not in heard and (more := os.read(process.stdout.fileno(), 4096)):
            heard += more
        process.terminate()
    return text.encode() in heard


def three_free_ports() -> int:
    """The first of three in a row that the system gives to no outgoing connection."""
    while True:
        first = random.SystemRandom().randrange(10_000, 30_000)
        with contextlib.suppress(OSError), contextlib.ExitStack() as stack:
            for port in range(first, first + 3):
                stack.enter_context(socket.create_server(("127.0.0.1", port)))
            return first
