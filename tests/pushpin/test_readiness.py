"""The probe, in front of something that behaves like Pushpin on a busy machine."""

import asyncio
import sys
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import pytest
from aiohttp import web

from realtime_kit.pushpin import readiness
from realtime_kit.pushpin.readiness import PROBE_ADDRESS, Probe


class BusyPushpin:
    """Passes on greetings and events, each `delay_s` late.

    The first `lost` streams get neither, and the first `refused` WebSockets a 502.
    """

    def __init__(self, probe: Probe, *, delay_s: float, lost: int = 0, refused: int = 0) -> None:
        self.tries = self.websocket_tries = 0
        self._refused = refused
        self.addresses: set[str | None] = set()
        self._probe = probe
        self._delay_s = delay_s
        self._lost = lost
        self._published: dict[str, asyncio.Future[str]] = {}

    @asynccontextmanager
    async def running(self) -> AsyncIterator[str]:
        app = web.Application()
        app.router.add_get("/.realtime-kit/{generation}/{channel}", self._hold)
        app.router.add_post("/publish/", self._publish)
        runner = web.AppRunner(app, access_log=None, shutdown_timeout=0.1)
        await runner.setup()
        try:
            await web.TCPSite(runner, "127.0.0.1", 0).start()
            yield f"http://127.0.0.1:{runner.addresses[0][1]}"
        finally:
            await runner.cleanup()

    async def _hold(self, request: web.Request) -> web.StreamResponse:
        self.addresses.add(request.remote)
        if "Upgrade" in request.headers:
            return await self._hold_websocket(request)
        self.tries += 1
        if self.tries <= self._lost:
            await asyncio.Event().wait()
        answer = web.StreamResponse()
        published = self._published[request.match_info["channel"]] = asyncio.Future()
        await asyncio.sleep(self._delay_s)
        await answer.prepare(request)
        await answer.write(self._probe._greeting())
        await answer.write((await published).encode())
        return answer

    async def _hold_websocket(self, request: web.Request) -> web.WebSocketResponse:
        self.websocket_tries += 1
        if self.websocket_tries <= self._refused:
            raise web.HTTPBadGateway
        published = self._published[request.match_info["channel"]] = asyncio.Future()
        socket = web.WebSocketResponse()
        await asyncio.sleep(self._delay_s)
        await socket.prepare(request)
        await socket.send_str(self._probe._greeting().decode())
        await socket.send_str(await published)
        await socket.receive()
        return socket

    async def _publish(self, request: web.Request) -> web.Response:
        (item,) = (await request.json())["items"]
        await asyncio.sleep(self._delay_s)
        (message,) = item["formats"].values()
        self._published[item["channel"]].set_result(message["content"])
        return web.Response()


async def probed(*, delay_s: float, lost: int = 0, refused: int = 0) -> BusyPushpin:
    probe = Probe()
    busy = BusyPushpin(probe, delay_s=delay_s, lost=lost, refused=refused)
    async with busy.running() as url, asyncio.timeout(20):
        await probe.succeed(url, url)
    return busy


def test_an_event_that_comes_at_once_needs_few_tries() -> None:
    assert asyncio.run(probed(delay_s=0)).tries < 20


def test_tries_that_are_lost_are_followed_by_others() -> None:
    assert asyncio.run(probed(delay_s=0, lost=3)).tries > 3


def test_it_is_not_ready_while_websockets_are_refused() -> None:
    busy = asyncio.run(probed(delay_s=0, refused=5))
    assert busy.websocket_tries > 5
    assert busy.tries < 5


def test_an_event_that_takes_seconds_counts_and_meanwhile_tries_do_not_pile_up() -> None:
    assert (
        asyncio.run(probed(delay_s=0.8)).tries < 20
    )  # one every 50 ms would be 32, and make it slower still


@pytest.mark.skipif(sys.platform != "linux", reason="elsewhere there is one loopback address")
def test_it_comes_from_an_address_of_its_own() -> None:
    assert asyncio.run(probed(delay_s=0)).addresses == {PROBE_ADDRESS}


def test_without_an_address_of_its_own_it_does_without(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(readiness, "PROBE_ADDRESS", "192.0.2.1")  # for documentation: nobody has it
    assert asyncio.run(probed(delay_s=0)).addresses == {"127.0.0.1"}


def test_a_try_that_never_says_the_rest_is_not_waited_for(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(readiness, "_BODY_TIMEOUT_S", 0.05)

    async def main() -> bytes:
        async with asyncio.timeout(20), Probe() as probe:
            route = probe.next_routes()[1]
            reader, writer = await asyncio.open_connection(*route.target.rsplit(":", 1))
            path = f"{route.path}channel"
            writer.write(f"POST {path} HTTP/1.1\r\nHost: probe\r\nContent-Length: 6\r\n\r\n".encode())
            try:
                return await reader.readline()
            finally:
                writer.close()

    assert asyncio.run(main()).startswith(b"HTTP/1.1 200")
