"""The X-ray of a site: what really crosses the wires of each transport, through a real Pushpin."""

from __future__ import annotations

import itertools
import os
import socket
import threading
from pathlib import Path

import pytest
import requests
from aiohttp import web
from wsproto import ConnectionType, WSConnection
from wsproto.events import AcceptConnection, CloseConnection, Request, TextMessage

from realtime_kit import grip, serving, sse_events
from realtime_kit.errors import UsageError
from realtime_kit.lab import Site
from realtime_kit.publisher import item_in_all_formats

pytestmark = [pytest.mark.live, pytest.mark.usefixtures("nothing_left_behind")]

PATIENCE_S = 20


@pytest.fixture
def routes() -> web.RouteTableDef:
    table = web.RouteTableDef()

    @table.get("/plain")
    async def plain(request: web.Request) -> web.Response:
        return web.Response(text="hello", headers={"Set-Cookie": "id=hush"})

    @table.get("/poll")
    async def poll(request: web.Request) -> web.Response:
        return grip.hold_response("news", body="nothing", timeout_s=25)

    @table.get("/stream")
    async def stream(request: web.Request) -> web.Response:
        number = int(request.query.get("page", "1"))
        if number < 3:
            return grip.page(f"data: page {number}\n\n", next_link=f"/stream?page={number + 1}")
        return grip.hold_stream("news", keep_alive=grip.KeepAlive(":\n\n", 20))

    @table.post("/chat")
    async def chat(request: web.Request) -> web.Response:
        ws = await grip.websocket(request)
        if ws.opening:
            ws.accept()
            ws.subscribe("chat")
            ws.set_meta("user", "7")
        for message in ws:
            ws.send(f"you said {message}")
        return ws.response()

    return table


def told(site: Site, *, without: tuple[str, ...] = ("opened", "closed")) -> list[str]:
    """What a reader of the diagram sees."""
    return [str(message) for message in site.x_ray.messages() if message.kind not in without]


def why(site: Site) -> list[str]:
    """Of each request to the origin, why Pushpin made it."""
    return [each.cause.why for each in site.x_ray.exchanges() if each.cause]


def get(site: Site, path: str, **options) -> str:
    return requests.get(str(site.url) + path, timeout=PATIENCE_S, **options).text


def test_a_poll_crosses_both_wires(routes: web.RouteTableDef) -> None:
    with serving(routes, x_ray=True) as site:
        assert get(site, "/plain?a=%20b", headers={"Authorization": "Bearer hush"}) == "hello"
    assert told(site) == [
        "client → pushpin: GET /plain?a=%20b",
        "pushpin → origin: GET /plain?a=%20b",
        "origin → pushpin: 200 OK, 5 B",
        "pushpin → client: 200 OK, 5 B",
    ]
    assert why(site) == ["client request"]
    asked, passed_on, *_ = (message for message in site.x_ray.messages() if message.head)
    assert ("Authorization", "(hidden)") in asked.details
    assert "iss pushpin" in dict(passed_on.details)["Grip-Sig"]
    assert "hush" not in repr(site.x_ray.messages())


