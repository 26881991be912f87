"""Readings: what a connection says is the same however its bytes are cut, and what is none is refused."""

import json

import pytest
from yarl import URL

from realtime_kit.clients.swarm import reading as module
from realtime_kit.clients.swarm.head import Refused
from realtime_kit.clients.swarm.reading import SWARM_TRANSPORTS, PollReading, SocketReading, StreamReading
from realtime_kit.errors import ClientError

PAGE = json.dumps({"events": [{"id": 7, "data": "x"}, {"id": 8, "data": "y"}], "cursor": 8}).encode()
JSON_HEAD = b"HTTP/1.1 200 OK\r\nContent-Type: application/json\r\n"
WIRES = {
    "streaming": (
        b"HTTP/1.1 200 OK\r\nContent-Type: text/event-stream\r\nTransfer-Encoding: chunked\r\n\r\n"
        b"3\r\n:\n\n\r\n10\r\nid: 7\ndata: x\n\n\n\r\n" + b"f\r\nid: 8\ndata: y\n\n\r\n"
    ),
    "websocket": (
        f"HTTP/1.1 101 Switching\r\nSec-WebSocket-Accept: {module._accept()}\r\n\r\n".encode()
        + b'\x81\x08{"id":7}\x81\x08{"id":8}'
    ),
    "long-polling": JSON_HEAD + f"Content-Length: {len(PAGE)}\r\n\r\n".encode() + PAGE,
}


@pytest.mark.parametrize("name", WIRES)
@pytest.mark.parametrize("size", [1, 2, 3, 5, 8, 13, 50, 10_000])
def test_events_are_the_same_however_the_bytes_are_cut(name, size):
    reading = SWARM_TRANSPORTS[name].reading()
    wire, read = WIRES[name], []
    for place in range(0, len(wire), size):
        read += reading.feed(wire[place : place + size])
    assert read == [7, 8]
    assert reading.opened
    assert reading.whole
    assert reading.over == ""
    assert reading.cursor == (8 if name == "long-polling" else None)


def test_a_poll_may_be_answered_in_chunks():
    reading = PollReading()
    chunked = f"{len(PAGE):x}\r\n".encode() + PAGE + b"\r\n"
    assert reading.feed(JSON_HEAD + b"Transfer-Encoding: chunked\r\n\r\n" + chunked) == ()
    assert reading.feed(b"0\r\n\r\n") == (7, 8)


def test_an_answer_that_is_not_whole_says_nothing_yet():
    reading = PollReading()
    assert reading.feed(WIRES["long-polling"][:-1]) == ()
    assert not reading.whole


def test_a_server_that_closes_after_each_answer_is_noticed():
    reading = PollReading()
    reading.feed(JSON_HEAD + f"Connection: close\r\nContent-Length: {len(PAGE)}\r\n\r\n".encode() + PAGE)
    assert reading.over == "the server ends the connection after each answer"


def test_a_ping_is_answered_and_a_close_told():
    reading = SocketReading(opened=True)
    reading.feed(b"\x89\x02hi")
    assert reading.reply[:2] == b"\x8a\x82"  # a masked pong of two bytes
    assert not reading.whole  # somebody else's pong cannot be sent by looking it up
    reading.feed(b"\x88\x02\x03\xe9")
    assert reading.over == "the server closed the WebSocket with code 1001"


def test_a_stream_without_chunks_keeps_its_reader():
    reading = StreamReading()
    head = b"HTTP/1.1 200 OK\r\nContent-Type: text/event-stream\r\n\r\n"
    assert reading.feed(head + b"id: 1\ndata: x\n\n") == (1,)
    assert not reading.whole


def test_an_ended_stream_is_over():
    reading = StreamReading(opened=True)
    reading.feed(b"0\r\n\r\n")
    assert reading.over == "the server ended the stream"


@pytest.mark.parametrize(
    ("name", "wire", "again"),
    [
        ("streaming", b"HTTP/1.1 502 Bad Gateway\r\n\r\n", True),
        ("streaming", b"HTTP/1.1 404 Not Found\r\n\r\n", False),
        ("streaming", b"HTTP/1.1 200 OK\r\nContent-Type: text/html\r\n\r\n", False),
        ("websocket", b"HTTP/1.1 101 Switching\r\nSec-WebSocket-Accept: mine\r\n\r\n", False),
        ("websocket", b"HTTP/1.1 503 Busy\r\n\r\n", True),
        ("long-polling", b"HTTP/1.1 500 Oh\r\n\r\n", True),
        ("long-polling", b"HTTP/1.1 200 OK\r\nContent-Type: text/event-stream\r\n\r\n", False),
    ],
)
def test_what_was_not_asked_for_is_refused_and_overload_may_pass(name, wire, again):
    with pytest.raises(Refused, match="the answer is no ") as refused:
        SWARM_TRANSPORTS[name].reading().feed(wire)
    assert refused.value.again is again


@pytest.mark.parametrize(
    ("reading", "wire", "said"),
    [
        (SocketReading(opened=True), b"\x81\x02hi", "JSON was due, and b'hi' came"),
        (SocketReading(opened=True), b"\x81\x02[]", "a WebSocket message has no 'id'"),
        (SocketReading(opened=True), b'\x81\x0a{"id":"x"}', "the id 'x'"),
        (StreamReading(opened=True), b"9\r\ndata: x\n\n\r\n", "the id ''"),
        (StreamReading(), b"x" * 20_000, "head does not end"),
    ],
)
def test_what_cannot_be_measured_is_said(reading, wire, said):
    with pytest.raises(ClientError, match=said):
        reading.feed(wire)


def test_a_long_poll_asks_for_what_comes_after():
    url = URL("http://127.0.0.1:8000/events?a=b")
    assert (
        SWARM_TRANSPORTS["long-polling"].request(url, 17).startswith(b"GET /events?a=b&after=17 HTTP/1.1\r\n")
    )
    assert SWARM_TRANSPORTS["long-polling"].request(url).startswith(b"GET /events?a=b HTTP/1.1\r\n")
