"""A connection told message by message, in whatever pieces its bytes come."""

import contextlib
import itertools
import zlib

import pytest
from hypothesis import given, settings, strategies as st
from wsproto import ConnectionType, WSConnection
from wsproto.events import (
    AcceptConnection,
    BytesMessage,
    CloseConnection,
    Ping,
    Pong,
    Request,
    TextMessage,
)
from wsproto.extensions import PerMessageDeflate

from realtime_kit.errors import ProtocolError
from realtime_kit.taps.x_ray.dialogue import Dialogue

ASK, ANSWER = True, False


def hear(script):
    """All that is told, in the order told; an empty piece is the end of its direction."""
    dialogue = Dialogue(publishes=True)
    said = []
    for from_opener, data in script:
        heard = (
            dialogue.received(data, from_opener=from_opener)
            if data
            else dialogue.ended(from_opener=from_opener)
        )
        said += list(heard)
    return said


def lines(script):
    """What a reader of the diagram sees."""
    return [
        (">" if each.from_opener else "<", each.exchange, each.told.title, each.told.text)
        for each in hear(script)
    ]


def get(target="/", *headers):
    return b"\r\n".join([f"GET {target} HTTP/1.1".encode(), b"Host: a", *headers, b"", b""])


def ok(body=b"", *headers, status=b"200 OK"):
    length = b"Content-Length: %d" % len(body)
    return b"\r\n".join([b"HTTP/1.1 " + status, length, *headers, b"", body])


def chunk(data):
    return b"%x\r\n%s\r\n" % (len(data), data)


STREAM = b"HTTP/1.1 200 OK\r\nContent-Type: text/event-stream\r\nTransfer-Encoding: chunked\r\n\r\n"
UPGRADE = (b"Upgrade: websocket", b"Connection: Upgrade", b"Sec-WebSocket-Key: eA==")
SWITCH = b"HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
EVENTS = b"Content-Type: application/websocket-events"


def post(target, body, *headers):
    length = b"Content-Length: %d" % len(body)
    return b"\r\n".join([f"POST {target} HTTP/1.1".encode(), b"Host: a", length, *headers, b"", body])


def frames(*events, client):
    """What an independent WebSocket implementation sends for some events, after its handshake."""
    speaker = Speaker(client=client)
    return b"".join(speaker.says(event) for event in events)


def _speaker(client, compressed):
    one, other = WSConnection(ConnectionType.CLIENT), WSConnection(ConnectionType.SERVER)
    extensions = [PerMessageDeflate()] if compressed else []
    other.receive_data(one.send(Request(host="a", target="/", extensions=extensions)))
    list(other.events())
    accepted = [PerMessageDeflate()] if compressed else []
    one.receive_data(other.send(AcceptConnection(extensions=accepted)))
    list(one.events())
    return one if client else other


class Speaker:
    """The same, several messages in one context."""

    def __init__(self, *, client, compressed=False):
        self._connection = _speaker(client, compressed)

    def says(self, event):
        return self._connection.send(event)


