"""The blocking client against a server that answers, and dies, exactly as each test says."""

import contextlib
import random
import re
import socket
import threading

import pytest
import requests
from yarl import URL

from realtime_kit.clients.backoff import Backoff
from realtime_kit.clients.blocking import LONGEST_RETRY_S, sse_events
from realtime_kit.clients.event_stream import Event
from realtime_kit.errors import ClientError, ProtocolError, UsageError

DIE = b""  # where a chunk would have been, the connection ends
HOLD = None  # the connection stays open until the client closes it
CLOSE = "Connection: close\r\n"  # the client must not try this connection again while the server closes it


def stream(*chunks, content_type="text/event-stream"):
    """An answer in chunks; without DIE or HOLD at its end it ends as it should."""
    head = f"HTTP/1.1 200 OK\r\n{CLOSE}Content-Type: {content_type}\r\nTransfer-Encoding: chunked\r\n\r\n"
    body = [chunk and b"%x\r\n%s\r\n" % (len(chunk), chunk) for chunk in chunks]
    if chunks and chunks[-1] in (DIE, HOLD):
        return [head.encode(), *body]
    return [head.encode(), *body, b"0\r\n\r\n"]


def answer(status, body=b"", content_type="text/plain"):
    head = f"HTTP/1.1 {status}\r\n{CLOSE}Content-Type: {content_type}\r\nContent-Length: {len(body)}\r\n\r\n"
    return [head.encode() + body]


NO_CONTENT = [f"HTTP/1.1 204 No Content\r\n{CLOSE}\r\n".encode()]


class Server:
    """Gives one answer to each connection, in order, and keeps the requests."""

    def __init__(self, answers):
        self.requests = []
        self.closed_by_client = threading.Event()
        self._answers = answers
        self._socket = socket.create_server(("127.0.0.1", 0))
        self._thread = threading.Thread(target=self._serve, daemon=True)
        self._thread.start()

    @property
    def url(self):
        return f"http://127.0.0.1:{self._socket.getsockname()[1]}/events"

    def header(self, number, name):
        lines = self.requests[number].split(b"\r\n")
        found = [line.partition(b": ")[2] for line in lines if line.lower().startswith(name.lower() + b":")]
        return found[0] if found else None

    def _serve(self):
        for parts in self._answers:
            try:
                connection, _ = self._socket.accept()
            except OSError:
                return
            with connection:
                connection.settimeout(10)
                request = b""
                while b"\r\n\r\n" not in request:
                    request += connection.recv(65536)
                self.requests.append(request)
                with contextlib.suppress(ConnectionError):  # the client may leave in the middle
                    self._answer(connection, parts)

    def _answer(self, connection, parts):
        for part in parts:
            if part is HOLD:
                try:
                    assert connection.recv(1) == b""
                finally:
                    self.closed_by_client.set()
            else:
                connection.sendall(part)

    def close(self):
        with contextlib.suppress(OSError):
            self._socket.shutdown(socket.SHUT_RDWR)
        self._socket.close()
        self._thread.join(10)
        assert not self._thread.is_alive()


@pytest.fixture
def serve():
    with contextlib.ExitStack() as stack:

        def start(*answers):
            return stack.enter_context(contextlib.closing(Server(answers)))

        yield start


@pytest.fixture
def waits():
    return []


@pytest.fixture
def follow(waits):
    """`sse_events` that waits no time, and keeps how long it would have waited."""

    def start(server, **options):
        return sse_events(getattr(server, "url", server), sleep=waits.append, **options)

    return start


def test_events_come_with_type_data_and_id(serve, follow):
    server = serve(stream(b"id: 1\nevent: news\ndata: a\ndata: b\n\ndata: c\n\n"), NO_CONTENT)
    assert list(follow(server)) == [Event("news", "a\nb", "1"), Event("message", "c", "1")]


def test_an_event_comes_before_the_stream_ends(serve, follow):
    with contextlib.closing(follow(serve(stream(b"data: a\n\n", HOLD)))) as events:
        assert next(events).data == "a"


