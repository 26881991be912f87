"""Which request to the origin was made for which client's, and which by Pushpin itself."""

import itertools

import pytest

from realtime_kit.taps.x_ray import Head, Instruction, Message, exchanges

EVENTS = ("Content-Type", "application/websocket-events")


class Wires:
    """Writes messages down as taps would."""

    def __init__(self):
        self.messages = []
        self._numbers = itertools.count(1)
        self._exchanges = itertools.count(1)
        self.now_ns = 0

    def asks(self, leg, target, *headers, method="GET", size_bytes=0):
        """A request; gives its number."""
        exchange = next(self._exchanges)
        head = Head(headers, method=method, target=target)
        self._note(leg, exchange, "request", True, head=head, size_bytes=size_bytes)
        return exchange

    def answers(self, leg, exchange, *, status=200, last=True, grip=None):
        self._note(leg, exchange, "response", False, head=Head((), status=status), grip=grip, last=last)

    def closes(self, exchange):
        self._note("client", exchange, "closed", True, last=True)

    def _note(self, leg, exchange, kind, from_opener, **fields):
        self.now_ns += 1_000_000
        who = {"client": ("client", "pushpin"), "origin": ("pushpin", "origin")}[leg]
        sender, receiver = who if from_opener else who[::-1]
        self.messages.append(
            Message(
                next(self._numbers),
                self.now_ns,
                leg,
                exchange,
                exchange,
                sender,
                receiver,
                kind,
                kind,
                **fields,
            )
        )

    def asked_and_held(self, target, *headers, mode="stream", link=""):
        """A client's request that the origin lets Pushpin hold; gives the numbers of both."""
        client = self.asks("client", target, *headers)
        origin = self.asks("origin", target, *headers)
        self.answers("origin", origin, grip=Instruction(mode, ("news",), link))
        return client, origin

    def exchange(self, number):
        return exchanges(self.messages)[number]

    def why(self, number):
        cause = self.exchange(number).cause
        return cause.why, cause.exchange, cause.clients, cause.certain


@pytest.fixture
def wires():
    return Wires()


def test_a_request_that_is_passed_on_is_explained_by_the_clients(wires):
    client = wires.asks("client", "/a?b=c", ("User-Agent", "curl"), ("Accept", "*/*"))
    origin = wires.asks(
        "origin", "/a?b=c", ("User-Agent", "curl"), ("Accept-Encoding", "zstd"), ("Grip-Sig", "x")
    )
    wires.answers("origin", origin)
    wires.answers("client", client)
    assert wires.why(origin) == ("client request", client, (client,), True)
    assert wires.exchange(client).cause is None
    assert wires.exchange(client).hold is None
    assert str(wires.exchange(origin).cause) == f"passes on request {client}"


@pytest.mark.parametrize(
    "other",
    [
        {"target": "/b"},
        {"method": "POST"},
        {"headers": (("User-Agent", "wget"),)},
        {"size_bytes": 7},
    ],
)
def test_a_request_that_differs_from_the_clients_is_not_explained_by_it(wires, other):
    wires.asks("client", "/a", ("User-Agent", "curl"))
    target, headers = other.pop("target", "/a"), other.pop("headers", (("User-Agent", "curl"),))
    origin = wires.asks("origin", target, *headers, **other)
    assert wires.why(origin) == ("unknown", None, (), False)


def test_clients_that_ask_differently_are_told_apart_whatever_the_order(wires):
    first = wires.asks("client", "/a", ("Last-Event-ID", "1"))
    second = wires.asks("client", "/a", ("Last-Event-ID", "2"))
    for_second = wires.asks("origin", "/a", ("Last-Event-ID", "2"))
    for_first = wires.asks("origin", "/a", ("Last-Event-ID", "1"))
    assert wires.why(for_second) == ("client request", second, (second,), True)
    assert wires.why(for_first) == ("client request", first, (first,), True)


def test_clients_that_ask_the_same_are_taken_in_turn_and_it_says_that_it_guesses(wires):
    first, second = wires.asks("client", "/a"), wires.asks("client", "/a")
    one, two = wires.asks("origin", "/a"), wires.asks("origin", "/a")
    assert wires.why(one) == ("client request", first, (first,), False)
    assert wires.why(two) == ("client request", second, (second,), True)
    assert str(wires.exchange(one).cause) == f"passes on request {first}, or another like it"


