"""An origin that goes away and comes back while its Pushpin stays, with its clients."""

from __future__ import annotations

import asyncio
import os
from pathlib import Path

import pytest
import requests
from aiohttp import ClientSession, WSMsgType, web

from realtime_kit import grip, serving
from realtime_kit.errors import OriginError, UsageError
from realtime_kit.lab import Site

pytestmark = [pytest.mark.live, pytest.mark.usefixtures("nothing_left_behind")]

PATIENCE_S = 40.0
"""Pushpin's fifth try comes after 31 to 36 s."""


@pytest.fixture
def routes() -> web.RouteTableDef:
    table = web.RouteTableDef()

    @table.post("/echo")
    async def echo(request: web.Request) -> web.Response:
        socket = await grip.websocket(request)
        socket.accept()
        for said in socket:
            socket.send(said)
        return socket.response()

    return table


@pytest.mark.parametrize("x_ray", [False, True])
def test_a_websocket_outlives_its_origin_and_loses_nothing(routes: web.RouteTableDef, x_ray: bool) -> None:
    async def talk() -> list[str]:
        heard = []
        async with (
            Site(routes, x_ray=x_ray) as site,
            ClientSession() as session,
            session.ws_connect(site.url / "echo") as socket,
        ):
            port = site.origin_port
            for round_trip in range(2):
                await site.astop_origin()
                await site.astop_origin()  # does nothing
                async with session.get(site.url / "other") as refused:
                    assert refused.status == 502
                await socket.send_str(f"message {round_trip}")
                await site.astart_origin()
                await site.astart_origin()  # does nothing
                assert site.origin_port == port
                message = await socket.receive(timeout=PATIENCE_S)
                assert message.type is WSMsgType.TEXT
                heard.append(message.data)
        return heard

    assert asyncio.run(talk()) == ["message 0", "message 1"]


def test_an_origin_in_a_process_of_its_own_is_another_one_afterwards(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "pid_app.py").write_text(
        "import os\n"
        "from aiohttp import web\n"
        "routes = web.RouteTableDef()\n"
        "@routes.get('/pid')\n"
        "async def pid(request):\n"
        "    return web.Response(text=str(os.getpid()))\n"
    )
    monkeypatch.chdir(tmp_path)
    with serving("pid_app:routes", x_ray=True) as site:
        pids = [requests.get(str(site.url / "pid"), timeout=PATIENCE_S).text]
        site.stop_origin()
        assert requests.get(str(site.url / "pid"), timeout=PATIENCE_S).status_code == 502
        site.start_origin()
        pids.append(requests.get(str(site.url / "pid"), timeout=PATIENCE_S).text)
    assert len(set(pids)) == 2
    assert str(os.getpid()) not in pids


def test_a_site_that_is_not_up_has_no_origin_to_restart(routes: web.RouteTableDef) -> None:
    site = serving(routes)
    for act in (site.stop_origin, site.start_origin):
        with pytest.raises(UsageError, match="is not up"):
            act()


def test_a_site_whose_origin_is_down_stops_and_starts_with_a_new_one(routes: web.RouteTableDef) -> None:
    site = serving(routes, x_ray=True).start()
    try:
        site.stop_origin()
        site.start()
        assert requests.get(str(site.url / "other"), timeout=PATIENCE_S).status_code == 404
        site.stop_origin()
    finally:
        site.stop()


def test_a_port_that_somebody_else_has_by_now_is_named_and_can_be_tried_again(
    routes: web.RouteTableDef,
) -> None:
    with serving(routes, x_ray=True) as site:
        site.stop_origin()
        with (
            serving(routes, origin_port=site.origin_port),
            pytest.raises(OriginError, match="Address already"),
        ):
            site.start_origin()
        site.start_origin()
        assert requests.get(str(site.url / "other"), timeout=PATIENCE_S).status_code == 404