def test_an_event_comes_before_the_end_of_an_answer_without_chunks(serve, follow):
    head = b"HTTP/1.0 200 OK\r\nContent-Type: text/event-stream\r\n\r\n"
    with contextlib.closing(follow(serve([head, b"data: a\n\n", HOLD]))) as events:
        assert next(events).data == "a"


def test_after_the_server_died_it_goes_on_after_the_last_complete_event(serve, follow):
    server = serve(
        stream(b"id: 1\ndata: a\n\nid: 2\ndata: b\n", DIE), stream(b"id: 2\ndata: b\n\n"), NO_CONTENT
    )
    assert [(event.id, event.data) for event in follow(server)] == [("1", "a"), ("2", "b")]
    assert [server.header(n, b"Last-Event-ID") for n in range(3)] == [None, b"1", b"2"]


def test_an_event_the_server_did_not_finish_is_dropped_even_if_the_stream_ends_well(serve, follow):
    server = serve(stream(b"data: a\n\ndata: half"), NO_CONTENT)
    assert [event.data for event in follow(server)] == ["a"]


def test_an_id_in_a_block_without_data_counts(serve, follow):
    server = serve(stream(b"id: 7\n\ndata: a\n\nid: 8\n\n"), NO_CONTENT)
    assert list(follow(server)) == [Event("message", "a", "7")]
    assert server.header(1, b"Last-Event-ID") == b"8"


def test_it_can_go_on_from_an_id_known_before(serve, follow):
    server = serve(stream(b"data: a\n\n"), NO_CONTENT)
    assert list(follow(server, last_event_id="42")) == [Event("message", "a", "42")]
    assert server.header(0, b"Last-Event-ID") == b"42"


def test_an_id_beyond_latin_1_goes_back_as_utf_8(serve, follow):
    server = serve(stream("id: …\ndata: a\n\n".encode()), NO_CONTENT)
    list(follow(server))
    assert server.header(1, b"Last-Event-ID") == "…".encode()


def test_a_byte_order_mark_and_bytes_that_are_not_utf_8_lose_no_event(serve, follow):
    server = serve(stream(b"\xef\xbb", b"\xbfdata: a\n\ndata: \xff\n\n"), NO_CONTENT)
    assert [event.data for event in follow(server)] == ["a", "\ufffd"]


def test_between_connections_it_waits_the_time_the_server_asked_for_and_a_random_one(serve, follow, waits):
    server = serve(stream(b"retry: 2000\n\n", DIE), stream(b"data: a\n\n"), NO_CONTENT)
    list(follow(server, backoff=Backoff(random.Random(3), first_s=0.5)))
    assert len(waits) == 2
    assert all(2 < wait < 2.5 for wait in waits)


def test_a_server_that_asks_for_a_day_gets_the_longest_wait_allowed(serve, follow, waits):
    server = serve(stream(b"retry: 86400000\n\n"), NO_CONTENT)
    list(follow(server, backoff=Backoff(random.Random(3), first_s=0.5)))
    assert LONGEST_RETRY_S < waits[0] < LONGEST_RETRY_S + 0.5


def test_no_content_ends_it(serve, follow, waits):
    assert list(follow(serve(NO_CONTENT))) == []
    assert waits == []


def test_a_refusal_names_address_status_content_type_and_the_first_line_of_the_body(serve, follow):
    server = serve(answer("502 Bad Gateway", b"Error while proxying.\nmore"))
    with pytest.raises(ClientError) as caught:
        next(follow(server))
    assert str(caught.value) == (
        f"GET {server.url} answered 502 Bad Gateway with text/plain, not 200 with text/event-stream: "
        "Error while proxying."
    )


def test_a_refusal_after_a_reconnection_is_an_error_too(serve, follow):
    server = serve(stream(b"data: a\n\n", DIE), answer("404 Not Found"))
    events = follow(server)
    assert next(events).data == "a"
    with pytest.raises(ClientError, match="answered 404 Not Found with text/plain"):
        next(events)


def test_a_held_stream_of_another_type_is_refused_without_waiting_for_its_body(serve, follow):
    server = serve(stream(HOLD, content_type="text/plain"))
    with pytest.raises(
        ClientError, match=r"answered 200 OK with text/plain, not 200 with text/event-stream\.$"
    ):
        next(follow(server))
    assert server.closed_by_client.wait(10)