SCRIPTS = {
    "two requests on one connection": (
        [
            (ASK, get("/a")),
            (ANSWER, ok(b"one")),
            (ASK, get("/b?c=d")),
            (ANSWER, ok(b"", status=b"404 Not Found")),
        ],
        [
            (">", 1, "GET /a", ""),
            ("<", 1, "200 OK, 3 B", "one"),
            (">", 2, "GET /b?c=d", ""),
            ("<", 2, "404 Not Found", ""),
        ],
    ),
    "two requests before the first answer": (
        [(ASK, get("/a") + post("/b", b"body")), (ANSWER, ok(b"one") + ok(b"second"))],
        [
            (">", 1, "GET /a", ""),
            (">", 2, "POST /b, 4 B", "body"),
            ("<", 1, "200 OK, 3 B", "one"),
            ("<", 2, "200 OK, 6 B", "second"),
        ],
    ),
    "answers without a body, whatever their length says": (
        [
            (ASK, get("/a").replace(b"GET", b"HEAD")),
            (ANSWER, b"HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\n"),
            (ASK, get("/b", b'If-None-Match: "1"')),
            (ANSWER, b"HTTP/1.1 304 Not Modified\r\nContent-Length: 5\r\n\r\n"),
            (ASK, get("/c")),
            (ANSWER, b"HTTP/1.1 204 No Content\r\n\r\n"),
        ],
        [
            (">", 1, "HEAD /a", ""),
            ("<", 1, "200 OK", ""),
            (">", 2, "GET /b", ""),
            ("<", 2, "304 Not Modified", ""),
            (">", 3, "GET /c", ""),
            ("<", 3, "204 No Content", ""),
        ],
    ),
    "a stream, its parts as they come": (
        [
            (ASK, get("/s")),
            (ANSWER, STREAM + chunk(b"data: a\n\n") + chunk("é".encode())),
            (ANSWER, b"0\r\n\r\n"),
        ],
        [
            (">", 1, "GET /s", ""),
            ("<", 1, "200 OK, in parts", ""),
            ("<", 1, "9 B more", "data: a\n\n"),
            ("<", 1, "2 B more", "é"),
            ("<", 1, "end of the answer", ""),
        ],
    ),
    "an answer before all of the request": (
        [
            (ASK, b"POST /a HTTP/1.1\r\nHost: a\r\nContent-Length: 9\r\n\r\nhalf"),
            (ANSWER, ok(b"", status=b"413 Too Large")),
            (ASK, b" gone" + get("/b")),
            (ANSWER, ok(b"x")),
        ],
        [
            (">", 1, "POST /a, 4 B", "half"),
            ("<", 1, "413 Too Large", ""),
            (">", 2, "GET /b", ""),
            ("<", 2, "200 OK, 1 B", "x"),
        ],
    ),
    "a request that waits for permission": (
        [
            (ASK, b"POST /a HTTP/1.1\r\nHost: a\r\nExpect: 100-continue\r\nContent-Length: 2\r\n\r\n"),
            (ANSWER, b"HTTP/1.1 100 Continue\r\n\r\n"),
            (ASK, b"hi"),
            (ANSWER, ok(b"x")),
        ],
        [
            (">", 1, "POST /a", ""),
            ("<", 1, "100 Continue", ""),
            ("<", 1, "200 OK, 1 B", "x"),
        ],
    ),
    "HTTP/1.0 with a connection that is kept": (
        [
            (ASK, b"GET /a HTTP/1.0\r\nConnection: keep-alive\r\n\r\n"),
            (ANSWER, b"HTTP/1.0 200 OK\r\nConnection: keep-alive\r\nContent-Length: 1\r\n\r\nx"),
            (ASK, b"GET /b HTTP/1.0\r\n\r\n"),
            (ANSWER, b"HTTP/1.0 200 OK\r\nContent-Length: 1\r\n\r\ny"),
        ],
        [
            (">", 1, "GET /a", ""),
            ("<", 1, "200 OK, 1 B", "x"),
            (">", 2, "GET /b", ""),
            ("<", 2, "200 OK, 1 B", "y"),
        ],
    ),
    "a WebSocket": (
        [
            (ASK, get("/chat", *UPGRADE) + frames(TextMessage("hi"), client=True)),
            (ANSWER, SWITCH + b"\r\n" + frames(Ping(b"are you there"), client=False)),
            (ASK, frames(Pong(b"are you there"), BytesMessage(b"\xff\x00"), client=True)),
            (ANSWER, frames(TextMessage(""), CloseConnection(code=4009, reason="kicked"), client=False)),
            (ASK, frames(CloseConnection(code=4009), client=True)),
        ],
        [
            (">", 1, "GET /chat: WebSocket", ""),
            ("<", 1, "101, the WebSocket is open", ""),
            (">", 1, "TEXT 2 B", "hi"),
            ("<", 1, "PING 13 B", "are you there"),
            (">", 1, "PONG 13 B", "are you there"),
            (">", 1, "BINARY 2 B", "(2 B, not text: ff 00)"),
            ("<", 1, "TEXT 0 B", ""),
            ("<", 1, "CLOSE 4009", "kicked"),
            (">", 1, "CLOSE 4009", ""),
        ],
    ),
    "an upgrade that is refused": (
        [
            (ASK, get("/chat", *UPGRADE) + get("/a")),
            (ANSWER, ok(b"no", status=b"403 Forbidden") + ok(b"x")),
        ],
        [
            (">", 1, "GET /chat: WebSocket", ""),
            ("<", 1, "403 Forbidden, 2 B", "no"),
            (">", 2, "GET /a", ""),
            ("<", 2, "200 OK, 1 B", "x"),
        ],
    ),
    "WebSocket over HTTP": (
        [
            (ASK, post("/chat", b"OPEN\r\nTEXT 5\r\nhello\r\n", EVENTS, b"Connection-Id: 7")),
            (
                ANSWER,
                ok(
                    b'OPEN\r\nTEXT 2a\r\nc:{"channel": "chat", "type": "subscribe"}\r\nTEXT 4\r\nm:hi\r\n',
                    EVENTS,
                    b"Sec-WebSocket-Extensions: grip",
                ),
            ),
            (ASK, post("/chat", b"CLOSE 5\r\n\x03\xe8bye\r\n", EVENTS)),
            (ANSWER, ok(b"", EVENTS)),
        ],
        [
            (">", 1, "POST /chat: OPEN + TEXT 5 B", ""),
            ("<", 1, "200: OPEN + subscribe chat + TEXT 4 B", ""),
            (">", 2, "POST /chat: CLOSE 1000", ""),
            ("<", 2, "200: no events", ""),
        ],
    ),
    "its answer in chunks is told as a whole": (
        [
            (ASK, post("/chat", b"OPEN\r\n", EVENTS)),
            (ANSWER, STREAM.replace(b"text/event-stream", b"application/websocket-events") + chunk(b"OPE")),
            (ANSWER, chunk(b"N\r\n") + b"0\r\n\r\n"),
        ],
        [(">", 1, "POST /chat: OPEN", ""), ("<", 1, "200: OPEN", "")],
    ),
    "a hold and a page": (
        [
            (ASK, get("/a")),
            (ANSWER, ok(b"", b"Grip-Hold: stream", b"Grip-Channel: news, sport, art")),
            (ASK, get("/b")),
            (ANSWER, ok(b"old", b"Grip-Link: </b?from=3>; rel=next")),
        ],
        [
            (">", 1, "GET /a", ""),
            ("<", 1, "200, hold stream on news, sport and 1 more", ""),
            (">", 2, "GET /b", ""),
            ("<", 2, "200, 3 B, go on at /b?from=3", "old"),
        ],
    ),
    "a publish": (
        [
            (
                ASK,
                post(
                    "/publish/", b'{"items":[{"channel":"news","formats":{"ws-message":{"content":"hi"}}}]}'
                ),
            ),
            (ANSWER, ok(b"Published\n")),
        ],
        [(">", 1, "publish to news", "hi"), ("<", 1, "200 OK, 10 B", "Published\n")],
    ),
    "the ends of both directions": (
        [(ASK, get("/a")), (ANSWER, ok(b"x")), (ASK, b""), (ANSWER, b"")],
        [(">", 1, "GET /a", ""), ("<", 1, "200 OK, 1 B", "x")],
    ),
    "a request and an answer that are cut off": (
        [
            (ASK, get("/a")),
            (ANSWER, ok(b"12345")[:-2]),
            (ANSWER, b""),
            (ASK, post("/b", b"12345")[:-2]),
            (ASK, b""),
        ],
        [
            (">", 1, "GET /a", ""),
            ("<", 1, "200 OK, 3 B, cut off", "123"),
            (">", 2, "POST /b, 3 B, cut off", "123"),
        ],
    ),
    "an answer that breaks off in its head": (
        [(ASK, get("/a")), (ANSWER, b"HTTP/1.1 20"), (ANSWER, b"")],
        [(">", 1, "GET /a", ""), ("<", 1, "the beginning of an answer, cut off", "")],
    ),
    "a request that breaks off in its head": (
        [(ASK, get("/a")), (ANSWER, ok()), (ASK, b"GET /"), (ASK, b"")],
        [
            (">", 1, "GET /a", ""),
            ("<", 1, "200 OK", ""),
            (">", None, "the beginning of a request, cut off", ""),
        ],
    ),
    "a stream whose reader hangs up": (
        [(ASK, get("/s")), (ANSWER, STREAM + chunk(b"a")), (ASK, b""), (ANSWER, b"")],
        [(">", 1, "GET /s", ""), ("<", 1, "200 OK, in parts", ""), ("<", 1, "1 B more", "a")],
    ),
    "a stream whose writer hangs up": (
        [(ASK, get("/s")), (ANSWER, STREAM + chunk(b"a")), (ANSWER, b"")],
        [
            (">", 1, "GET /s", ""),
            ("<", 1, "200 OK, in parts", ""),
            ("<", 1, "1 B more", "a"),
            ("<", 1, "end of the answer, cut off", ""),
        ],
    ),
}


