"""The library in a script: an application of one's own behind a Pushpin of one's own."""

from __future__ import annotations

import asyncio
import contextlib
import os
import re
import signal
import subprocess
import sys
import textwrap
import threading
from pathlib import Path

import psutil
import pytest
import requests
from aiohttp import ClientSession, web

from realtime_kit import StreamingClient, background, cell, grip, serving, sse_events
from realtime_kit.errors import OriginError, PublishError, PushpinStopped, UsageError
from realtime_kit.lab import Site
from realtime_kit.lab.serve import serve_lesson
from realtime_kit.origin import LESSONS
from realtime_kit.publisher import HttpPublisher
from realtime_kit.pushpin import State
from realtime_kit.pushpin.instance import Instance

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
        (
            "no_such_module:app",
            "the origin no_such_module:app cannot be imported: No module named 'no_such_module'",
        ),
        ("json:no_such_name", "the origin json:no_such_name cannot be imported: module 'json' has no"),
        (
            "json:JSONDecodeError.__doc__",
            "the origin json:JSONDecodeError.__doc__ cannot be imported: module",
        ),
        ("os:sep", "os:sep is a str: it has to be a web.Application or a web.RouteTableDef"),
        ("no_colon", "the origin is 'no_colon': it has to be module:attribute, such as my_app:app"),
    ],
)
def test_a_module_that_cannot_be_served_is_named_once_with_the_reason(target: str, said: str) -> None:
    with pytest.raises(OriginError) as raised:
        serving(target).start()
    assert str(raised.value).startswith(said)
    assert str(raised.value).count(target) == 1


def test_a_module_that_raises_shows_its_traceback(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "broken_app.py").write_text("1 / 0\n")
    monkeypatch.chdir(tmp_path)
    with pytest.raises(OriginError, match=r"^the origin broken_app:app: Traceback(.|\n)*ZeroDivisionError"):
        serving("broken_app:app").start()


def test_a_port_that_a_process_of_its_own_cannot_have_is_named_once() -> None:
    with serving(web.RouteTableDef()) as site:
        said = f"^the origin cannot listen on port {site.origin_port}: Address already in use"
        with pytest.raises(OriginError, match=said):
            Site("aiohttp.web:Application", origin_port=site.origin_port).start()


become_ready = Instance.become_ready


async def interrupted_at_the_end(instance: Instance) -> None:
    await become_ready(instance)
    signal.pthread_kill(threading.main_thread().ident or 0, signal.SIGINT)