def test_parameters_and_case_of_the_content_type_do_not_matter(serve, follow):
    server = serve(stream(b"data: a\n\n", content_type="Text/Event-Stream;charset=UTF-8"), NO_CONTENT)
    assert [event.data for event in follow(server)] == ["a"]


def test_no_server_at_all_is_an_error_at_once(follow, waits):
    with socket.create_server(("127.0.0.1", 0)) as unused:
        url = f"http://127.0.0.1:{unused.getsockname()[1]}/"
    with pytest.raises(ClientError, match=rf"^GET {re.escape(url)} failed: .*refused"):
        next(follow(url))
    assert waits == []


def test_it_gives_up_after_so_many_reconnections_in_a_row_without_an_event(serve, follow, waits):
    server = serve(stream(b"data: a\n\n"), stream(), stream(DIE))
    events = follow(server, max_reconnects=2)
    assert next(events).data == "a"
    with pytest.raises(ClientError, match=r"broke off .*, and 2 reconnections since its last event"):
        next(events)
    assert len(waits) == 2


def test_an_event_allows_all_reconnections_again(serve, follow, waits):
    server = serve(*[stream(b"data: a\n\n")] * 5, NO_CONTENT)
    assert len(list(follow(server, max_reconnects=1))) == 5


def test_a_server_that_is_gone_while_reconnecting_counts_as_a_reconnection_in_vain(serve, follow, waits):
    server = serve(stream(b"data: a\n\n"))
    events = follow(server, max_reconnects=2)
    next(events)
    server.close()
    with pytest.raises(ClientError, match="2 reconnections since its last event"):
        next(events)


def test_without_reconnections_a_stream_that_ends_ends_the_loop(serve, follow):
    assert [event.data for event in follow(serve(stream(b"data: a\n\n")), reconnect=False)] == ["a"]


def test_without_reconnections_a_stream_that_breaks_off_is_an_error(serve, follow):
    events = follow(serve(stream(b"data: a\n\n", DIE)), reconnect=False)
    assert next(events).data == "a"
    with pytest.raises(ClientError, match="broke off"):
        next(events)


def test_silence_longer_than_allowed_counts_as_broken(serve, follow):
    server = serve(stream(b"data: a\n\n", HOLD), NO_CONTENT)
    assert [event.data for event in follow(server, timeout_s=0.1)] == ["a"]
    assert len(server.requests) == 2


def test_closing_the_generator_closes_the_connection(serve, follow):
    server = serve(stream(b"data: a\n\n", HOLD))
    events = follow(server)
    next(events)
    events.close()
    assert server.closed_by_client.wait(10)


def test_leaving_the_loop_closes_the_connection(serve, follow):
    server = serve(stream(b"data: a\n\n", HOLD))
    for _ in follow(server):
        break
    assert server.closed_by_client.wait(10)


def test_an_event_without_end_is_an_error_instead_of_all_memory(serve, follow):
    server = serve(stream(*[b"data: " + b"x" * 2**18] * 5))
    with pytest.raises(ProtocolError, match="max_event_bytes"):
        next(follow(server))


def test_the_address_can_be_any_object_that_prints_as_one(serve, follow):
    assert list(follow(URL(serve(NO_CONTENT).url))) == []


def test_headers_and_a_session_of_ones_own_are_used_and_the_session_stays_open(serve, follow):
    server = serve(NO_CONTENT, NO_CONTENT)
    with requests.Session() as session:
        session.headers["X-Session"] = "mine"
        for _ in range(2):
            list(follow(server, session=session, headers={"Authorization": "Bearer me"}))
    assert [server.header(n, b"X-Session") for n in range(2)] == [b"mine", b"mine"]
    assert server.header(0, b"Authorization") == b"Bearer me"


@pytest.mark.parametrize("options", [{"max_reconnects": -1}, {"timeout_s": 0}])
def test_numbers_outside_their_range_are_refused_before_connecting(options):
    with pytest.raises(UsageError, match="max_reconnects is 0 or more and timeout_s above 0"):
        sse_events("http://127.0.0.1:9/", **options)
