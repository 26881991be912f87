"""Finds the exchanges in a row of messages, and which of them belong to each other.

Pushpin does not say for which client it asks the origin. But it passes on the client's headers, a WebSocket's key
among them, and it follows links that were seen before; so that most of its requests have one explanation.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from urllib.parse import urljoin, urlsplit

from realtime_kit.origin.grip import websocket_events
from realtime_kit.taps.x_ray.exchange import Cause, Exchange, Hold
from realtime_kit.taps.x_ray.message import Head, Message

_SWITCHING = 101
_FIRST_FINAL = 200
_WEBSOCKET_KEY = "Sec-WebSocket-Key"

_WRITTEN_BY_PUSHPIN = {
    "accept",
    "accept-encoding",
    "connection",
    "content-length",
    "sec-websocket-extensions",
    "sec-websocket-key",
    "transfer-encoding",
}
"""Headers that say nothing about whose request it is. (The WebSocket's key does, where it is the same.)"""


def exchanges(messages: Iterable[Message]) -> dict[int, Exchange]:
    """The exchanges by number, in the order in which they began.

    A request to the origin is explained by the requests of clients seen before it: the same method, target and
    headers, each used once and in order. Two clients that ask the same at the same time cannot be told apart,
    nor can Pushpin's own repetition during the milliseconds in which a client asks the same.

    Args:
        messages: In the order seen. Those that were dropped explain nothing.
    """
    pairing = _Pairing()
    for message in messages:
        if message.exchange is not None:
            pairing.add(message, message.exchange)
    return {number: draft.finished() for number, draft in pairing.drafts.items()}


@dataclass(slots=True, eq=False)
class _Draft:
    """An exchange as far as it is known."""

    first: Message
    number: int
    messages: list[Message] = field(default_factory=list)
    request: Message | None = None
    response: Message | None = None
    ended_ns: int | None = None
    hold: Hold | None = None
    cause: Cause | None = None
    clients: list[_Draft] = field(default_factory=list)  # of Pushpin's requests: for whom
    is_passed_on: bool = False  # of a client's: whether it has reached the origin
    links: dict[str, int] = field(default_factory=dict)  # of a client's: where to read on, and who said so
    _telling_headers: dict[str, str] | None = None

    @property
    def head(self) -> Head:
        return self.request.head if self.request and self.request.head else Head(())

    @property
    def is_open(self) -> bool:
        return self.ended_ns is None

    @property
    def telling_headers(self) -> dict[str, str]:
        """Those that say whose request it is."""
        if self._telling_headers is None:
            names = {name.lower() for name, _ in self.head.headers} - _WRITTEN_BY_PUSHPIN
            told = {name: self.head.get(name) for name in names if not name.startswith("grip-")}
            self._telling_headers = told
        return self._telling_headers

    def finished(self) -> Exchange:
        return Exchange(
            number=self.number,
            leg=self.first.leg,
            connection=self.first.connection,
            messages=tuple(self.messages),
            request=self.request,
            response=self.response,
            ended_ns=self.ended_ns,
            hold=self._finished_hold(),
            cause=self.cause,
        )

    def _finished_hold(self) -> Hold | None:
        hold = self.hold
        if hold is None:
            return None
        ends_with_answer = hold.mode == "response" and self.response is not None
        until_ns = self.response.at_ns if ends_with_answer and self.response else self.ended_ns
        return Hold(hold.mode, hold.channels, hold.from_ns, until_ns)


class _Pairing:
    """Goes through the messages once."""

    def __init__(self) -> None:
        self.drafts: dict[int, _Draft] = {}
        self._waiting = _Index()  # clients' requests that have not reached the origin
        self._asked = _Index()  # requests to the origin
        self._linked: defaultdict[str, list[_Draft]] = defaultdict(list)  # clients' requests by next link
        self._websockets: dict[str, _Draft] = {}  # clients' requests by their key

    def add(self, message: Message, number: int) -> None:
        draft = self.drafts.setdefault(number, _Draft(message, number))
        draft.messages.append(message)
        if message.kind == "request":
            self._add_request(draft, message)
        elif message.kind == "response" and draft.response is None and _is_final(message):
            self._add_response(draft, message)
        if message.last:
            draft.ended_ns = message.at_ns

    def _add_request(self, draft: _Draft, message: Message) -> None:
        draft.request = message
        if message.leg == "client":
            self._waiting.add(draft)
            if key := draft.head.get(_WEBSOCKET_KEY):
                self._websockets[key] = draft
        elif message.leg == "origin":
            draft.cause = self._explain(draft)
            draft.clients = [self.drafts[number] for number in draft.cause.clients]
            self._asked.add(draft)

    def _add_response(self, draft: _Draft, message: Message) -> None:
        draft.response = message
        if draft.head.get(_WEBSOCKET_KEY) and message.head and message.head.status == _SWITCHING:
            draft.hold = Hold("websocket", (), message.at_ns)
        if (grip := message.grip) is None:
            return
        for client in draft.clients:
            if grip.hold and client.hold is None and client.is_open:
                client.hold = Hold(grip.hold, grip.channels, message.at_ns)
            if grip.next_link:
                target = _resolved(draft.head.target, grip.next_link)
                if target not in client.links:
                    self._linked[target].append(client)
                client.links[target] = draft.number

    def _explain(self, draft: _Draft) -> Cause:
        """Why Pushpin asks: for what a client sent, else for a link, else by itself."""
        return (
            self._by_websocket(draft)
            or self._by_client(draft)
            or self._by_link(draft)
            or self._by_repetition(draft)
            or Cause("unknown", certain=False)
        )

    def _by_websocket(self, draft: _Draft) -> Cause | None:
        if websocket_events.CONTENT_TYPE not in draft.head.get("Content-Type"):
            return None
        client = self._websockets.get(draft.head.get(_WEBSOCKET_KEY))
        if client is None:
            return None
        first = not client.is_passed_on
        client.is_passed_on = True
        return Cause("client request" if first else "websocket", client.number, (client.number,))

    def _by_client(self, draft: _Draft) -> Cause | None:
        alike = self._waiting.like(draft, lambda client: client.is_open and not client.is_passed_on)
        if not alike:
            return None
        alike[0].is_passed_on = True
        return Cause("client request", alike[0].number, (alike[0].number,), certain=len(alike) == 1)

    def _by_link(self, draft: _Draft) -> Cause | None:
        target = draft.head.target
        clients = self._linked[target] = [client for client in self._linked[target] if client.is_open]
        if not clients:
            return None
        numbers = tuple(client.number for client in clients)
        return Cause("next link", clients[-1].links[target], numbers, certain=len(clients) == 1)

    def _by_repetition(self, draft: _Draft) -> Cause | None:
        alike = self._asked.like(draft, lambda asked: any(client.is_open for client in asked.clients))
        if not alike:
            return None
        whose = {asked.clients[0].number for asked in alike}
        clients = tuple(client.number for client in alike[-1].clients)
        return Cause("repeat", alike[-1].number, clients, certain=len(whose) == 1)


class _Index:
    """Requests by what they ask for."""

    def __init__(self) -> None:
        self._drafts: defaultdict[tuple[str, str, int], list[_Draft]] = defaultdict(list)

    def add(self, draft: _Draft) -> None:
        self._drafts[_what(draft)].append(draft)

    def like(self, draft: _Draft, still_counts: Callable[[_Draft], bool]) -> list[_Draft]:
        """Those that may be the same request, passed on or repeated; those that count no more are dropped."""
        found = [each for each in self._drafts[_what(draft)] if still_counts(each)]
        self._drafts[_what(draft)] = found
        return [each for each in found if _agree(each.telling_headers, draft.telling_headers)]


def _what(draft: _Draft) -> tuple[str, str, int]:
    return draft.head.method, draft.head.target, draft.request.size_bytes if draft.request else 0


def _agree(ours: Mapping[str, str], theirs: Mapping[str, str]) -> bool:
    return all(ours[name] == theirs[name] for name in ours.keys() & theirs.keys())


def _resolved(base: str, link: str) -> str:
    """Path and query of a link, which may be relative to the request it was an answer to."""
    parts = urlsplit(urljoin(f"http://origin{base}", link))
    return f"{parts.path}?{parts.query}" if parts.query else parts.path


def _is_final(message: Message) -> bool:
    status = message.head.status if message.head else 0
    return status == _SWITCHING or status >= _FIRST_FINAL
