"""What the parts of an exchange are called: GRIP's headers, WebSocket-over-HTTP, published items."""

import json

import h11
import jwt
import pytest

from realtime_kit.origin import grip
from realtime_kit.origin.grip.instructions import channel_header
from realtime_kit.publisher import item_in_all_formats
from realtime_kit.publisher.formats import exported
from realtime_kit.taps.x_ray import Instruction
from realtime_kit.taps.x_ray.body import KEPT_BYTES, SHOWN_CHARACTERS, Body, shorten
from realtime_kit.taps.x_ray.grip_headers import in_words, instruction
from realtime_kit.taps.x_ray.telling import request_head, response_head, tell_request, tell_response

KEY = b"k" * 32


def told_response(*headers, body=b"", status=200):
    head = response_head(h11.Response(status_code=status, headers=list(headers)))
    return tell_response(head, Body(body), known_end=True)


def told_request(*headers, body=b"", method="POST", target="/publish/", publishes=True):
    event = h11.Request(method=method, target=target, headers=[("Host", "a"), *headers])
    return tell_request(request_head(event), Body(body), publishes=publishes)


@pytest.mark.parametrize(
    ("name", "value", "words"),
    [
        ("Grip-Channel", "news", "news"),
        (
            "Grip-Channel",
            "news; prev-id=3; filter=skip-self; filter=skip-users",
            "news (prev-id 3, filter skip-self, filter skip-users)",
        ),
        ("grip-channel", 'a, b; prev-id="x,y;z"', "a, b (prev-id x,y;z)"),
        ("Grip-Link", "</a?b=1,2>; rel=next", "next: /a?b=1,2"),
        ("Grip-Link", "</a>; rel=next; timeout=5", "next: /a (after 5 s of silence too)"),
        ("Grip-Link", "</gone>; rel=gone", "gone: /gone"),
        ("Grip-Timeout", "25", "25 s"),
        (
            "Grip-Keep-Alive",
            r":\n\n; format=cstring; timeout=20; mode=idle",
            r"':\n\n' after silence of 20 s",
        ),
        ("Grip-Keep-Alive", "Og==; format=base64; timeout=20; mode=interval", "':' every 20 s"),
        ("Grip-Keep-Alive", "###; format=base64; timeout=20", "'###' after silence of 20 s"),
        ("Grip-Keep-Alive", "", "'' after silence of ? s"),
        ("Grip-Last", "news; last-id=3, sport; last-id=9", "news up to 3, sport up to 9"),
        ("Grip-Set-Meta", 'user="alice"', 'user="alice"'),
        ("Grip-Status", "203", "203"),
        ("Grip-Hold", "sometimes", "sometimes"),
    ],
)
def test_a_grip_header_in_words(name, value, words):
    assert in_words(name, value) == words


def test_what_the_kits_own_codec_writes_is_read_back():
    channels = [grip.Channel("news", prev_id="3", filters=("skip-users",)), "late"]
    link = grip.Link("/a?b=ü,;", timeout_s=7)
    keep_alive = grip.KeepAlive(":;\n ", 20, "interval")
    assert in_words("Grip-Channel", channel_header(channels)) == "news (prev-id 3, filter skip-users), late"
    assert in_words("Grip-Link", link.header()) == "next: /a?b=%C3%BC%2C%3B (after 7 s of silence too)"
    assert in_words("Grip-Keep-Alive", keep_alive.header()) == r"':;\n ' every 20 s"
    headers = (
        ("Grip-Hold", "stream"),
        ("Grip-Channel", channel_header(channels)),
        ("Grip-Link", link.header()),
    )
    assert instruction(headers) == Instruction("stream", ("news", "late"), "/a?b=%C3%BC%2C%3B")


