"""The boards that look at the wire, with a real Pushpin."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator

import pytest
from matplotlib import font_manager

from realtime_kit.errors import UsageError
from realtime_kit.lab.microscope import MicroscopeSettings, long_poll_microscope
from realtime_kit.lab.timeline import TimelineSettings, history_timeline
from realtime_kit.plots.style import LIGHT

Eventually = Callable[[Callable[[], bool], str], None]
pytestmark = pytest.mark.live


@pytest.fixture(autouse=True)
def fonts_closed(nothing_left_behind: str) -> Iterator[None]:
    """Matplotlib keeps the fonts open that a thread has drawn with; they are no board's."""
    yield
    font_manager._get_font.cache_clear()


def test_long_polls_get_every_event_and_pushpin_repeats_them_once() -> None:
    board = long_poll_microscope(clients=3, rate=3, seconds=2, theme=LIGHT)
    try:
        seen = board.start().wait()
        assert board.picture.settle()
        assert board.picture.error is None
        assert "every one reached every client" in str(board.table())
    finally:
        board.close()
    assert seen.events > 0
    assert [seen.missing(client) for client in range(3)] == [set(), set(), set()]
    assert len(seen.second_requests) == 3  # each held client's, once
    assert seen.origin_requests["client request"] == len(seen.questions)
    assert all(gap > 0 for gap in seen.gaps_s)
    assert seen.moment is not None


def test_the_microscopes_numbers_are_those_of_what_happened() -> None:
    """Eight clients and ten events a second are the most that can be looked at."""
    settings = MicroscopeSettings(clients=8, rate=10, seconds=4)
    board = long_poll_microscope(clients=8, rate=10, seconds=4, theme=LIGHT)
    try:
        seen = board.start().wait()
        told = str(board.table())
    finally:
        board.close()
    events = len(settings.schedule())
    assert [each.event for each in seen.published] == list(range(1, events + 1))
    for client in range(8):
        answered = [each.events for each in seen.of_client(client) if each.answered_s is not None]
        assert [event for page in answered for event in page] == list(
            range(1, events + 1)
        )  # in order, and once
        assert seen.of_client(client)[-1].is_held
        assert 0.5 < seen.held_share(client) < 1
    assert seen.origin_requests["client request"] == len(seen.questions)
    assert len(seen.between) == len(seen.gaps_s) > 0
    assert f"{events} events happened, and every one reached every client." in told
    # Nothing was dropped, and half a minute of this fits as well.
    messages = 2 * (len(seen.questions) + len(seen.origin) + len(seen.published))
    assert seen.dropped == 0
    assert messages < settings.kept_messages


@pytest.mark.parametrize(("history", "page_events"), [(40, 10), (7, 3)])
def test_history_comes_in_pages_and_nothing_is_missing(history: int, page_events: int) -> None:
    board = history_timeline(history=history, page_events=page_events, rate=4, seconds=3, theme=LIGHT)
    settings = TimelineSettings(history=history, page_events=page_events, rate=4, seconds=3)
    try:
        seen = board.start().wait()
        assert board.picture.settle()
        assert board.picture.error is None
    finally:
        board.close()
    assert seen.pages == math.ceil(history / page_events)
    assert seen.events == history + len(settings.schedule())
    assert (seen.missing, seen.doubled) == ((), ())
    first, again = seen.connections
    assert again.after == first.arrivals[-1].event
    assert seen.origin_requests["next link"] >= seen.pages - 1


def test_a_client_that_stays_has_one_connection() -> None:
    board = history_timeline(history=5, page_events=5, rate=4, seconds=1, reconnect=False, theme=LIGHT)
    try:
        seen = board.start().wait()
    finally:
        board.close()
    assert len(seen.connections) == 1
    assert seen.origin_requests == {"client request": 1}
    assert (seen.missing, seen.doubled) == ((), ())


@pytest.mark.parametrize("make", [long_poll_microscope, history_timeline])
def test_stop_ends_early_with_what_there_is(eventually: Eventually, make: Callable[..., object]) -> None:
    board = make(rate=10, seconds=30, theme=LIGHT)
    try:
        board.start()
        eventually(lambda: "Events happen" in board.status, "no event")
        board.stop()
        seen = board.wait()
        assert seen.now_s < 30
        assert board.status.startswith("Done.")
    finally:
        board.close()


@pytest.mark.parametrize("make", [long_poll_microscope, history_timeline])
def test_close_in_the_middle_leaves_nothing(eventually: Eventually, make: Callable[..., object]) -> None:
    board = make(seconds=30, theme=LIGHT)
    board.start()
    eventually(lambda: "Events happen" in board.status, "no event")
    board.close()


@pytest.mark.parametrize(
    ("make", "setting"),
    [
        (long_poll_microscope, {"clients": 0}),
        (long_poll_microscope, {"clients": 2.5}),
        (long_poll_microscope, {"seconds": 3600}),
        (history_timeline, {"history": 7.5}),
        (history_timeline, {"page_events": 51}),
        (history_timeline, {"rate": float("nan")}),
    ],
)
def test_what_cannot_be_looked_at_is_refused(make: Callable[..., object], setting: dict[str, float]) -> None:
    with pytest.raises(UsageError, match=next(iter(setting))):
        make(**setting)
