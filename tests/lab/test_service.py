"""Services of somebody's own: what is measured, and what is said of those that are none, close, stall or flood."""

import asyncio
import contextlib
import itertools
import os
import shutil
import signal
import socket
import ssl
import subprocess
import sys
import time
from collections import Counter

import pytest
from aiohttp import web
from aiohttp.test_utils import TestServer

from realtime_kit.cli import run
from realtime_kit.clients.swarm import plan
from realtime_kit.errors import ClientError, UsageError
from realtime_kit.lab import service as module
from realtime_kit.lab.fanout import LEAD_S
from realtime_kit.lab.interruption import STOPPING
from realtime_kit.lab.service import awatch, watch
from realtime_kit.lab.watch_settings import WatchSettings
from realtime_kit.measurements.fanout import DUE, FIRST, FanoutRun
from realtime_kit.plots.fanout import fanout_figure

CLIENTS = 12
EVENT_STREAM = {"Content-Type": "text/event-stream"}


@pytest.fixture(autouse=True)
def impatient(monkeypatch):
    """A second is as long as a test's service takes."""
    monkeypatch.setattr(module, "PATIENCE_S", 1.0)


class Service:
    """A service with a stream and a WebSocket; tests say what it sends to its client number so and so."""

    def __init__(self, send):
        self.send = send
        self.requests = []
        self.over = asyncio.Event()
        self.begun = asyncio.Event()
        self.loop = asyncio.get_running_loop()

    async def stream(self, request):
        self.requests.append(request)
        response = web.StreamResponse(headers=EVENT_STREAM)
        await response.prepare(request)
        await self._serve(response.write)
        return response

    async def socket(self, request):
        self.requests.append(request)
        response = web.WebSocketResponse()
        await response.prepare(request)

        async def write(data):
            await response.send_str(data.decode())

        await self._serve(write)
        return response

    async def _serve(self, write):
        with contextlib.suppress(ConnectionError):
            await self.send(self, write, len(self.requests))

    async def everybody(self):
        """Wait until every client is here, and the watch has begun."""
        await self.begun.wait()
        await asyncio.sleep(LEAD_S)  # from when it is told to when it counts

    def on_phase(self, phase):
        """Called on the kit's thread."""
        if "events, " in phase:
            self.loop.call_soon_threadsafe(self.begun.set)

    @contextlib.asynccontextmanager
    async def serving(self, tls=None):
        app = web.Application()
        app.router.add_get("/events", self.stream)
        app.router.add_get("/socket", self.socket)
        server = TestServer(app, scheme="https" if tls else "http")
        await server.start_server(ssl=tls)
        async with server:
            yield server
            self.over.set()


def watched(send, path="/events", on_phase=lambda _: None, tls=None, **settings):
    """The run, and the service as it was left."""

    async def main():
        service = Service(send)

        def both(phase):
            service.on_phase(phase)
            on_phase(phase)

        async with service.serving(tls) as server:
            url = str(server.make_url(path))
            if path == "/socket":
                url = url.replace("http", "ws", 1)
            chosen = {"clients": CLIENTS, "pushes": 3, "seconds": 20} | settings
            return await awatch(url, on_phase=both, **chosen), service

    return asyncio.run(main())


def flags(push):
    return {flag.name for flag in push.verdict.flags}


def balances(run_):
    connections = run_.meta["connections"]
    parts = ("open_at_the_end", "ended", "never_open")
    return connections["asked_for"] == sum(connections[part] for part in parts)


async def ticks(service, write, number):
    """History for whoever comes, then something new for all at the same time."""
    await write(b"id: 0\ndata: history\n\n")
    await service.everybody()
    for tick in range(1, 5):
        await write(b"event: tick\ndata: %d\n\n" % tick)
        await asyncio.sleep(0.05)
    await service.over.wait()


