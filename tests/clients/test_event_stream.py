"""What the event-stream parser does between events and at its limits; the vectors are in conformance/."""

import math
import time

import pytest

from realtime_kit.clients.event_stream import MAX_EVENT_BYTES, Event, EventStreamParser
from realtime_kit.errors import ProtocolError


def byte_by_byte(parser, stream):
    return [event for at in range(len(stream)) for event in parser.feed(stream[at : at + 1])]


def test_an_event_is_returned_with_the_byte_that_completes_it():
    parser = EventStreamParser()
    assert parser.feed(b"data: a\n") == []
    assert parser.feed(b"\n") == [Event("message", "a", "")]


def test_an_empty_line_that_ends_with_cr_is_complete_without_waiting_for_an_lf():
    parser = EventStreamParser()
    assert parser.feed(b"data: a\r\n\r") == [Event("message", "a", "")]
    assert parser.feed(b"\ndata: b\r\n\r\n") == [Event("message", "b", "")]


def test_an_empty_chunk_between_cr_and_lf_changes_nothing():
    parser = EventStreamParser()
    parser.feed(b"data: a\r")
    assert parser.feed(b"") == []
    assert parser.feed(b"\ndata: b\n\n") == [Event("message", "a\nb", "")]


def test_a_byte_order_mark_in_pieces_is_stripped():
    assert byte_by_byte(EventStreamParser(), b"\xef\xbb\xbfdata: a\n\n") == [Event("message", "a", "")]


def test_a_character_in_pieces_is_put_together():
    assert byte_by_byte(EventStreamParser(), "data: …😀\n\n".encode()) == [Event("message", "…😀", "")]


def test_bytes_that_are_not_utf_8_become_replacement_characters():
    assert EventStreamParser().feed(b"data: a\xff\xe2\x80\ndata: b\n\n") == [
        Event("message", "a\ufffd\ufffd\nb", "")
    ]


def test_the_last_event_id_counts_only_once_its_event_is_complete():
    parser = EventStreamParser()
    parser.feed(b"id: 1\ndata: a\n\nid: 2\ndata: b\n")
    assert parser.last_event_id == "1"
    parser.feed(b"\n")
    assert parser.last_event_id == "2"


def test_a_connection_that_continues_keeps_the_earlier_id_until_another_comes():
    parser = EventStreamParser(last_event_id="7")
    assert parser.feed(b"data: a\n\nid: 8\ndata: b\n\n") == [
        Event("message", "a", "7"),
        Event("message", "b", "8"),
    ]


def test_a_retry_counts_at_once_and_needs_no_event():
    parser = EventStreamParser()
    parser.feed(b"retry: 250\n")
    assert parser.retry_s == 0.25


def test_a_later_retry_that_is_no_number_leaves_the_earlier_one():
    parser = EventStreamParser()
    parser.feed(b"retry: 250\nretry: soon\n")
    assert parser.retry_s == 0.25


def test_a_retry_of_thousands_of_digits_is_infinite_and_harmless():
    parser = EventStreamParser()
    parser.feed(b"retry: " + b"9" * 5000 + b"\n")
    assert parser.retry_s == math.inf


def test_a_line_of_exactly_the_bound_is_read():
    parser = EventStreamParser(max_event_bytes=10)
    assert parser.feed(b"data: abcd\n\n") == [Event("message", "abcd", "")]


@pytest.mark.parametrize("size", [1, 3, 100])
def test_a_line_over_the_bound_is_refused_before_it_ends(size):
    parser = EventStreamParser(max_event_bytes=10)
    line = b": 123456789"
    *before, last = [line[start : start + size] for start in range(0, len(line), size)]
    assert [parser.feed(chunk) for chunk in before] == [[] for _ in before]
    with pytest.raises(ProtocolError, match=r"has a line of at least 11 bytes; 10 are allowed"):
        parser.feed(last)


def test_an_event_over_the_bound_is_refused_however_short_its_lines():
    parser = EventStreamParser(max_event_bytes=10)
    with pytest.raises(ProtocolError, match=r"has an event of at least 12 bytes; 10 are allowed"):
        parser.feed(b"data: ab\n" * 4)


def test_many_events_are_not_counted_as_one():
    parser = EventStreamParser(max_event_bytes=10)
    assert len(parser.feed(b"data: ab\n\n" * 100)) == 100


def test_events_before_one_that_is_too_long_are_returned_and_then_the_error_is_raised():
    parser = EventStreamParser(max_event_bytes=10)
    assert parser.feed(b"data: a\n\ndata: too long\n\n") == [Event("message", "a", "")]
    for _ in range(2):
        with pytest.raises(ProtocolError):
            parser.feed(b"data: b\n\n")


def test_whatever_pushpin_relays_by_default_is_below_the_bound():
    assert MAX_EVENT_BYTES > 1_000_000


def test_four_times_as_long_a_line_byte_by_byte_takes_about_four_times_as_long():
    def seconds(size):
        started = time.perf_counter()
        byte_by_byte(EventStreamParser(), b"data: " + b"x" * size + b"\n\n")
        return time.perf_counter() - started

    short = min(seconds(20_000) for _ in range(3))
    long = min(seconds(80_000) for _ in range(3))
    assert long < 10 * short  # 16 times if bytes were searched again with every chunk