def test_of_a_token_only_the_claims_are_kept_and_nobody_says_they_are_true():
    token = jwt.encode({"iss": "pushpin", "exp": 1_800_000_000}, KEY, algorithm="HS256")
    told = told_request(("Grip-Sig", token), method="GET", target="/")
    words = "iss pushpin, exp 2027-01-15 08:00:00 UTC (signature not checked)"
    assert told.details == (("Grip-Sig", words),)
    assert told.head.get("grip-sig") == words
    assert token not in repr(told)
    assert in_words("Grip-Sig", "nonsense") == "(no token that can be read)"
    assert in_words("Grip-Sig", jwt.encode({}, KEY, algorithm="HS256")) == "no claims (signature not checked)"
    far = jwt.encode({"exp": 10**30}, KEY, algorithm="HS256")
    assert in_words("Grip-Sig", far) == f"exp {10**30} (signature not checked)"


def test_a_hold_without_channels_and_an_unknown_hold_are_shown_as_they_are():
    assert told_response(("Grip-Hold", "sometimes")).title == "200, hold sometimes"
    assert told_response(("Grip-Channel", "news"), body=b"x").title == "200 OK, 1 B"


def test_an_instruction_in_the_body_is_read_like_one_in_headers():
    body = {
        "hold": {"mode": "response", "channels": [{"name": "news", "prev-id": "3"}], "timeout": 20},
        "response": {"code": 200, "headers": {"Set-Cookie": "hush"}, "body": "nothing new"},
    }
    told = told_response(("Content-Type", "application/grip-instruct"), body=json.dumps(body).encode())
    assert told.title == "200, hold response on news"
    assert told.grip == Instruction("response", ("news",))
    assert told.text == "nothing new"
    assert '"timeout": 20' in dict(told.details)["hold"]
    assert "hush" not in repr(told)


@pytest.mark.parametrize(
    "body", [b"", b"{}", b"[]", b'{"hold": 1}', b'{"hold": {"mode": "stream"}}', b"\xff"]
)
def test_an_instruction_in_the_body_that_cannot_be_read_is_said_to_be_none(body):
    told = told_response(("Content-Type", "application/grip-instruct"), body=body)
    assert told.grip is None
    assert ("problem", "no instruction that can be read") in told.details


def test_items_are_told_with_their_ids_and_every_format():
    items = [exported("news", item_in_all_formats(number, "hi", prev_number=number - 1)) for number in (7, 8)]
    body = json.dumps(
        {"items": [{**item, "formats": dict(item["formats"])} for item in items]}, default=bytes.decode
    )
    told = told_request(("Content-Type", "application/json"), body=body.encode())
    assert (told.kind, told.title, told.text) == (
        "publish",
        "publish 2 items to news",
        '{"id":7,"data":"hi"}',
    )
    details = told.details[1:]
    assert details[:3] == (("channel", "news"), ("id", "7"), ("prev-id", "6"))
    assert dict(details)["http-stream"] == "id: 8\ndata: hi\n\n"
    assert dict(details)["http-response"].startswith('Content-Type: application/json; ETag: "8"; {')
    assert [value for name, value in details if name == "id"] == ["7", "8"]


def test_published_cookies_are_hidden_however_headers_are_written():
    for headers in ({"Set-Cookie": "hush"}, [["Set-Cookie", "hush"]]):
        formats = {"http-response": {"code": 201, "headers": headers, "body": "x"}}
        body = json.dumps({"items": [{"channel": "news", "formats": formats}]}).encode()
        told = told_request(body=body)
        assert "hush" not in repr(told)
        assert dict(told.details)["http-response"] == "code 201; Set-Cookie: (hidden); x"


def test_only_on_the_way_to_the_publish_port_a_request_is_a_publish():
    body = b'{"items":[{"channel":"news","formats":{"ws-message":{"content":"hi"}}}]}'
    assert told_request(body=body).kind == "publish"
    assert told_request(body=body, publishes=False).kind == "request"
    assert told_request(body=body, target="/elsewhere").kind == "request"