@pytest.mark.parametrize(("script", "expected"), SCRIPTS.values(), ids=SCRIPTS)
def test_it_is_told(script, expected):
    assert lines(script) == expected


@st.composite
def in_pieces(draw, script):
    """The same bytes in the same order, cut anywhere."""
    pieces = []
    for from_opener, data in script:
        cuts = sorted(draw(st.sets(st.integers(1, max(1, len(data) - 1)), max_size=12)))
        edges = [0, *(cut for cut in cuts if cut < len(data)), len(data)]
        pieces += [(from_opener, data[start:end]) for start, end in itertools.pairwise(edges)] or [
            (from_opener, b"")
        ]
    return pieces


@pytest.mark.parametrize("name", SCRIPTS)
@settings(deadline=None, max_examples=60)
@given(data=st.data())
def test_the_pieces_do_not_matter(name, data):
    script, _ = SCRIPTS[name]
    assert hear(data.draw(in_pieces(script))) == hear(script)


@pytest.mark.parametrize("name", SCRIPTS)
def test_nor_does_it_come_byte_by_byte(name):
    script, expected = SCRIPTS[name]
    single = [(who, data[at : at + 1]) for who, data in script for at in range(max(1, len(data)))]
    assert lines(single) == expected


def test_an_answer_that_ends_with_its_connection_is_told_in_the_parts_that_arrive():
    head = b"HTTP/1.0 200 OK\r\n\r\n"
    script = [(ASK, get("/a")), (ANSWER, head + b"one"), (ANSWER, b"two"), (ANSWER, b"")]
    assert lines(script)[1:] == [
        ("<", 1, "200 OK, in parts", ""),
        ("<", 1, "3 B more", "one"),
        ("<", 1, "3 B more", "two"),
        ("<", 1, "end of the answer", ""),
    ]


