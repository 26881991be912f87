"""What a client of the swarm reads from a socket, against vectors written elsewhere: chunked or not, however it is cut.

It differs from the standard in one thing, which it says itself: a piece is read without what came before it, once that
was whole. So an event's id counts for the events of its own piece only; for a service that the kit knows nothing of,
for its own event only.
"""

import asyncio
import itertools
import json
from pathlib import Path

import pytest

from realtime_kit.clients.event_stream import EventStreamParser
from realtime_kit.clients.swarm.stream import PieceReader, StreamMember
from realtime_kit.clients.swarm.watch_crew import OwnIdParser, WatchCrew, WatchMember

FILE = json.loads((Path(__file__).parent / "sse-vectors.json").read_text(encoding="utf-8"))
VECTORS = [pytest.param(vector, id=vector["name"]) for vector in FILE["vectors"]]
HEAD = b"HTTP/1.1 200 OK\r\nContent-Type: text/event-stream\r\n"
PLAIN, CHUNKED = HEAD + b"\r\n", HEAD + b"Transfer-Encoding: chunked\r\n\r\n"


class Crew:
    """Numbers events as they come, and keeps what each number was."""

    end_ns = 2**63 - 1

    def __init__(self):
        self.events = []
        self.received = []
        self.lost = []

    def number_of(self, event):
        self.events.append(event)
        return len(self.events) - 1

    def receive(self, number, event_ids, received_ns, opened_ns):
        self.received += [self.events[event_id] for event_id in event_ids]

    def lose(self, number, member, reason):
        self.lost.append(reason)


class Transport:
    def write(self, data): ...

    def abort(self): ...


def read(*pieces, reader=None, kind=StreamMember):
    """The events that a member reports for these pieces."""

    async def main():
        crew = Crew()
        if reader is not None:
            crew.events = reader.events
        member = kind(0, crew, reader.pieces if reader else PieceReader(), b"")
        member.connection_made(Transport())
        for piece in pieces:
            member.data_received(piece)
        assert member.answered.result() is None
        return crew.received

    return asyncio.run(main())


class Reader:
    """What members of one process share."""

    def __init__(self):
        self.pieces = PieceReader()
        self.events = []


def chunk(content):
    return b"%x\r\n%s\r\n" % (len(content), content)


def cut(stream, places):
    edges = [0, *places, len(stream)]
    return [stream[start:end] for start, end in itertools.pairwise(edges)]


def expected_of(vector):
    return [(event["type"], event["data"]) for event in vector["events"]]


def seen(events):
    return [(event.type, event.data) for event in events]


@pytest.mark.parametrize("vector", VECTORS)
def test_a_vector_in_one_piece_gives_its_events_and_ids(vector):
    stream = vector["stream"].encode()
    for pieces in ((PLAIN + stream,), (PLAIN, stream), (CHUNKED + chunk(stream),), (CHUNKED, chunk(stream))):
        events = read(*pieces)
        assert seen(events) == expected_of(vector)
        assert [event.id for event in events] == [event["id"] for event in vector["events"]]


@pytest.mark.parametrize("kind", [StreamMember, WatchMember])
@pytest.mark.parametrize("vector", VECTORS)
def test_a_vector_cut_in_two_anywhere_gives_its_events(vector, kind):
    stream = vector["stream"].encode()
    for place in range(len(stream) + 1):
        first, second = cut(stream, [place])
        assert seen(read(PLAIN, first, second, kind=kind)) == expected_of(vector), f"cut at {place}"
        chunks = [chunk(part) for part in (first, second) if part]
        assert seen(read(CHUNKED, *chunks, kind=kind)) == expected_of(vector), f"cut at {place}"


@pytest.mark.parametrize("vector", VECTORS)
def test_a_vector_byte_by_byte_gives_its_events(vector):
    wire = CHUNKED + chunk(vector["stream"].encode())
    assert seen(read(*cut(wire, range(1, len(wire))))) == expected_of(vector)


@pytest.mark.parametrize("vector", VECTORS)
def test_what_another_client_has_read_before_is_read_the_same(vector):
    stream = vector["stream"].encode()
    for place in range(len(stream) + 1):
        reader = Reader()
        for _ in range(3):
            pieces = [part for part in cut(stream, [place]) if part]
            assert seen(read(PLAIN, *pieces, reader=reader)) == expected_of(vector), f"cut at {place}"


def test_a_vector_behind_a_boundary_is_not_taken_for_the_beginning():
    events = read(PLAIN, b"data: first\n\n", "\ufeffdata: none\n\ndata: second\n\n".encode())
    assert [event.data for event in events] == ["first", "second"]


@pytest.mark.parametrize("end", [b"\n\n", b"\r\n\r\n"])
def test_a_piece_that_ends_between_events_is_looked_up_from_then_on(end):
    reader = Reader()
    pieces = (PLAIN, b"data: first" + end, b"data: second" + end)
    for _ in range(3):
        assert [event.data for event in read(*pieces, reader=reader)] == ["first", "second"]
    assert len(reader.events) == 3 + 1  # the first piece of each stream, and the second once for all


@pytest.mark.parametrize("vector", VECTORS)
def test_an_event_has_the_same_key_whichever_way_it_came(vector):
    crew, stream = WatchCrew(), vector["stream"].encode()

    def keys(*pieces):
        parser = OwnIdParser()
        return [crew.number_of(event) for piece in pieces for event in parser.feed(piece)]

    whole = keys(stream)
    assert len(whole) == len(vector["events"])
    assert all(0 <= key < 2**63 for key in whole)
    for place in range(len(stream) + 1):
        assert keys(*cut(stream, [place])) == whole


def test_an_id_is_its_own_events_alone():
    stream = b"id: 1\ndata: a\n\ndata: b\n\n"
    assert [event.id for event in OwnIdParser().feed(stream)] == ["1", ""]
    assert [event.id for event in EventStreamParser().feed(stream)] == ["1", "1"]
