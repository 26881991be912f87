"""The library in a script: an application of one's own behind a Pushpin of one's own."""

from __future__ import annotations

import asyncio
import os
import threading
from pathlib import Path

import psutil
import pytest
import requests
from aiohttp import web

from realtime_kit import StreamingClient, grip, serving, sse_events
from realtime_kit.errors import OriginError, PushpinStopped, UsageError
from realtime_kit.lab import Site
from realtime_kit.lab.serve import serve_lesson

pytestmark = pytest.mark.live


@pytest.fixture
def routes() -> web.RouteTableDef:
    table = web.RouteTableDef()

    @table.get("/news")
    async def news(request: web.Request) -> web.Response:
        return grip.hold_stream("news", body=b"data: welcome\n\n")

    @table.get("/broken")
    async def broken(request: web.Request) -> web.Response:
        raise ZeroDivisionError("one over none")

    @table.get("/wrong")
    async def wrong(request: web.Request) -> web.Response:
        return web.Response(headers={"Grip-Hold": "sometimes", "Grip-Channel": "news"})

    return table


def test_a_script_of_ten_lines_publishes_and_receives(routes: web.RouteTableDef) -> None:
    with serving(routes) as site:
        events = sse_events(site.url / "news")
        assert next(events).data == "welcome"
        site.publish("news", "hello")
        assert next(events).data == "hello"
        events.close()


def test_the_same_works_in_a_coroutine(routes: web.RouteTableDef) -> None:
    async def script() -> list[str]:
        heard = []
        async with serving(routes) as site, StreamingClient(site.url / "news") as client:
            async for receipt in client:
                heard.append(receipt.event.data)
                if len(heard) == 2:
                    break
                await site.apublish("news", "hello")
        return heard

    assert asyncio.run(script()) == ["welcome", "hello"]


def test_a_handler_that_raises_answers_500_and_shows_its_traceback(routes: web.RouteTableDef) -> None:
    shown: list[str] = []
    with serving(routes, show_error=shown.append) as site:
        answer = requests.get(str(site.url / "broken"), timeout=5)
    assert answer.status_code == 500
    assert "ZeroDivisionError: one over none" in answer.text
    assert "Traceback" in shown[0]


def test_a_wrong_grip_header_brings_pushpins_own_reason(routes: web.RouteTableDef) -> None:
    with serving(routes) as site:
        answer = requests.get(str(site.url / "wrong"), timeout=5)
    assert answer.status_code == 502
    assert "Grip-Hold must be set to either 'response' or 'stream'" in answer.text


def test_a_site_that_is_not_up_says_how_to_bring_it_up(routes: web.RouteTableDef) -> None:
    site = serving(routes)
    with pytest.raises(UsageError, match="use it in a `with` block"):
        site.publish("news", "too early")


def test_a_site_can_be_brought_up_again_and_leaves_no_thread(routes: web.RouteTableDef) -> None:
    before = threading.active_count()
    site = Site(routes)
    for _ in range(2):
        with site:
            assert requests.get(str(site.url / "broken"), timeout=5).status_code == 500
    assert threading.active_count() == before


def test_an_origin_port_in_use_is_named() -> None:
    with serving(web.RouteTableDef()) as site, pytest.raises(OriginError, match=str(site.origin_port)):
        Site(web.RouteTableDef(), origin_port=site.origin_port).start()


def test_a_module_is_served_by_a_process_of_its_own(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "my_app.py").write_text(
        "import os\n"
        "from aiohttp import web\n"
        "def make():\n"
        "    async def pid(request):\n"
        "        return web.Response(text=str(os.getpid()))\n"
        "    app = web.Application()\n"
        "    app.router.add_get('/pid', pid)\n"
        "    return app\n"
    )
    monkeypatch.chdir(tmp_path)
    with serving("my_app:make") as site:
        pid = int(requests.get(str(site.url / "pid"), timeout=5).text)
        assert psutil.Process(pid).ppid() == os.getpid()
    assert not psutil.pid_exists(pid)


@pytest.mark.parametrize(
    ("target", "said"),
    [
        ("no_such_module:app", "cannot be imported: No module named 'no_such_module'"),
        ("json:no_such_name", "cannot be imported"),
        ("json:JSONDecodeError.__doc__", "cannot be imported"),
        ("os:sep", "os:sep is a str: it has to be a web.Application"),
        ("my_app", "has to be module:attribute"),
    ],
)
def test_a_module_that_cannot_be_served_is_explained(target: str, said: str) -> None:
    with pytest.raises(OriginError, match=said):
        serving(target).start()


def test_serving_a_lesson_ends_when_its_pushpin_dies() -> None:
    def kill_a_service(_: str) -> None:
        for process in psutil.Process().children(recursive=True):
            if process.name() == "pushpin-handler":
                process.kill()

    with pytest.raises(PushpinStopped):
        asyncio.run(serve_lesson("streaming", 0, show=kill_a_service))
