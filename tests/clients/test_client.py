"""What all clients share: coming back, giving up, saying why, and leaving nothing behind."""

import asyncio
import contextlib
import gc
import random
import socket

import pytest

from realtime_kit.clients import (
    Backoff,
    LongPollingClient,
    PollingClient,
    StreamingClient,
    WebSocketClient,
    client as client_module,
)
from realtime_kit.errors import ClientError, UsageError

CLIENTS = {
    "polling": lambda url, **options: PollingClient(url, interval_s=0.001, **options),
    "long-polling": LongPollingClient,
    "streaming": StreamingClient,
    "websocket": WebSocketClient,
}
HTTP_CLIENTS = [name for name in CLIENTS if name != "websocket"]


def event(number):
    return f"id: {number}\ndata: event {number}\n\n".encode()


async def take(client, count):
    ids = []
    async with contextlib.aclosing(aiter(client)) as receipts:
        async for receipt in receipts:
            ids.append(receipt.event.id)
            if len(ids) == count:
                return ids
    return ids


async def first_error(make, script_or_url, server, **options):
    async with server.serving(script_or_url) as seen, make(seen.url, **options) as client:
        with pytest.raises(ClientError) as raised:
            await take(client, 1)
    return str(raised.value).replace(str(seen.port), "PORT"), seen, client


@pytest.mark.parametrize("name", CLIENTS)
def test_an_answer_in_the_four_hundreds_is_an_error_at_once_that_names_address_and_status(name, server):
    async def main():
        script = server.saying(
            server.http("404 Not Found", b"nothing here\nreally", content_type="text/plain")
        )
        text, seen, _ = await first_error(CLIENTS[name], script, server)
        assert text.startswith("http://127.0.0.1:PORT/events answered ")
        assert "404 Not Found" in text
        if name != "websocket":
            assert text.endswith(": nothing here")
        assert len(seen.requests) == 1

    asyncio.run(main())


@pytest.mark.parametrize("name", HTTP_CLIENTS)
def test_an_answer_of_another_type_is_an_error_that_names_both_types(name, server):
    async def main():
        script = server.saying(server.http("200 OK", b"<html>", content_type="text/html"))
        text, _, _ = await first_error(CLIENTS[name], script, server)
        wanted = "text/event-stream" if name == "streaming" else "application/json"
        assert f"answered 200 OK with text/html, not 200 with {wanted}: <html>" in text

    asyncio.run(main())


@pytest.mark.parametrize("name", HTTP_CLIENTS)
def test_a_held_answer_of_another_type_is_an_error_though_it_never_ends(name, server):
    async def main():
        head = b"HTTP/1.1 200 OK\r\nContent-Type: text/plain\r\nTransfer-Encoding: chunked\r\n\r\n"
        text, _, _ = await first_error(CLIENTS[name], server.saying(head, b"4\r\nhmm\n\r\n"), server)
        assert "with text/plain" in text
        assert text.endswith(": hmm")

    asyncio.run(main())


@pytest.mark.parametrize("name", CLIENTS)
def test_an_answer_of_the_five_hundreds_is_tried_again_until_it_gives_up_with_the_reason(name, server, fast):
    async def main():
        script = server.saying(server.http("502 Bad Gateway", b"no route\n", content_type="text/plain"))
        text, seen, client = await first_error(CLIENTS[name], script, server, backoff=fast(), max_failures=4)
        assert text.startswith(
            "gave up on http://127.0.0.1:PORT/events after 4 failures in a row; the last: "
        )
        assert "502 Bad Gateway" in text
        if name != "websocket":
            assert text.endswith(": no route")
        assert len(seen.requests) == client.requests == client.failures == 4

    asyncio.run(main())


@pytest.mark.parametrize("name", CLIENTS)
def test_a_refused_connection_is_tried_again_until_it_gives_up(name, fast):
    async def main():
        with socket.create_server(("127.0.0.1", 0)) as nobody:
            url = f"http://127.0.0.1:{nobody.getsockname()[1]}/"
        async with CLIENTS[name](url, backoff=fast(), max_failures=3) as client:
            with pytest.raises(
                ClientError, match=r"gave up on .* after 3 failures in a row; the last: .*onnect"
            ):
                await take(client, 1)
        assert not client.connected.is_set()

    asyncio.run(main())


@pytest.mark.parametrize("name", CLIENTS)
def test_a_server_that_never_answers_counts_as_a_failure(name, server, fast, monkeypatch):
    for module in ("client", "polling", "streaming", "websocket"):
        monkeypatch.setattr(f"realtime_kit.clients.{module}.ANSWER_TIMEOUT_S", 0.02)
    options = {"answer_timeout_s": 0.02} if name == "long-polling" else {}

    async def main():
        text, _, _ = await first_error(
            CLIENTS[name], server.saying(), server, backoff=fast(), max_failures=2, **options
        )
        assert "after 2 failures in a row; the last: " in text

    asyncio.run(main())


def test_failures_with_events_in_between_are_not_in_a_row(server, fast):
    async def main():
        scripts = [server.saying(server.STREAM, event(number), close=True) for number in range(1, 6)]
        async with server.serving(*scripts) as seen:
            async with StreamingClient(seen.url, backoff=fast(), max_failures=2) as client:
                assert await take(client, 5) == ["1", "2", "3", "4", "5"]
            assert client.failures == 4

    asyncio.run(main())


