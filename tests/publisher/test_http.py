"""Publishing over HTTP, against a small server that answers as Pushpin does, or does not."""

import asyncio
import contextlib
import socket

import jwt
import pytest
from aiohttp import web
from aiohttp.test_utils import TestServer

from realtime_kit.errors import PublishError, UsageError
from realtime_kit.publisher import HttpPublisher, text_item

KEY = "0123456789abcdef0123456789abcdef"


class PublishPort:
    """A publish port that notes what it is sent; `answer(items)` makes the response."""

    def __init__(self, answer=lambda items: web.Response(text="Published\n")):
        self.answer = answer
        self.bodies = []
        self.headers = []
        self.peers = set()

    async def publish(self, request):
        body = await request.json()
        self.bodies.append(body["items"])
        self.headers.append(request.headers)
        self.transport = request.transport
        self.peers.add(request.transport.get_extra_info("peername"))
        answer = self.answer(body["items"])
        return await answer if asyncio.iscoroutine(answer) else answer

    @contextlib.asynccontextmanager
    async def serving(self, **options):
        app = web.Application()
        app.router.add_post("/publish/", self.publish)
        async with (
            TestServer(app) as server,
            HttpPublisher(str(server.make_url("/")), **options) as publisher,
        ):
            yield publisher


def run(coroutine):
    return asyncio.run(coroutine)


def free_port():
    with socket.create_server(("127.0.0.1", 0)) as probe:
        return probe.getsockname()[1]


def test_items_arrive_in_the_form_of_pushpins_publish_port():
    async def main():
        port = PublishPort()
        async with port.serving() as publisher:
            publisher.send("news", text_item("a"))
            await publisher.publish("news", text_item("ü"))
        assert [[item["formats"]["ws-message"]["content"] for item in items] for items in port.bodies] == [
            ["a", "ü"]
        ]
        assert port.headers[0]["Content-Type"] == "application/json"
        assert "Authorization" not in port.headers[0]

    run(main())


def test_all_requests_use_one_connection():
    async def main():
        port = PublishPort()
        async with port.serving() as publisher:
            for _ in range(5):
                await publisher.publish("news", text_item("a"))
        assert len(port.bodies) == 5
        assert len(port.peers) == 1

    run(main())


def test_a_refusal_carries_pushpins_reason_and_is_marked_as_final():
    async def main():
        port = PublishPort(lambda items: web.Response(status=400, text="id is of wrong type\n"))
        async with port.serving() as publisher:
            with pytest.raises(
                PublishError, match=r"/publish/ answered 400 Bad Request: id is of wrong type$"
            ) as raised:
                await publisher.publish("news", text_item("a"))
        assert raised.value.refused

    run(main())


def test_a_server_in_trouble_is_not_asked_item_by_item():
    async def main():
        port = PublishPort(lambda items: web.Response(status=503, text="later"))
        async with port.serving() as publisher:
            for _ in range(50):
                publisher.send("news", text_item("a"))
            with pytest.raises(PublishError, match=r"50 items were not published: .* answered 503 .*: later"):
                await publisher.aclose()
        assert len(port.bodies) == 1

    run(main())


def test_any_answer_of_the_two_hundreds_is_a_success():
    async def main():
        async with PublishPort(lambda items: web.Response(status=202)).serving() as publisher:
            await publisher.publish("news", text_item("a"))
            assert publisher.items == 1

    run(main())


def test_a_port_where_nobody_listens_is_named_with_the_systems_reason():
    async def main():
        port = free_port()
        async with HttpPublisher(f"http://127.0.0.1:{port}") as publisher:
            with pytest.raises(
                PublishError, match=f":{port}/publish/ could not be reached: Connection refused$"
            ) as raised:
                await publisher.publish("news", text_item("a"))
        assert not raised.value.refused

    run(main())


def test_a_port_that_never_answers_is_given_up_on():
    async def main():
        forever = asyncio.Event()

        async def answer():
            await forever.wait()
            return web.Response()

        async with PublishPort(lambda items: answer()).serving(timeout_s=0.05) as publisher:
            publisher.send("news", text_item("a"))
            with pytest.raises(PublishError, match=r"not published: .* did not answer within 0\.05 s"):
                await publisher.aclose()
            forever.set()

    run(main())


def test_a_connection_that_breaks_off_fails_the_item_and_the_next_one_gets_a_new_connection():
    async def main():
        async def hang_up():
            port.transport.close()
            return web.Response()

        async def published():
            return web.Response()

        answers = iter([hang_up, published])
        port = PublishPort(lambda items: next(answers)())
        async with port.serving() as publisher:
            with pytest.raises(PublishError, match="could not be reached"):
                await publisher.publish("news", text_item("a"))
            await publisher.publish("news", text_item("b"))
        assert len(port.peers) == 2

    run(main())


def test_a_token_is_signed_afresh_with_issuer_and_key():
    async def main():
        port = PublishPort()
        async with port.serving(iss="me", key=KEY) as publisher:
            await publisher.publish("news", text_item("a"))
        scheme, token = port.headers[0]["Authorization"].split()
        assert scheme == "Bearer"
        claims = jwt.decode(token, KEY, algorithms=["HS256"], options={"require": ["exp"]})
        assert claims["iss"] == "me"

    run(main())


@pytest.mark.parametrize("key", ["ready-made", b"ready-made"])
def test_a_key_without_an_issuer_is_a_ready_made_token(key):
    async def main():
        port = PublishPort()
        async with port.serving(key=key) as publisher:
            await publisher.publish("news", text_item("a"))
        assert port.headers[0]["Authorization"] == "Bearer ready-made"

    run(main())


@pytest.mark.parametrize("url", ["127.0.0.1:5561", "localhost", "", "ftp://there"])
def test_an_address_that_is_none_is_refused_at_once(url):
    with pytest.raises(UsageError, match="it has to be an http:// or https:// address"):
        HttpPublisher(url)


def test_an_issuer_without_a_key_is_refused_at_once():
    with pytest.raises(UsageError, match="there is no key to sign its token with"):
        HttpPublisher("http://127.0.0.1:1", iss="me")


def test_cancelling_the_close_ends_a_request_that_nobody_answers_and_leaves_no_task_or_connection():
    async def main():
        asked, never = asyncio.Event(), asyncio.Event()

        async def answer():
            asked.set()
            await never.wait()

        port = PublishPort(lambda items: answer())
        app = web.Application()
        app.router.add_post("/publish/", port.publish)
        async with TestServer(app) as server:
            before = asyncio.all_tasks()
            publisher = HttpPublisher(str(server.make_url("/")))
            await publisher.__aenter__()
            publisher.send("news", text_item("a"))
            await asked.wait()
            session = publisher._session
            with pytest.raises(TimeoutError):
                async with asyncio.timeout(0):
                    await publisher.aclose()
            assert session.closed
            never.set()  # what is left is the server's own, which ends now
            await asyncio.wait(asyncio.all_tasks() - before)

    run(main())