def test_only_what_completes_an_exchange_is_its_last():
    script, _ = SCRIPTS["a stream, its parts as they come"]
    assert [each.last for each in hear(script)] == [False, False, False, False, True]
    script, _ = SCRIPTS["two requests on one connection"]
    assert [each.last for each in hear(script)] == [False, True, False, True]


@pytest.mark.parametrize(
    ("script", "reason"),
    [
        ([(ASK, b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03")], "illegal request line"),
        ([(ASK, b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n")], "illegal request line"),
        ([(ASK, b"CONNECT a:443 HTTP/1.1\r\nHost: a\r\n\r\n")], "a tunnel"),
        ([(ANSWER, ok(b"x"))], "an answer came before a whole request"),
        ([(ASK, get()), (ANSWER, b"220 smtp.example ESMTP\r\n\r\n")], "illegal status line"),
        (
            [(ASK, get("/", *UPGRADE)), (ANSWER, SWITCH.replace(b"websocket", b"h2c") + b"\r\n")],
            "an upgrade to 'h2c'",
        ),
        (
            [(ASK, get("/", *UPGRADE)), (ANSWER, SWITCH + b"\r\n"), (ASK, b"\x81\x02hi")],
            "server received unexpected unmasked frame",
        ),
        ([(ASK, get("/", b"X: " + b"x" * 300_000)[:-4])], "Receive buffer too long"),
        ([(ASK, get("/", *UPGRADE) + b"x" * 1_100_000)], "1,000,000 bytes follow a request for an upgrade"),
    ],
)
def test_what_is_not_understood_says_why(script, reason):
    with pytest.raises(ProtocolError, match=reason):
        hear(script)


def test_a_line_that_is_not_understood_is_not_quoted():
    with pytest.raises(ProtocolError) as caught:
        hear([(ASK, get("/", b"Authorization : Bearer hush"))])
    assert str(caught.value) == "illegal header line"


@settings(deadline=None)
@given(st.lists(st.tuples(st.booleans(), st.binary(max_size=40))), st.sampled_from(sorted(SCRIPTS)))
def test_whatever_comes_it_is_told_or_refused(pieces, name):
    script, _ = SCRIPTS[name]
    for start in ([], script[:1], script):
        with contextlib.suppress(ProtocolError):
            hear([*start, *pieces])


# WebSocket frames in detail


def socket_script(extensions=b""):
    header = b"Sec-WebSocket-Extensions: " + extensions + b"\r\n" if extensions else b""
    return [(ASK, get("/", *UPGRADE)), (ANSWER, SWITCH + header + b"\r\n")]


def fragment(opcode, payload, *, fin, compressed=False):
    """A frame of a server."""
    first = (0x80 if fin else 0) | (0x40 if compressed else 0) | opcode
    return bytes([first, len(payload)]) + payload


def test_fragments_are_one_message_with_what_came_between_told_first():
    said = (
        fragment(1, b"ein Gru", fin=False)
        + fragment(0, "ß".encode()[:1], fin=False)
        + fragment(9, b"ping", fin=True)
        + fragment(0, "ß".encode()[1:], fin=True)
    )
    ping, text = hear([*socket_script(), (ANSWER, said)])[2:]
    assert ping.told.title == "PING 4 B"
    assert (text.told.title, text.told.text) == ("TEXT 9 B", "ein Gruß")
    assert ("frames", "3") in text.told.details


@pytest.mark.parametrize("client", [True, False], ids=["client", "server"])
def test_compressed_messages_are_told_as_they_were_meant(client):
    speaker = Speaker(client=client, compressed=True)
    messages = ["again and " * 190, "", "again and " * 190, "x"]
    said = b"".join(speaker.says(TextMessage(text)) for text in messages)
    assert len(said) < 300
    heard = hear([*socket_script(b"permessage-deflate"), (client, said)])[2:]
    assert [each.told.text for each in heard] == messages
    assert all(("permessage-deflate", "compressed on the wire") in each.told.details for each in heard)


def test_a_window_that_was_agreed_on_is_kept_to():
    squeeze = zlib.compressobj(9, zlib.DEFLATED, -9)
    squeezed = (squeeze.compress(b"hello " * 300) + squeeze.flush(zlib.Z_SYNC_FLUSH))[:-4]
    script = socket_script(b"permessage-deflate; server_max_window_bits=9; client_max_window_bits=15")
    (text,) = hear([*script, (ANSWER, fragment(1, squeezed, fin=True, compressed=True))])[2:]
    assert text.told.text == "hello " * 300


def test_compression_forgets_from_message_to_message_where_that_was_agreed():
    said = b""
    for text in (b"one one one", b"two two two"):
        squeeze = zlib.compressobj(9, zlib.DEFLATED, -15)
        squeezed = squeeze.compress(text) + squeeze.flush(zlib.Z_SYNC_FLUSH)
        said += fragment(1, squeezed[:-4], fin=True, compressed=True)
    script = socket_script(b"permessage-deflate; server_no_context_takeover")
    heard = hear([*script, (ANSWER, said)])[2:]
    assert [each.told.text for each in heard] == ["one one one", "two two two"]


def test_a_ping_between_compressed_fragments_does_not_end_the_compression():
    squeeze = zlib.compressobj(9, zlib.DEFLATED, -15)
    squeezed = (squeeze.compress(b"hello " * 20) + squeeze.flush(zlib.Z_SYNC_FLUSH))[:-4]
    said = (
        fragment(1, squeezed[:5], fin=False, compressed=True)
        + fragment(9, b"", fin=True)
        + fragment(0, squeezed[5:], fin=True)
    )
    ping, text = hear([*socket_script(b"permessage-deflate"), (ANSWER, said)])[2:]
    assert ping.told.title == "PING 0 B"
    assert text.told.text == "hello " * 20


def test_an_extension_that_is_not_in_force_is_not_understood():
    with pytest.raises(ProtocolError, match="Reserved bit"):
        hear([*socket_script(), (ANSWER, fragment(1, b"x", fin=True, compressed=True))])


@settings(deadline=None)
@given(st.data(), st.lists(st.one_of(st.text(), st.binary()), max_size=5), st.booleans())
def test_what_wsproto_says_is_heard_in_any_pieces(data, messages, compressed):
    speaker = Speaker(client=True, compressed=compressed)
    said = b"".join(
        speaker.says(TextMessage(each) if isinstance(each, str) else BytesMessage(each)) for each in messages
    )
    script = socket_script(b"permessage-deflate" if compressed else b"")
    heard = hear([*script, *data.draw(in_pieces([(ASK, said)] if said else []))])[2:]
    sizes = [len(each.encode()) if isinstance(each, str) else len(each) for each in messages]
    kinds = ["TEXT" if isinstance(each, str) else "BINARY" for each in messages]
    assert [each.told.title for each in heard] == [
        f"{kind} {size} B" for kind, size in zip(kinds, sizes, strict=True)
    ]
    texts = [each.told.text for each in heard if each.told.title.startswith("TEXT")]
    assert texts == [each for each in messages if isinstance(each, str)]