def test_a_repetition_while_the_client_waits_is_pushpins_own(wires):
    client, origin = wires.asked_and_held("/poll", ("User-Agent", "curl"), mode="response")
    again = wires.asks("origin", "/poll", ("User-Agent", "curl"), ("Grip-Last", "news; last-id=1"))
    assert wires.why(again) == ("repeat", origin, (client,), True)
    assert wires.exchange(again).cause.is_pushpins_own
    assert "Pushpin's own" in str(wires.exchange(again).cause)


def test_after_the_client_has_gone_nothing_is_a_repetition(wires):
    client, _ = wires.asked_and_held("/poll", mode="response")
    wires.answers("client", client)
    again = wires.asks("origin", "/poll")
    assert wires.why(again) == ("unknown", None, (), False)


def test_when_several_wait_it_says_that_it_does_not_know_for_whom_it_is_repeated(wires):
    wires.asked_and_held("/poll", mode="response")
    client, origin = wires.asked_and_held("/poll", mode="response")
    again = wires.asks("origin", "/poll")
    assert wires.why(again) == ("repeat", origin, (client,), False)


def test_pages_are_followed_from_link_to_link_for_the_client_that_reads_them(wires):
    client = wires.asks("client", "/items", ("User-Agent", "curl"))
    first = wires.asks("origin", "/items", ("User-Agent", "curl"))
    wires.answers("origin", first, grip=Instruction(next_link="/items?from=2"))
    second = wires.asks("origin", "/items?from=2")
    wires.answers("origin", second, grip=Instruction(next_link="?from=4"))
    third = wires.asks("origin", "/items?from=4")
    wires.answers("origin", third, grip=Instruction("stream", ("news",)))
    assert wires.why(second) == ("next link", first, (client,), True)
    assert wires.why(third) == ("next link", second, (client,), True)
    hold = wires.exchange(client).hold
    assert (hold.mode, hold.channels, hold.until_ns) == ("stream", ("news",), None)
    assert hold.from_ns == wires.messages[-1].at_ns


def test_one_request_may_be_for_all_who_have_the_link(wires):
    first, _ = wires.asked_and_held("/s", ("User-Agent", "1"), link="/s?from=1")
    second, origin = wires.asked_and_held("/s", ("User-Agent", "2"), link="/s?from=1")
    again = wires.asks("origin", "/s?from=1", ("Grip-Last", "news; last-id=1"))
    assert wires.why(again) == ("next link", origin, (first, second), False)


def test_a_websocket_is_known_by_its_key(wires):
    key = ("Sec-WebSocket-Key", "eA==")
    wires.asks("client", "/chat", ("Sec-WebSocket-Key", "other"), ("Upgrade", "websocket"))
    client = wires.asks("client", "/chat", key, ("Upgrade", "websocket"))
    opening = wires.asks("origin", "/chat", key, EVENTS, method="POST", size_bytes=6)
    wires.answers("origin", opening)
    wires.answers("client", client, status=101, last=False)
    message = wires.asks("origin", "/chat", key, EVENTS, method="POST", size_bytes=9)
    assert wires.why(opening) == ("client request", client, (client,), True)
    assert wires.why(message) == ("websocket", client, (client,), True)
    assert not wires.exchange(message).cause.is_pushpins_own
    wires.closes(client)
    assert wires.exchange(client).hold.mode == "websocket"
    assert wires.exchange(client).held_s == pytest.approx(0.002)


def test_a_long_poll_is_held_until_its_answer(wires):
    client, _ = wires.asked_and_held("/poll", mode="response")
    assert wires.exchange(client).held_s is None
    wires.now_ns += 1_999_000_000
    wires.answers("client", client)
    assert wires.exchange(client).held_s == 2.0
    assert wires.exchange(client).took_s == pytest.approx(2.002)


def test_a_stream_is_held_until_it_ends_not_until_it_begins(wires):
    client, _ = wires.asked_and_held("/s")
    wires.answers("client", client, last=False)
    assert wires.exchange(client).held_s is None
    wires.closes(client)
    assert wires.exchange(client).held_s == pytest.approx(0.002)


def test_an_interim_answer_is_none(wires):
    client = wires.asks("client", "/a")
    wires.answers("client", client, status=100, last=False)
    assert wires.exchange(client).response is None


def test_what_was_dropped_explains_nothing(wires):
    wires.asked_and_held("/poll", mode="response")
    again = wires.asks("origin", "/poll")
    assert exchanges(wires.messages[1:])[again].cause.why == "unknown"
