"""Kong as the gateway: its process's life with a stand-in that follows Kong's documentation, and Kong where it is."""

from __future__ import annotations

import os
import signal
import sys
from collections.abc import Callable, Iterator
from pathlib import Path

import psutil
import pytest
import requests
import websocket
from aiohttp import web

from realtime_kit import Site, components, grip, serving
from realtime_kit.errors import GatewayError, MissingDependency
from realtime_kit.gateway import Gateway, GatewayPolicy

pytestmark = [pytest.mark.live, pytest.mark.usefixtures("nothing_left_behind")]

POLICY = GatewayPolicy(keys={"ada": "k1"})

STAND_IN = f"""#!{sys.executable}
import http.server, json, sys, threading, urllib.request

if sys.argv[1:] == ["version"]:
    sys.exit(print("3.9.1"))
start, option, file = sys.argv[1:]
assert (start, option) == ("start", "--conf")
conf = dict(line.rstrip().split(" = ") for line in open(file))
declared = json.load(open(conf["declarative_config"]))
service, = declared["services"]
plugins = {{plugin["name"]: plugin["config"] for plugin in service["plugins"]}}
if "rate-limiting" in plugins:
    sys.exit("Error: this stand-in knows no limits")
consumers = {{c["key"]: who["username"] for who in declared["consumers"] for c in who["keyauth_credentials"]}}


class Status(http.server.BaseHTTPRequestHandler):
    asked = 0

    def do_GET(self):
        Status.asked += 1
        self.send_response(200 if self.path == "/status/ready" and Status.asked > 1 else 503)
        self.end_headers()

    def log_message(self, *_): ...


class Proxy(Status):
    def do_GET(self):
        who = consumers.get(self.headers.get("apikey", ""))
        status = urllib.request.urlopen(service["url"] + self.path).status if who else 401
        self.send_response(status)
        self.end_headers()
        line = {{"request": {{"method": "GET", "uri": self.path}}, "response": {{"status": status, "size": 1}},
                "latencies": {{"request": 7}}, "consumer": who and {{"username": who}}}}
        with open(plugins["file-log"]["path"], "a") as log:
            log.write(json.dumps(line) + "\\n")


def serve(listen, handler):
    host, port = listen.split(":")
    http.server.ThreadingHTTPServer((host, int(port)), handler).serve_forever()


threading.Thread(target=serve, args=(conf["proxy_listen"], Proxy)).start()
serve(conf["status_listen"], Status)
"""


@pytest.fixture
def stand_in(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A `kong` on the path that reads what it is given, and listens, answers and notes as Kong does."""
    program = tmp_path / "kong"
    program.write_text(STAND_IN)
    program.chmod(0o755)
    monkeypatch.setenv("PATH", str(tmp_path), prepend=os.pathsep)


@pytest.fixture
def site() -> Iterator[Site]:
    routes = web.RouteTableDef()

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


def ask(gateway: Gateway, **headers: str) -> int:
    return requests.get(str(gateway.url / "plain"), headers=headers, timeout=9).status_code


@pytest.mark.usefixtures("stand_in")
def test_it_is_started_with_its_files_and_its_log_is_read(site: Site) -> None:
    with Gateway(site.url.port or 0, POLICY, program="kong") as gateway:
        assert [ask(gateway), ask(gateway, apikey="k1")] == [401, 200]
        seen = gateway.requests(2)
    assert [(each.consumer, each.path, each.status) for each in seen] == [
        ("", "/plain", 401),
        ("ada", "/plain", 200),
    ]
    assert seen[0].seconds == 0.007


@pytest.mark.usefixtures("stand_in")
def test_what_it_refuses_is_told_in_its_own_words() -> None:
    policy = GatewayPolicy(keys={"ada": "k1"}, requests_per_second=1)
    with pytest.raises(GatewayError, match="kong has ended at once: Error: this stand-in knows no limits"):
        Gateway(9, policy, program="kong").start()


@pytest.mark.usefixtures("stand_in")
def test_one_that_ends_by_itself_is_told(
    site: Site, eventually: Callable[[Callable[[], bool], str], None]
) -> None:
    shown: list[str] = []
    with Gateway(site.url.port or 0, POLICY, program="kong", show_error=shown.append):
        below = psutil.Process().children(recursive=True)
        kong = next(each for each in below if each.cmdline()[-1].endswith("kong.conf"))
        kong.send_signal(signal.SIGKILL)
        eventually(lambda: "kong has ended by itself" in "".join(shown), "nothing was shown")


def test_where_there_is_none_it_is_said_where_it_comes_from(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("shutil.which", lambda *_, **__: None)
    with pytest.raises(MissingDependency, match=r"Kong is not installed\. .*developer\.konghq\.com"):
        Gateway(9, program="kong").start()


def test_the_real_one_keeps_the_policy(site: Site) -> None:
    try:
        components.find("kong")
    except MissingDependency as error:
        pytest.skip(f"DID NOT RUN: needs the real Kong, and {error}")
    limited = GatewayPolicy(keys={"ada": "k1"}, requests_per_second=2)
    with Gateway(site.url.port or 0, limited, program="kong", show_error=lambda _: None) as gateway:
        address = f"ws://{gateway.url.authority}/echo"
        socket = websocket.create_connection(address, header={"apikey": "k1"}, timeout=9)
        for number in range(3):
            socket.send(f"line {number}")
            assert socket.recv() == f"line {number}"
        socket.close()
        (seen,) = gateway.requests(1)
        assert (seen.consumer, seen.status) == ("ada", 101)
        assert ask(gateway) == 401
        assert 429 in [ask(gateway, apikey="k1") for _ in range(6)]
