"""A connection told message by message: bytes of both directions in, records out. No sockets, no clock."""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, field
from itertools import count

import h11

from realtime_kit.errors import ProtocolError
from realtime_kit.origin.grip import websocket_events
from realtime_kit.taps.x_ray import instruct
from realtime_kit.taps.x_ray.body import Body
from realtime_kit.taps.x_ray.frames import FrameReader
from realtime_kit.taps.x_ray.http_reader import (
    CutOff,
    HttpEvent,
    HttpReader,
    expect_request,
    expect_response,
    has_known_end,
)
from realtime_kit.taps.x_ray.message import Head
from realtime_kit.taps.x_ray.telling import (
    Told,
    cut_off,
    request_head,
    response_head,
    tell_frame,
    tell_part,
    tell_request,
    tell_response,
)

_SWITCHING = 101

_DECODED_WHOLE = (websocket_events.CONTENT_TYPE, instruct.CONTENT_TYPE)
"""What makes sense as a whole only, also from an origin that sends it in chunks."""


@dataclass(frozen=True, slots=True)
class Utterance:
    """Something said on a connection.

    Attributes:
        from_opener: Whether the side said it that opened the connection.
        told: What it is.
        exchange: Which request it belongs to; None if to none.
        last: Whether nothing more of that is expected.
    """

    from_opener: bool
    told: Told
    exchange: int | None
    last: bool = False


@dataclass(slots=True)
class _Exchange:
    """A request and its answer, as far as they have come."""

    number: int
    method: bytes
    request: Head
    publishes: bool
    body: Body = field(default_factory=Body)
    is_told: bool = False
    response: Head | None = None
    known_end: bool = True
    answer: Body = field(default_factory=Body)

    @property
    def asks_for_upgrade(self) -> bool:
        return bool(self.request.get("Upgrade"))

    def tell_request(self, cut: str = "") -> Iterator[Utterance]:
        """The request, once: when it is complete or cut off, or else when its answer begins."""
        if not self.is_told:
            self.is_told = True
            told = tell_request(self.request, self.body, publishes=self.publishes)
            yield Utterance(True, cut_off(told, cut) if cut else told, self.number)
            self.body = Body()


