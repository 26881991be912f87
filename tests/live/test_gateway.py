"""A real nginx before and behind a real Pushpin."""

from __future__ import annotations

import asyncio
import contextlib
import os
import signal
import socket
import subprocess
import sys
import textwrap
import threading
from collections.abc import Callable, Iterator
from pathlib import Path

import psutil
import pytest
import requests
import websocket
from aiohttp import web
from gripcontrol import HttpStreamFormat
from pubcontrol import Item

from realtime_kit import Site, grip, serving, sse_events
from realtime_kit.errors import GatewayError
from realtime_kit.gateway import Gateway, GatewayPolicy
from realtime_kit.gateway.process import GatewayProcess

pytestmark = [pytest.mark.live, pytest.mark.usefixtures("nothing_left_behind")]

Eventually = Callable[[Callable[[], bool], str], None]

END = Item([HttpStreamFormat(close=True)])


@pytest.fixture
def site() -> Iterator[Site]:
    routes = web.RouteTableDef()

    @routes.get("/stream")
    async def stream(request: web.Request) -> web.Response:
        return grip.hold_stream("news", body="data: welcome\n\n")

    @routes.get("/poll")
    async def poll(request: web.Request) -> web.Response:
        return grip.hold_response("news", body="nothing new", timeout_s=5)

    @routes.get("/plain")
    async def plain(request: web.Request) -> web.Response:
        return web.Response(text="plain")

    @routes.post("/echo")
    async def echo(request: web.Request) -> web.Response:
        ws = await grip.websocket(request)
        if ws.opening:
            ws.accept()
        for text in ws:
            ws.send(text)
        return ws.response()

    with serving(routes) as up:
        yield up


def get(gateway: Gateway, path: str, **headers: str) -> requests.Response:
    return requests.get(str(gateway.url / path), headers=headers, timeout=9)


def read_into(buffer: bytearray, connection: socket.socket) -> None:
    """Read until the other side closes."""
    while part := connection.recv(9999):
        buffer += part


def test_a_websocket_is_one_request_before_pushpin_and_one_for_each_event_behind(site: Site) -> None:
    with Gateway(site.url.port or 0) as front, Gateway(site.origin_port) as behind:
        site.pushpin.set_routes(behind.port)
        ws = websocket.create_connection(f"ws://{front.url.authority}/echo", timeout=9)
        for number in range(3):
            ws.send(str(number))
            assert ws.recv() == str(number)
        ws.close()

        assert [(seen.method, seen.status) for seen in behind.requests(5)] == [("POST", 200)] * 5
        assert [(seen.method, seen.status) for seen in front.requests(1)] == [("GET", 101)]


def test_a_held_stream_is_noted_behind_at_once_and_before_only_when_it_is_over(site: Site) -> None:
    with Gateway(site.url.port or 0) as front, Gateway(site.origin_port) as behind:
        site.pushpin.set_routes(behind.port)
        events = sse_events(front.url / "stream", reconnect=False)
        assert next(events).data == "welcome"
        site.publish("news", "hello")
        assert next(events).data == "hello"

        assert [seen.path for seen in behind.requests(1)] == ["/stream"]
        assert front.requests() == []

        site.publish("news", END)
        assert list(events) == []
        assert [seen.path for seen in front.requests(1)] == ["/stream"]


def test_who_has_no_key_or_another_one_does_not_pass(site: Site) -> None:
    with Gateway(site.url.port or 0, GatewayPolicy(keys={"ada": "k1"})) as gateway:
        assert [get(gateway, "plain").status_code, get(gateway, "plain", apikey="k2").status_code] == [
            401,
            401,
        ]
        assert get(gateway, "plain", apikey="k1").text == "plain"
        assert [seen.consumer for seen in gateway.requests(3)] == ["", "", "ada"]


def test_a_key_is_that_key_to_the_letter_and_never_a_word_of_nginxs_own(site: Site) -> None:
    words = ("default", "include", "hostnames", "volatile", "Key-1_a")
    policy = GatewayPolicy(keys={f"who-has-{word}": word for word in words})
    with Gateway(site.url.port or 0, policy) as gateway:
        statuses = [get(gateway, "plain", apikey=word).status_code for word in words]
        others = [
            get(gateway, "plain", apikey=key).status_code
            for key in ("key-1_a", "DEFAULT", "Key-1_ab", "xKey-1_a")
        ]
        assert statuses == [200] * len(words)
        assert others == [401] * 4
        assert [seen.consumer for seen in gateway.requests(9)][:5] == [f"who-has-{word}" for word in words]


def test_what_is_above_the_limit_gets_a_429(site: Site) -> None:
    shown: list[str] = []
    policy = GatewayPolicy(requests_per_second=1, burst=1)
    with Gateway(site.url.port or 0, policy, show_error=shown.append) as gateway:
        answers = [get(gateway, "plain") for _ in range(10)]

        assert answers[0].status_code == 200
        assert "limit (requests a second: 1)" in next(a.text for a in answers if a.status_code == 429)


def test_buffered_in_http_1_0_a_stream_arrives_when_it_ends(site: Site, eventually: Eventually) -> None:
    policy = GatewayPolicy(buffering=True, http_version="1.0")
    with (
        Gateway(site.url.port or 0, policy) as gateway,
        socket.create_connection(("127.0.0.1", gateway.port)) as raw,
    ):
        raw.settimeout(1)
        raw.sendall(b"GET /stream HTTP/1.1\r\nHost: here\r\nConnection: close\r\n\r\n")
        eventually(lambda: site.pushpin.statistics.subscribers("news") == 1, "nobody subscribed")
        before = bytearray()
        with pytest.raises(TimeoutError):
            read_into(before, raw)
        assert b"welcome" not in before

        site.publish("news", END)
        after = bytearray()
        read_into(after, raw)
        assert b"welcome" in after


