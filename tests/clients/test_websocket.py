"""The WebSocket client: messages, close codes, and coming back."""

import asyncio
import contextlib

import pytest
from aiohttp import web
from aiohttp.test_utils import TestServer

from realtime_kit.clients import WebSocketClient
from realtime_kit.errors import ClientError, UsageError


@contextlib.asynccontextmanager
async def sockets(*scripts):
    """Connection k is given to `scripts[k](socket)`, the last one over and over; yields address and queries."""
    queries = []

    async def handle(request):
        socket = web.WebSocketResponse()
        await socket.prepare(request)
        script = scripts[min(len(queries), len(scripts) - 1)]
        queries.append(request.query_string)
        await script(socket)
        return socket

    app = web.Application()
    app.router.add_get("/events", handle)
    async with TestServer(app) as server:
        yield server.make_url("/events"), queries


def saying(*numbers, close=1000, message=""):
    async def script(socket):
        for number in numbers:
            await socket.send_json({"id": number, "data": f"event {number}"})
        await socket.close(code=close, message=message.encode())

    return script


async def stay(socket):
    async for _ in socket:
        pass


def staying(*numbers):
    async def script(socket):
        for number in numbers:
            await socket.send_json({"id": number, "data": "x"})
        await stay(socket)

    return script


async def take(client, count):
    ids = []
    async for receipt in client:
        ids.append(int(receipt.event.id))
        if len(ids) == count:
            break
    return ids


def test_messages_are_events_in_order():
    async def main():
        async with sockets(staying(*range(1, 101))) as (url, _), WebSocketClient(url) as client:
            assert await take(client, 100) == list(range(1, 101))
            assert client.last_event_id == "100"
            assert client.requests == 1

    asyncio.run(main())


@pytest.mark.parametrize("scheme", ["ws", "http"])
def test_both_kinds_of_address_are_understood(scheme):
    async def main():
        async with sockets(staying(1)) as (url, _), WebSocketClient(url.with_scheme(scheme)) as client:
            assert await take(client, 1) == [1]

    asyncio.run(main())


@pytest.mark.parametrize("code", [1000, 1001, 1011, 1012])
def test_after_a_close_that_may_pass_it_comes_back_after_the_last_event(code, fast):
    async def main():
        async with (
            sockets(saying(1, 2, close=code), staying(3)) as (url, queries),
            WebSocketClient(url, backoff=fast()) as client,
        ):
            assert await take(client, 3) == [1, 2, 3]
            assert client.failures == 1
        assert queries == ["", "after=2"]

    asyncio.run(main())


def test_told_to_come_back_for_more_it_does_so_at_once_and_it_is_no_failure():
    async def main():
        async with (
            sockets(saying(1, 2, close=1013), saying(3, 4, close=1013), staying(5)) as (url, queries),
            WebSocketClient(url) as client,
        ):
            assert await take(client, 5) == [1, 2, 3, 4, 5]
            assert client.failures == 0
        assert queries == ["", "after=2", "after=4"]

    asyncio.run(main())


def test_told_to_try_again_later_without_an_event_it_waits_and_gives_up_in_the_end(fast):
    async def main():
        async with (
            sockets(saying(close=1013)) as (url, queries),
            WebSocketClient(url, backoff=fast(), max_failures=3) as client,
        ):
            with pytest.raises(ClientError, match="after 3 failures in a row"):
                await take(client, 1)
        assert len(queries) == 3

    asyncio.run(main())


@pytest.mark.parametrize("code", [1002, 1003, 1007, 1008, 1009, 1010, 3003, 4009])
def test_a_close_that_blames_the_client_is_an_error_with_code_and_reason(code, fast):
    async def main():
        async with (
            sockets(saying(1, close=code, message="kicked")) as (url, queries),
            WebSocketClient(url, backoff=fast()) as client,
        ):
            with pytest.raises(ClientError, match=f"/events closed the WebSocket with {code}: kicked$"):
                await take(client, 2)
        assert len(queries) == 1

    asyncio.run(main())


def test_the_reason_of_the_last_close_is_in_the_text_when_it_gives_up(fast):
    async def main():
        async with (
            sockets(saying(close=1012, message="restarting")) as (url, _),
            WebSocketClient(url, backoff=fast(), max_failures=2) as client,
        ):
            with pytest.raises(ClientError, match=r"closed the WebSocket with 1012: restarting$"):
                await take(client, 1)

    asyncio.run(main())