def test_many_items_are_counted_and_the_first_shown():
    items = [
        {"channel": f"c{number}", "formats": {"ws-message": {"content": "x" * 999}}} for number in range(50)
    ]
    told = told_request(body=json.dumps({"items": items}).encode())
    assert told.title == "publish 50 items to c0, c1 and 48 more"
    assert told.details[-1] == ("and", "30 more items")
    assert len(told.details) == 41
    assert max(len(value) for _, value in told.details) == 200


@pytest.mark.parametrize(
    "body",
    [b"", b"{}", b"[]", b'{"items": 1}', b'{"items": [1]}', b'{"items": [{}]}', b'{"items":[{"channel":1}]}'],
)
def test_a_publish_that_cannot_be_read_is_an_ordinary_request(body):
    told = told_request(body=body)
    assert told.kind == "request"
    assert told.title.startswith("POST /publish/")


def test_websocket_events_are_told_one_by_one():
    body = b'TEXT 2\r\nhi\r\nTEXT a\r\nc:{"a": 1}\r\nBINARY 1\r\n\xff\r\nPING\r\nCLOSE 2\r\n\x0f\xa9\r\n'
    kind = ("Content-Type", "application/websocket-events")
    asked = told_request(kind, body=body, target="/chat")
    assert asked.title == "POST /chat: TEXT 2 B + TEXT 10 B + BINARY 1 B + 2 more"
    assert asked.details[1:] == (
        ("TEXT 2 B", "hi"),
        ("TEXT 10 B", 'c:{"a": 1}'),
        ("BINARY 1 B", "(1 B, not text: ff)"),
        ("PING", ""),
        ("CLOSE 4009", ""),
    )
    answered = told_response(kind, body=body)
    assert answered.details[2] == ("a command that cannot be read", '{"a": 1}')


def test_websocket_events_that_cannot_be_read_are_said_to_be_so():
    told = told_request(
        ("Content-Type", "application/websocket-events"), body=b"TEXT 5\r\nhel", target="/chat"
    )
    assert told.title == "POST /chat: WebSocket events that cannot be read"
    assert "problem" in dict(told.details)


def test_many_events_are_counted_and_the_first_shown():
    body = b"TEXT 1\r\nx\r\n" * 100
    told = told_request(("Content-Type", "application/websocket-events"), body=body, target="/chat")
    assert told.title == "POST /chat: TEXT 1 B + TEXT 1 B + TEXT 1 B + 97 more"
    assert told.details[-1] == ("and", "60 more events")


def test_a_body_is_counted_to_its_end_and_kept_to_a_limit():
    body = Body()
    for _ in range(12):
        body.add(b"x" * 100_000)
    assert body.size_bytes == 1_200_000
    assert body.content is None
    assert Body(b"x" * KEPT_BYTES).content == b"x" * KEPT_BYTES
    assert body.text() == "x" * (SHOWN_CHARACTERS - 1) + "…"


def test_a_body_too_long_to_be_decoded_is_told_by_its_size():
    kind = ("Content-Type", "application/websocket-events")
    told = told_request(kind, body=b"x" * (KEPT_BYTES + 1), target="/chat")
    assert told.title == f"POST /chat: {KEPT_BYTES + 1:,} B of WebSocket events"


@pytest.mark.parametrize(
    ("content", "text"),
    [
        (b"", ""),
        ("grüße".encode(), "grüße"),
        (b"\xff\xfe", "(2 B, not text: ff fe)"),
        (b"\xff" * 20, "(20 B, not text: " + " ".join(["ff"] * 16) + " …)"),
        ("ü".encode()[:1], "(1 B, not text: c3)"),
        ("ü".encode() * 3000, "ü" * (SHOWN_CHARACTERS - 1) + "…"),
        ("€".encode() * 3000 + b"\xff", "€" * (SHOWN_CHARACTERS - 1) + "…"),
    ],
)
def test_content_as_text(content, text):
    assert Body(content).text() == text


def test_a_short_text_stays_whole():
    assert shorten("12345", 5) == "12345"
    assert shorten("123456", 5) == "1234…"
