"""WebSocket-over-HTTP against gripcontrol's own codec and the rules by which Pushpin reads an answer."""

import asyncio
import json

import pytest
from aiohttp import web
from aiohttp.test_utils import TestClient, TestServer
from gripcontrol import WebSocketEvent, decode_websocket_events, encode_websocket_events
from hypothesis import given, strategies as st

from realtime_kit.errors import ProtocolError, UsageError
from realtime_kit.origin import grip
from realtime_kit.origin.grip.websocket_over_http import MAX_MESSAGE_BYTES, MAX_MESSAGES

TEXT = st.text(st.characters(exclude_categories=["Cs"]), max_size=50)
MESSAGE = (
    TEXT | st.binary(max_size=50) | st.sampled_from(['c:{"type":"detach"}', "m:", b"c:", b"\r\nTEXT 1\r\n"])
)


def body(*events):
    return encode_websocket_events([WebSocketEvent(*event) for event in events])


def received(*events, **meta):
    return grip.WebSocketOverHttp(body(*events), connection_id="1", meta=meta)


def event_of(message):
    return ("TEXT", message.encode()) if isinstance(message, str) else ("BINARY", message)


def answered(ws):
    return [(event.type, event.content) for event in decode_websocket_events(ws.response().body)]


def client_sees(ws):
    """Messages and commands as Pushpin takes them from an answer: commands are text that begins with c:."""
    messages, commands = [], []
    for kind, content in answered(ws):
        if kind == "TEXT" and content.startswith(b"c:"):
            commands.append(json.loads(content[2:]))
        elif kind in ("TEXT", "BINARY"):
            assert content.startswith(b"m:"), "Pushpin drops a message without its prefix"
            messages.append(content[2:].decode() if kind == "TEXT" else content[2:])
    return messages, commands


# What a client sent


@given(messages=st.lists(MESSAGE, max_size=5))
def test_messages_of_one_post_come_in_order_as_text_and_bytes(messages):
    assert list(received(*map(event_of, messages))) == messages


def test_a_text_without_content_is_an_empty_message_because_pushpin_sends_it_so():
    assert list(received(("TEXT",))) == [""]


def test_lengths_are_hexadecimal_in_either_case():
    assert list(grip.WebSocketOverHttp(b"TEXT A\r\n0123456789\r\n", connection_id="1")) == ["0123456789"]


def test_an_opening_connection_is_one_that_may_be_accepted():
    ws = received(("OPEN",))
    assert ws.opening
    assert not ws.closing
    assert not ws.disconnected


@pytest.mark.parametrize(
    ("content", "code", "reason"),
    [(None, None, ""), (b"\x03\xe8", 1000, ""), (b"\x0f\xa5gone", 4005, "gone")],
)
def test_a_close_has_a_code_and_a_reason_if_the_client_gave_them(content, code, reason):
    ws = received(("CLOSE", content))
    assert (ws.closing, ws.close_code, ws.close_reason) == (True, code, reason)


def test_a_client_that_is_gone_is_disconnected():
    ws = received(("DISCONNECT",))
    assert ws.disconnected
    assert not ws.closing


@given(messages=st.lists(MESSAGE, min_size=1, max_size=3), data=st.data())
def test_a_body_that_is_cut_off_is_an_error_or_else_only_whole_messages(messages, data):
    whole = body(*map(event_of, messages))
    cut = whole[: data.draw(st.integers(0, len(whole) - 1))]
    try:
        found = list(grip.WebSocketOverHttp(cut, connection_id="1"))
    except ProtocolError:
        return
    assert found == messages[: len(found)]


@pytest.mark.parametrize(
    ("broken", "complaint"),
    [
        (b"TEXT 5\r\nhel\r\n", "cut off, or its length is wrong"),
        (b"TEXT 5\r\nhello", "cut off, or its length is wrong"),
        (b"TEXT 5\r\nhelloTEXT 1\r\na\r\n", "cut off, or its length is wrong"),
        (b"TEXT 1_0\r\n0123456789abcdef\r\n", "cut off, or its length is wrong"),
        (b"OPEN", "not a row of WebSocket events"),
        (b"TEXT zz\r\n\r\n", "not a row of WebSocket events"),
        (b"TEXT -1\r\n\r\n", "not a row of WebSocket events"),
        (b"\xff\r\n", "not a row of WebSocket events"),
        (b"HELLO\r\n", "'HELLO' is not allowed as number 1"),
        (b"TEXT\r\nOPEN\r\n", "'OPEN' is not allowed as number 2"),
        (b"TEXT 1\r\n\xff\r\n", "text message is not UTF-8"),
        (b"CLOSE 1\r\n\x03\r\n", "CLOSE .* has one byte"),
    ],
)
def test_a_body_that_is_not_what_pushpin_sends_says_why(broken, complaint):
    with pytest.raises(ProtocolError, match=complaint):
        grip.WebSocketOverHttp(broken, connection_id="1")