@pytest.mark.parametrize("path", ["/events", "/socket"])
def test_events_of_others_are_told_apart_by_what_is_in_them(path, tmp_path):
    result, service = watched(ticks, path)
    assert len(service.requests) == CLIENTS + 1
    assert [push.number for push in result.results] == [1, 2, 3]
    for push in result.results:
        assert (push.ledger.expected, push.ledger.received, push.ledger.lost) == (CLIENTS, CLIENTS, 0)
        assert push.since == FIRST
        assert push.latency.min == 0 <= push.latency.p50 <= push.latency.max == push.completion[-1][0]
        assert set(push.processor_per_delivery_s) == {"swarm"}
        assert flags(push) <= {"too-few-samples"}
    assert result.meta["connections"]["open_at_the_end"] == CLIENTS
    assert balances(result)
    assert not result.interrupted
    assert "times count from the first client that had an event" in " ".join(str(result).split())
    assert "first client had the event" in fanout_figure(result).axes[0].get_xlabel()
    result.save(tmp_path / "run.json")
    assert FanoutRun.load(tmp_path / "run.json") == result


def test_an_event_that_comes_twice_with_its_id_is_a_duplicate():
    async def twice(service, write, number):
        await service.everybody()
        await write(b"id: 7\ndata: x\n\n" * 2)
        await service.over.wait()

    result, _ = watched(twice, pushes=1)
    (push,) = result.results
    assert (push.ledger.received, push.ledger.duplicate) == (CLIENTS, CLIENTS)
    assert "more-received-than-expected" in flags(push)


def test_what_comes_again_and_again_without_an_id_is_left_out():
    async def beats(service, write, number):
        await service.everybody()
        for beat in range(6):
            await write(b"data: beat\n\ndata: news %d\n\n" % beat)
            await asyncio.sleep(0.05)
        await service.over.wait()

    result, _ = watched(beats, pushes=4)
    assert [push.ledger.received for push in result.results] == [CLIENTS] * 4
    assert result.meta["set_aside"] == 1
    assert "1 events left out" in str(result)


def test_an_id_counts_for_its_own_event_however_the_bytes_are_cut():
    async def cut(service, write, number):
        await service.everybody()
        await write(b"id: 1\ndata: a\n\n")
        if number % 2:
            await asyncio.sleep(0.05)
        await write(b"data: b\n\n")
        await service.over.wait()

    result, _ = watched(cut, pushes=2)
    assert [push.ledger.received for push in result.results] == [CLIENTS] * 2


def test_a_service_that_closes_is_told_with_who_was_not_reached():
    async def close_some(service, write, number):
        await service.everybody()
        await write(b"data: first\n\n")
        if number % 3 == 0:
            return
        await asyncio.sleep(0.2)
        await write(b"data: second\n\n")
        await service.over.wait()

    result, _ = watched(close_some, pushes=2)
    first, second = result.results
    assert first.ledger.lost == 0
    assert (second.ledger.received, second.ledger.lost) == (CLIENTS - 4, 4)
    assert "connections-ended" in flags(second)
    assert result.meta["connections"]["ended"] == 4
    assert balances(result)


def test_a_service_that_closes_everything_ends_the_run_at_once():
    async def close_all(service, write, number):
        await service.everybody()
        await write(b"data: goodbye\n\n")

    begun_s = time.monotonic()
    result, _ = watched(close_all, seconds=600)
    assert time.monotonic() - begun_s < 60
    (push,) = result.results
    assert push.ledger.received == CLIENTS
    assert result.meta["connections"] == {
        "asked_for": CLIENTS,
        "never_open": 0,
        "ended": CLIENTS,
        "open_at_the_end": 0,
    }