def test_a_connection_that_breaks_without_a_close_is_come_back_from(fast):
    async def cut(socket):
        await socket.send_json({"id": 1, "data": "x"})
        socket._req.transport.abort()

    async def main():
        async with (
            sockets(cut, staying(2)) as (url, queries),
            WebSocketClient(url, backoff=fast()) as client,
        ):
            assert await take(client, 2) == [1, 2]
        assert queries == ["", "after=1"]

    asyncio.run(main())


def test_bytes_that_are_no_websocket_frames_are_an_error(fast):
    async def nonsense(socket):
        socket._req.transport.write(b"\xff" * 20)
        await stay(socket)

    async def main():
        async with sockets(nonsense) as (url, _), WebSocketClient(url, backoff=fast()) as client:
            with pytest.raises(ClientError, match="broke off the WebSocket: "):
                await take(client, 1)

    asyncio.run(main())


@pytest.mark.parametrize("text", ["hello", "[]", "5", '{"id": 1}', '"id data"'])
def test_a_message_of_another_shape_is_an_error_that_shows_it(text):
    async def odd(socket):
        await socket.send_str(text)
        await stay(socket)

    async def main():
        async with sockets(odd) as (url, _), WebSocketClient(url) as client:
            with pytest.raises(ClientError) as raised:
                await take(client, 1)
        assert f'sent {text!r}, not {{"id": …, "data": …}}' in str(raised.value)

    asyncio.run(main())


def test_pings_are_answered_in_between():
    async def pinging(socket):
        await socket.ping(b"there?")
        await socket.send_json({"id": 1, "data": "x"})
        await stay(socket)

    async def main():
        async with sockets(pinging) as (url, _), WebSocketClient(url) as client:
            assert await take(client, 1) == [1]

    asyncio.run(main())


async def without_pongs(socket):
    socket._autoping = False
    await stay(socket)


def test_a_socket_that_is_silent_and_answers_no_ping_counts_as_broken_if_asked_to(fast):
    async def main():
        async with (
            sockets(without_pongs, staying(1)) as (url, queries),
            WebSocketClient(url, backoff=fast(), silence_timeout_s=0.05) as client,
        ):
            assert await take(client, 1) == [1]
            assert client.failures == 1
            assert client.last_failure.endswith("was silent for 0.05 s and did not answer a ping")
        assert len(queries) == 2

    asyncio.run(main())


def test_a_socket_that_is_quiet_but_answers_pings_does_not(fast):
    async def quiet_for_longer_than_that(socket):
        socket._autoping = False
        for _ in range(2):
            ping = await socket.receive()
            await socket.pong(ping.data)
        await socket.send_json({"id": 1, "data": "x"})
        await stay(socket)

    async def main():
        async with (
            sockets(quiet_for_longer_than_that) as (url, _),
            WebSocketClient(url, backoff=fast(), silence_timeout_s=1.5) as client,
        ):
            assert await take(client, 1) == [1]
            assert client.failures == 0

    asyncio.run(main())


@pytest.mark.parametrize("silence", [0, -1, float("nan")])
def test_a_silence_that_is_none_is_refused(silence):
    with pytest.raises(UsageError, match="it has to be above 0, or None"):
        WebSocketClient("ws://there/", silence_timeout_s=silence)


def test_leaving_does_not_wait_for_a_server_that_no_longer_talks(server, monkeypatch):
    monkeypatch.setattr("realtime_kit.clients.websocket._CLOSE_TIMEOUT_S", 0.02)

    async def main():
        left = asyncio.Event()

        async def never_reading(socket):
            await socket.send_json({"id": 1, "data": "x"})
            await left.wait()

        async with sockets(never_reading) as (url, _):
            async with WebSocketClient(url) as client:
                await take(client, 1)
            left.set()

    asyncio.run(main())


def test_a_refused_handshake_names_the_status():
    async def main():
        app = web.Application()
        async with TestServer(app) as server, WebSocketClient(server.make_url("/nowhere")) as client:
            with pytest.raises(
                ClientError, match=r"/nowhere answered the WebSocket handshake with 404 Not Found"
            ):
                await take(client, 1)

    asyncio.run(main())


def test_frames_are_counted_with_their_headers():
    async def main():
        async with sockets(staying(1)) as (url, _), WebSocketClient(url) as client:
            await take(client, 1)
            assert client.bytes.received > len('{"id": 1, "data": "x"}') + 2
            assert client.bytes.connections == 1

    asyncio.run(main())
