"""What the long-poll microscope shows: who was held when, and why Pushpin asked. All of it from the wire."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from itertools import pairwise
from statistics import median
from urllib.parse import parse_qs, urlsplit

from realtime_kit.taps.x_ray import Exchange

NAME = "client"
"""The query's parameter by which a client says on the wire which one it is."""

_ID = re.compile(r'"id":(\d+)')


@dataclass(frozen=True, slots=True)
class Question:
    """One request of a client. Times are seconds since the view's beginning, on the client's wire.

    Attributes:
        client: Whose it is, counted from 0.
        asked_s: When it reached Pushpin.
        held_from_s: When Pushpin was told to hold it; None if it was not, or not yet.
        held_until_s: When its hold ended; None if it goes on.
        answered_s: When the answer was complete; None if there is none, or not yet.
        events: Ids in the answer.
    """

    client: int
    asked_s: float
    held_from_s: float | None = None
    held_until_s: float | None = None
    answered_s: float | None = None
    events: tuple[int, ...] = ()

    @property
    def is_held(self) -> bool:
        """Whether it waits for an event."""
        return self.held_from_s is not None and self.held_until_s is None

    def held_at(self, at_s: float) -> bool:
        """Whether it was held at that moment."""
        if self.held_from_s is None or self.held_from_s > at_s:
            return False
        return self.held_until_s is None or self.held_until_s >= at_s


@dataclass(frozen=True, slots=True)
class Between:
    """The moment between two holds of a client, in which nobody could push anything to it.

    Attributes:
        client: Whose it is, counted from 0.
        answered_s: When the earlier hold ended with an answer.
        asked_s: When the next question reached Pushpin.
        held_s: When Pushpin held a question again.
    """

    client: int
    answered_s: float
    asked_s: float
    held_s: float

    @property
    def gap_s(self) -> float:
        """The window W, seconds."""
        return self.held_s - self.answered_s


@dataclass(frozen=True, slots=True)
class OriginRequest:
    """Pushpin asks the origin.

    Attributes:
        at_s: When.
        why: Its cause, in the X-ray's words.
    """

    at_s: float
    why: str


@dataclass(frozen=True, slots=True)
class Published:
    """An event passes the tap before Pushpin's publish port.

    Attributes:
        at_s: When.
        event: Its id.
    """

    at_s: float
    event: int


