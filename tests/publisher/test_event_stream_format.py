"""Writing server-sent events, checked by the bytes and by the reader that has to understand them."""

import pytest
from hypothesis import given, strategies as st

from realtime_kit.clients.event_stream import Event, EventStreamParser
from realtime_kit.errors import UsageError
from realtime_kit.publisher.event_stream_format import encode_event

TEXT = st.text(st.characters(exclude_categories=["Cs"]))
ONE_LINE = st.text(st.characters(exclude_categories=["Cs"], exclude_characters="\r\n\0"))


def test_an_event_is_its_fields_and_an_empty_line():
    assert encode_event("hi", id="7", type="chat") == b"id: 7\nevent: chat\ndata: hi\n\n"


def test_id_and_type_are_left_out_unless_given():
    assert encode_event("hi") == b"data: hi\n\n"


def test_an_empty_id_is_written_because_it_makes_the_client_forget_the_last_one():
    assert encode_event("hi", id="") == b"id: \ndata: hi\n\n"


@pytest.mark.parametrize("line_break", ["\n", "\r", "\r\n"])
def test_every_kind_of_line_break_begins_a_data_line(line_break):
    assert encode_event(f"a{line_break}{line_break}b") == b"data: a\ndata: \ndata: b\n\n"


def test_a_unicode_line_separator_is_an_ordinary_character():
    assert encode_event("a\u2028b\x85c") == "data: a\u2028b\x85c\n\n".encode()


@pytest.mark.parametrize("field", ["id", "type"])
@pytest.mark.parametrize("line_break", ["\n", "\r", "\r\n"])
def test_a_line_break_in_id_or_type_is_refused_because_it_could_forge_an_event(field, line_break):
    with pytest.raises(UsageError, match=rf"^The {field} of an event is one line; '7\\.*data: forged'"):
        encode_event("hi", **{field: f"7{line_break}data: forged"})


def test_an_id_with_a_nul_is_refused_because_clients_would_ignore_it():
    with pytest.raises(UsageError, match="has a NUL character"):
        encode_event("hi", id="a\0b")


def test_text_that_is_no_unicode_is_refused_with_a_usage_error():
    with pytest.raises(UsageError, match="cannot be written as UTF-8"):
        encode_event("\ud800")


@given(data=TEXT, id=ONE_LINE, type=ONE_LINE)
def test_what_is_written_is_read_back(data, id, type):  # noqa: A002
    lines = data.replace("\r\n", "\n").replace("\r", "\n")
    events = EventStreamParser().feed(encode_event(data, id=id, type=type))
    assert events == [Event(type or "message", lines, id)]
