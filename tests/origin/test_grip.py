"""Answers for Pushpin and what it says in requests: every header is read back as Pushpin reads it."""

import asyncio
import base64
import re
import time

import jwt
import pytest
from aiohttp import web
from aiohttp.test_utils import TestClient, TestServer, make_mocked_request
from hypothesis import given, strategies as st
from multidict import CIMultiDict

from realtime_kit.errors import GripSignatureError, ProtocolError, UsageError
from realtime_kit.origin import grip

KEY = b"0123456789abcdef0123456789abcdef"
ONE_LINE = st.text(st.characters(exclude_categories=["Cs", "Cc"]), min_size=1)


def split_by_pushpin(value):
    """Cut at commas outside quotes, which may contain escaped characters."""
    return [part.strip() for part in re.findall(r'(?:"(?:\\.|[^"\\])*"|[^,"])+', value)]


def read_by_pushpin(value, *, first_is_plain=True):
    """(name, value) pairs as Pushpin reads them: the first ends at a semicolon, whatever it contains."""
    pairs = []
    if first_is_plain:
        first, _, value = value.partition(";")
        pairs.append((first.strip(), ""))
    for name, quoted, plain in re.findall(r'([^=;]+)(?:=(?:"((?:\\.|[^"\\])*)"|([^;]*)))?(?:;|$)', value):
        pairs.append((name.strip(), re.sub(r"\\(.)", r"\1", quoted) or plain.strip()))
    return pairs


def unescaped_by_pushpin(value):
    codes = {"\\\\": "\\", "\\r": "\r", "\\n": "\n"}
    return re.sub(
        r"\\(?:[\\rn]|x[0-9a-f]{2})", lambda m: codes.get(m[0]) or chr(int(m[0][2:] or "0", 16)), value
    ).encode("latin-1")


def request(headers=(), method="GET", path="/"):
    return make_mocked_request(method, path, headers=CIMultiDict(headers))


def signed(key=KEY, algorithm="HS256", **claims):
    return {"Grip-Sig": jwt.encode({"iss": "pushpin", "exp": time.time() + 3600} | claims, key, algorithm)}


async def ask(app, *arguments, **options):
    async with TestClient(TestServer(app)) as client:
        answer = await client.request(*arguments, **options)
        return answer.status, answer.headers, await answer.text()


# Holding


def test_a_response_hold_is_the_timeout_answer_with_grip_headers():
    response = grip.hold_response("news", body="nothing new", timeout_s=20, headers={"X-Mine": "1"})
    assert response.status == 200
    assert response.body == b"nothing new"
    assert dict(response.headers) == {
        "X-Mine": "1",
        "Grip-Hold": "response",
        "Grip-Channel": "news",
        "Grip-Timeout": "20",
        "Content-Type": "text/plain; charset=utf-8",
    }


def test_a_stream_hold_is_the_beginning_of_the_stream_with_grip_headers():
    response = grip.hold_stream("news", body=b"data: hi\n\n")
    assert response.body == b"data: hi\n\n"
    assert dict(response.headers) == {
        "Grip-Hold": "stream",
        "Grip-Channel": "news",
        "Content-Type": "text/event-stream",
    }


def test_a_page_has_a_next_link_and_no_hold():
    headers = grip.page("data: 1\n\n", next_link="/events?from=1").headers
    assert headers["Grip-Link"] == "</events?from=1>; rel=next"
    assert "Grip-Hold" not in headers


@pytest.mark.parametrize("hold", [grip.hold_response, grip.hold_stream])
def test_a_hold_has_a_content_length_because_pushpin_1_38_can_hang_without(hold):
    app = web.Application()

    async def handler(_):
        return hold("news", body="abc")

    app.router.add_get("/", handler)
    _, headers, _ = asyncio.run(ask(app, "GET", "/"))
    assert headers["Content-Length"] == "3"
    assert "Transfer-Encoding" not in headers


def test_without_a_timeout_pushpins_own_default_counts():
    assert "Grip-Timeout" not in grip.hold_response("news").headers


@pytest.mark.parametrize("timeout_s", [4, 0, -1, 5.5, True, "20"])
def test_a_hold_timeout_that_pushpin_would_change_or_not_read_is_refused(timeout_s):
    with pytest.raises(UsageError, match="A response hold's timeout_s is 5 or more whole seconds, not"):
        grip.hold_response("news", timeout_s=timeout_s)


def test_a_response_hold_can_have_a_body_of_100_000_bytes():
    assert len(grip.hold_response("news", body=b"x" * 100_000).body) == 100_000


def test_a_response_hold_with_one_byte_more_is_refused():
    with pytest.raises(UsageError, match="has 100,001 bytes; 100,000 are allowed"):
        grip.hold_response("news", body=b"x" * 100_001)


def test_a_stream_can_begin_with_any_amount():
    assert len(grip.hold_stream("news", body=b"x" * 5_000_000).body) == 5_000_000


def test_text_is_sent_as_utf_8():
    assert grip.hold_stream("news", body="…").body == "…".encode()