# What goes back


def test_an_accepted_connection_opens_before_anything_else_and_switches_commands_on():
    ws = received(("OPEN",))
    ws.send("hello")
    ws.accept()
    response = ws.response()
    assert answered(ws) == [("OPEN", None), ("TEXT", b"m:hello")]
    assert response.headers["Sec-WebSocket-Extensions"] == "grip"
    assert response.headers["Content-Type"] == "application/websocket-events"
    assert response.status == 200


def test_later_answers_open_nothing():
    ws = received(("TEXT", b"a"))
    ws.accept()
    assert answered(ws) == []
    assert "Sec-WebSocket-Extensions" not in ws.response().headers


def test_an_answer_that_neither_accepts_nor_refuses_is_an_error():
    with pytest.raises(UsageError, match=r"Call accept\(\) first; to refuse, return an answer such as 403"):
        received(("OPEN",)).response()


@given(messages=st.lists(MESSAGE, max_size=5))
def test_any_message_reaches_the_client_unchanged_and_none_becomes_a_command(messages):
    ws = received(*map(event_of, messages))
    for message in ws:
        ws.send(message)
    assert client_sees(ws) == (messages, [])


def test_commands_are_what_pushpin_reads():
    ws = received(("TEXT", b"a"))
    ws.subscribe("a b")
    ws.subscribe(grip.Channel("c", filters=("skip-self",)))
    ws.unsubscribe("a b")
    ws.keep_alive("ka", 20)
    ws.keep_alive(b"\x00", 20)
    ws.set_subscription_meta("user", "alice")
    ws.detach()
    assert client_sees(ws) == (
        [],
        [
            {"type": "subscribe", "channel": "a b"},
            {"type": "subscribe", "channel": "c", "filters": ["skip-self"]},
            {"type": "unsubscribe", "channel": "a b"},
            {"type": "keep-alive", "content": "ka", "timeout": 20},
            {"type": "keep-alive", "content-bin": "AA==", "message-type": "binary", "timeout": 20},
            {"type": "set-meta", "name": "user", "value": "alice"},
            {"type": "detach"},
        ],
    )


def test_a_ping_is_answered_with_its_content():
    assert answered(received(("PING", b"x"), ("PING",))) == [("PONG", b"x"), ("PONG", None)]


@pytest.mark.parametrize(("content", "confirmed"), [(None, None), (b"\x0f\xa5gone", b"\x0f\xa5")])
def test_a_close_is_confirmed_last(content, confirmed):
    ws = received(("TEXT", b"a"), ("CLOSE", content))
    ws.send("b")
    ws.close(4000)
    assert answered(ws) == [("TEXT", b"m:b"), ("CLOSE", confirmed)]


def test_a_close_of_ones_own_comes_after_what_was_sent():
    ws = received(("TEXT", b"a"))
    ws.send("bye")
    ws.close(4001, "grüß")
    assert answered(ws) == [("TEXT", b"m:bye"), ("CLOSE", b"\x0f\xa1" + "grüß".encode())]


def test_nothing_can_follow_a_close():
    ws = received(("TEXT", b"a"))
    ws.close()
    with pytest.raises(UsageError, match=r"closed by close\(\); nothing can follow"):
        ws.send("b")


@pytest.mark.parametrize("code", [999, 1004, 1005, 1006, 1015, 1016, 2999, 5000, 70_000])
def test_a_close_code_that_may_not_be_sent_is_refused(code):
    with pytest.raises(UsageError, match=f"A close code is .*, not {code}"):
        received().close(code)


def test_a_close_reason_that_does_not_fit_into_its_frame_is_refused():
    received().close(1000, "x" * 123)
    with pytest.raises(UsageError, match="at most 123 bytes of UTF-8, not 124"):
        received().close(1000, "é" * 62)


def test_a_message_that_fits_into_one_frame_can_be_sent():
    ws = received()
    ws.send("x" * MAX_MESSAGE_BYTES)
    assert client_sees(ws) == (["x" * 16_382], [])


def test_a_message_whose_end_pushpin_might_hold_back_is_refused():
    with pytest.raises(UsageError, match=r"A message .* at most 16,382 bytes, not 16,383"):
        received().send(b"x" * 16_383)


