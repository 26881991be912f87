"""Where a client continues: which of several positions counts, and what bad ones get."""

import pytest
from aiohttp import web
from aiohttp.test_utils import make_mocked_request

from realtime_kit.origin.cursor import position


def asked(path="/", page=None, **headers):
    request = make_mocked_request(
        "GET",
        path,
        headers={name.replace("_", "-"): v for name, v in headers.items()},
        match_info={"after": page} if page else {},
    )
    return position(request, channel="events", last_id=99)


@pytest.mark.parametrize(
    ("path", "headers", "expected"),
    [
        ("/", {}, 99),
        ("/?after=1", {}, 1),
        ("/?after=0", {}, 0),
        ("/?after=1", {"Last_Event_ID": "2"}, 2),
        ("/?after=1", {"Last_Event_ID": "2", "Grip_Last": "events; last-id=3"}, 3),
        ("/?after=1", {"Grip_Last": "other; last-id=3"}, 1),
        ("/?after=", {"Last_Event_ID": ""}, 99),
        ("/?after=123456789012345678", {}, 123456789012345678),
    ],
)
def test_pushpins_position_wins_over_the_clients_and_the_header_over_the_query(path, headers, expected):
    assert asked(path, **headers) == expected


def test_the_path_of_a_next_page_wins_over_what_the_client_said_once():
    assert asked("/events/after/7?after=1", page="7", Last_Event_ID="2") == 7


@pytest.mark.parametrize(("delivered", "reached"), [("3", "7"), ("7", "3")])
def test_of_what_pushpin_has_delivered_and_the_page_it_reads_the_later_counts(delivered, reached):
    assert asked("/", page=reached, Grip_Last=f"events; last-id={delivered}") == 7


@pytest.mark.parametrize("bad", ["abc", "-1", "1.5", "+1", "٣", "²", " 1", "9" * 19, "9" * 5000])
def test_a_position_that_is_no_number_is_refused_in_a_sentence(bad):
    with pytest.raises(web.HTTPBadRequest) as raised:
        asked(Last_Event_ID=bad)
    assert raised.value.text == f"Last-Event-ID is {bad[:40]!r}: it has to be the id of an event, 0 or more\n"


def test_the_refusal_names_the_position_that_is_wrong():
    with pytest.raises(web.HTTPBadRequest) as raised:
        asked("/?after=x", Grip_Last="events; last-id=y")
    assert raised.value.text.startswith("Grip-Last is 'y'")