@pytest.mark.parametrize("status", [204, 304])
def test_a_hold_can_end_in_an_answer_without_a_body(status):
    assert grip.hold_response("news", status=status).status == status


def test_a_body_for_a_status_without_one_is_refused():
    with pytest.raises(UsageError, match="An answer with status 204 has no body, but 1 bytes were given"):
        grip.hold_response("news", status=204, body="x")


# Channels


def test_several_channels_are_one_header():
    header = grip.hold_stream(["a", grip.Channel("b", filters=("skip-self", "var-subst"))]).headers
    assert [read_by_pushpin(part) for part in split_by_pushpin(header["Grip-Channel"])] == [
        [("a", "")],
        [("b", ""), ("filter", "skip-self"), ("filter", "var-subst")],
    ]


def test_a_channel_can_say_what_the_body_contains_already():
    assert grip.hold_response(grip.Channel("a", prev_id="7")).headers["Grip-Channel"] == "a; prev-id=7"


def test_a_stream_with_a_prev_id_and_no_next_link_is_refused_because_pushpin_would_end_it():
    with pytest.raises(UsageError, match="'a' has a prev_id, so the stream needs a next_link"):
        grip.hold_stream(["b", grip.Channel("a", prev_id="7")])


@pytest.mark.parametrize("text", ["", " a", "a ", "a,b", "a;b", 'a"b', "a\r\nGrip-Hold: stream", "a\0", 7])
@pytest.mark.parametrize("field", ["name", "prev_id", "filters"])
def test_text_that_pushpin_would_misread_is_refused(field, text):
    values = {"name": "a"} | {field: (text,) if field == "filters" else text}
    with pytest.raises(UsageError, match="is text without comma, semicolon, quote, control character"):
        grip.Channel(**values)


def test_one_filter_given_as_a_text_is_refused_because_it_would_be_one_filter_a_letter():
    with pytest.raises(UsageError, match=r"give \('skip-self',\) instead of 'skip-self'"):
        grip.Channel("a", filters="skip-self")


def test_no_channel_at_all_is_refused():
    with pytest.raises(UsageError, match="at least one channel"):
        grip.hold_stream([])


# Links, keep-alives, meta and other headers


def test_a_link_can_have_a_timeout():
    link = grip.Link("/events?from=7", timeout_s=30)
    assert grip.hold_stream("a", next_link=link).headers["Grip-Link"] == (
        "</events?from=7>; rel=next; timeout=30"
    )


def test_a_stream_can_have_a_next_and_a_gone_link():
    headers = grip.hold_stream("a", next_link="/next", gone_link="/gone").headers
    assert headers.getall("Grip-Link") == ["</next>; rel=next", "</gone>; rel=gone"]


@given(query=st.text(st.characters(exclude_categories=["Cs"])))
def test_a_link_reaches_the_origin_whatever_its_query_contains(query):
    escaped = query.replace("%", "%25").replace("#", "%23").replace("&", "%26").replace("+", "%2B")
    header = grip.Link(f"/events?q={escaped}").header()
    (part,) = split_by_pushpin(header)
    (link, _), rel = read_by_pushpin(part)
    assert rel == ("rel", "next")
    assert request(path=link[1:-1]).query["q"] == query


@pytest.mark.parametrize(
    ("link", "complaint"),
    [
        ({"url": ""}, "needs an address"),
        ({"url": "/", "rel": "prev"}, "rel is 'next' or 'gone', not 'prev'"),
        ({"url": "/", "timeout_s": 0}, "timeout_s is 1 or more whole seconds, not 0"),
        ({"url": "/", "rel": "gone", "timeout_s": 5}, "has no timeout"),
    ],
)
def test_a_link_that_pushpin_would_ignore_or_refuse_is_refused(link, complaint):
    with pytest.raises(UsageError, match=complaint):
        grip.Link(**link)


def test_a_gone_link_in_the_place_of_a_next_link_is_refused():
    with pytest.raises(UsageError, match="next_link has rel 'gone'"):
        grip.hold_stream("a", next_link=grip.Link("/", "gone"))


def test_a_keep_alive_stays_readable():
    keep_alive = grip.KeepAlive("event: ka\ndata:\n\n", 20, "interval")
    assert grip.hold_stream("a", keep_alive=keep_alive).headers["Grip-Keep-Alive"] == (
        r"event: ka\ndata:\n\n; format=cstring; timeout=20; mode=interval"
    )


@given(content=st.binary(min_size=1) | st.text("\\\r\n\t; ,\"'ab:x0", min_size=1) | ONE_LINE)
def test_pushpin_reads_a_keep_alive_of_any_content(content):
    (value, _), *parameters = read_by_pushpin(grip.KeepAlive(content, 20).header())
    decode = {"cstring": unescaped_by_pushpin, "base64": base64.b64decode}
    found = decode[dict(parameters)["format"]](value)
    assert found == (content.encode() if isinstance(content, str) else content)


