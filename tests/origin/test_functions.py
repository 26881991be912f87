"""A process for each request: what it is told, what it may answer, and what becomes of one that does not."""

import asyncio
import textwrap
from pathlib import Path

import aiohttp
import psutil
import pytest

from realtime_kit.origin import OriginServer
from realtime_kit.origin.functions import FunctionHost

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