def test_a_long_poll_is_seen_to_be_asked_again_and_held_until_the_publish(
    routes: web.RouteTableDef, eventually
) -> None:
    answers: list[str] = []
    with serving(routes, x_ray=True) as site:
        client = threading.Thread(target=lambda: answers.append(get(site, "/poll")))
        client.start()
        assert site.x_ray.wait_for_hold().request.title == "GET /poll"
        eventually(lambda: why(site) == ["client request", "repeat"], "Pushpin's own request")
        eventually(lambda: len(told(site)) == 5, "its answer")
        published = itertools.count(1)
        while client.is_alive():  # what is published while Pushpin takes the second answer in may be lost
            site.publish("news", item_in_all_formats(next(published), "hello"))
            client.join(0.2)
        eventually(lambda: told(site)[-1] != "publisher → pushpin: publish to news", "all messages")
    assert '"hello"' in answers[0]
    assert told(site)[:6] == [
        "client → pushpin: GET /poll",
        "pushpin → origin: GET /poll",
        "origin → pushpin: 200, hold response on news",
        "pushpin → origin: GET /poll",
        "origin → pushpin: 200, hold response on news",
        "publisher → pushpin: publish to news",
    ]
    assert f"pushpin → client: 200 OK, {len(answers[0])} B" in told(site)[6:]
    held, _, again, *_ = site.x_ray.exchanges()
    assert again.cause is not None
    assert again.cause.clients == (held.number,)
    assert held.hold is not None
    assert (held.hold.mode, held.hold.channels) == ("response", ("news",))
    assert held.hold.until_ns == held.response.at_ns
    assert held.held_s > (again.began_ns - held.hold.from_ns) / 1e9 > 0
    item = dict(next(each for each in site.x_ray.messages() if each.kind == "publish").details)
    assert (item["channel"], item["id"], item["http-stream"]) == ("news", "1", "id: 1\ndata: hello\n\n")


def test_a_stream_is_seen_to_be_read_page_by_page_and_then_held(
    routes: web.RouteTableDef, eventually
) -> None:
    with serving(routes, x_ray=True) as site:
        events = sse_events(site.url / "stream")
        assert [next(events).data for _ in range(2)] == ["page 1", "page 2"]
        eventually(lambda: site.pushpin.statistics.subscribers("news") == 1, "the hold")
        site.publish("news", "live")
        assert next(events).data == "live"
        events.close()
    assert why(site) == ["client request", "next link", "next link"]
    said = [line for line in told(site) if "publish" not in line]
    to_and_from_origin = [line for line in said if "origin" in line]
    assert to_and_from_origin == [
        "pushpin → origin: GET /stream",
        "origin → pushpin: 200, 14 B, go on at /stream?page=2",
        "pushpin → origin: GET /stream?page=2",
        "origin → pushpin: 200, 14 B, go on at /stream?page=3",
        "pushpin → origin: GET /stream?page=3",
        "origin → pushpin: 200, hold stream on news",
    ]
    assert [line for line in said if "origin" not in line] == [
        "client → pushpin: GET /stream",
        "pushpin → client: 200 OK, in parts",
        "pushpin → client: 14 B more",
        "pushpin → client: 14 B more",
        "pushpin → client: 12 B more",
    ]
    parts = [each.text for each in site.x_ray.messages() if each.kind == "body part"]
    assert parts == ["data: page 1\n\n", "data: page 2\n\n", "data: live\n\n"]
    stream = site.x_ray.exchange(1)
    assert stream.hold is not None
    assert stream.hold.mode == "stream"
    assert stream.ended_ns == stream.hold.until_ns
    held = next(each for each in site.x_ray.messages() if each.grip and each.grip.hold)
    assert dict(held.details)["Grip-Keep-Alive"] == r"':\n\n' after silence of 20 s"


class Chatter:
    """A WebSocket client of few words."""

    def __init__(self, site: Site, path: str) -> None:
        self._speaks = WSConnection(ConnectionType.CLIENT)
        self._socket = socket.create_connection((site.url.host, site.url.port), timeout=PATIENCE_S)
        self.say(Request(host=f"{site.url.host}:{site.url.port}", target=path))
        self.hear(AcceptConnection)

    def say(self, event) -> None:
        self._socket.sendall(self._speaks.send(event))

    def hear(self, kind):
        while True:
            for event in self._speaks.events():
                if isinstance(event, kind):
                    return event
            self._speaks.receive_data(self._socket.recv(65536) or None)

    def close(self) -> None:
        self.say(CloseConnection(code=1000))
        self.hear(CloseConnection)
        self._socket.close()