@pytest.mark.parametrize(
    "options", [{"content": ""}, {"timeout_s": 0}, {"timeout_s": 1.5}, {"mode": "always"}]
)
def test_a_keep_alive_that_pushpin_would_refuse_is_refused(options):
    with pytest.raises(UsageError, match="A keep-alive"):
        grip.KeepAlive(**({"content": ":\n\n", "timeout_s": 20} | options))


@given(meta=st.dictionaries(st.sampled_from(["user", "id_format", "x-1"]), ONE_LINE, min_size=1))
def test_pushpin_reads_meta_of_any_value(meta):
    headers = grip.hold_stream("a", meta=meta).headers.getall("Grip-Set-Meta")
    entries = [part for header in headers for part in split_by_pushpin(header)]
    assert dict(read_by_pushpin(entry, first_is_plain=False)[0] for entry in entries) == meta


@pytest.mark.parametrize(
    "options",
    [
        {"headers": {"X-A": "a\r\nGrip-Hold: response"}},
        {"headers": {"X-A\r\nX-B": "a"}},
        {"content_type": "text/plain\r\nX-B: b"},
        {"meta": {"user": "a\r\nX-B: b"}},
        {"meta": {"user=x": "a"}},
    ],
)
def test_nothing_can_begin_a_header_line_of_its_own(options):
    with pytest.raises(UsageError, match=r"has a line break|has letters, digits and -_\. only"):
        grip.hold_stream("a", **options)


@pytest.mark.parametrize("name", ["content-type", "GRIP-HOLD"])
def test_a_header_that_the_hold_writes_itself_is_refused(name):
    with pytest.raises(UsageError, match="is written by this function; leave it out"):
        grip.hold_stream("a", headers={name: "x"})


# What Pushpin says in a request


@pytest.mark.parametrize("header", ["Grip-Sig", "Grip-Feature"])
def test_a_request_that_a_proxy_passed_on_is_recognized(header):
    assert grip.is_grip(request({header: "x"}))
    assert not grip.is_grip(request())


def test_last_ids_come_from_all_headers_and_all_their_parts():
    headers = [("Grip-Last", "a b; last-id=1, c;Last-ID=2"), ("Grip-Last", r'd; x=","; last-id="q\",;"')]
    assert grip.last_ids(request(headers)) == {"a b": "1", "c": "2", "d": 'q",;'}


def test_without_a_grip_last_there_are_no_last_ids():
    assert grip.last_ids(request()) == {}


@given(
    ids=st.dictionaries(
        *[st.text(st.characters(exclude_categories=["C", "Z"], exclude_characters=',;"'), min_size=1)] * 2
    )
)
def test_the_prev_id_of_every_allowed_channel_comes_back(ids):
    sent = [grip.Channel(name, prev_id) for name, prev_id in ids.items()]
    pushpins = [("Grip-Last", f"{channel.name}; last-id={channel.prev_id}") for channel in sent]
    assert grip.last_ids(request(pushpins)) == ids


@pytest.mark.parametrize("header", ["a", "; last-id=1", "a; prev-id=1", "a; last-id=1; last-id=2"])
def test_a_grip_last_that_cannot_be_read_is_a_bad_request(header):
    with pytest.raises(ProtocolError, match=r"Grip-Last is `channel; last-id=…`, not"):
        grip.last_ids(request({"Grip-Last": header}))


def test_a_signed_request_is_proven_and_gives_its_claims():
    assert grip.verify(request(signed(exp=4e9)), KEY, issuer="pushpin") == {"iss": "pushpin", "exp": 4e9}


@pytest.mark.parametrize(
    ("headers", "complaint"),
    [
        ({}, "has no Grip-Sig header: it did not come through the proxy"),
        (signed(exp=time.time() - 10), "has expired; compare the clocks"),
        (signed(KEY[::-1]), "was signed with another key; compare with sig_key"),
        (signed(KEY * 2, "HS512"), "is not signed with HS256"),
        (signed(None, "none"), "is not signed with HS256"),
        (signed(iss="somebody"), "names another issuer"),
        ({"Grip-Sig": jwt.encode({"iss": "pushpin"}, KEY)}, "has no expiry time"),
        ({"Grip-Sig": "nonsense"}, "cannot be read"),
        ({"Grip-Sig": ""}, "cannot be read"),
    ],
)
def test_a_request_that_is_not_proven_says_precisely_why(headers, complaint):
    with pytest.raises(GripSignatureError, match=complaint):
        grip.verify(request(headers), KEY, issuer="pushpin")


def test_an_empty_key_is_refused():
    with pytest.raises(UsageError, match="The key for Grip-Sig is empty"):
        grip.verify(request(signed()), b"")


@pytest.mark.parametrize(("headers", "status"), [(signed(), 200), ({}, 403)])
def test_the_middleware_lets_only_proven_requests_pass(headers, status):
    app = web.Application(middlewares=[grip.require_signature(KEY)])

    async def handler(_):
        return web.Response(text="in")

    app.router.add_get("/", handler)
    answered, _, text = asyncio.run(ask(app, "GET", "/", headers=headers))
    assert answered == status
    assert text == (
        "in" if status == 200 else "The request has no Grip-Sig header: it did not come through the proxy.\n"
    )
