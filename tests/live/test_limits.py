"""Limits: how many clients it serves, how many deliveries it lets through, and what it has to survive."""

import asyncio
import contextlib
import resource
import socket

import aiohttp
import pytest

from realtime_kit.pushpin import Pushpin, PushpinSettings, State, client_limit

pytestmark = [pytest.mark.live, pytest.mark.usefixtures("nothing_left_behind")]


def test_the_program_that_accepts_clients_gets_the_limit_and_the_others_get_room(origin: int) -> None:
    # Filling it up is no test: at its limit Pushpin 1.36 loses holds, and now and then Condure.
    with Pushpin(origin, settings=PushpinSettings(connections_max=201)) as pushpin:
        assert pushpin.connections_max == 200
        assert "--stream-maxconn=200" in pushpin.processes()[1].cmdline()
        assert "\nclient_maxconn=200000\n" in (pushpin.addresses.run_folder / "pushpin.conf").read_text()


def test_more_holds_in_a_minute_than_twice_its_connections_do_not_end_it(origin: int) -> None:
    # Without client_limit.py its statistics are full at 200, and it aborts.
    with Pushpin(origin, settings=PushpinSettings(connections_max=100)) as pushpin:
        held = sum(is_held(pushpin) for _ in range(250))
        assert held > 200
        assert pushpin.state is State.READY


def is_held(pushpin: Pushpin) -> bool:
    """Open a stream, and leave when its first line has come; now and then 1.36 loses one."""
    with contextlib.closing(socket.create_connection(("127.0.0.1", pushpin.url.port or 0))) as client:
        client.settimeout(2)
        client.sendall(b"GET /stream/news HTTP/1.1\r\nHost: localhost\r\n\r\n")
        with contextlib.suppress(OSError):
            return client.recv(1) != b""
    return False


def test_where_no_script_may_be_executed_the_limit_is_in_the_configuration(
    origin: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(client_limit, "_may_run", lambda _: False)
    with Pushpin(origin, settings=PushpinSettings(connections_max=100)) as pushpin:
        config = (pushpin.addresses.run_folder / "pushpin.conf").read_text()
        assert "\nclient_maxconn=100\n" in config
        assert "--stream-maxconn=100" in pushpin.processes()[1].cmdline()


def test_its_processes_have_the_raised_file_limit(origin: int) -> None:
    with Pushpin(origin) as pushpin:
        limits = {process.rlimit(resource.RLIMIT_NOFILE) for process in pushpin.processes()}
        hard = resource.getrlimit(resource.RLIMIT_NOFILE)[1]
        assert limits == {(hard, hard)}


async def delivered(origin: int, settings: PushpinSettings, clients: int) -> int:
    """How many of the streams get a message; of all others Pushpin's log says that it was dropped."""
    async with (
        Pushpin(origin, settings=settings) as pushpin,
        aiohttp.ClientSession(connector=aiohttp.TCPConnector(limit=0)) as session,
        contextlib.AsyncExitStack() as stack,
    ):
        streams = [
            await stack.enter_async_context(session.get(pushpin.url / "stream/news")) for _ in range(clients)
        ]
        await pushpin.auntil(lambda s: s.subscribers("news") == clients)
        await pushpin.apublish("news", "hello")
        waiting = {asyncio.create_task(second_line(stream)) for stream in streams}
        while len(waiting) > pushpin.log.count("dropping message"):
            _, waiting = await asyncio.wait(waiting, timeout=0.05)
        for task in waiting:
            task.cancel()
        await asyncio.wait(waiting or {asyncio.create_task(asyncio.sleep(0))})
        return clients - len(waiting)


async def second_line(stream: aiohttp.ClientResponse) -> bytes:
    await stream.content.readline()
    return await stream.content.readline()


def test_with_the_kits_settings_every_client_gets_the_message(origin: int) -> None:
    assert asyncio.run(delivered(origin, PushpinSettings(), clients=200)) == 200


def test_a_high_water_mark_drops_what_is_above_it(origin: int) -> None:
    settings = PushpinSettings(message_rate=200, message_hwm=20)
    assert 20 <= asyncio.run(delivered(origin, settings, clients=60)) < 60


def test_a_high_water_mark_of_0_is_none_even_with_a_rate(origin: int) -> None:
    settings = PushpinSettings(message_rate=1000, message_hwm=0)
    assert asyncio.run(delivered(origin, settings, clients=200)) == 200
