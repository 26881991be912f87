"""Items as Pushpin reads them, checked against what gripcontrol and pubcontrol themselves would send."""

import base64
import json

import pytest
from gripcontrol import HttpResponseFormat, HttpStreamFormat, WebSocketMessageFormat
from hypothesis import given, settings, strategies as st
from pubcontrol import Item

from realtime_kit.clients.event_stream import EventStreamParser
from realtime_kit.clients.polling import read_page
from realtime_kit.errors import UsageError
from realtime_kit.publisher import formats
from realtime_kit.publisher.queue import _encode

TEXT = st.text(st.characters(exclude_categories=["Cs"]))
BODIES = TEXT | st.binary()
IDS = st.none() | st.integers(1, 10**9).map(str)
ITEMS = st.builds(
    lambda body, stream, socket, headers, own_id, prev_id, meta: Item(
        [
            HttpResponseFormat(code=200, reason="OK", headers=headers, body=body),
            HttpStreamFormat(stream),
            WebSocketMessageFormat(socket, binary=isinstance(socket, bytes)),
        ],
        id=own_id,
        prev_id=prev_id,
        meta=meta,
    ),
    *[BODIES] * 3,
    st.none() | st.dictionaries(TEXT, TEXT),
    IDS,
    IDS,
    st.none() | st.dictionaries(TEXT, TEXT),
)


@settings(max_examples=50)
@given(TEXT.filter(bool), ITEMS)
def test_an_item_is_sent_as_gripcontrol_itself_would_send_it(channel, item):
    theirs = {"channel": channel, **item.export(formats_field=True)}
    assert json.loads(_encode(formats.exported(channel, item))) == theirs


def test_an_action_is_sent_as_gripcontrol_itself_would_send_it():
    item = Item(HttpStreamFormat(close=True))
    assert json.loads(_encode(formats.exported("a", item))) == {
        "channel": "a",
        **item.export(formats_field=True),
    }


def test_two_formats_of_one_kind_are_refused_because_pushpin_would_see_one():
    item = Item([HttpStreamFormat("a"), HttpStreamFormat("b")])
    with pytest.raises(UsageError, match="each format once, not http-stream, http-stream"):
        formats.exported("a", item)


@given(st.integers(0, 10**12), TEXT)
def test_an_event_reads_the_same_in_every_format(number, data):
    exported = formats.exported("a", formats.item_in_all_formats(number, data))["formats"]
    (paged,), cursor = read_page(json.loads(exported["http-response"]["body"]), "url")
    (streamed,) = EventStreamParser().feed(exported["http-stream"]["content"].encode())
    message = json.loads(exported["ws-message"]["content"])
    assert paged.id == streamed.id == str(message["id"]) == cursor == str(number)
    assert paged.data == message["data"] == data
    assert streamed.data == "\n".join(data.replace("\r\n", "\n").replace("\r", "\n").split("\n"))


def test_ids_of_an_event_are_texts_because_pushpin_refuses_numbers():
    exported = formats.exported("a", formats.item_in_all_formats(2, "x", prev_number=1))
    assert (exported["id"], exported["prev-id"]) == ("2", "1")


def test_the_first_event_follows_number_zero():
    assert formats.exported("a", formats.item_in_all_formats(1, "x", prev_number=0))["prev-id"] == "0"


def test_a_pushed_answer_carries_the_entity_tag_that_the_origin_would_give():
    item = formats.exported("a", formats.item_in_all_formats(5, "x"))
    assert item["formats"]["http-response"]["headers"] == {"Content-Type": "application/json", "ETag": '"5"'}


def test_a_page_without_events_still_says_where_to_continue():
    assert formats.json_page([], 17) == b'{"events":[],"cursor":17}\n'


def test_a_text_reaches_each_transport_as_its_own_kind_of_message():
    assert formats.exported("news", formats.text_item("hi")) == {
        "channel": "news",
        "formats": {
            "http-response": {"body": "hi"},
            "http-stream": {"content": "data: hi\n\n"},
            "ws-message": {"content": "hi"},
        },
    }


def test_bytes_that_are_no_text_travel_as_base64():
    item = Item(WebSocketMessageFormat(b"\xff\x00", binary=True))
    exported = json.loads(_encode(formats.exported("a", item)))
    assert exported["formats"]["ws-message"] == {"content-bin": base64.b64encode(b"\xff\x00").decode()}


def test_a_hint_has_an_action_and_no_content():
    assert formats.exported("late", formats.hint_item({"skip_users": "7"})) == {
        "channel": "late",
        "formats": {"http-response": {"action": "hint"}},
        "meta": {"skip_users": "7"},
    }
    assert "meta" not in formats.exported("late", formats.hint_item())