def test_a_service_that_stalls_half_way_leaves_a_ledger():
    async def stall(service, write, number):
        await service.everybody()
        if number % 2:
            await write(b"data: for some\n\n")
        await service.over.wait()

    result, _ = watched(stall, seconds=3)
    (push,) = result.results
    assert (push.ledger.received, push.ledger.lost) == (CLIENTS // 2, CLIENTS // 2)
    assert result.meta["connections"]["open_at_the_end"] == CLIENTS


def test_a_service_that_says_nothing_is_no_good_run():
    async def silence(service, write, number):
        await service.over.wait()

    result, _ = watched(silence, seconds=1)
    assert result.results == ()
    assert not result.trustworthy
    assert "no event came within" in str(result)
    assert "no event came" in " ".join(text.get_text() for text in fanout_figure(result).texts)
    assert balances(result)


def test_a_service_that_floods_ends_in_time_and_is_told():
    async def flood(service, write, number):
        await service.everybody()
        for count in range(10**9):
            if service.over.is_set():
                return
            await write(b"".join(b"data: %d\n\n" % (100 * count + more) for more in range(100)))

    begun_s = time.monotonic()
    result, _ = watched(flood, seconds=3)
    assert time.monotonic() - begun_s < 60
    assert len(result.results) == 3
    for push in result.results:
        assert push.ledger.received + push.ledger.lost == push.ledger.expected == CLIENTS
        assert "flood" in flags(push)


def test_a_stream_that_never_ends_a_line_does_not_fill_the_memory():
    async def babble(service, write, number):
        await service.everybody()
        while not service.over.is_set():
            await write(b"x" * 100_000)

    result, _ = watched(babble)
    assert result.results == ()
    assert result.meta["connections"]["ended"] == CLIENTS
    assert balances(result)


@pytest.mark.parametrize("answers", [True, False])
def test_who_is_turned_away_or_never_answered_is_counted_and_the_others_are_watched(answers, monkeypatch):
    monkeypatch.setattr(module, "OPENING_S", 1.0)

    async def many(service, write, number):
        await service.everybody()
        for tick in range(200):  # longer than the others are waited for
            await write(b"data: %d\n\n" % tick)
            await asyncio.sleep(0.05)

    async def main():
        service = Service(many)

        async def few(request):
            if len(service.requests) <= CLIENTS // 2:
                return await service.stream(request)
            service.requests.append(request)
            if not answers:
                await service.over.wait()
            return web.Response(status=429)

        app = web.Application()
        app.router.add_get("/events", few)
        async with TestServer(app) as server:
            result = await awatch(
                str(server.make_url("/events")), clients=CLIENTS, pushes=2, on_phase=service.on_phase
            )
            service.over.set()
        return result

    result = asyncio.run(main())
    assert [push.ledger.received for push in result.results] == [CLIENTS // 2] * 2
    assert all("not-connected" in flags(push) for push in result.results)
    assert result.meta["connections"]["never_open"] == CLIENTS // 2
    (reason,) = result.meta["reasons"]
    assert ("429 Too Many Requests" if answers else "not open within") in reason
    assert balances(result)


def test_a_flag_names_the_reason_of_its_own_kind():
    async def main():
        async def end(service, write, number):
            await service.everybody()
            await write(b"data: news\n\n")

        service = Service(end)

        async def all_but_one(request):
            if len(service.requests) != 1:
                return await service.stream(request)
            service.requests.append(request)
            return web.Response(status=429)

        app = web.Application()
        app.router.add_get("/events", all_but_one)
        async with TestServer(app) as server:
            return await awatch(
                str(server.make_url("/events")), clients=CLIENTS, pushes=1, on_phase=service.on_phase
            )

    (push,) = asyncio.run(main()).results
    meanings = {flag.name: flag.meaning for flag in push.verdict.flags}
    assert "429 Too Many Requests" in meanings["not-connected"]
    assert "the server ended the stream" in meanings["connections-ended"]


def interrupted(send, when, **settings):
    """A run that is interrupted when a phase begins like that, or like one of these."""
    stop = asyncio.Event()

    def on_phase(phase):
        if phase.startswith(when):
            stop.set()

    return watched(send, on_phase=on_phase, stop=stop, **settings)[0]


def test_an_interrupt_keeps_the_events_until_then():
    result = interrupted(ticks, ("3 of 9 events, 0", "4 of 9 events, 0"), pushes=9, seconds=600)
    assert result.interrupted
    assert 3 <= len(result.results) <= 4
    assert [push.ledger.lost for push in result.results] == [0] * len(result.results)
    assert "cut-short" not in set.union(*(flags(push) for push in result.results))


def test_an_interrupt_while_an_event_is_on_its_way_is_told():
    async def for_some(service, write, number):
        await service.everybody()
        if number % 2:
            await write(b"data: for some\n\n")
        await service.over.wait()

    result = interrupted(for_some, "1 of 3 events, 1 on", seconds=600)
    assert result.interrupted
    (push,) = result.results
    assert "cut-short" in flags(push)


def test_an_interrupt_while_connecting_leaves_nothing_measured():
    result = interrupted(ticks, "connecting")
    assert result.interrupted
    assert result.results == ()


@pytest.mark.parametrize(
    ("scheme", "answer", "said"),
    [
        ("http", {"status": 404, "text": "no"}, r"answered 404 Not Found \(text/plain; charset=utf-8\)"),
        ("http", {"status": 503}, r"answered 503 Service Unavailable \(no content type\)"),
        ("http", {"text": "{}", "content_type": "application/json"}, r"answered 200 OK \(application/json"),
        (
            "http",
            {"status": 302, "headers": {"Location": "/there"}},
            r"redirects to http://.*/there: give that",
        ),
        ("ws", {"status": 404, "text": "no"}, r"no WebSocket: it answered 404 \(text/plain; charset=utf-8\)"),
        ("ws", {"text": "{}", "content_type": "application/json"}, r"answered 200 \(application/json"),
    ],
)
def test_what_is_no_stream_is_said_after_the_first_answer(scheme, answer, said):
    requests = []

    async def main():
        async def handle(request):
            requests.append(request)
            return web.Response(**answer)

        app = web.Application()
        app.router.add_get("/events", handle)
        async with TestServer(app) as server:
            await awatch(str(server.make_url("/events")).replace("http", scheme), clients=CLIENTS)

    with pytest.raises(UsageError, match=said):
        asyncio.run(main())
    assert len(requests) == 1


def test_who_does_not_answer_is_not_waited_for(monkeypatch):
    monkeypatch.setattr(module, "ANSWER_S", 0.2)

    with socket.create_server(("127.0.0.1", 0)) as listening:
        address = f"127.0.0.1:{listening.getsockname()[1]}"
        for scheme in ("http", "ws"):
            with pytest.raises(ClientError, match=r"did not answer within 0\.2 s"):
                watch(f"{scheme}://{address}/")
    with pytest.raises(ClientError, match="cannot be reached"):
        watch(f"http://{address}/")


@pytest.fixture(scope="module")
def certificate(tmp_path_factory):
    """A certificate for 127.0.0.1 that only itself vouches for; and how a server has it."""
    assert shutil.which("openssl"), "these tests make a certificate with `openssl`: install that program"
    folder = tmp_path_factory.mktemp("tls")
    file, key = folder / "certificate.pem", folder / "key.pem"
    making = ["openssl", "req", "-x509", "-newkey", "rsa:2048", "-nodes", "-subj", "/CN=a test"]
    making += ["-addext", "subjectAltName=IP:127.0.0.1", "-keyout", str(key), "-out", str(file)]
    subprocess.run(making, check=True, capture_output=True)
    context = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
    context.load_cert_chain(file, key)
    return file, context


@pytest.mark.parametrize("path", ["/events", "/socket"])
def test_a_service_over_tls_is_measured_like_any_other(path, certificate, monkeypatch):
    file, tls = certificate
    monkeypatch.setenv("SSL_CERT_FILE", str(file))  # after aiohttp, which has read whom to trust long ago
    result, service = watched(ticks, path, tls=tls)
    assert {request.scheme for request in service.requests} == {"https"}
    assert [push.ledger.received for push in result.results] == [CLIENTS] * 3
    assert result.meta["opening"]["retries"] == 0
    assert result.meta["connections"]["open_at_the_end"] == CLIENTS


async def hang_up(reader, writer):
    await reader.read(1)
    writer.close()


@pytest.mark.parametrize("secure", ["https", "wss"])
@pytest.mark.parametrize(
    ("trusted", "host", "wrong", "said"),
    [
        (
            False,
            "127.0.0.1",
            None,
            r"its certificate is not trusted \(self.signed certificate\): name a file",
        ),
        (
            True,
            "localhost",
            None,
            r"its certificate is for another host \(Hostname mismatch, .*'localhost'\)",
        ),
        (True, "127.0.0.1", "plain", r"does not speak TLS; if it is served in plain text, .* (http|ws)://$"),
        (True, "127.0.0.1", "shut", r"was closed where TLS begins; if it is served in plain text, .*://$"),
        (
            True,
            "127.0.0.1",
            "scheme",
            r"without an answer; if it speaks TLS, its address begins .* (https|wss)://$",
        ),
    ],
)
def test_what_is_wrong_with_tls_is_said_in_a_line(
    secure, trusted, host, wrong, said, certificate, monkeypatch
):
    file, tls = certificate
    monkeypatch.delenv("SSL_CERT_FILE", raising=False)
    if trusted:
        monkeypatch.setenv("SSL_CERT_FILE", str(file))
    scheme = secure.removesuffix("s") if wrong == "scheme" else secure

    async def main():
        service = Service(ticks)
        async with (
            service.serving(None if wrong == "plain" else tls) as server,
            contextlib.AsyncExitStack() as stack,
        ):
            port = server.port
            if wrong == "shut":
                shut = await stack.enter_async_context(await asyncio.start_server(hang_up, "127.0.0.1", 0))
                port = shut.sockets[0].getsockname()[1]
            await awatch(f"{scheme}://{host}:{port}/events", clients=CLIENTS)

    with pytest.raises(
        ClientError, match=rf"^{scheme}://{host}:\d+/events cannot be reached: .*{said}"
    ) as raised:
        asyncio.run(main())
    assert "\n" not in str(raised.value)
    assert "_ssl.c" not in str(raised.value)


class Proxy(Service):
    """A service whose events come through a publish port of its own. Some requests it may refuse, or never answer."""

    def __init__(self, unanswered=lambda number: False, refused=lambda number: False):
        super().__init__(self.hold)
        self.unanswered, self.refused = unanswered, refused
        self.writes = []

    async def stream(self, request):
        number = len(self.requests) + 1
        if not (self.unanswered(number) or self.refused(number)):
            return await super().stream(request)
        self.requests.append(request)
        if self.unanswered(number):
            await self.over.wait()
        return web.Response(status=503)

    async def hold(self, service, write, number):
        self.writes.append(write)
        await self.over.wait()

    async def publish(self, request):
        for item in (await request.json())["items"]:
            content = item["formats"]["http-stream"]["content"].encode()
            await asyncio.gather(*(write(content) for write in self.writes), return_exceptions=True)
        return web.Response(text="Published\n")

    @contextlib.asynccontextmanager
    async def publish_port(self, tls=None):
        app = web.Application()
        app.router.add_post("/publish/", self.publish)
        port = TestServer(app, scheme="https" if tls else "http")
        await port.start_server(ssl=tls)
        async with port:
            yield str(port.make_url("/"))

    async def watched(self, tls=None, *, query="", user=""):
        async with self.publish_port(tls) as control_url, self.serving() as server:
            where = {"control_url": control_url.replace("//", f"//{user}", 1), "channel": "news"}
            return await awatch(str(server.make_url("/events")) + query, clients=CLIENTS, pushes=2, **where)


def test_a_publish_port_over_tls_is_published_to(certificate, monkeypatch):
    file, tls = certificate
    monkeypatch.setenv("SSL_CERT_FILE", str(file))

    async def main():
        return await Proxy().watched(tls)

    result = asyncio.run(main())
    assert [push.ledger.received for push in result.results] == [CLIENTS] * 2
    assert {push.since for push in result.results} == {DUE}


@pytest.mark.parametrize("published_to", [2, 1])
def test_of_several_instances_behind_one_address_everybody_gets_what_is_published_to_all(published_to):
    async def main():
        instances = [Proxy(), Proxy()]
        arrived = itertools.count()

        async def balance(request):
            return await instances[next(arrived) % 2].stream(request)

        front = web.Application()
        front.router.add_get("/events", balance)
        async with contextlib.AsyncExitStack() as stack:
            ports = [await stack.enter_async_context(instance.publish_port()) for instance in instances]
            server = await stack.enter_async_context(TestServer(front))
            result = await awatch(
                str(server.make_url("/events")),
                control_url=tuple(ports[:published_to]),
                channel="news",
                clients=CLIENTS,
                pushes=2,
            )
            for instance in instances:
                instance.over.set()
        return result, ports

    result, ports = asyncio.run(main())
    assert result.meta["config"]["control_url"] == ports[:published_to]
    half = CLIENTS // 2
    for push in result.results:
        assert {push.ledger.received} <= ({CLIENTS} if published_to == 2 else set(range(half, CLIENTS)))
        assert push.ledger.duplicate == 0


def test_a_publish_port_whose_certificate_is_not_trusted_is_named(certificate, monkeypatch):
    monkeypatch.delenv("SSL_CERT_FILE", raising=False)

    async def main():
        await Proxy().watched(certificate[1])

    with pytest.raises(ClientError, match=r"^the publish port https://.* its certificate is not trusted"):
        asyncio.run(main())


def test_a_client_that_is_never_answered_is_missing_and_holds_up_nobody(monkeypatch):
    for name in ("OPENING_S", "ANSWER_S"):
        monkeypatch.setattr(module, name, 1.0)

    async def main():
        proxy = Proxy(
            lambda number: number == 3 or number > CLIENTS + 1
        )  # the first asks once, the last again
        return await proxy.watched(), proxy

    result, proxy = asyncio.run(main())
    assert [push.ledger.received for push in result.results] == [CLIENTS - 1] * 2
    for push in result.results:
        flags_of = {flag.name: flag for flag in push.verdict.flags}
        assert "not-connected" in flags_of
        assert "connections-ended" not in flags_of
    assert result.meta["connections"]["never_open"] == 1
    assert result.meta["opening"]["reopened_after_roll_call"] == module.ROLL_CALLS - 1
    assert (
        len(proxy.requests) == CLIENTS + 1 + module.ROLL_CALLS - 1
    )  # each time it is given up after one try
    assert balances(result)


def test_ctrl_c_before_anything_was_measured_leaves_nothing():
    told = []

    def on_phase(phase):
        told.append(phase)
        if phase == "asking once":
            os.kill(os.getpid(), signal.SIGINT)

    with socket.create_server(("127.0.0.1", 0)) as listening:
        address = f"127.0.0.1:{listening.getsockname()[1]}"
        with pytest.raises(KeyboardInterrupt):
            watch(f"http://{address}/", on_phase=on_phase)
    assert told == ["asking once", STOPPING]


def test_headers_go_along_with_every_request():
    result, service = watched(ticks, headers=(("Authorization", "Bearer secret"),), pushes=1)
    assert {request.headers["Authorization"] for request in service.requests} == {"Bearer secret"}
    assert result.meta["config"]["headers"] == ["Authorization"]
    assert "secret" not in str(result.to_json())


def test_what_an_address_says_behind_its_path_is_sent_and_not_kept():
    async def main():
        proxy = Proxy(refused=lambda number: number == 3)  # so that there is a reason
        return await proxy.watched(query="?token=secret", user="me:secret@"), proxy

    result, proxy = asyncio.run(main())
    assert {request.query["token"] for request in proxy.requests} == {"secret"}
    assert result.meta["reasons"]
    assert "secret" not in str(result.to_json())
    assert "secret" not in str(result)
    assert result.meta["config"]["url"].endswith("/events")


@pytest.mark.skipif(sys.platform != "linux", reason="elsewhere there is one loopback address")
@pytest.mark.parametrize("path", ["/events", "/socket"])
def test_very_many_clients_of_a_loopback_address_come_from_several(path, monkeypatch):
    monkeypatch.setattr(plan, "QUICK_PORTS_PER_SOURCE", CLIENTS // 3)
    result, service = watched(ticks, path, pushes=1)
    assert result.results[0].ledger.received == CLIENTS
    _, *peers = (request.remote for request in service.requests)  # who asks once is none of them
    assert Counter(peers) == {f"127.0.0.{number}": CLIENTS // 3 for number in (2, 3, 4)}


def test_too_many_clients_are_refused_before_anything_is_asked():
    requests = []

    async def main():
        async def handle(request):
            requests.append(request)
            return web.Response()

        app = web.Application()
        app.router.add_get("/events", handle)
        async with TestServer(app) as server:
            await awatch(str(server.make_url("/events")), clients=10**9)

    with pytest.raises(UsageError, match=r"clients is 1,000,000,000: possible here are 1 to [\d,]+ \("):
        asyncio.run(main())
    assert requests == []


@pytest.mark.parametrize(
    ("settings", "said"),
    [
        ({"url": "ftp://example.com"}, r"url is 'ftp://example\.com': it has to be an http://"),
        ({"url": "example.com/events"}, "it has to be an http://"),
        ({"url": "http://[::1/events"}, "it has to be an http://"),
        ({"pushes": 0}, "pushes is 0: allowed is 1 to 1000"),
        ({"seconds": 0.5}, "seconds is 0.5: allowed is 1 to 3600"),
        ({"control_url": "http://127.0.0.1:5561"}, "control_url is given without channel"),
        ({"channel": "news"}, "channel is given without control_url"),
        ({"control_url": ("http://127.0.0.1:5561",)}, "control_url is given without channel"),
        ({"control_url": (), "channel": "news"}, "channel is given without control_url"),
        ({"control_url": "news", "channel": "news"}, "control_url is 'news': it has to be"),
        (
            {"url": "https://me:secret@example.com/events?token=secret"},
            r"a name or a password before https://example\.com/events: .* --header 'Authorization: Basic …'",
        ),
        ({"headers": (("A", "b\r\nC: d"),)}, "cannot be sent"),
    ],
)
def test_what_cannot_be_is_said_first(settings, said):
    with pytest.raises(UsageError, match=said) as raised:
        WatchSettings(**{"url": "http://127.0.0.1/"} | settings)
    assert "secret" not in str(raised.value)


@pytest.mark.parametrize(
    ("options", "said"),
    [
        (["--instances", "2"], "--instances is for the kit's own Pushpins, not for --url"),
        (["--transport", "streaming"], "--transport is for the kit's own Pushpins"),
        (["--door", "zeromq"], "--door is for the kit's own Pushpins"),
        (
            [*("--control-url", "http://127.0.0.1:9", "--control-url", "news"), "--channel", "news"],
            "control_url is 'news': it has to be",
        ),
        (["--header", "Authorization"], "--header is 'Authorization': it has to be like"),
    ],
)
def test_options_that_do_not_go_with_an_address_are_named(options, said, capsys):
    assert run(["fanout", "--url", "http://127.0.0.1:9/", *options]) == 2
    assert said in capsys.readouterr().err


def test_options_of_an_address_need_one(capsys):
    assert run(["fanout", "--channel", "news"]) == 2
    assert "--channel is only for --url" in capsys.readouterr().err
