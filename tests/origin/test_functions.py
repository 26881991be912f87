"""A process for each request: what it is told, what it may answer, and what becomes of one that does not."""

import asyncio
import contextlib
import os
import signal
import socket
import subprocess
import sys
import textwrap
import time
from pathlib import Path

import aiohttp
import psutil
import pytest

from realtime_kit.origin import OriginServer
from realtime_kit.origin.functions import FunctionHost
from realtime_kit.pushpin.ports import free_port

ANSWER = """
import json, os, sys
head = json.loads(sys.argv[sys.argv.index("-e") + 1])["input"]
told = {"type": "writeHead", "payload": {"code": 201, "headers": {"X-Method": head["method"]}}}
os.write(3, json.dumps(told).encode() + b"\\n")
sys.stdout.write(head["url"] + " " + sys.stdin.read())
"""


async def ask(source: str, folder: Path, times: int = 1, **options):
    file = folder / "function.py"
    file.write_text(textwrap.dedent(source))
    host = FunctionHost(file, **options)

    async def one(session, port):
        async with session.post(f"http://127.0.0.1:{port}/a?b=c", data=b"body") as answer:
            return answer.status, answer.headers.get("X-Method"), await answer.text()

    async with OriginServer(host.app()) as server, aiohttp.ClientSession() as session:
        answers = await asyncio.gather(*(one(session, server.port) for _ in range(times)))
    assert not [each for each in psutil.Process().children(recursive=True) if str(file) in each.cmdline()]
    return answers


def test_it_is_told_the_request_and_gives_status_headers_and_body(tmp_path):
    assert asyncio.run(ask(ANSWER, tmp_path)) == [(201, "POST", "/a?b=c body")]


def test_more_requests_than_places_are_all_answered(tmp_path):
    assert asyncio.run(ask(ANSWER, tmp_path, 5, max_processes=2)) == [(201, "POST", "/a?b=c body")] * 5


@pytest.mark.parametrize(
    ("source", "status", "said"),
    [
        ("1 / 0", 500, "function.py has ended with 1"),
        ("import os; os.kill(os.getpid(), 9)", 500, "function.py has ended with -9"),
        ("import os; os.write(3, b'nonsense')", 500, "function.py has given no proper answer"),
        ("import time; time.sleep(60)", 504, "function.py was killed: no answer after 1 s"),
    ],
)
def test_one_that_fails_is_an_error_that_says_why(source, status, said, tmp_path, capfd):
    [(code, _, text)] = asyncio.run(ask(source, tmp_path, timeout_s=1.0))
    assert (code, said in text) == (status, True)
    assert said in capfd.readouterr().err


@pytest.mark.skipif(sys.platform != "linux", reason="elsewhere the kernel does not tell it")
@pytest.mark.parametrize("number", [signal.SIGKILL, signal.SIGTERM])
def test_a_host_that_ends_takes_a_function_that_runs_along(number, tmp_path):
    file, running = tmp_path / "function.py", tmp_path / "running"
    file.write_text(
        "import os, pathlib, time\n"
        "pathlib.Path('new').write_text(str(os.getpid()))\n"
        "os.rename('new', 'running')\n"
        "time.sleep(60)\n"
    )
    port = free_port()
    command = [sys.executable, "-m", "realtime_kit.origin.functions", str(file)]
    with subprocess.Popen(command, env={**os.environ, "PORT": str(port)}) as host:
        with connected(port) as client:
            client.sendall(b"GET / HTTP/1.1\r\nHost: here\r\n\r\n")
            until(running.exists)
            function = psutil.Process(int(running.read_text()))

            host.send_signal(number)

            with contextlib.suppress(ConnectionError):
                assert client.recv(1000) == b""  # it is told at once, instead of waiting for ever
        until(lambda: not alive(function))


def connected(port):
    found = []

    def try_it():
        with contextlib.suppress(ConnectionRefusedError):
            found.append(socket.create_connection(("127.0.0.1", port), timeout=10))
        return found

    until(try_it)
    return found[0]


def until(condition):
    deadline = time.monotonic() + 20
    while not condition():
        assert time.monotonic() < deadline
        time.sleep(0.01)


def alive(process):
    with contextlib.suppress(psutil.Error):
        return process.is_running() and process.status() != psutil.STATUS_ZOMBIE
    return False
