"""Serving an origin: the port, whose application it is, and what a handler that raises leads to."""

import asyncio
import logging
import socket

import aiohttp
import pytest
from aiohttp import web

from realtime_kit.errors import OriginError, UsageError
from realtime_kit.origin import OriginServer


async def fetch(port, path="/"):
    async with aiohttp.ClientSession() as session, session.get(f"http://127.0.0.1:{port}{path}") as answer:
        return answer.status, (await answer.text()).strip()


async def hello(request):
    return web.Response(text="hello")


def app_with(handler):
    app = web.Application()
    app.router.add_get("/", handler)
    return app


async def served(routes, path="/", **options):
    async with OriginServer(routes, **options) as server:
        return await fetch(server.port, path)


def test_a_table_of_routes_is_served_like_an_application():
    routes = web.RouteTableDef()
    routes.get("/")(hello)
    assert asyncio.run(served(routes)) == (200, "hello")
    assert asyncio.run(served(routes)) == (200, "hello")  # and again, on another loop


def test_it_listens_on_the_loopback_address_until_its_block_ends():
    async def main():
        async with OriginServer(app_with(hello)) as server:
            assert await fetch(server.port) == (200, "hello")
        with pytest.raises(aiohttp.ClientConnectorError):
            await fetch(server.port)

    asyncio.run(main())


def test_an_open_connection_does_not_hold_up_the_end():
    async def main():
        async with OriginServer(app_with(hello)) as server:
            reader, writer = await asyncio.open_connection("127.0.0.1", server.port)
            writer.write(b"GET / HTTP/1.1\r\nHost: a\r\n\r\n")
            await reader.readuntil(b"hello")
        assert await reader.read() == b""
        writer.close()
        await writer.wait_closed()

    asyncio.run(main())


def test_a_port_in_use_is_named_with_a_way_out():
    async def main():
        with socket.create_server(("127.0.0.1", 0)) as taken:
            port = taken.getsockname()[1]
            server = OriginServer(app_with(hello), port=port)
            with pytest.raises(
                OriginError, match=f"cannot listen on port {port}: Address already in use; 0 is a free port"
            ):
                await server.__aenter__()
        async with server:  # nothing is left over: as soon as the port is free it works
            assert await fetch(port) == (200, "hello")

    asyncio.run(main())


@pytest.mark.parametrize("port", [-1, 65536])
def test_a_port_that_is_none_is_refused(port):
    with pytest.raises(UsageError, match="a port is 1 to 65535"):
        OriginServer(app_with(hello), port=port)


def test_something_that_is_no_application_is_refused():
    with pytest.raises(UsageError, match=r"it has to be a web\.Application or a web\.RouteTableDef"):
        OriginServer(hello)


def test_an_application_is_served_twice_one_after_the_other_and_at_once():
    async def main():
        app = app_with(hello)
        assert await served(app) == (200, "hello")
        async with OriginServer(app) as first, OriginServer(app) as second:
            assert first.port != second.port
            assert await fetch(first.port) == await fetch(second.port) == (200, "hello")

    asyncio.run(main())


def test_an_application_of_another_loop_is_refused_with_the_cure():
    app = app_with(hello)
    asyncio.run(served(app))
    with pytest.raises(OriginError, match=r"served before, on an event loop that is gone: make it anew"):
        asyncio.run(served(app))


def test_an_application_that_fails_to_start_shows_its_own_error_and_frees_the_port():
    async def main():
        async def broken(app):
            raise LookupError("no database")

        app = app_with(hello)
        app.on_startup.append(broken)
        with pytest.raises(LookupError, match="no database"):
            await served(app)

    asyncio.run(main())


def test_a_handler_that_raises_shows_its_traceback_and_the_client_gets_a_500():
    async def broken(request):
        return {}["missing"]

    shown = []
    status, text = asyncio.run(served(app_with(broken), show_error=shown.append))
    assert (status, text) == (500, "GET / raised KeyError: 'missing'")
    (traceback,) = shown
    assert 'return {}["missing"]' in traceback
    assert traceback.endswith("KeyError: 'missing'\n")


def test_a_handler_that_forgets_its_return_is_told_so():
    async def forgetful(request):
        web.Response(text="lost")

    shown = []
    status, text = asyncio.run(served(app_with(forgetful), show_error=shown.append))
    assert status == 500
    assert "the handler returned None, not a response: is there a `return`?" in text
    assert len(shown) == 1


def test_an_http_error_that_a_handler_raises_is_an_answer_and_no_failure():
    async def refusing(request):
        raise web.HTTPForbidden(text="not you")

    shown = []
    assert asyncio.run(served(app_with(refusing), show_error=shown.append)) == (403, "not you")
    assert asyncio.run(served(app_with(hello), "/nowhere", show_error=shown.append))[0] == 404
    assert shown == []


def test_errors_go_to_whoever_serves_the_application_now():
    async def broken(request):
        raise ValueError("oops")

    async def main():
        app, first, second = app_with(broken), [], []
        await served(app, show_error=first.append)
        await served(app, show_error=second.append)
        assert (len(first), len(second)) == (1, 1)

    asyncio.run(main())


def test_without_anyone_to_show_it_to_the_error_is_logged(caplog):
    async def broken(request):
        raise ValueError("oops")

    assert asyncio.run(served(app_with(broken)))[0] == 500
    assert "ValueError: oops" in caplog.text


def test_a_client_that_hangs_up_in_the_middle_of_its_request_is_no_failure(caplog):
    caplog.set_level(logging.ERROR)

    async def main():
        shown, reading, failed = [], asyncio.Event(), asyncio.Event()

        async def reader_of_bodies(request):
            reading.set()
            try:
                return web.Response(body=await request.read())
            finally:
                failed.set()

        async with OriginServer(app_with(reader_of_bodies), show_error=shown.append) as server:
            _, writer = await asyncio.open_connection("127.0.0.1", server.port)
            writer.write(b"GET / HTTP/1.1\r\nHost: a\r\nContent-Length: 5\r\n\r\nhe")
            await reading.wait()
            writer.close()
            await writer.wait_closed()
            await failed.wait()
        assert shown == []

    asyncio.run(main())
    assert caplog.text == ""


def test_a_table_with_two_routes_for_the_same_is_said_to_be_one():
    routes = web.RouteTableDef()
    for _ in range(2):  # a cell with a handler that is run twice
        routes.get("/")(hello)

    with pytest.raises(UsageError, match=r"method .* already registered\. A handler that is defined again"):
        OriginServer(routes)