def test_a_websocket_is_seen_to_be_http_behind_pushpin(routes: web.RouteTableDef, eventually) -> None:
    with serving(routes, x_ray=True) as site:
        chatter = Chatter(site, "/chat?room=1")
        chatter.say(TextMessage("hi"))
        assert chatter.hear(TextMessage).data == "you said hi"
        site.publish("chat", "to all")
        assert chatter.hear(TextMessage).data == "to all"
        chatter.close()
        eventually(lambda: "pushpin → client: closes the connection" in told(site, without=()), "the end")
    said = [line for line in told(site) if "publish" not in line]
    assert said == [
        "client → pushpin: GET /chat?room=1: WebSocket",
        "pushpin → origin: POST /chat?room=1: OPEN",
        "origin → pushpin: 200: OPEN + subscribe chat",
        "pushpin → client: 101, the WebSocket is open",
        "client → pushpin: TEXT 2 B",
        "pushpin → origin: POST /chat?room=1: TEXT 2 B",
        "origin → pushpin: 200: TEXT 13 B",
        "pushpin → client: TEXT 11 B",
        "pushpin → client: TEXT 6 B",
        "client → pushpin: CLOSE 1000",
        "pushpin → origin: POST /chat?room=1: CLOSE 1000",
        "origin → pushpin: 200: CLOSE 1000",
        "pushpin → client: CLOSE 1000",
    ]
    assert why(site) == ["client request", "websocket", "websocket"]
    details = {each.title: dict(each.details) for each in site.x_ray.messages()}
    assert details["200: OPEN + subscribe chat"]["Set-Meta-user"] == "7"
    assert details["POST /chat?room=1: TEXT 2 B"]["Meta-user"] == "7"
    assert details["200: TEXT 13 B"]["TEXT 13 B"] == "m:you said hi"
    assert site.x_ray.exchange(1).hold.mode == "websocket"


def test_a_module_in_a_process_of_its_own_is_seen_as_well(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "my_app.py").write_text(
        "from aiohttp import web\n"
        "async def hello(request):\n"
        "    return web.Response(text='hello')\n"
        "app = web.Application()\n"
        "app.router.add_get('/', hello)\n"
    )
    monkeypatch.chdir(tmp_path)
    with serving("my_app:app", x_ray=True) as site:
        assert get(site, "/") == "hello"
    assert "origin → pushpin: 200 OK, 5 B" in told(site)


def test_the_ports_that_were_asked_for_are_those_of_the_taps(routes: web.RouteTableDef) -> None:
    with serving(routes) as other:
        http_port, publish_port = other.pushpin.addresses.http_port, other.pushpin.addresses.publish_port
    with serving(routes, x_ray=True, http_port=http_port, publish_port=publish_port) as site:
        assert site.url.port == http_port
        assert site.pushpin.control_url == f"http://127.0.0.1:{publish_port}"
        assert get(site, "/plain") == "hello"
        body = {"items": [{"channel": "news", "formats": {"ws-message": {"content": "hi"}}}]}
        requests.post(f"http://127.0.0.1:{publish_port}/publish/", json=body, timeout=PATIENCE_S)
    assert "client → pushpin: GET /plain" in told(site)
    assert "publisher → pushpin: publish to news" in told(site)


def test_a_port_that_is_taken_stops_everything(routes: web.RouteTableDef) -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        with pytest.raises(UsageError, match=f"the X-ray cannot listen on port {port}"):
            serving(routes, x_ray=True, http_port=port).start()


def test_a_site_can_be_brought_up_again_and_goes_on_recording(routes: web.RouteTableDef) -> None:
    site = serving(routes, x_ray=True)
    for _ in range(2):
        with site:
            assert get(site, "/plain") == "hello"
    assert told(site).count("client → pushpin: GET /plain") == 2


def test_without_being_asked_for_there_is_none(routes: web.RouteTableDef) -> None:
    site = serving(routes)
    with pytest.raises(UsageError, match="make it with x_ray=True"):
        _ = site.x_ray


def test_a_fork_leaves_the_taps_to_its_parent(routes: web.RouteTableDef) -> None:
    with serving(routes, x_ray=True) as site:
        child = os.fork()
        if not child:
            try:
                site.stop()
            finally:
                os._exit(0)
        os.waitpid(child, 0)
        assert get(site, "/plain") == "hello"
