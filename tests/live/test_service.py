"""A service behind somebody's own Pushpin: the kit publishes to its control port, and its clients are the kit's."""

import json

import pytest
from aiohttp import web

from realtime_kit import grip, serving
from realtime_kit.cli import run
from realtime_kit.errors import ClientError
from realtime_kit.lab.service import watch
from realtime_kit.measurements.fanout import DUE

pytestmark = [pytest.mark.live, pytest.mark.usefixtures("nothing_left_behind")]

CLIENTS = 30


@pytest.fixture
def site():
    routes = web.RouteTableDef()

    @routes.get("/news")
    async def news(request):
        return grip.hold_stream("news", body=b"data: welcome\n\n")

    @routes.post("/chat")
    async def chat(request):
        socket = await grip.websocket(request)
        if socket.opening:
            socket.accept()
            socket.subscribe("news")
        return socket.response()

    with serving(routes) as running:
        yield running


@pytest.mark.parametrize("path", ["news", "chat"])
def test_what_the_kit_publishes_reaches_everybody_and_counts_from_when_it_was_due(site, path):
    url = str(site.url / path)
    if path == "chat":
        url = url.replace("http", "ws", 1)
    result = watch(
        url,
        control_url=site.pushpin.control_url,
        channel="news",
        clients=CLIENTS,
        pushes=3,
        payload_bytes=100,
    )
    assert [push.ledger.received for push in result.results] == [CLIENTS] * 3
    for push in result.results:
        assert push.since == DUE
        assert 0 < push.latency.min <= push.latency.max
        assert push.ledger.duplicate == 0
        assert set(push.processor_per_delivery_s) == {"swarm", "origin"}
        assert {flag.name for flag in push.verdict.flags} <= {"too-few-samples", "publisher-slip"}
    connections = result.meta["connections"]
    assert connections["open_at_the_end"] + connections["ended"] + connections["never_open"] == CLIENTS


def test_a_second_run_is_not_taken_for_the_first(site):
    for _ in range(2):
        options = {"control_url": site.pushpin.control_url, "channel": "news", "clients": 5, "pushes": 1}
        assert watch(str(site.url / "news"), **options).results[0].ledger.received == 5


def test_a_channel_that_nobody_listens_to_is_named(site, monkeypatch):
    monkeypatch.setattr("realtime_kit.lab.service.PATIENCE_S", 0.5)
    said = "none of the 5 clients received what was published to the channel 'nws'"
    with pytest.raises(ClientError, match=said):
        watch(str(site.url / "news"), control_url=site.pushpin.control_url, channel="nws", clients=5)


def test_a_control_address_where_nobody_answers_is_named(site):
    with pytest.raises(ClientError, match=r"127\.0\.0\.1:9.* could not be reached"):
        watch(str(site.url / "news"), control_url="http://127.0.0.1:9", channel="news", clients=5)


def test_the_command_measures_a_service_and_writes_the_run(site, tmp_path, capsys):
    file = tmp_path / "run.json"
    options = ["--clients", "20", "--pushes", "2", "--json", str(file)]
    where = ["--url", str(site.url / "news"), "--control-url", site.pushpin.control_url, "--channel", "news"]
    assert run(["fanout", *where, *options]) == 1  # twenty are too few for a p99, and that is said
    out = capsys.readouterr().out
    assert "20 streaming clients of http://127.0.0.1" in out
    assert "swarm + origin" in out
    saved = json.loads(file.read_text())
    assert [push["since"] for push in saved["results"]] == ["due", "due"]
