"""The fault board, the id timeline and the closing of gaps, with a real Pushpin."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator

import pytest
from matplotlib import font_manager

from realtime_kit.errors import ClientError, UsageError
from realtime_kit.lab import fault_board, id_timeline, recovery_times
from realtime_kit.lab.fault_board import FaultBoardSettings
from realtime_kit.lab.id_timeline import IdTimelineSettings
from realtime_kit.measurements.deliveries import Way
from realtime_kit.plots.style import LIGHT
from realtime_kit.plots.widgets import FaultBoard

Eventually = Callable[[Callable[[], bool], str], None]
pytestmark = pytest.mark.live


@pytest.fixture(autouse=True)
def fonts_closed(nothing_left_behind: str) -> Iterator[None]:
    """Matplotlib keeps the fonts open that a thread has drawn with; they are no board's."""
    yield
    font_manager._get_font.cache_clear()


@pytest.fixture
def board() -> Iterator[FaultBoard]:
    made = fault_board(clients=1, theme=LIGHT)
    yield made
    made.close()


def test_what_is_pressed_costs_push_alone_and_is_recovered_by_the_others(board: FaultBoard) -> None:
    board.start()
    board.press("down", seconds=1)
    # Long enough for those who come back late to have a whole connection when publishes are lost.
    board.press("drop", seconds=3)
    board.stop()
    seen = board.wait()
    assert board.picture.settle()
    assert board.picture.error is None
    assert [each.fault for each in seen.presses] == ["down", "drop"]
    assert all(each.until_s is not None and each.until_s > each.from_s for each in seen.presses)
    assert seen.is_over
    assert seen.broken_promises == ()
    assert all(seen.ledger(name).expected == len(seen.due_s) for name in seen.transports)
    assert seen.ledger("push only", 0).lost > 0
    assert seen.ledger("push only", 1).lost > 0
    assert (seen.deliveries["reliable"].ways == Way.LINK).sum() > 0
    assert (seen.deliveries["streaming"].ways == Way.RECONNECT).sum() > 0
    assert "every event, once and in order" in board.status


@pytest.mark.wall_clock
def test_the_clock_can_be_pressed_as_well(board: FaultBoard) -> None:
    board.start()
    board.press("clock-step", seconds=1)
    board.press("clock-leap", seconds=1)
    board.stop()
    seen = board.wait()
    assert [each.fault for each in seen.presses] == ["clock-step", "clock-leap"]
    assert seen.ledger("push only", 0).lost > 0
    assert seen.ledger("push only", 1).lost > 0
    assert seen.broken_promises == ()


def test_one_fault_at_a_time_and_a_stop_mends_what_is_broken(
    board: FaultBoard, eventually: Eventually
) -> None:
    errors: list[Exception] = []

    def press() -> None:
        try:
            board.press("origin-restart", seconds=20)
        except ClientError as error:
            errors.append(error)

    board.start()
    pressing = threading.Thread(target=press)
    pressing.start()
    eventually(lambda: bool(board._view.presses), "nothing was pressed")
    with pytest.raises(UsageError, match="one fault at a time"):
        board.press("down")
    board.stop()
    seen = board.wait()
    pressing.join()
    assert "stopped while origin-restart was on" in str(errors[0])
    assert seen.presses[0].until_s is not None
    assert seen.broken_promises == ()
    with pytest.raises(UsageError, match="call start"):
        board.press("drop")


def test_close_in_the_middle_of_a_fault_leaves_nothing(board: FaultBoard, eventually: Eventually) -> None:
    def press() -> None:
        with pytest.raises(ClientError, match="stopped"):
            board.press("origin-restart", seconds=20)

    board.start()
    pressing = threading.Thread(target=press)
    pressing.start()
    eventually(lambda: bool(board._view.presses), "nothing was pressed")
    board.close()
    pressing.join()


def test_a_timeline_shows_what_push_misses_and_the_link_finds() -> None:
    timeline = id_timeline("drop", seconds=3, rate=10, theme=LIGHT)
    try:
        seen = timeline.start().wait()
        assert timeline.picture.settle()
        assert timeline.picture.error is None
        table = str(timeline.table())
    finally:
        timeline.close()
    missing = seen.ledger("streaming").lost
    assert 0 < missing <= seen.ledger("reliable").by_link  # what waited behind the missing came with it
    assert seen.broken_promises == ()
    assert f"{missing}" in next(line for line in table.splitlines() if line.startswith("streaming"))


def test_a_timeline_that_is_stopped_keeps_what_it_has(eventually: Eventually) -> None:
    timeline = id_timeline("down", seconds=20, theme=LIGHT)
    try:
        timeline.start()
        eventually(lambda: timeline._view.events > 0, "no event")
        timeline.stop()
        seen = timeline.wait()
    finally:
        timeline.close()
    assert seen.is_over
    assert 0 < len(seen.due_s) < 200


def test_gaps_close_when_the_timers_say_and_sooner_when_pushpin_is_told() -> None:
    found = recovery_times(gaps=3)
    longest, short, told, no_ids = found.ways
    assert (longest.earliest_s, short.earliest_s) == (5, 1)
    for waited in (longest, short):
        assert waited.took_s[0] >= waited.earliest_s
    assert longest.median_s > short.median_s > max(told.median_s, no_ids.median_s)


@pytest.mark.parametrize(
    ("make", "setting"),
    [
        (FaultBoardSettings, {"clients": 0}),
        (FaultBoardSettings, {"clients": 1.5}),
        (FaultBoardSettings, {"rate": 100}),
        (FaultBoardSettings, {"transports": ("pigeon",)}),
        (FaultBoardSettings, {"transports": ()}),
        (FaultBoardSettings, {"transports": ("polling", "polling")}),
        (IdTimelineSettings, {"fault": "rain"}),
        (IdTimelineSettings, {"fault": "none"}),
        (IdTimelineSettings, {"seconds": float("nan")}),
        (IdTimelineSettings, {"transports": ("push only", "streaming", "reliable", "polling")}),
        (recovery_times, {"gaps": 1}),
    ],
)
def test_what_cannot_be_looked_at_is_refused(make: Callable[..., object], setting: dict[str, object]) -> None:
    with pytest.raises(UsageError, match=next(iter(setting))):
        make(**setting)


def test_a_fault_lasts_no_longer_than_a_board_can_wait(board: FaultBoard) -> None:
    with pytest.raises(UsageError, match="seconds is 60"):
        board.start().press("drop", seconds=60)
