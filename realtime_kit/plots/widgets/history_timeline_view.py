"""What the history timeline shows: which events came from history and which live, read off the wire."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field

from realtime_kit.clients import EventStreamParser
from realtime_kit.errors import ProtocolError
from realtime_kit.plots.widgets.long_poll_microscope_view import OriginRequest
from realtime_kit.taps.x_ray import Exchange, Message


@dataclass(frozen=True, slots=True)
class Page:
    """An answer of the origin with history in it.

    Attributes:
        asked_s: When Pushpin asked, seconds since the view's beginning.
        events: Ids in it, ascending.
    """

    asked_s: float
    events: tuple[int, ...]


@dataclass(frozen=True, slots=True)
class Arrival:
    """An event passes the tap before the client.

    Attributes:
        event: Its id.
        at_s: When.
        page: In which page of its connection it was, from 0; None if it was pushed.
    """

    event: int
    at_s: float
    page: int | None


@dataclass(frozen=True, slots=True)
class Connection:
    """One time that the client was there.

    Attributes:
        opened_s: When its request reached Pushpin.
        after: Id after which it wants to go on.
        held_s: When Pushpin was told to hold its stream: from here on events are pushed. None before.
        closed_s: When it ended; None if it goes on.
        pages: The history it was given.
        arrivals: All events that came to it, in order.
    """

    opened_s: float
    after: int
    held_s: float | None = None
    closed_s: float | None = None
    pages: tuple[Page, ...] = ()
    arrivals: tuple[Arrival, ...] = ()

    @property
    def pushed(self) -> int:
        """How many events came live."""
        return sum(each.page is None for each in self.arrivals)


@dataclass(frozen=True, slots=True)
class HistoryView:
    """Everything up to one moment.

    Attributes:
        until_s: How far the picture reaches, seconds.
        events_until: How far its axis of ids reaches at least.
        now_s: The moment.
        connections: The client's, in order.
        origin: Pushpin's requests to the origin, likewise.
        published: Id of the last event there is.
        phase: What is going on, for people.
    """

    until_s: float
    events_until: int
    now_s: float = 0.0
    connections: tuple[Connection, ...] = ()
    origin: tuple[OriginRequest, ...] = ()
    published: int = 0
    phase: str = field(default="", compare=False)

    @classmethod
    def of(
        cls,
        exchanges: Iterable[Exchange],
        *,
        published: int,
        now_ns: int,
        until_s: float,
        events_until: int,
        phase: str = "",
    ) -> HistoryView:
        """Reads what an X-ray has seen; the time axis begins with the client's first request.

        Args:
            exchanges: Of both legs that a stream crosses.
            published: Id of the last event there is.
            now_ns: The moment of the look, on `CLOCK_MONOTONIC`.
            until_s: How far the picture is to reach.
            events_until: How far the axis of ids is to reach.
            phase: What is going on.
        """
        seen = list(exchanges)
        streams = [each for each in seen if each.leg == "client" and each.request is not None]
        began_ns = streams[0].began_ns if streams else now_ns
        now_s = (now_ns - began_ns) / 1e9
        return cls(
            until_s=max(until_s, now_s),
            events_until=max(events_until, published),
            now_s=now_s,
            connections=tuple(_connection(each, seen, began_ns) for each in streams),
            origin=tuple(
                OriginRequest((each.began_ns - began_ns) / 1e9, each.cause.why) for each in seen if each.cause
            ),
            published=published,
            phase=phase,
        )

    @property
    def pages(self) -> int:
        """In how many pages history came when the client connected first."""
        return len(self.connections[0].pages) if self.connections else 0

    @property
    def resumed_pages(self) -> int:
        """In how many pages came what it had missed while it was away."""
        return sum(len(each.pages) for each in self.connections[1:])

    @property
    def arrived(self) -> tuple[int, ...]:
        """Ids in the order in which they came, over all connections."""
        return tuple(each.event for one in self.connections for each in one.arrivals)

    @property
    def events(self) -> int:
        """How many different events came."""
        return len(set(self.arrived))

    @property
    def from_history(self) -> int:
        """How many events came in pages."""
        return len(self.arrived) - self.pushed

    @property
    def pushed(self) -> int:
        """How many events came live."""
        return sum(each.pushed for each in self.connections)

    @property
    def missing(self) -> tuple[int, ...]:
        """Ids that have not come, though the client was to get all from 1 on."""
        return tuple(sorted(set(range(1, self.published + 1)) - set(self.arrived)))

    @property
    def doubled(self) -> tuple[int, ...]:
        """Ids that came more than once."""
        return tuple(sorted(event for event, count in Counter(self.arrived).items() if count > 1))

    @property
    def origin_requests(self) -> Mapping[str, int]:
        """How many there were of each cause, in the X-ray's words."""
        return Counter(each.why for each in self.origin)

    @property
    def is_held(self) -> bool:
        """Whether the latest connection is past its history."""
        return bool(self.connections) and self.connections[-1].held_s is not None


def _connection(stream: Exchange, exchanges: list[Exchange], began_ns: int) -> Connection:
    asked = [each for each in exchanges if each.cause and stream.number in each.cause.clients]
    pages = [
        Page((each.began_ns - began_ns) / 1e9, events)
        for each in asked
        if each.response is not None and (events := tuple(event for event, _ in _read([each.response])))
    ]
    in_page = {event: number for number, page in enumerate(pages) for event in page.events}
    head = stream.request.head if stream.request else None
    return Connection(
        opened_s=(stream.began_ns - began_ns) / 1e9,
        after=int((head.get("Last-Event-ID") if head else "") or 0),
        held_s=(stream.hold.from_ns - began_ns) / 1e9 if stream.hold else None,
        closed_s=(stream.ended_ns - began_ns) / 1e9 if stream.ended_ns is not None else None,
        pages=tuple(pages),
        arrivals=tuple(
            # Once from its page; if it comes again, it was pushed as well.
            Arrival(event, (at_ns - began_ns) / 1e9, in_page.pop(event, None))
            for event, at_ns in _read(stream.messages)
        ),
    )


def _read(messages: Iterable[Message]) -> Iterator[tuple[int, int]]:
    parser = EventStreamParser()
    for message in messages:
        if message.kind in ("response", "body part"):
            for event in parser.feed(_content(message)):
                if event.id:
                    yield int(event.id), message.at_ns


def _content(message: Message) -> bytes:
    content = message.text.encode()
    if len(content) != message.size_bytes:
        reason = f"{message.size_bytes:,} B are more than the X-ray keeps of a message: use smaller pages"
        raise ProtocolError(reason)
    return content