def test_a_connection_that_lasted_is_a_success_even_if_nothing_happened_on_it(server, fast, monkeypatch):
    monkeypatch.setattr(client_module, "STEADY_S", 0.0)

    async def main():
        scripts = [server.saying(server.STREAM, close=True)] * 8 + [server.saying(server.STREAM, event(1))]
        async with server.serving(*scripts) as seen:
            async with StreamingClient(seen.url, backoff=fast(), max_failures=2) as client:
                assert await take(client, 1) == ["1"]
            assert client.failures == 8

    asyncio.run(main())


def test_waits_between_failures_grow_and_begin_again_after_an_event(server, monkeypatch):
    bounds = []

    class Noting(Backoff):
        def next_s(self):
            bounds.append(self._bound_s)
            super().next_s()
            return 0.0

    async def main():
        broken = server.saying(server.http("500 Oops", Connection="close"), close=True)
        good = server.saying(server.STREAM, event(1), close=True)
        async with server.serving(broken, broken, broken, good, broken, good) as seen:
            waits = Noting(random.Random(1), first_s=1.0, max_s=30.0)
            async with StreamingClient(seen.url, backoff=waits) as client:
                await take(client, 2)

    asyncio.run(main())
    assert bounds == [1.0, 2.0, 4.0, 1.0, 2.0]


@pytest.mark.parametrize("leave", ["break", "return", "raise", "cancel"])
def test_leaving_the_loop_early_closes_the_connection_and_leaves_nothing_open(leave, server):
    async def loop(client, started):
        async for _ in client:
            if leave == "break":
                break
            if leave == "return":
                return
            if leave == "raise":
                raise LookupError("mine")
            started.set()

    async def main():
        async with server.serving(server.saying(server.STREAM, event(1))) as seen:
            async with StreamingClient(seen.url) as client:
                started = asyncio.Event()
                task = asyncio.create_task(loop(client, started))
                if leave == "cancel":
                    await started.wait()
                    task.cancel()
                await asyncio.wait([task])
                assert task.cancelled() or leave != "cancel"
                assert leave != "raise" or isinstance(task.exception(), LookupError)
            await seen.closed.wait()
        gc.collect()  # what is not closed complains here, and a warning is an error

    asyncio.run(main())


def test_a_second_loop_goes_on_where_the_first_was_left_and_closes_its_connection(server):
    async def main():
        first = server.saying(server.STREAM, event(1), event(2), event(3))
        second = server.saying(server.STREAM, event(2), event(3))
        async with server.serving(first, second) as seen, StreamingClient(seen.url) as client:
            async for receipt in client:
                assert receipt.event.id == "1"
                break
            again = [receipt.event.id async for receipt in _first(client, 2)]
            assert again == ["2", "3"]
            assert "Last-Event-ID: 1\r\n" in seen.requests[1]
            await seen.closed.wait()

    asyncio.run(main())


async def _first(client, count):
    async for receipt in client:
        yield receipt
        count -= 1
        if not count:
            return


def test_two_loops_at_once_over_one_client_are_refused(server):
    async def main():
        async with server.serving(server.saying(server.STREAM)) as seen, StreamingClient(seen.url) as client:
            waiting = asyncio.create_task(take(client, 1))
            await client.connected.wait()
            with pytest.raises(UsageError, match="another loop is reading this client"):
                await take(client, 1)
            waiting.cancel()
            await asyncio.wait([waiting])

    asyncio.run(main())


def test_leaving_the_block_under_a_loop_that_still_runs_ends_that_loop(server, fast):
    async def main():
        async with server.serving(server.saying(server.STREAM)) as seen:
            async with StreamingClient(seen.url, backoff=fast()) as client:
                waiting = asyncio.create_task(take(client, 1))
                await client.connected.wait()
            with pytest.raises(ClientError, match="within its `async with` block"):
                await waiting

    asyncio.run(main())


def test_a_client_is_used_within_its_block_and_entered_once():
    async def main():
        client = StreamingClient("http://127.0.0.1:1/")
        with pytest.raises(ClientError, match="use a client within its `async with` block"):
            await take(client, 1)
        async with client:
            with pytest.raises(UsageError, match="in use already"):
                await client.__aenter__()

    asyncio.run(main())


@pytest.mark.parametrize("name", CLIENTS)
@pytest.mark.parametrize("url", ["127.0.0.1:7999/events", "", "/events", "ftp://there/"])
def test_an_address_that_is_none_is_refused_before_anything_is_tried(name, url):
    with pytest.raises(UsageError, match=r"url is .*: it has to be an address with"):
        CLIENTS[name](url)


@pytest.mark.parametrize("max_failures", [0, -1])
def test_giving_up_takes_at_least_one_failure(max_failures):
    with pytest.raises(UsageError, match="it has to be 1 or more"):
        StreamingClient("http://there/", max_failures=max_failures)


def test_a_client_shows_where_it_is(server):
    client = StreamingClient("http://there/news")
    assert repr(client) == "<StreamingClient of http://there/news, last event none yet>"
    client.last_event_id = "7"
    assert repr(client) == "<StreamingClient of http://there/news, last event 7>"


def test_requests_say_when_they_were_sent(server):
    async def main():
        async with (
            server.serving(server.saying(server.STREAM, event(1))) as seen,
            StreamingClient(seen.url) as client,
        ):
            await take(client, 1)
        assert "X-Request-Start: t=" in seen.requests[0]

    asyncio.run(main())