def test_a_held_request_that_is_timed_out_is_explained(site: Site, eventually: Eventually) -> None:
    shown: list[str] = []
    policy = GatewayPolicy(read_timeout_s=0.2)
    with Gateway(site.url.port or 0, policy, show_error=shown.append) as gateway:
        answer = get(gateway, "poll")

        assert answer.status_code == 504
        assert "A held request is silent" in answer.text
        eventually(lambda: "upstream timed out" in "".join(shown), "nothing was shown")


def test_nobody_behind_it_is_a_502_that_says_so(site: Site) -> None:
    with Gateway(site.origin_port, show_error=lambda _: None) as gateway:
        site.stop_origin()
        answer = get(gateway, "plain")

        assert (answer.status_code, "nobody answers on port" in answer.text) == (502, True)


def test_a_taken_port_names_its_owner(site: Site) -> None:
    with pytest.raises(
        GatewayError, match=rf"port {site.origin_port} cannot be used: belongs to .*pid {os.getpid()}"
    ):
        Gateway(site.url.port or 0, port=site.origin_port).start()


def test_a_configuration_that_nginx_refuses_shows_its_reason() -> None:
    with pytest.raises(GatewayError, match=r'\[emerg\].*"proxy_read_timeout" directive invalid value'):
        Gateway(9, directives="proxy_read_timeout never;").start()


def test_for_coroutines_and_twice() -> None:
    gateway = Gateway(9)

    async def once() -> int:
        async with gateway:
            return gateway.port

    assert asyncio.run(once()) > 0
    with gateway:
        assert gateway.requests() == []


enter = GatewayProcess.__aenter__


def test_an_interrupt_when_it_is_up_but_not_yet_handed_over_leaves_nothing(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    async def interrupted_at_the_end(process: GatewayProcess) -> GatewayProcess:
        await enter(process)
        signal.pthread_kill(threading.main_thread().ident or 0, signal.SIGINT)
        return process

    monkeypatch.setattr(GatewayProcess, "__aenter__", interrupted_at_the_end)
    gateway, before = Gateway(9), psutil.Process().children()
    with pytest.raises(KeyboardInterrupt):
        gateway.start()
    assert psutil.Process().children() == before
    assert repr(gateway) == "<Gateway, not up>"


def test_a_task_that_is_cancelled_when_it_is_up_leaves_nothing(monkeypatch: pytest.MonkeyPatch) -> None:
    gateway, before = Gateway(9), psutil.Process().children()

    async def use() -> None:
        async with gateway:
            pytest.fail("it was cancelled before")

    async def main() -> None:
        loop, task = asyncio.get_running_loop(), asyncio.create_task(use())

        async def cancelled_at_the_end(process: GatewayProcess) -> GatewayProcess:
            await enter(process)
            loop.call_soon_threadsafe(task.cancel)
            return process

        monkeypatch.setattr(GatewayProcess, "__aenter__", cancelled_at_the_end)
        with pytest.raises(asyncio.CancelledError):
            await task

    asyncio.run(main())
    assert psutil.Process().children() == before
    assert repr(gateway) == "<Gateway, not up>"


def test_killed_its_owner_takes_nginx_along(eventually: Eventually) -> None:
    script = textwrap.dedent("""
        import time
        from realtime_kit.gateway import Gateway
        print(Gateway(9).start().port, flush=True)
        time.sleep(60)
    """)
    with subprocess.Popen([sys.executable, "-c", script], stdout=subprocess.PIPE) as owner:
        assert owner.stdout is not None
        assert int(owner.stdout.readline())
        below = psutil.Process(owner.pid).children(recursive=True)
        assert [process.name() for process in below].count("nginx") == 2

        owner.send_signal(signal.SIGKILL)

        eventually(lambda: not any(process.is_running() for process in below), f"still there: {below}")


@pytest.mark.parametrize("master", ["told to end by the kernel", "killed as well"])
def test_what_is_left_when_owner_and_supervisor_were_killed_is_swept_by_the_next_start(
    master: str, eventually: Eventually
) -> None:
    script = """
        import sys
        from realtime_kit.gateway import Gateway
        print(Gateway(9).start().port, flush=True)
        sys.stdin.read()
    """
    command = [sys.executable, "-c", textwrap.dedent(script)]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE) as owner:
        assert owner.stdout is not None
        assert int(owner.stdout.readline())
        below = psutil.Process(owner.pid).children(recursive=True)
        nginx = [process for process in below if process.name() == "nginx"]
        supervisor = nginx[0].parents()[0]
        folder = Path(nginx[0].cwd())
        owner.send_signal(signal.SIGSTOP)  # or it would tidy up as soon as its supervisor is gone
        if master == "killed as well":
            nginx[0].suspend()  # or it would be told by the kernel first
        supervisor.kill()
        owner.kill()
        if master == "killed as well":
            nginx[0].kill()
    eventually(lambda: not alive(nginx[0]), "its master goes on")
    assert folder.exists()

    with Gateway(9):
        assert not folder.exists()
        assert not any(map(alive, nginx))


def alive(process: psutil.Process) -> bool:
    """Nobody may be there to bury an orphan."""
    with contextlib.suppress(psutil.Error):
        return process.is_running() and process.status() != psutil.STATUS_ZOMBIE
    return False