@pytest.mark.usefixtures("nothing_left_behind")
def test_an_interrupt_when_a_site_is_up_but_not_yet_handed_over_leaves_nothing(
    routes: web.RouteTableDef, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(Instance, "become_ready", interrupted_at_the_end)
    site = Site(routes)
    with pytest.raises(KeyboardInterrupt):
        site.start()
    with pytest.raises(UsageError, match="is not up"):
        _ = site.pushpin


@pytest.mark.usefixtures("nothing_left_behind")
@pytest.mark.parametrize(
    ("kind", "end"),
    [
        ("routes", "sys.exit()"),
        ("routes", "os._exit(0)"),
        ("routes", "site.stop()"),
        ("routes", "site.start().stop()"),
        ("'served_app:routes'", "site.stop()"),
    ],
)
def test_a_fork_that_ends_or_stops_a_site_leaves_the_parents_running(
    kind: str, end: str, tmp_path: Path
) -> None:
    (tmp_path / "served_app.py").write_text(
        "from aiohttp import web\n"
        "routes = web.RouteTableDef()\n"
        "@routes.get('/hello')\n"
        "async def hello(request):\n"
        "    return web.Response(text='hello')\n"
    )
    script = f"""
        import os, sys
        import requests
        from served_app import routes
        from realtime_kit import serving

        with serving({kind}) as site:
            if os.fork() == 0:
                {end}
                sys.exit()
            os.wait()
            print(requests.get(str(site.url / "hello"), timeout=10).text)
    """
    environ = {**os.environ, "PYTHONPATH": str(tmp_path)}
    command = [sys.executable, "-W", "ignore::DeprecationWarning", "-c", textwrap.dedent(script)]
    done = subprocess.run(command, capture_output=True, text=True, env=environ, timeout=60)
    assert (done.stdout, done.stderr) == ("hello\n", "")


def test_serving_a_lesson_ends_when_its_pushpin_dies() -> None:
    def kill_a_service(_: str) -> None:
        for process in psutil.Process().children(recursive=True):
            if process.name() == "pushpin-handler":
                process.kill()

    with pytest.raises(PushpinStopped):
        asyncio.run(serve_lesson("streaming", 0, show=kill_a_service, show_failure=pytest.fail))


def test_an_event_that_pushpin_does_not_take_is_told_with_the_reason(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    async def refuse(publisher: HttpPublisher, encoded: list[bytes]) -> None:
        raise PublishError("it\nsays no")

    monkeypatch.setattr(HttpPublisher, "_send_batch", refuse)

    async def serve() -> str:
        invitation: asyncio.Future[str] = asyncio.get_running_loop().create_future()
        told: asyncio.Queue[str] = asyncio.Queue()
        serving_it = asyncio.create_task(
            serve_lesson("polling", 0, show=invitation.set_result, show_failure=told.put_nowait)
        )
        match = re.search(r"http\S+/events$", await invitation, re.MULTILINE)
        assert match
        async with ClientSession() as session, session.post(match[0], data=b"hello") as answer:
            assert await answer.json() == {"id": 4}
        line = await told.get()
        serving_it.cancel()
        await asyncio.wait([serving_it])
        assert serving_it.cancelled()
        assert told.empty()  # the calls to ask again are no events
        return line

    assert background.run(serve()) == "Pushpin did not accept event 4: it says no"


def test_an_invitation_names_the_lesson_and_no_notebook() -> None:
    async def first_line() -> str:
        invitation: asyncio.Future[str] = asyncio.get_running_loop().create_future()
        serving_it = asyncio.create_task(
            serve_lesson("1", 0, show=invitation.set_result, show_failure=pytest.fail)
        )
        text = await invitation
        serving_it.cancel()
        await asyncio.wait([serving_it])
        return text.splitlines()[0]

    assert background.run(first_line()).startswith(
        "The origin of polling behind a real Pushpin, at http://127."
    )


@pytest.mark.parametrize("name", [lesson.name for lesson in LESSONS])
def test_the_first_line_of_an_invitation_shows_what_has_happened(name: str) -> None:
    async def heard() -> bytes:
        invitation: asyncio.Future[str] = asyncio.get_running_loop().create_future()
        serving_it = asyncio.create_task(
            serve_lesson(name, 0, show=invitation.set_result, show_failure=pytest.fail)
        )
        line = re.search("curl .*", await invitation)
        assert line
        said = b""
        command = f"exec timeout 9 {line[0]}"
        curl = await asyncio.create_subprocess_shell(
            command, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL
        )
        assert curl.stdout
        while b"the third event" not in said and (more := await curl.stdout.read(4096)):
            said += more
        with contextlib.suppress(ProcessLookupError):
            curl.terminate()
        await curl.wait()
        serving_it.cancel()
        await asyncio.wait([serving_it])
        return said

    assert b"the third event" in background.run(heard())


def test_a_cell_that_is_run_again_replaces_the_site_that_it_had_started(
    routes: web.RouteTableDef, monkeypatch: pytest.MonkeyPatch, nothing_left_behind: str
) -> None:
    """What a cell runs: `site = serving(routes).start()`."""
    running = {"cell": "up", "run": "first"}
    monkeypatch.setattr(cell, "_current", lambda: (running["cell"], running["run"]))
    first, second = serving(routes), serving(routes)
    try:
        port = first.start().url.port
        running.update(cell="another", run="second")
        with serving(routes):
            assert first.pushpin.state is State.READY
        running.update(cell="up", run="third")
        second.start()
        assert repr(first) == "<Site, not up>"
        with pytest.raises(requests.ConnectionError):
            requests.get(f"http://127.0.0.1:{port}/news", timeout=5)
        running.update(run="fourth")
        assert second.start().pushpin.state is State.READY
    finally:
        first.stop()
        second.stop()
    assert not cell._made
