"""The X-ray as one uses it: taps around something that listens, and what they have seen."""

import asyncio
import contextlib
import itertools
import os
import socket
import threading
import time
from concurrent.futures import ThreadPoolExecutor

import pytest
import requests
from aiohttp import web

from realtime_kit import background
from realtime_kit.errors import UsageError
from realtime_kit.origin import OriginServer
from realtime_kit.taps import XRay
from realtime_kit.taps.x_ray import Head, Instruction
from realtime_kit.taps.x_ray.dialogue import Dialogue, Utterance
from realtime_kit.taps.x_ray.telling import Told

PATIENCE_S = 20
SECRETS = ("Bearer hush", "session=hush", "id=hush", "Basic hush")


def wait_until(condition):
    deadline = time.monotonic() + PATIENCE_S
    while not condition():
        assert time.monotonic() < deadline
        time.sleep(0.001)


def titles(x_ray):
    return [f"{message.sender} {message.title}" for message in x_ray.messages()]


@contextlib.contextmanager
def origin():
    """The port of an application on the kit's own loop."""

    async def handle(request):
        if request.path == "/body":
            return web.Response(text=await request.text())
        return web.Response(text="hello", headers={"Set-Cookie": SECRETS[2]})

    app = web.Application()
    app.router.add_route("*", "/{path:.*}", handle)
    server = OriginServer(app)
    lease = background.Lease(lambda: None)
    try:
        background.run(server.__aenter__())
        yield server.port
    finally:
        background.run(server.__aexit__())
        lease.end()


@contextlib.contextmanager
def echo():
    """The port of something that is no web server."""
    with socket.create_server(("127.0.0.1", 0)) as listening:

        def serve():
            with contextlib.suppress(OSError):
                while True:
                    connection, _ = listening.accept()
                    with connection:
                        while data := connection.recv(65536):
                            connection.sendall(data)

        thread = threading.Thread(target=serve)
        thread.start()
        try:
            yield listening.getsockname()[1]
        finally:
            listening.shutdown(socket.SHUT_RDWR)
            thread.join()


def talk(port, *pieces):
    """Send some bytes, end, and read to the end."""
    with socket.create_connection(("127.0.0.1", port), timeout=PATIENCE_S) as client:
        for piece in pieces:
            client.sendall(piece)
        client.shutdown(socket.SHUT_WR)
        return b"".join(iter(lambda: client.recv(65536), b""))


def test_what_has_been_received_has_been_seen():
    """However soon one looks, and although decoding waits for a pause."""
    x_ray = XRay()
    with origin() as port, x_ray.tap("client", port) as tap, requests.Session() as session:
        for number in range(1, 100):
            session.get(f"http://127.0.0.1:{tap.port}/{number}", timeout=PATIENCE_S)
            assert titles(x_ray)[-2:] == [f"client GET /{number}", "pushpin 200 OK, 5 B"]


def test_what_nobody_asks_for_is_decoded_all_the_same():
    x_ray = XRay()
    with origin() as port, x_ray.tap("client", port) as tap:
        requests.get(f"http://127.0.0.1:{tap.port}/", timeout=PATIENCE_S)
        wait_until(lambda: len(x_ray._kept) == 4)


def test_an_exchange_is_seen_from_its_first_byte_to_its_last():
    x_ray = XRay()
    with origin() as port, x_ray.tap("client", port) as tap:
        assert requests.get(f"http://127.0.0.1:{tap.port}/a?b=c", timeout=PATIENCE_S).text == "hello"
        wait_until(lambda: titles(x_ray)[-1] == "client closes the connection")
    assert titles(x_ray) == [
        "client opens a connection",
        "client GET /a?b=c",
        "pushpin 200 OK, 5 B",
        "client closes the connection",
    ]
    (exchange,) = x_ray.exchanges()
    assert exchange == x_ray.exchange(1)
    assert exchange.request.head.method == "GET"
    assert exchange.response.head.status == 200
    assert exchange.held_s == 0
    assert 0 < exchange.took_s < PATIENCE_S
    times = [message.at_ns for message in x_ray.messages()]
    assert times == sorted(times)


def test_each_leg_names_who_talks():
    x_ray = XRay()
    with origin() as port:
        for leg in ("client", "origin", "publish"):
            with x_ray.tap(leg, port) as tap:
                requests.get(f"http://127.0.0.1:{tap.port}/{leg}", timeout=PATIENCE_S)
    who = {(each.leg, each.sender, each.receiver) for each in x_ray.messages() if each.kind == "response"}
    assert who == {
        ("client", "pushpin", "client"),
        ("origin", "origin", "pushpin"),
        ("publish", "pushpin", "publisher"),
    }
    connections = [each.connection for each in x_ray.messages() if each.kind == "request"]
    assert connections == [1, 2, 3]
    with pytest.raises(
        UsageError, match="leg is 'sideways': it has to be one of 'client', 'origin', 'publish'"
    ):
        x_ray.tap("sideways", port)


def test_what_opens_doors_is_not_kept():
    x_ray = XRay()
    headers = {"Authorization": SECRETS[0], "Cookie": SECRETS[1], "Proxy-Authorization": SECRETS[3]}
    with origin() as port, x_ray.tap("client", port) as tap:
        requests.get(f"http://127.0.0.1:{tap.port}/", headers=headers, timeout=PATIENCE_S)
    assert "hush" not in repr(x_ray.messages())
    assert "hush" not in str(x_ray) + x_ray._repr_html_()
    request, response = (each for each in x_ray.messages() if each.head)
    assert dict(request.details) == dict.fromkeys(headers, "(hidden)")
    assert ("Set-Cookie", "(hidden)") in response.details


