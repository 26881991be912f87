"""Tagged netstrings: what is written is read again, and nothing else is."""

from __future__ import annotations

import pytest
from hypothesis import given, strategies as st

from realtime_kit.errors import ProtocolError
from realtime_kit.pushpin.tnetstring import decode, encode

VALUES = st.recursive(
    st.none() | st.booleans() | st.integers() | st.binary(),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(max_size=5), inner, max_size=4),
    max_leaves=20,
)


@pytest.mark.parametrize(
    ("value", "text"),
    [
        (b"hello", b"5:hello,"),
        (42, b"2:42#"),
        (-1, b"2:-1#"),
        (True, b"4:true!"),
        (None, b"0:~"),
        ([], b"0:]"),
        ({"a": [1, None]}, b"14:1:a,7:1:1#0:~]}"),
        # As Pushpin 1.36 answered `refresh` for a connection that is not there.
        (
            {"condition": b"item-not-found", "success": False, "id": b"1"},
            b"57:9:condition,14:item-not-found,7:success,5:false!2:id,1:1,}",
        ),
    ],
)
def test_each_type_has_its_tag(value: object, text: bytes) -> None:
    assert encode(value) == text
    assert decode(text) == value


def test_a_text_is_sent_as_the_bytes_of_utf_8() -> None:
    assert encode("λ") == "2:λ,".encode()


@given(value=VALUES)
def test_what_was_encoded_is_decoded_again(value: object) -> None:
    assert decode(encode(value)) == value


@pytest.mark.parametrize(
    "text",
    [
        b"",
        b"5",
        b"x:1#",
        b"5:hello",
        b"3:hello,",
        b"1:x#",
        b"1:-#",
        b"4:True!",
        b"1:x~",
        b"2:1:]",
        b"1:x?",
        b"4:1:1#}",
        b"8:1:1#1:1#}",
    ],
)
def test_what_is_no_tagged_netstring_is_refused(text: bytes) -> None:
    with pytest.raises(ProtocolError):
        decode(text)


@given(text=st.binary(max_size=30))
def test_any_bytes_are_a_value_or_a_protocol_error(text: bytes) -> None:
    try:
        decode(text)
    except ProtocolError:
        return


@pytest.mark.parametrize("value", [1.5, {1, 2}, {3: b"x"}, object()])
def test_what_has_no_type_is_refused(value: object) -> None:
    with pytest.raises(ProtocolError):
        encode(value)
