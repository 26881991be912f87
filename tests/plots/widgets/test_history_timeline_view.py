"""What the timeline reads off the wire."""

from __future__ import annotations

from types import ModuleType

import pytest

from realtime_kit.errors import ProtocolError


def test_pages_and_live_events_are_told_apart(wire: ModuleType) -> None:
    view = wire.history()
    first, again = view.connections
    assert [page.events for page in first.pages] == [(1, 2), (3, 4), (5,)]
    assert [each.page for each in first.arrivals] == [0, 0, 1, 1, 2, None, None]
    assert (again.after, again.pushed, len(again.pages)) == (7, 1, 1)
    assert (view.pages, view.resumed_pages, view.events, view.from_history, view.pushed) == (3, 1, 10, 7, 3)
    assert view.origin_requests == {"client request": 2, "next link": 2}


def test_time_begins_with_the_first_request(wire: ModuleType) -> None:
    first, again = wire.history().connections
    assert (first.opened_s, first.held_s, first.closed_s) == pytest.approx((0.0, 0.009, 2.0))
    assert (again.opened_s, again.held_s, again.closed_s) == (4.0, pytest.approx(4.008), None)


def test_complete_is_said_to_be_complete(wire: ModuleType) -> None:
    assert (wire.history().missing, wire.history().doubled) == ((), ())


def test_an_event_that_never_came_is_missing(wire: ModuleType) -> None:
    assert wire.history(published=12).missing == (11, 12)


def test_an_event_from_history_that_is_pushed_as_well_came_twice(wire: ModuleType) -> None:
    parts = [(5, wire.blocks(1, 2)), (7, wire.blocks(2))]
    view = wire.history(
        [
            wire.stream(1, 0, 6, parts),
            wire.to_origin(2, 3, "client request", clients=(1,), text=wire.blocks(1, 2)),
        ],
        published=2,
    )
    assert view.doubled == (2,)
    assert [each.page for each in view.connections[0].arrivals] == [0, 0, None]


def test_an_event_is_read_across_two_parts(wire: ModuleType) -> None:
    text = wire.blocks(1, 2)
    view = wire.history([wire.stream(1, 0, 2, [(5, text[:9]), (8, text[9:])])], published=2)
    assert [each.at_s for each in view.connections[0].arrivals] == pytest.approx([0.008, 0.008])


def test_a_part_that_was_not_kept_whole_is_refused_instead_of_losing_events(wire: ModuleType) -> None:
    part = wire.message("body part", 5, text=wire.blocks(1))
    cut = type(part)(*[getattr(part, name) for name in part.__slots__[:10]], text="id: 1", size_bytes=5000)
    stream = wire.stream(1, 0, 2, [])
    whole = type(stream)(1, "client", 1, (*stream.messages, cut), stream.request, stream.response)
    with pytest.raises(ProtocolError, match="5,000 B"):
        wire.history([whole])