class Dialogue:
    """What both sides of one connection say: HTTP, and WebSocket frames after an upgrade.

    A request, and an answer whose length is known, are told when they are complete; the parts of any other
    answer as they arrive.

    Args:
        next_exchange: Gives the number of each request, for example across connections.
        publishes: Whether its requests are made to Pushpin's publish port.
    """

    def __init__(self, next_exchange: Callable[[], int] | None = None, *, publishes: bool = False) -> None:
        self._publishes = publishes
        self._next_exchange = next_exchange or count(1).__next__
        self._requests = HttpReader(expect_request)
        self._responses = HttpReader(self._expect_response)
        self._asking: _Exchange | None = None  # whose request is on its way
        self._unanswered: deque[_Exchange] = deque()
        self._frames: dict[bool, FrameReader] = {}
        self._opener_left = False

    def received(self, data: bytes, *, from_opener: bool) -> Iterator[Utterance]:
        """What is complete with these bytes. Exhaust it before anything else.

        Raises:
            ProtocolError: The bytes are not what is understood here; nothing after them will be.
        """
        if self._frames:
            return self._hear(self._frames[from_opener], data, from_opener=from_opener)
        if from_opener:
            return self._hear_requests(self._requests.feed(data))
        return self._hear_responses(self._responses.feed(data))

    def ended(self, *, from_opener: bool) -> Iterator[Utterance]:
        """One direction has ended: what that completes, or cuts off."""
        if self._frames:
            return iter(())
        if from_opener:
            self._opener_left = True
            return self._hear_requests(self._requests.end())
        return self._hear_responses(self._responses.end())

    @property
    def exchange(self) -> int | None:
        """Which request waits for more of its answer; the first, if several do."""
        return self._unanswered[0].number if self._unanswered else None

    def _expect_response(self) -> h11.Connection:
        if not self._unanswered:
            raise ProtocolError("an answer came before a whole request")
        asked = self._unanswered[0]
        return expect_response(asked.method, upgrade=asked.asks_for_upgrade)

    def _hear_requests(self, events: Iterable[HttpEvent]) -> Iterator[Utterance]:
        for event in events:
            asking = self._asking
            if isinstance(event, h11.Request):
                if event.method == b"CONNECT":
                    raise ProtocolError("a tunnel (CONNECT)")
                self._asking = _Exchange(
                    self._next_exchange(), event.method, request_head(event), self._publishes
                )
                self._unanswered.append(self._asking)
            elif asking is None:
                if isinstance(event, CutOff):
                    told = Told("request", "the beginning of a request")
                    yield Utterance(True, cut_off(told, event.reason), None)
            elif isinstance(event, h11.Data):
                asking.body.add(event.data)
            else:
                yield from asking.tell_request(event.reason if isinstance(event, CutOff) else "")
                self._asking = None

    def _hear_responses(self, events: Iterable[HttpEvent]) -> Iterator[Utterance]:
        for event in events:
            exchange = self._unanswered[0]
            yield from exchange.tell_request()
            match event:
                case h11.InformationalResponse():
                    yield from self._interim(exchange, event)
                case h11.Response():
                    yield from _begin_answer(exchange, event)
                case h11.Data():
                    yield from _continue_answer(exchange, event)
                case h11.EndOfMessage():
                    yield self._end_answer(exchange)
                    if exchange.asks_for_upgrade:
                        yield from self._hear_requests(self._requests.go_on())
                case CutOff() if self._opener_left and not exchange.known_end:
                    self._unanswered.popleft()  # it is the one who hung up
                case CutOff():
                    yield self._end_answer(exchange, event.reason)

    def _interim(self, exchange: _Exchange, event: h11.InformationalResponse) -> Iterator[Utterance]:
        head = response_head(event)
        yield Utterance(False, tell_response(head, Body(), known_end=True), exchange.number)
        if event.status_code != _SWITCHING:
            return
        if (protocol := head.get("Upgrade")).lower() != "websocket":
            message = f"an upgrade to {protocol!r}"
            raise ProtocolError(message)
        extensions = head.get("Sec-WebSocket-Extensions")
        for from_opener, reader in ((True, self._requests), (False, self._responses)):
            frames = FrameReader(from_client=from_opener, extensions=extensions)
            self._frames[from_opener] = frames
            yield from self._hear(frames, reader.take_rest(), from_opener=from_opener)

    def _end_answer(self, exchange: _Exchange, cut: str = "") -> Utterance:
        self._unanswered.popleft()
        told = _remainder(exchange)
        return Utterance(False, cut_off(told, cut) if cut else told, exchange.number, last=True)

    def _hear(self, frames: FrameReader, data: bytes, *, from_opener: bool) -> Iterator[Utterance]:
        exchange = self._unanswered[0].number  # the upgrade; it stays unanswered for ever
        for message in frames.feed(data):
            yield Utterance(from_opener, tell_frame(message), exchange)


def _begin_answer(exchange: _Exchange, event: h11.Response) -> Iterator[Utterance]:
    exchange.response = head = response_head(event)
    exchange.known_end = has_known_end(exchange.method, event) or head.get("Content-Type") in _DECODED_WHOLE
    if not exchange.known_end:
        told = tell_response(exchange.response, Body(), known_end=False)
        yield Utterance(False, told, exchange.number)


def _continue_answer(exchange: _Exchange, event: h11.Data) -> Iterator[Utterance]:
    exchange.answer.add(event.data)
    # Outside of chunks there is nothing but what happened to arrive together.
    is_whole = event.chunk_end or not _is_chunked(exchange)
    if is_whole and not exchange.known_end:
        yield Utterance(False, tell_part(exchange.answer), exchange.number)
        exchange.answer = Body()


def _remainder(exchange: _Exchange) -> Told:
    """What is told at the end of an answer: all of it, or that it is the end."""
    if exchange.response is None:
        return Told("response", "the beginning of an answer")
    if exchange.known_end:
        return tell_response(exchange.response, exchange.answer, known_end=True)
    return Told("body part", "end of the answer", (), exchange.answer.text(), exchange.answer.size_bytes)


def _is_chunked(exchange: _Exchange) -> bool:
    return exchange.response is not None and bool(exchange.response.get("Transfer-Encoding"))
