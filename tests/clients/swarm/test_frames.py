"""WebSocket frames: the messages are the same however they are cut, and as another implementation has them."""

import random

import pytest
from wsproto.frame_protocol import CloseReason, FrameProtocol, Opcode as Theirs

from realtime_kit.clients.swarm.frames import FrameReader, Opcode, control_frame
from realtime_kit.errors import ProtocolError


def written_elsewhere():
    """A server's frames by wsproto: short, long and longer texts, one in three parts with a ping in between."""
    server = FrameProtocol(client=False, extensions=[])
    texts = [b"a", b"b" * 125, b"c" * 126, b"d" * 65_535, b"e" * 65_536]
    wire = b"".join(server.send_data(text.decode()) for text in texts)
    parts = [server.send_data("one ", fin=False), server.ping(b"?"), server.send_data("two ", fin=False)]
    wire += b"".join([*parts, server.send_data("three"), server.close(CloseReason.GOING_AWAY, "bye")])
    messages = [(Opcode.TEXT, text) for text in texts]
    messages += [(Opcode.PING, b"?"), (Opcode.TEXT, b"one two three"), (Opcode.CLOSE, b"\x03\xe9bye")]
    return wire, messages


@pytest.mark.parametrize("most", [1, 2, 3, 7, 100, 4096, 10**6])
def test_messages_are_the_same_however_they_are_cut(most):
    wire, messages = written_elsewhere()
    if most < 100:
        wire, messages = wire[: 3 + 127 + 130], messages[:3]
    reader, rng = FrameReader(), random.Random(most)
    read, place = [], 0
    while place < len(wire):
        size = rng.randint(1, most)
        read += reader.feed(wire[place : place + size])
        place += size
    assert read == messages
    assert reader.at_boundary


def test_only_between_messages_is_a_boundary():
    reader = FrameReader()
    states = []
    for byte in b"\x01\x01a" + b"\x80\x01b":  # one text in two frames
        reader.feed(bytes([byte]))
        states.append(reader.at_boundary)
    assert states == [False] * 5 + [True]


def test_a_pong_is_what_a_server_reads():
    server = FrameProtocol(client=False, extensions=[])
    server.receive_bytes(control_frame(Opcode.PONG, b"hello"))
    (frame,) = server.received_frames()
    assert (frame.opcode, bytes(frame.payload)) == (Theirs.PONG, b"hello")


@pytest.mark.parametrize(
    ("wire", "said"),
    [
        (b"\x81\x81", "no WebSocket frame of a server begins with 8181"),  # masked
        (b"\xc1\x01", "begins with c101"),  # compressed, which was not agreed on
        (b"\x83\x00", "begins with 8300"),
        (b"\x80\x01a", "continues a message that has not begun"),
        (b"\x01\x01a\x01\x01b", "or begins in another"),
        (b"\x82\x7f\0\0\0\1\0\0\0\0", "4,294,967,296 bytes came"),
    ],
)
def test_what_no_server_may_send_is_refused(wire, said):
    with pytest.raises(ProtocolError, match=said):
        FrameReader().feed(wire)