@dataclass(frozen=True, slots=True)
class LongPollView:
    """Everything up to one moment.

    Attributes:
        clients: How many clients there are.
        until_s: How far the picture reaches, seconds.
        now_s: The moment.
        questions: In the order asked.
        origin: Pushpin's requests to the origin, likewise.
        published: The events, likewise.
        dropped: Messages that the X-ray has not kept; then there was more than this.
        phase: What is going on, for people.
    """

    clients: int
    until_s: float
    now_s: float = 0.0
    questions: tuple[Question, ...] = ()
    origin: tuple[OriginRequest, ...] = ()
    published: tuple[Published, ...] = ()
    dropped: int = 0
    phase: str = field(default="", compare=False)

    @classmethod
    def of(
        cls,
        exchanges: Iterable[Exchange],
        *,
        clients: int,
        began_ns: int,
        now_ns: int,
        until_s: float,
        dropped: int = 0,
        phase: str = "",
    ) -> LongPollView:
        """Reads what an X-ray has seen.

        Args:
            exchanges: Of all three legs; a client's request says in its query which client it is, from 1.
            clients: How many there are.
            began_ns: Zero of the time axis, on `CLOCK_MONOTONIC`.
            now_ns: The moment of the look, likewise.
            until_s: How far the picture is to reach.
            dropped: Messages that the X-ray has not kept.
            phase: What is going on.
        """
        seen = list(exchanges)
        return cls(
            clients,
            until_s=max(until_s, _s(now_ns, began_ns)),
            now_s=_s(now_ns, began_ns),
            questions=tuple(_questions(seen, began_ns)),
            origin=tuple(
                OriginRequest(_s(each.began_ns, began_ns), each.cause.why) for each in seen if each.cause
            ),
            published=tuple(_published(seen, began_ns)),
            dropped=dropped,
            phase=phase,
        )

    def of_client(self, client: int) -> list[Question]:
        """Its questions, in the order asked."""
        return [each for each in self.questions if each.client == client]

    @property
    def all_held(self) -> bool:
        """Whether every client waits for an event, and has got all there were."""
        return all(
            bool(asked := self.of_client(client)) and asked[-1].is_held and not self.missing(client)
            for client in range(self.clients)
        )

    def missing(self, client: int) -> set[int]:
        """Ids of published events that have not reached it."""
        reached = {event for each in self.of_client(client) for event in each.events}
        return {each.event for each in self.published} - reached

    @property
    def second_requests(self) -> tuple[OriginRequest, ...]:
        """Repeats before the first event: no gap and no hint can have caused them, only that somebody subscribed."""
        first_s = self.published[0].at_s if self.published else float("inf")
        return tuple(each for each in self.origin if each.why == "repeat" and each.at_s < first_s)

    @property
    def between(self) -> tuple[Between, ...]:
        """Every moment between two holds that is over, client by client."""
        return tuple(each for client in range(self.clients) for each in _between(self.of_client(client)))

    @property
    def gaps_s(self) -> tuple[float, ...]:
        """How long each of them was: the window W, seconds."""
        return tuple(each.gap_s for each in self.between)

    @property
    def origin_requests(self) -> Mapping[str, int]:
        """How many there were of each cause, in the X-ray's words."""
        return Counter(each.why for each in self.origin)

    @property
    def events(self) -> int:
        """How many were published."""
        return len(self.published)

    def held_share(self, client: int | None = None) -> float | None:
        """Share of the time since its first question in which it was held, 0 to 1; of all clients together if None."""
        wanted = range(self.clients) if client is None else [client]
        asked = [self.of_client(each) for each in wanted]
        present_s = sum(self._end_s(each) - each[0].asked_s for each in asked if each)
        held_s = sum(
            (self.now_s if each.held_until_s is None else each.held_until_s) - each.held_from_s
            for each in (question for one in asked for question in one)
            if each.held_from_s is not None
        )
        return held_s / present_s if present_s > 0 else None

    def median_gap_s(self, client: int | None = None) -> float:
        """Median window W, seconds; NaN if there was none."""
        gaps = [each.gap_s for each in self.between if client in (None, each.client)]
        return median(gaps) if gaps else float("nan")

    @property
    def moment(self) -> tuple[Published, tuple[Between, ...]] | None:
        """The latest event that found every client held, and what each of them did until it was held again."""
        between = self.between
        for event in reversed(self.published):
            found = [
                next((each for each in between if each.client == client and _ended_by(each, event)), None)
                for client in range(self.clients)
            ]
            held = all(
                any(each.held_at(event.at_s) for each in self.of_client(client))
                for client in range(self.clients)
            )
            complete = tuple(each for each in found if each is not None)
            if held and len(complete) == self.clients:
                return event, complete
        return None

    def _end_s(self, asked: list[Question]) -> float:
        """Until when a client was there: now, or until it left."""
        last = asked[-1]
        left = last.answered_s is None and last.held_until_s is not None
        return last.held_until_s if left and last.held_until_s is not None else self.now_s


_SOON_S = 0.5
"""An answer that comes later than this after an event was not caused by it."""


def _ended_by(between: Between, event: Published) -> bool:
    return event.at_s <= between.answered_s < event.at_s + _SOON_S


def _between(asked: list[Question]) -> Iterator[Between]:
    held = [each for each in asked if each.held_from_s is not None]
    for earlier, later in pairwise(held):
        if earlier.held_until_s is None or later.held_from_s is None:
            continue
        next_asked = next(each for each in asked if each.asked_s > earlier.asked_s)
        yield Between(earlier.client, earlier.held_until_s, next_asked.asked_s, later.held_from_s)


def _questions(exchanges: list[Exchange], began_ns: int) -> Iterator[Question]:
    for each in exchanges:
        if each.leg != "client" or each.request is None or each.request.head is None:
            continue
        named = parse_qs(urlsplit(each.request.head.target).query).get(NAME, ["1"])
        answered_ns = each.ended_ns if each.response else None
        hold = each.hold
        yield Question(
            client=int(named[0]) - 1,
            asked_s=_s(each.began_ns, began_ns),
            held_from_s=_s(hold.from_ns, began_ns) if hold else None,
            held_until_s=_s(hold.until_ns, began_ns) if hold and hold.until_ns is not None else None,
            answered_s=_s(answered_ns, began_ns) if answered_ns is not None else None,
            events=tuple(int(found) for found in _ID.findall(each.response.text)) if each.response else (),
        )


def _published(exchanges: list[Exchange], began_ns: int) -> Iterator[Published]:
    """Events have an id; the calls to those who are late have none."""
    for each in exchanges:
        for message in each.messages:
            if message.kind == "publish":
                for name, value in message.details:
                    if name == "id":
                        yield Published(_s(message.at_ns, began_ns), int(value))


def _s(at_ns: int, began_ns: int) -> float:
    return (at_ns - began_ns) / 1e9
