"""What clients of the swarm read, against vectors written elsewhere: chunked or not, however it is cut.

They differ from the standard in one thing: a piece that ends between two events is forgotten by the swarm, and what
comes next is read by a new reader. An id counts for the events of the reader that has read it; for a service that the
kit knows nothing of, it counts for its own event only.
"""

import asyncio
import itertools
import json
from pathlib import Path

import pytest

from realtime_kit.clients.event_stream import EventStreamParser
from realtime_kit.clients.swarm import reading as module
from realtime_kit.clients.swarm.reading import StreamReading
from realtime_kit.clients.swarm.watch_member import OwnIdParser, StreamMember, key_of

FILE = json.loads((Path(__file__).parent / "sse-vectors.json").read_text(encoding="utf-8"))
VECTORS = [pytest.param(vector, id=vector["name"]) for vector in FILE["vectors"]]
HEAD = b"HTTP/1.1 200 OK\r\nContent-Type: text/event-stream\r\n"
PLAIN, CHUNKED = HEAD + b"\r\n", HEAD + b"Transfer-Encoding: chunked\r\n\r\n"


@pytest.fixture
def read(monkeypatch):
    """Reads pieces as the swarm does, with a new reader after each that is whole; gives the events."""
    events = []

    class Parser(EventStreamParser):
        def feed(self, data):
            found = super().feed(data)
            events.extend(found)
            return []  # their ids need not be numbers here

    monkeypatch.setattr(module, "EventStreamParser", Parser)

    def read(*pieces):
        events.clear()
        reading = StreamReading()
        for piece in pieces:
            assert reading.feed(piece) == ()
            if reading.opened and reading.whole:
                reading = StreamReading(opened=True)
        assert reading.opened
        return list(events)

    return read


class Watcher:
    """Notes the keys that members report."""

    end_ns = 2**63 - 1

    def __init__(self):
        self.pieces = {}
        self.keys = []

    def receive(self, number, keys, received_ns, opened_ns):
        self.keys += keys

    def lose(self, number, member, reason): ...


class Transport:
    def write(self, data): ...

    def abort(self): ...


def watched(*pieces, watcher=None):
    """The keys that a client of somebody's service reports for these pieces."""

    async def main():
        seen = watcher or Watcher()
        seen.keys = []
        member = StreamMember(0, seen, b"")
        member.connection_made(Transport())
        for piece in pieces:
            member.data_received(piece)
        assert member.answered.result() is None
        return seen.keys

    return asyncio.run(main())


def chunk(content):
    return b"%x\r\n%s\r\n" % (len(content), content)


def cut(stream, places):
    edges = [0, *places, len(stream)]
    return [stream[start:end] for start, end in itertools.pairwise(edges)]


def expected_of(vector):
    return [(event["type"], event["data"]) for event in vector["events"]]


def seen(events):
    return [(event.type, event.data) for event in events]


def keys_of(vector):
    parser = OwnIdParser()
    return [
        key_of(event.data, id=event.id, type=event.type) for event in parser.feed(vector["stream"].encode())
    ]


@pytest.mark.parametrize("vector", VECTORS)
def test_a_vector_in_one_piece_gives_its_events_and_ids(vector, read):
    stream = vector["stream"].encode()
    for pieces in ((PLAIN + stream,), (PLAIN, stream), (CHUNKED + chunk(stream),), (CHUNKED, chunk(stream))):
        events = read(*pieces)
        assert seen(events) == expected_of(vector)
        assert [event.id for event in events] == [event["id"] for event in vector["events"]]


@pytest.mark.parametrize("vector", VECTORS)
def test_a_vector_cut_in_two_anywhere_gives_its_events(vector, read):
    stream = vector["stream"].encode()
    for place in range(len(stream) + 1):
        pieces = [part for part in cut(stream, [place]) if part]
        assert seen(read(PLAIN, *pieces)) == expected_of(vector), f"cut at {place}"
        assert seen(read(CHUNKED, *map(chunk, pieces))) == expected_of(vector), f"cut at {place}"


@pytest.mark.parametrize("vector", VECTORS)
def test_a_vector_byte_by_byte_gives_its_events(vector, read):
    wire = CHUNKED + chunk(vector["stream"].encode())
    assert seen(read(*cut(wire, range(1, len(wire))))) == expected_of(vector)


def test_a_byte_order_mark_behind_a_boundary_is_not_taken_for_the_beginning(read):
    pieces = (b"data: first\n\n", "\ufeffdata: none\n\ndata: second\n\n".encode())
    events = read(CHUNKED, *map(chunk, pieces))
    assert [event.data for event in events] == ["first", "second"]
    assert watched(PLAIN, *pieces) == [key_of("first"), key_of("second")]


@pytest.mark.parametrize("vector", VECTORS)
def test_a_watched_vector_gives_the_same_keys_however_it_is_cut_and_whoever_has_read_it_before(vector):
    stream, expected = vector["stream"].encode(), keys_of(vector)
    assert len(expected) == len(vector["events"])
    assert all(0 <= key < 2**63 for key in expected)
    for place in range(len(stream) + 1):
        pieces = [part for part in cut(stream, [place]) if part]
        for wire in ((PLAIN, *pieces), (CHUNKED, *map(chunk, pieces))):
            watcher = Watcher()
            for _ in range(3):
                assert watched(*wire, watcher=watcher) == expected, f"cut at {place}"


@pytest.mark.parametrize("end", [b"\n\n", b"\r\n\r\n"])
def test_a_watched_piece_that_ends_between_events_is_looked_up_from_then_on(end):
    watcher = Watcher()
    for _ in range(3):
        assert len(watched(PLAIN, b"data: first" + end, b"data: second" + end, watcher=watcher)) == 2
    assert watcher.pieces == {b"data: second" + end: (key_of("second"),)}


def test_an_id_is_its_own_events_alone():
    stream = b"id: 1\ndata: a\n\ndata: b\n\n"
    assert [event.id for event in OwnIdParser().feed(stream)] == ["1", ""]
    assert [event.id for event in EventStreamParser().feed(stream)] == ["1", "1"]
