"""The relay between the Jupyter server and Pushpin: what it passes on, and that it can be shut."""

from __future__ import annotations

import socket
import threading
from collections.abc import Iterator

import pytest
from yarl import URL

from realtime_kit.errors import ProtocolError
from realtime_kit.plots.widgets.relay import Relay, read_request

PATIENCE_S = 20
HEAD = b"GET /a/events?after=0 HTTP/1.1\r\nHost: jupyter:8888\r\nAccept: text/event-stream\r\n\r\n"


@pytest.fixture
def pushpin() -> Iterator[socket.socket]:
    """A listening socket in Pushpin's place."""
    with socket.create_server(("127.0.0.1", 0)) as listening:
        listening.settimeout(PATIENCE_S)
        yield listening


@pytest.fixture
def relay(pushpin: socket.socket) -> Iterator[Relay]:
    made = Relay(address(pushpin), seconds=60, on_end=lambda: None)
    yield made
    made.stop()


def address(listening: socket.socket) -> URL:
    return URL(f"http://127.0.0.1:{listening.getsockname()[1]}")


def connected(port: int) -> socket.socket:
    client = socket.create_connection(("127.0.0.1", port), timeout=PATIENCE_S)
    client.sendall(HEAD)
    return client


def accepted(pushpin: socket.socket) -> socket.socket:
    """The relay's connection, after the head of its request."""
    there, _ = pushpin.accept()
    there.settimeout(PATIENCE_S)
    head = b""
    while not head.endswith(b"\r\n\r\n"):
        head += there.recv(1)
    return there


def ended(end: socket.socket) -> bool:
    try:
        return end.recv(1) == b""
    except ConnectionResetError:
        return True


def own_threads() -> list[threading.Thread]:
    return [thread for thread in threading.enumerate() if thread.name == "realtime_kit"]


def test_bytes_pass_both_ways_as_they_come(relay: Relay, pushpin: socket.socket) -> None:
    with connected(relay.start()) as client, accepted(pushpin) as there:
        there.sendall(b"data: 1\n\n")
        assert client.recv(100) == b"data: 1\n\n"
        client.sendall(b"\x81\x05hello")
        assert there.recv(100) == b"\x81\x05hello"


def test_the_credentials_of_the_page_stay_here_with_its_name_and_the_host_is_the_targets() -> None:
    head = (
        b"GET /a/events?after=0 HTTP/1.1\r\nHost: jupyter:8888\r\nauthorization: token secret\r\n"
        b"Cookie: _xsrf=secret\r\nX-XSRFToken: secret\r\nAccept: text/event-stream\r\n\r\n"
    )

    request = read_request(head, URL("http://127.0.0.1:7999"))

    assert (request.method, request.page) == ("GET", "a")
    assert request.head == (
        b"GET /events?after=0 HTTP/1.1\r\nHost: 127.0.0.1:7999\r\nAccept: text/event-stream\r\n\r\n"
    )


VS_CODE = b"vscode-webview://0a1b2c3d4e"


def asked_from(*origins: bytes) -> bytes:
    return HEAD[:-2] + b"".join(b"Origin: " + origin + b"\r\n" for origin in origins) + b"\r\n"


def test_a_view_of_vs_code_is_named_as_the_one_that_may_read_the_answer(
    relay: Relay, pushpin: socket.socket
) -> None:
    answer = b"HTTP/1.1 200 OK\r\nContent-Type: text/event-stream\r\naccess-control-allow-origin: *\r\n\r\n"
    with socket.create_connection(("127.0.0.1", relay.start()), timeout=PATIENCE_S) as client:
        client.sendall(asked_from(VS_CODE))
        with accepted(pushpin) as there:
            there.sendall(answer + b"data: 1\n\n")
            there.shutdown(socket.SHUT_WR)
            got = b"".join(iter(lambda: client.recv(1000), b""))

    assert got == (
        b"HTTP/1.1 200 OK\r\nAccess-Control-Allow-Origin: " + VS_CODE + b"\r\n"
        b"Content-Type: text/event-stream\r\n\r\ndata: 1\n\n"
    )


@pytest.mark.parametrize(
    "origins",
    [
        (),
        (b"https://example.com",),
        (b"null",),
        (b"http://127.0.0.1:8888",),
        (b"vscode-webview://",),
        (b"vscode-webview://a.example.com",),
        (b"https://vscode-webview://a",),
        (VS_CODE, b"https://example.com"),
    ],
)
def test_nobody_else_is(relay: Relay, pushpin: socket.socket, origins: tuple[bytes, ...]) -> None:
    answer = b"HTTP/1.1 200 OK\r\nContent-Type: text/event-stream\r\n\r\ndata: 1\n\n"
    with socket.create_connection(("127.0.0.1", relay.start()), timeout=PATIENCE_S) as client:
        client.sendall(asked_from(*origins))
        with accepted(pushpin) as there:
            there.sendall(answer)
            there.shutdown(socket.SHUT_WR)
            assert b"".join(iter(lambda: client.recv(1000), b"")) == answer


