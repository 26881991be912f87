"""Lambda's Runtime API, with AWS's own client on its other side: what a function is told, and what becomes of one."""

import asyncio
import contextlib
import json
import os
import textwrap
from pathlib import Path

import aiohttp
import psutil
import pytest

from realtime_kit.origin import OriginServer
from realtime_kit.origin.runtime_api import RuntimeApi
from realtime_kit.pushpin.ports import free_port

ECHO = """
import base64, json, os
def handler(event, context):
    told = {key: event[key] for key in ("version", "rawPath", "rawQueryString")}
    told["method"] = event["requestContext"]["http"]["method"]
    told["name"] = event["headers"]["x-name"]
    told["body"] = base64.b64decode(event["body"]).decode()
    told["pid"] = os.getpid()
    told["left_s"] = context.get_remaining_time_in_millis() / 1000
    return {"statusCode": 201, "headers": {"X-Who": "Ada"}, "body": json.dumps(told)}
"""


@contextlib.asynccontextmanager
async def running(source, folder, monkeypatch, **options):
    """A function behind the API; gives what asks it, and the API."""
    (folder / "function.py").write_text(textwrap.dedent(source))
    monkeypatch.chdir(folder)
    api = RuntimeApi("function.handler", free_port(), **options)

    async def ask(query="", body=b"body"):
        address = f"http://127.0.0.1:{api.port}/chat{query}"
        async with session.post(address, data=body, headers={"X-Name": "Ben"}) as answer:
            return answer.status, answer.headers, await answer.text()

    async with OriginServer(api.app(), port=api.port), aiohttp.ClientSession() as session:
        yield ask, api
    commands = [each.cmdline() for each in psutil.Process().children(recursive=True)]
    assert not [command for command in commands if "awslambdaric" in command]


def asked(source, folder, monkeypatch, times=1, **options):
    async def main():
        async with running(source, folder, monkeypatch, **options) as (ask, _):
            return [await ask() for _ in range(times)]

    return asyncio.run(main())


def test_it_is_told_the_request_in_format_2_0_and_how_much_time_is_left(tmp_path, monkeypatch):
    async def main():
        async with running(ECHO, tmp_path, monkeypatch, timeout_s=30.0) as (ask, _):
            return await ask("?name=Ad%20a&x=", "grüße".encode())

    status, headers, text = asyncio.run(main())
    told = json.loads(text)
    assert (status, headers["X-Who"]) == (201, "Ada")
    assert 0 < told.pop("left_s") <= 30
    del told["pid"]
    assert told == {
        "version": "2.0",
        "rawPath": "/chat",
        "rawQueryString": "name=Ad%20a&x=",
        "method": "POST",
        "name": "Ben",
        "body": "grüße",
    }


def test_a_body_of_bytes_comes_as_base64(tmp_path, monkeypatch):
    source = """
        import base64
        def handler(event, context):
            body = base64.b64encode(b"a\\xc3\\xbc").decode()
            return {"statusCode": 200, "body": body, "isBase64Encoded": True}
    """
    [(status, _, text)] = asked(source, tmp_path, monkeypatch)
    assert (status, text) == (200, "aü")


def test_it_is_started_with_the_first_request_and_stays(tmp_path, monkeypatch):
    async def main():
        async with running(ECHO, tmp_path, monkeypatch) as (ask, api):
            before = api._process
            answers = [await ask() for _ in range(3)]
            return before, {json.loads(text)["pid"] for _, _, text in answers}

    before, pids = asyncio.run(main())
    assert before is None
    assert len(pids) == 1
    assert os.getpid() not in pids


def test_an_instance_takes_one_request_at_a_time(tmp_path, monkeypatch):
    source = """
        import os, time
        def handler(event, context):
            os.mkdir("busy")      # fails if somebody else is in here
            time.sleep(0.02)
            os.rmdir("busy")
            return {"statusCode": 200, "body": "alone"}
    """

    async def main():
        async with running(source, tmp_path, monkeypatch) as (ask, _):
            return await asyncio.gather(*(ask() for _ in range(5)))

    assert {(status, text) for status, _, text in asyncio.run(main())} == {(200, "alone")}


@pytest.mark.parametrize(
    ("source", "said"),
    [
        ("def handler(event, context): raise ValueError('no such room')", "has failed: no such room"),
        ("1 / 0", "has failed: division by zero"),
        ("import os\ndef handler(*_): os._exit(3)", "has failed: its process has ended with 3"),
        (
            "def handler(event, context): return {'body': 'no status'}",
            "has given no proper answer: 'statusCode'",
        ),
        ("def handler(event, context): return 'text'", "has given no proper answer: 'str' object"),
        ("def handler(event, context): return None", "has given no proper answer: 'NoneType' object"),
        (
            "def handler(*_): return {'statusCode': 200, 'body': None}",
            "has given no proper answer: 'NoneType'",
        ),
        ("def handler(*_): return {'statusCode': 'well'}", "has given no proper answer: invalid literal"),
        (
            "def handler(*_): return {'statusCode': 200, 'headers': 'x'}",
            "has given no proper answer: 'str' object",
        ),
        ("def other(event, context): return 1", "has failed: "),
    ],
)
def test_one_that_fails_is_a_500_that_says_why_and_the_traceback_is_on_standard_error(
    source, said, tmp_path, monkeypatch, capfd
):
    [(status, _, text)] = asked(source, tmp_path, monkeypatch)
    assert (status, said in text) == (500, True)
    shown = capfd.readouterr().err
    assert said in shown
    if "raise" in source:
        assert "function.py" in shown


def test_headers_that_are_none_or_numbers_are_an_answer(tmp_path, monkeypatch):
    source = """
        def handler(event, context):
            headers = {"X-Count": 3} if event["rawQueryString"] else None
            return {"statusCode": 200, "headers": headers}
    """

    async def main():
        async with running(source, tmp_path, monkeypatch) as (ask, _):
            return await ask(), await ask("?x")

    (first, _, _), (second, headers, _) = asyncio.run(main())
    assert (first, second, headers["X-Count"]) == (200, 200, "3")


def test_after_an_end_the_next_request_starts_it_anew(tmp_path, monkeypatch):
    source = """
        import os
        def handler(event, context):
            if not os.path.exists("once"):
                open("once", "w").close()
                os._exit(1)
            return {"statusCode": 200, "body": "well"}
    """
    answers = asked(source, tmp_path, monkeypatch, times=2)
    assert [(status, text) for status, _, text in answers][1] == (200, "well")
    assert answers[0][0] == 500


def test_one_that_takes_too_long_is_killed_and_the_next_request_is_answered(tmp_path, monkeypatch):
    source = """
        import os, time
        def handler(event, context):
            if not os.path.exists("once"):
                open("once", "w").write(str(os.getpid()))
                time.sleep(60)
            return {"statusCode": 200, "body": "well"}
    """
    first, second = asked(source, tmp_path, monkeypatch, times=2, timeout_s=2.0)
    assert (first[0], "function.handler was killed: no answer after 2 s" in first[2]) == (504, True)
    assert not psutil.pid_exists(int(Path(tmp_path / "once").read_text()))
    assert (second[0], second[2]) == (200, "well")