def test_what_is_not_understood_passes_all_the_same_and_says_so_once():
    x_ray = XRay()
    sent = os.urandom(100_000)
    with echo() as port, x_ray.tap("client", port) as tap:
        assert talk(tap.port, b"\x16\x03\x01", sent, b"\x00") == b"\x16\x03\x01" + sent + b"\x00"
    misunderstood = [each for each in x_ray.messages() if each.kind == "not understood"]
    assert len(misunderstood) == 1
    assert misunderstood[0].text == "illegal request line"
    assert titles(x_ray)[-1] == "client closes the connection"


def test_a_decoder_that_fails_disturbs_nothing(monkeypatch):
    def fail(self, data, *, from_opener):
        raise ZeroDivisionError("one over none")

    monkeypatch.setattr(Dialogue, "received", fail)
    x_ray = XRay()
    with origin() as port, x_ray.tap("client", port) as tap:
        for _ in range(3):
            text = requests.post(
                f"http://127.0.0.1:{tap.port}/body", data="x" * 100_000, timeout=PATIENCE_S
            ).text
            assert text == "x" * 100_000
    reasons = [each.text for each in x_ray.messages() if each.kind == "not understood"]
    assert reasons == ["ZeroDivisionError: one over none"] * 3


def test_a_hold_can_be_waited_for():
    x_ray = XRay()
    head = Head((), method="GET", target="/s")
    steps = [
        ("client", Utterance(True, Told("request", "", head=head), 1)),
        ("origin", Utterance(True, Told("request", "", head=head), 2)),
        (
            "origin",
            Utterance(False, Told("response", "", head=Head((), status=200), grip=Instruction("stream")), 2),
        ),
    ]
    with pytest.raises(UsageError, match=r"no client's request was held within 0\.01 s"):
        x_ray.wait_for_hold(timeout_s=0.01)
    with ThreadPoolExecutor(1) as threads:
        held = threads.submit(x_ray.wait_for_hold, timeout_s=PATIENCE_S)
        for leg, utterance in steps:
            assert not held.done()
            x_ray._record(leg, utterance, 1, 0)
        assert held.result().number == 1


def test_the_newest_are_kept_and_the_others_counted():
    x_ray = XRay(kept_messages=3)
    note_some(x_ray, 5)
    assert [each.number for each in x_ray.messages()] == [3, 4, 5]
    assert (len(x_ray), x_ray.dropped) == (3, 2)
    assert "2 earlier ones were dropped" in str(x_ray)
    assert repr(x_ray) == "<XRay: 3 messages, 2 dropped>"


def test_a_second_look_brings_only_what_is_new():
    x_ray = XRay(kept_messages=10)
    note_some(x_ray, 4)
    seen = x_ray.messages()
    assert x_ray.messages(since=seen[-1].number) == []
    note_some(x_ray, 2)
    assert [each.number for each in x_ray.messages(since=seen[-1].number)] == [5, 6]
    assert [each.number for each in x_ray.messages(since=3)] == [4, 5, 6]


def test_after_clearing_it_counts_on():
    x_ray = XRay(kept_messages=2)
    note_some(x_ray, 3)
    x_ray.clear()
    assert (x_ray.messages(), x_ray.dropped, x_ray.exchanges()) == ([], 0, [])
    note_some(x_ray, 1)
    assert [each.number for each in x_ray.messages()] == [4]
    with pytest.raises(UsageError, match="nothing is kept of an exchange number 7"):
        x_ray.exchange(7)


def test_it_keeps_at_least_one_message():
    with pytest.raises(UsageError, match="kept_messages is 0"):
        XRay(kept_messages=0)


def test_it_can_be_read_while_it_is_written():
    x_ray = XRay(kept_messages=50)
    done = threading.Event()

    def read():
        while not done.is_set():
            numbers = [each.number for each in x_ray.messages()]
            assert all(later == earlier + 1 for earlier, later in itertools.pairwise(numbers))

    with ThreadPoolExecutor(2) as threads:
        readers = [threads.submit(read) for _ in range(2)]
        note_some(x_ray, 5000)
        done.set()
        for reader in readers:
            reader.result()
    assert len(x_ray) == 50


def test_a_tap_leaves_nothing_and_can_be_used_again():
    x_ray = XRay()
    threads = threading.active_count()
    with origin() as port:
        tap = x_ray.tap("client", port)
        for _ in range(2):
            with tap:
                assert requests.get(f"http://127.0.0.1:{tap.port}/", timeout=PATIENCE_S).text == "hello"
            with pytest.raises(requests.ConnectionError):
                requests.get(f"http://127.0.0.1:{tap.port}/", timeout=PATIENCE_S)
    assert threading.active_count() == threads


def test_the_same_works_in_a_coroutine():
    async def main():
        x_ray = XRay()
        with origin() as port:
            async with x_ray.tap("client", port) as tap:
                reader, writer = await asyncio.open_connection("127.0.0.1", tap.port)
                writer.write(b"GET / HTTP/1.1\r\nHost: a\r\n\r\n")
                await reader.readuntil(b"hello")
            assert await reader.read() == b""
            writer.close()
            await writer.wait_closed()
        return titles(x_ray)

    assert asyncio.run(main())[:3] == ["client opens a connection", "client GET /", "pushpin 200 OK, 5 B"]


def test_a_tap_that_cannot_listen_leaves_nothing():
    threads = threading.active_count()
    with socket.create_server(("127.0.0.1", 0)) as taken, pytest.raises(UsageError, match="0 is a free port"):
        XRay().tap("client", 1, listen_port=taken.getsockname()[1]).__enter__()
    assert threading.active_count() == threads


def note_some(x_ray, count):
    """Messages without a wire."""
    for number in range(count):
        told = Told("request", f"message {number}")
        x_ray._record("client", Utterance(True, told, None), 1, number)
