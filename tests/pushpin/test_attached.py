"""Attaching: GRIP URLs read, tokens sent."""

import asyncio
import base64
import json
import re
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, HTTPServer

import jwt
import pytest

from realtime_kit.errors import PublishError, UsageError
from realtime_kit.publisher import HttpPublisher, text_item
from realtime_kit.pushpin import Pushpin

KEY = b"a key of thirty-two bytes or more"
BINARY_KEY = bytes(range(100, 140)) + b"\xff\xfe"


class _Service(HTTPServer):
    """A GRIP service that keeps what it was sent."""

    def __init__(self) -> None:
        super().__init__(("127.0.0.1", 0), _Handler)
        self.authorization: list[str | None] = []
        self.items: list[dict[str, object]] = []
        self.status = 200

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.server_port}/realm"


class _Handler(BaseHTTPRequestHandler):
    server: _Service

    def do_POST(self) -> None:
        assert self.path == "/realm/publish/"
        self.server.authorization.append(self.headers["Authorization"])
        self.server.items += json.loads(self.rfile.read(int(self.headers["Content-Length"])))["items"]
        self.send_response(self.server.status)
        self.send_header("Content-Length", "0")
        self.end_headers()

    def log_message(self, *_: object) -> None: ...


@pytest.fixture
def service() -> Iterator[_Service]:
    with _serving() as server:
        yield server


@pytest.fixture
def other() -> Iterator[_Service]:
    with _serving() as server:
        yield server


@contextmanager
def _serving() -> Iterator[_Service]:
    with _Service() as server:
        thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
        thread.start()
        yield server
        server.shutdown()
        thread.join()


def token_of(authorization: str | None, key: bytes) -> dict[str, object]:
    assert authorization is not None
    assert authorization.startswith("Bearer ")
    claims: dict[str, object] = jwt.decode(authorization.removeprefix("Bearer "), key, algorithms=["HS256"])
    return claims


def test_a_plain_control_address_needs_no_token(service: _Service) -> None:
    with Pushpin.attach("http://example.com", service.url) as attached:
        attached.publish("news", "hello")
    assert service.authorization == [None]
    assert service.items[0]["channel"] == "news"


@pytest.mark.parametrize("key", [KEY, BINARY_KEY])
def test_a_grip_url_with_a_base64_key_signs_a_token_in_the_issuers_name(
    service: _Service, key: bytes
) -> None:
    grip_url = f"{service.url}?iss=me&key=base64:{base64.b64encode(key).decode()}"
    attached = Pushpin.attach("http://example.com", grip_url)
    attached.publish("news", "hello")
    assert attached.control_url == service.url
    assert attached.sig_key == key
    assert token_of(service.authorization[0], key)["iss"] == "me"


def test_a_key_without_an_issuer_is_a_ready_made_token(service: _Service) -> None:
    Pushpin.attach("http://example.com", service.url, key="ready-made").publish("news", "hello")
    assert service.authorization == ["Bearer ready-made"]


def test_arguments_win_over_what_the_grip_url_says(service: _Service) -> None:
    attached = Pushpin.attach("http://example.com", f"{service.url}?iss=me&key=x", iss="you", key=KEY)
    attached.publish("news", "hello")
    assert token_of(service.authorization[0], KEY)["iss"] == "you"


