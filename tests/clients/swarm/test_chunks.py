"""Bodies in pieces: the content is the same however they are cut."""

import pytest

from realtime_kit.clients.swarm.chunks import ChunkedBody
from realtime_kit.errors import ProtocolError

WIRE = b"5\r\nhello\r\n1a;name=value\r\n" + b"x" * 26 + b"\r\n0\r\n\r\n"


@pytest.mark.parametrize("size", range(1, len(WIRE) + 1))
def test_content_is_the_same_however_it_is_cut(size):
    body = ChunkedBody()
    pieces = [WIRE[start : start + size] for start in range(0, len(WIRE), size)]
    assert b"".join(body.feed(piece) for piece in pieces) == b"hello" + b"x" * 26
    assert body.ended


def test_only_between_chunks_is_a_boundary():
    body = ChunkedBody()
    assert body.at_boundary
    states = []
    for number in range(10):
        body.feed(WIRE[number : number + 1])
        states.append(body.at_boundary)
    assert states == [False] * 9 + [True]


def test_what_is_no_size_is_refused():
    with pytest.raises(ProtocolError, match="a chunk's size was due, and b'hello' came"):
        ChunkedBody().feed(b"hello\r\n")


def test_a_size_without_an_end_does_not_fill_the_memory():
    with pytest.raises(ProtocolError, match="size was due"):
        ChunkedBody().feed(b"0" * 1000)
