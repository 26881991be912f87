"""The event-stream parser against vectors written elsewhere, at every chunking, and against sseclient-py."""

import itertools
import json
from pathlib import Path

import pytest
import sseclient
from hypothesis import given, strategies as st

from realtime_kit.clients.event_stream import Event, EventStreamParser

FILE = json.loads((Path(__file__).parent / "sse-vectors.json").read_text(encoding="utf-8"))
VECTORS = [pytest.param(vector, id=vector["name"]) for vector in FILE["vectors"]]
RETRIES = [pytest.param(value, expected, id=repr(value)) for value, expected in FILE["retry"]]

# Where sseclient-py 1.9 differs from the standard, and how.
SSECLIENT_DIFFERS = {
    "format-bom": "it does not strip the byte order mark",
    "format-data-before-final-empty-line": "it yields an event that no empty line has ended",
}


def stream_of(vector):
    return vector["stream"].encode()


def expected_of(vector):
    return [Event(**event) for event in vector["events"]]


def parse(*chunks):
    parser = EventStreamParser()
    return [event for chunk in chunks for event in parser.feed(chunk)]


def cut(stream, places):
    edges = [0, *sorted(places), len(stream)]
    return [stream[start:end] for start, end in itertools.pairwise(edges)]


@pytest.mark.parametrize("vector", VECTORS)
def test_a_vector_in_one_piece_gives_its_events(vector):
    assert parse(stream_of(vector)) == expected_of(vector)


@pytest.mark.parametrize("vector", VECTORS)
def test_a_vector_byte_by_byte_gives_its_events(vector):
    stream = stream_of(vector)
    assert parse(*cut(stream, range(1, len(stream)))) == expected_of(vector)


@pytest.mark.parametrize("vector", VECTORS)
def test_a_vector_cut_in_two_anywhere_gives_its_events(vector):
    stream = stream_of(vector)
    for place in range(len(stream) + 1):
        assert parse(stream[:place], stream[place:]) == expected_of(vector), f"cut at {place}"


@given(data=st.data())
def test_a_vector_cut_at_random_gives_its_events(data):
    vector = data.draw(st.sampled_from(FILE["vectors"]))
    stream = stream_of(vector)
    places = data.draw(st.lists(st.integers(0, len(stream)), max_size=20))
    assert parse(*cut(stream, places)) == expected_of(vector)


@pytest.mark.parametrize(("value", "milliseconds"), RETRIES)
@pytest.mark.parametrize("size", [1, 100])
def test_only_a_retry_of_ascii_digits_counts(value, milliseconds, size):
    parser = EventStreamParser()
    stream = f"retry: {value}\ndata: x\n\n".encode()
    for start in range(0, len(stream), size):
        parser.feed(stream[start : start + size])
    assert parser.retry_s == (None if milliseconds is None else milliseconds / 1000)


@pytest.mark.parametrize("vector", VECTORS)
def test_sseclient_py_reads_the_same_type_and_data_unless_it_differs_from_the_standard(vector):
    theirs = [(event.event, event.data) for event in sseclient.SSEClient([stream_of(vector)]).events()]
    ours = [(event.type, event.data) for event in parse(stream_of(vector))]
    assert (theirs == ours) == (vector["name"] not in SSECLIENT_DIFFERS)


FIELDS = st.sampled_from(["data", "event", "id", "retry", "", "Data", "unknown"])
VALUES = st.text(st.sampled_from("ab: 1\u2028…\x85"), max_size=5)
LINES = st.builds(
    lambda field, colon, value: f"{field}{colon}{value}", FIELDS, st.sampled_from([":", ": "]), VALUES
)


@given(blocks=st.lists(st.lists(LINES, max_size=4)), line_end=st.sampled_from(["\n", "\r", "\r\n"]))
def test_sseclient_py_reads_the_same_from_any_stream_with_one_kind_of_line_end(blocks, line_end):
    stream = "".join(line_end.join([*block, "", ""]) for block in blocks).encode()
    theirs = [(event.event, event.data) for event in sseclient.SSEClient([stream]).events()]
    assert [(event.type, event.data) for event in parse(stream)] == theirs