def test_a_command_that_pushpin_would_ignore_is_refused():
    with pytest.raises(UsageError, match=r"A command .* at most 16,382 bytes"):
        received().subscribe("x" * 16_382)


def test_an_answer_longer_than_pushpin_reads_is_refused():
    ws = received()
    for _ in range(62):
        ws.send("x" * 16_300)
    with pytest.raises(UsageError, match="bytes of WebSocket events; Pushpin allows 1,000,000"):
        ws.response()


def test_as_many_messages_as_pushpin_surely_carries_can_be_sent_with_any_commands():
    ws = received(("OPEN",), ("PING",))
    ws.accept()
    for number in range(MAX_MESSAGES):
        ws.send(str(number))
        ws.unsubscribe(f"channel {number}")
    assert client_sees(ws)[0] == [str(number) for number in range(100)]


@pytest.mark.parametrize("message", ["x", b"x"])
def test_more_messages_than_pushpin_surely_carries_are_refused_with_ways_out(message):
    ws = received(("TEXT", b"a"))
    for _ in range(101):
        ws.send(message)
    with pytest.raises(UsageError, match=r"has 101 messages for the client; of more than 100 .* one_event"):
        ws.response()


def test_a_prev_id_is_refused_because_pushpin_ignores_it_on_websockets():
    with pytest.raises(UsageError, match="'a' has a prev_id, which Pushpin ignores on WebSockets"):
        received().subscribe(grip.Channel("a", prev_id="1"))


def test_meta_is_remembered_by_headers_that_pushpin_sends_back():
    ws = received(User="u7", Old="x")
    ws.set_meta("Room", "a, b; c")
    ws.set_meta("OLD", "")
    assert ws.meta == {"user": "u7", "room": "a, b; c"}
    headers = ws.response().headers
    assert {name: headers[name] for name in headers if name.startswith("Set-Meta-")} == {
        "Set-Meta-room": "a, b; c",
        "Set-Meta-old": "",
    }


@pytest.mark.parametrize(("name", "value"), [("a b", "x"), ("", "x"), ("a\r\n", "x"), ("a", "x\r\nX-B: b")])
def test_meta_cannot_begin_a_header_line_of_its_own(name, value):
    with pytest.raises(UsageError):
        received().set_meta(name, value)


def test_headers_of_ones_own_go_with_the_answer_but_only_inside_their_line():
    ws = received()
    assert ws.response(headers={"X-A": "a"}).headers["X-A"] == "a"
    with pytest.raises(UsageError, match="has a line break"):
        ws.response(headers={"X-A": "a\r\nX-B: b"})


def test_it_prints_what_came():
    assert repr(received(("TEXT", b"a"), ("CLOSE",))) == "WebSocketOverHttp('1': closing, 1 messages)"


# In an aiohttp handler


def post(data, headers=None, method="POST"):
    seen = []

    async def handler(request):
        ws = await grip.websocket(request)
        seen.append((ws.connection_id, ws.meta, ws.messages))
        return ws.response()

    async def run():
        app = web.Application()
        app.router.add_route("*", "/ws", handler)
        async with TestClient(TestServer(app)) as client:
            answer = await client.request(method, "/ws", data=data, headers=headers)
            return answer.status, await answer.text(), answer.headers

    return *asyncio.run(run()), seen


PUSHPINS = {"Content-Type": "application/websocket-events", "Connection-Id": "889a", "Meta-User": "u7"}


def test_a_handler_sees_connection_meta_and_messages_and_answers_in_pushpins_exact_content_type():
    status, _, headers, seen = post(body(("TEXT", b"a"), ("TEXT", b"b")), PUSHPINS)
    assert status == 200
    assert headers["Content-Type"] == "application/websocket-events"
    assert seen == [("889a", {"user": "u7"}, ["a", "b"])]


@pytest.mark.parametrize(
    ("data", "headers", "method", "complaint"),
    [
        (None, {}, "GET", "takes WebSocket-over-HTTP, a POST of application/websocket-events, not a GET"),
        (b"{}", {"Content-Type": "application/json"}, "POST", "not a POST of application/json"),
        (
            b"OPEN\r\n",
            {"Content-Type": "application/websocket-events"},
            "POST",
            "needs a Connection-Id header",
        ),
        (b"TEXT 5\r\na", PUSHPINS, "POST", "cut off"),
    ],
)
def test_a_request_that_is_something_else_gets_a_400_that_says_what_is_expected(
    data, headers, method, complaint
):
    status, text, _, seen = post(data, headers, method)
    assert status == 400
    assert complaint in text
    assert seen == []
