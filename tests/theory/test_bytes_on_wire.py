import asyncio
import io
from http.client import HTTPResponse

import pytest
from aiohttp.http import WebSocketWriter
from hypothesis import given, strategies as st
from sseclient import SSEClient

from realtime_kit.errors import UsageError
from realtime_kit.theory.bytes_on_wire import chunk_overhead_bytes, event_stream_bytes, websocket_frame_bytes


class Wire(bytearray):
    """Stands in for a transport and keeps what is written to it."""

    def write(self, data: bytes) -> None:
        self.extend(data)

    def writelines(self, parts: list[bytes]) -> None:
        self.extend(b"".join(parts))

    def is_closing(self) -> bool:
        return False


class Protocol:
    _paused = False


def aiohttp_frame(payload: bytes, *, masked: bool) -> bytes:
    wire = Wire()
    writer = WebSocketWriter(Protocol(), wire, use_mask=masked, limit=1 << 30)
    asyncio.run(writer.send_frame(payload, 2))
    return bytes(wire)


@pytest.mark.parametrize("masked", [False, True])
@pytest.mark.parametrize("size", [0, 1, 125, 126, 127, 65_535, 65_536, 200_000])
def test_frames_are_as_long_as_the_ones_aiohttp_writes(size, masked):
    assert websocket_frame_bytes(size, masked=masked) == len(aiohttp_frame(bytes(size), masked=masked))


@pytest.mark.parametrize(
    ("size", "unmasked_header"), [(0, 2), (125, 2), (126, 4), (65_535, 4), (65_536, 10), (2**40, 10)]
)
def test_frame_headers_grow_at_the_sizes_of_the_rfc(size, unmasked_header):
    assert websocket_frame_bytes(size, masked=False) - size == unmasked_header
    assert websocket_frame_bytes(size, masked=True) - size == unmasked_header + 4


class Socket:
    def __init__(self, answer: bytes) -> None:
        self.answer = answer

    def makefile(self, *_: object) -> io.BytesIO:
        return io.BytesIO(self.answer)


@pytest.mark.parametrize("size", [1, 15, 16, 255, 256, 4095, 4096, 65_535, 65_536])
def test_a_chunk_that_http_client_can_read_has_the_predicted_overhead(size):
    chunk = b"%x\r\n%b\r\n" % (size, b"x" * size)
    answer = HTTPResponse(
        Socket(b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n" + chunk + b"0\r\n\r\n")
    )
    answer.begin()
    assert answer.read() == b"x" * size
    assert chunk_overhead_bytes(size) == len(chunk) - size


EVENT_BLOCKS = [
    ("hello", None, None, b"data: hello\n\n"),
    ("", None, None, b"data: \n\n"),
    ("hello", "42", None, b"id: 42\ndata: hello\n\n"),
    ("hello", None, "score", b"event: score\ndata: hello\n\n"),
    ("hello", "", "score", b"id: \nevent: score\ndata: hello\n\n"),
    ("two\nlines", "7", "note", b"id: 7\nevent: note\ndata: two\ndata: lines\n\n"),
    ("ends\n", None, None, b"data: ends\ndata: \n\n"),
    ("a\r\nb\rc\n\nd", None, None, b"data: a\ndata: b\ndata: c\ndata: \ndata: d\n\n"),
    ("λ = 2 ✓", "é", None, "id: é\ndata: λ = 2 ✓\n\n".encode()),
    (b"\xff\x00", None, None, b"data: \xff\x00\n\n"),
    # Line breaks to Python's splitlines, but not to the event stream.
    ("a\u2028b\x0bc", None, None, "data: a\u2028b\x0bc\n\n".encode()),
]


@pytest.mark.parametrize(("payload", "event_id", "event_type", "block"), EVENT_BLOCKS)
def test_blocks_are_as_long_as_the_ones_written_by_hand(payload, event_id, event_type, block):
    assert event_stream_bytes(payload, event_id=event_id, event_type=event_type) == len(block)


@given(lines=st.lists(st.text("abcλ✓ :", max_size=8), min_size=1, max_size=5))
def test_a_block_of_the_predicted_length_says_the_same_to_sseclient(lines):
    payload = "\n".join(lines)
    block = b"id: 1\nevent: note\n" + b"".join(b"data: %b\n" % line.encode() for line in lines) + b"\n"
    assert len(block) == event_stream_bytes(payload, event_id="1", event_type="note")
    assert [event.data for event in SSEClient(io.BytesIO(block)).events()] == [payload]


@given(first=st.binary(max_size=50), second=st.binary(max_size=50))
def test_each_further_line_costs_six_bytes_more_than_its_content(first, second):
    first, second = (part.translate(None, b"\r\n") for part in (first, second))
    assert event_stream_bytes(first) == len(first) + 8
    assert event_stream_bytes(first + b"\n" + second) == len(first + b"\n" + second) + 8 + 6


@pytest.mark.parametrize("name", ["event_id", "event_type"])
@pytest.mark.parametrize("value", ["a\nb", "a\rb", "a\r\n"])
def test_fields_of_several_lines_are_refused(name, value):
    with pytest.raises(UsageError, match=rf"{name} is .* single line"):
        event_stream_bytes("hello", **{name: value})


@pytest.mark.parametrize("size", [0, -1, 1.5])
def test_chunks_without_content_are_refused(size):
    with pytest.raises(UsageError, match=r"n is .* whole number, 1 or more"):
        chunk_overhead_bytes(size)


def test_payloads_of_negative_size_are_refused():
    with pytest.raises(UsageError, match="payload_bytes is -1"):
        websocket_frame_bytes(-1, masked=False)