@pytest.mark.parametrize("first", [b"GET / HTTP/1.1", b"GET /a HTTP/1.1", b"GET //events HTTP/1.1", b"hello"])
def test_what_no_page_would_ask_goes_no_further(first: bytes) -> None:
    with pytest.raises(ProtocolError, match="asks for no page's path"):
        read_request(first + b"\r\nHost: jupyter:8888\r\n\r\n", URL("http://127.0.0.1:7999"))


def test_stopping_ends_the_connection_on_both_sides_and_listens_no_more(
    relay: Relay, pushpin: socket.socket
) -> None:
    port = relay.start()
    with connected(port) as client, accepted(pushpin) as there:
        relay.stop()
        assert ended(client)
        assert ended(there)
    with pytest.raises(ConnectionRefusedError):
        connected(port)


def test_it_may_be_stopped_twice_or_without_having_been_started(relay: Relay) -> None:
    relay.stop()
    relay.start()
    relay.stop()
    relay.stop()


def test_a_newer_connection_ends_the_one_before(relay: Relay, pushpin: socket.socket) -> None:
    port = relay.start()
    with (
        connected(port) as older,
        accepted(pushpin) as there,
        connected(port) as newer,
        accepted(pushpin) as then,
    ):
        assert ended(older)
        assert ended(there)
        then.sendall(b"data: 1\n\n")
        assert newer.recv(100) == b"data: 1\n\n"


@pytest.mark.parametrize("head", [HEAD, asked_from(VS_CODE)], ids=["Jupyter's", "VS Code's"])
def test_when_the_page_leaves_pushpin_is_told(relay: Relay, pushpin: socket.socket, head: bytes) -> None:
    with socket.create_connection(("127.0.0.1", relay.start()), timeout=PATIENCE_S) as client:
        client.sendall(head)
        with accepted(pushpin) as there:
            client.close()
            assert ended(there)


def say_goodbye(port: int, page: bytes) -> None:
    with socket.create_connection(("127.0.0.1", port), timeout=PATIENCE_S) as leaving:
        leaving.sendall(b"POST /" + page + HEAD.removeprefix(b"GET /a"))
        assert leaving.recv(100).startswith(b"HTTP/1.1 204 ")


def test_the_good_bye_of_a_page_ends_its_connection(relay: Relay, pushpin: socket.socket) -> None:
    port = relay.start()
    with connected(port) as client, accepted(pushpin) as there:
        say_goodbye(port, b"a")
        assert ended(client)
        assert ended(there)


def test_the_good_bye_of_another_page_ends_nothing_and_goes_no_further(
    relay: Relay, pushpin: socket.socket
) -> None:
    port = relay.start()
    with connected(port) as client, accepted(pushpin) as there:
        say_goodbye(port, b"b")
        there.sendall(b"data: 1\n\n")
        assert client.recv(100) == b"data: 1\n\n"
    pushpin.settimeout(0)
    with pytest.raises(BlockingIOError):
        pushpin.accept()


def test_an_answer_that_ends_arrives_whole_before_the_end_does(relay: Relay, pushpin: socket.socket) -> None:
    page = b"x" * 5_000_000
    with connected(relay.start()) as client:
        with accepted(pushpin) as there:
            there.sendall(page)
        received = bytearray()
        while piece := client.recv(1 << 16):
            received += piece
    assert received == page


def test_after_its_time_it_ends_by_itself_and_says_so(pushpin: socket.socket) -> None:
    said = threading.Event()
    relay = Relay(address(pushpin), seconds=0.05, on_end=said.set)
    with connected(relay.start()) as client:
        assert said.wait(PATIENCE_S)
        assert ended(client)
    for thread in own_threads():
        thread.join(PATIENCE_S)
        assert not thread.is_alive()


def test_no_thread_outlives_it(relay: Relay, pushpin: socket.socket) -> None:
    with connected(relay.start()), accepted(pushpin):
        assert own_threads()
        relay.stop()
        assert not own_threads()


def test_where_there_is_no_pushpin_the_connection_just_ends(pushpin: socket.socket) -> None:
    nowhere = address(pushpin)
    pushpin.close()
    relay = Relay(nowhere, seconds=60, on_end=lambda: None)
    try:
        with connected(relay.start()) as client:
            assert ended(client)
    finally:
        relay.stop()