def test_without_an_address_it_is_read_from_the_environment(
    service: _Service, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("GRIP_URL", f"{service.url}?iss=me&key={KEY.decode().replace(' ', '%20')}")
    Pushpin.attach("http://example.com").publish("news", "hello")
    assert token_of(service.authorization[0], KEY)["iss"] == "me"


def test_the_key_to_check_signatures_with_may_be_another(service: _Service) -> None:
    attach = Pushpin.attach
    assert attach("http://a", f"{service.url}?key=x&verify-key=y").sig_key == b"y"
    assert attach("http://a", f"{service.url}?key=x&verify-key=y", sig_key=b"z").sig_key == b"z"
    assert attach("http://a", f"{service.url}?key=x").sig_key == b"x"
    assert attach("http://a", service.url).sig_key is None


def test_a_cluster_is_published_to_through_every_instance(service: _Service, other: _Service) -> None:
    attached = Pushpin.attach("http://front", [service.url, f"{other.url}?iss=me&key={KEY.decode()}"])
    attached.publish("news", "hello")
    for each in (service, other):
        assert [item["channel"] for item in each.items] == ["news"]
    assert service.authorization == [None]
    assert token_of(other.authorization[0], KEY)["iss"] == "me"
    assert attached.control_url == service.url
    assert repr(attached).endswith(f"publishing to {service.url}, {other.url}>")
    other.status = 401
    with pytest.raises(PublishError, match=rf"^{other.url}/publish/ answered 401"):
        attached.publish("news", "hello")
    assert len(service.items) == 2


def test_a_cluster_s_options_can_travel_as_json(service: _Service, other: _Service) -> None:
    options = Pushpin.attach(
        "http://front", [service.url, other.url], key=BINARY_KEY, iss="me"
    ).publisher_options()

    async def main() -> None:
        async with HttpPublisher(**json.loads(json.dumps(options))) as publisher:
            publisher.send("news", text_item("a"))
            publisher.send("news", text_item("b"))
            await publisher.flush()
            assert [len(each.items) for each in (service, other)] == [2, 2]

    asyncio.run(main())
    for each in (service, other):
        assert token_of(each.authorization[0], BINARY_KEY)["iss"] == "me"


def test_what_one_instance_never_got_is_raised_at_the_end(service: _Service, other: _Service) -> None:
    other.status = 401

    async def main() -> None:
        async with Pushpin.attach("http://front", [service.url, other.url]).publisher() as publisher:
            publisher.send("news", text_item("a"))

    with pytest.raises(PublishError, match=r"^1 item was not published: .* answered 401"):
        asyncio.run(main())
    assert len(service.items) == 1


def test_what_the_service_refuses_is_a_publish_error(service: _Service) -> None:
    service.status = 401
    with pytest.raises(PublishError, match=rf"^{service.url}/publish/ answered 401"):
        Pushpin.attach("http://example.com", service.url.replace("//", "//me:secret@")).publish(
            "news", "hello"
        )
    assert service.authorization == ["Basic bWU6c2VjcmV0"]  # sent, and not told


@pytest.mark.parametrize("key", ["a text key of thirty-two bytes or more", KEY, bytes(range(200, 240))])
def test_options_can_travel_as_json_and_still_sign(service: _Service, key: bytes | str) -> None:
    options = Pushpin.attach("http://example.com", service.url, iss="me", key=key).publisher_options()
    publisher = HttpPublisher(**json.loads(json.dumps(options)))
    token = publisher._authorization()["Authorization"].removeprefix("Bearer ")
    assert jwt.decode(token, key, algorithms=["HS256"])["iss"] == "me"


def test_it_prints_where_it_is_and_no_key(service: _Service) -> None:
    attached = Pushpin.attach("http://example.com", service.url, iss="me", key="secret")
    assert repr(attached) == f"<AttachedPushpin at http://example.com, publishing to {service.url}>"


@pytest.mark.parametrize(
    ("url", "control_url", "sentence"),
    [
        ("example.com", "http://a", "url is 'example.com': it has to be an http:// or https:// address"),
        ("http://", "http://a", "url is 'http://'"),
        ("http://a:port", "http://a", "url is 'http://a:port'"),
        ("http://a", "ftp://a", "control_url is 'ftp://a': it has to be"),
        ("http://a", "http://a?key=base64:x", "a key in control_url says base64: but is not"),
        ("http://a", "http://a?kee=x", "has parameters other than iss, key, verify-iss and verify-key"),
        ("http://a", None, "there is no control_url: give one, or set GRIP_URL"),
        ("http://a", "", "there is no control_url"),
        ("http://a", [], "there is no control_url"),
        ("http://a", ["http://a", "b"], "control_url is 'b': it has to be"),
    ],
)
def test_an_address_that_cannot_be_read_says_so(
    monkeypatch: pytest.MonkeyPatch, url: str, control_url: str | list[str] | None, sentence: str
) -> None:
    monkeypatch.delenv("GRIP_URL", raising=False)
    with pytest.raises(UsageError, match=re.escape(sentence)):
        Pushpin.attach(url, control_url)
