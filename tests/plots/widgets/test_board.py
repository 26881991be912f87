import asyncio
import gc
import threading
import time
import weakref

import pytest
from ipywidgets import HTML, Button, Image
from ipywidgets.widgets.widget import _instances

from realtime_kit import cell
from realtime_kit.errors import RealtimeKitError, UsageError
from realtime_kit.measurements.progress import Progress
from realtime_kit.plots.style import DARK, LIGHT
from realtime_kit.plots.widgets.board import Board
from realtime_kit.plots.widgets.life import parts
from realtime_kit.plots.widgets.page import DataTable
from realtime_kit.plots.widgets.paper import add_bare_axes
from realtime_kit.plots.widgets.scene import Scene

pytestmark = pytest.mark.usefixtures("nothing_left")
DEADLINE_S = 20.0


class EmptyScene(Scene):
    size_in = (2.0, 1.0)

    def build(self, figure, theme):
        add_bare_axes(figure, (0, 0, 2, 1))

    def update(self, view):
        if view == "broken picture":
            raise ZeroDivisionError("no such picture")
        return False


class PlainBoard(Board):
    """The least that a board can be."""

    def __init__(self, start, **options):
        self._begin = start
        super().__init__(
            title="Plain", lead="Nothing to see.", describe="An empty picture.", first="first", **options
        )

    def _make_scene(self):
        return EmptyScene()

    def _table(self, view):
        if view == "broken table":
            raise LookupError("no such table")
        return DataTable("Views", [("view", "")], [(view,)])

    async def _measure(self, stop):
        return await self._begin(self._progressed, stop)

    def _progressed(self, progress):
        self._say_phase(progress)
        self._change(lambda _: progress.phase)


@pytest.fixture
def board(measurement):
    made = PlainBoard(measurement)
    yield made
    made.close()


def until(condition):
    """Look again and again until something is so."""
    deadline = time.monotonic() + DEADLINE_S
    while not condition():
        assert time.monotonic() < deadline
        time.sleep(0.002)


def widget(board, words):
    return next(
        each for each in parts(board.widget) if isinstance(each, Button) and each.description == words
    )


def texts(board):
    return [each.value for each in parts(board.widget) if isinstance(each, HTML)]


def status(board):
    return next(text for text in texts(board) if 'role="status"' in text)


# What is on it


def test_every_control_has_words_and_an_explanation(board):
    buttons = [each for each in parts(board.widget) if isinstance(each, Button)]

    assert [each.description for each in buttons] == ["Start", "Stop", "Close"]
    assert all(each.tooltip for each in buttons)


def test_it_has_a_title_a_status_line_a_picture_and_a_table(board):
    board.picture.settle()
    page = "".join(texts(board))

    assert 'role="heading"' in page
    assert 'role="status" aria-live="polite"' in page
    assert '<th scope="row">first</th>' in page
    assert [each for each in parts(board.widget) if isinstance(each, Image)] == [board.picture.widget]
    assert bytes(board.picture.widget.value).startswith(b"\x89PNG")


def test_the_picture_has_a_description_for_those_who_cannot_see_it(board):
    assert "An empty picture." in [getattr(each, "describe", None) for each in parts(board.widget)]


def test_a_notebook_shows_the_widget_and_others_the_table(board):
    bundle = board._repr_mimebundle_()

    assert bundle["application/vnd.jupyter.widget-view+json"]["model_id"] == board.widget.model_id
    assert '<th scope="row">first</th>' in bundle["text/html"]
    assert bundle["text/plain"] == "<PlainBoard, not running: Ready.>"


# Start, stop, wait


def test_starting_returns_at_once_and_waiting_gives_the_result(board, measurement):
    measurement.outcome = 42
    running = board.start().running
    measurement.go_on.set()

    assert running
    assert board.wait() == 42
    assert not board.running


def test_starting_while_it_runs_does_nothing(board, measurement):
    board.start()
    board.start()
    measurement.go_on.set()
    board.wait()

    assert len(measurement.settings) == 1


def test_it_can_be_started_again(board, measurement):
    measurement.go_on.set()
    board.start().wait()
    board.start().wait()

    assert len(measurement.settings) == 2


def test_stopping_ends_it_early_and_keeps_the_result(board, measurement):
    measurement.outcome = "what there was"
    board.start()
    board.stop()

    assert board.wait() == "what there was"
    assert measurement.ended_early


def test_stopping_what_does_not_run_does_nothing(board):
    board.stop()

    assert board.status == "Ready."


def test_waiting_for_what_was_never_started_says_so(board):
    with pytest.raises(UsageError, match="call start\\(\\) first"):
        board.wait()


def test_waiting_raises_what_went_wrong(board, measurement):
    measurement.outcome = RealtimeKitError("there is no Pushpin")
    measurement.go_on.set()

    with pytest.raises(RealtimeKitError, match="there is no Pushpin"):
        board.start().wait()


def test_it_can_be_awaited(board, measurement):
    measurement.outcome = 42

    async def cell_that_awaits():
        board.start()
        asyncio.get_running_loop().call_soon(measurement.go_on.set)
        return await board

    assert asyncio.run(cell_that_awaits()) == 42


def test_an_await_that_is_cancelled_ends_the_measurement_early(board, measurement):
    async def cell_that_is_interrupted():
        waiting = asyncio.ensure_future(board.start()._wait())
        await asyncio.sleep(0)
        waiting.cancel()
        with pytest.raises(asyncio.CancelledError):
            await waiting

    asyncio.run(cell_that_is_interrupted())
    board.wait()

    assert measurement.ended_early


def test_an_interrupt_ends_it_early_and_gives_what_there_is(board, measurement, interrupt_when):
    measurement.outcome = "what there was"
    interrupt_when(measurement.began)

    assert board.start().wait() == "what there was"
    assert measurement.ended_early


def test_a_second_interrupt_discards_it(board, measurement, interrupt_when):
    begun, stubborn = threading.Event(), threading.Event()

    async def measure(report, stop):
        begun.set()
        await stop.wait()
        stubborn.set()
        await asyncio.Event().wait()

    board._begin = measure
    board.start()
    interrupt_when(begun, stubborn)
    with pytest.raises(KeyboardInterrupt):
        board.wait()
    until(lambda: not board.running)

    assert board.status == "Ended, and nothing was kept."


# The buttons


def test_the_buttons_do_the_same(board, measurement):
    widget(board, "Start").click()
    assert measurement.began.wait(DEADLINE_S)
    widget(board, "Stop").click()
    board.wait()

    assert measurement.ended_early


def test_buttons_that_would_do_nothing_are_disabled(board, measurement):
    start, stop = widget(board, "Start"), widget(board, "Stop")
    before = start.disabled, stop.disabled
    board.start()
    until(lambda: start.disabled)
    running = start.disabled, stop.disabled
    measurement.go_on.set()
    until(lambda: not start.disabled)

    assert (before, running, (start.disabled, stop.disabled)) == ((False, True), (True, False), (False, True))


def test_the_close_button_returns_at_once_and_closes(board):
    release = threading.Event()

    async def measure(report, stop):
        try:
            await asyncio.Event().wait()
        finally:
            await asyncio.to_thread(release.wait)

    board._begin = measure
    board.start()
    widget(board, "Close").click()
    still_there = board.widget.comm is not None
    release.set()
    until(lambda: board.widget.comm is None)
    board.close()

    assert still_there


# What it says


def test_the_status_follows_the_phases_and_the_end(board, measurement):
    measurement.reports = [Progress("measuring", 0.5, {})]
    board.start()
    assert board.status == "Starting."
    measurement.go_on.set()
    board.wait()
    until(lambda: "Done." in status(board))

    assert '<th scope="row">measuring</th>' in board.table()._repr_html_()


@pytest.mark.parametrize(
    ("error", "said"),
    [
        (RealtimeKitError("there is no Pushpin"), "there is no Pushpin"),
        (ZeroDivisionError("division by zero"), "ZeroDivisionError: division by zero"),
    ],
)
def test_what_goes_wrong_is_said(board, measurement, error, said):
    measurement.outcome = error
    measurement.go_on.set()
    board.start()
    until(lambda: not board.running)
    until(lambda: said in status(board))

    assert 'class="rtk-wrong"' in status(board)


@pytest.mark.parametrize(
    ("phase", "said"),
    [
        ("broken picture", "The picture cannot be drawn (ZeroDivisionError: no such picture)."),
        ("broken table", "The table cannot be made (LookupError: no such table)."),
    ],
)
def test_what_cannot_be_shown_is_said_and_the_board_goes_on(board, measurement, phase, said):
    measurement.reports = [Progress(phase, 0.5, {})]
    measurement.go_on.set()
    board.start().wait()
    until(lambda: said in status(board))
    measurement.reports = [Progress("well again", 0.5, {})]
    board.start().wait()
    until(lambda: "well again" in "".join(texts(board)))

    assert "Done." in status(board)


# Themes and figures


def test_its_theme_can_be_given_and_changed(measurement):
    board = PlainBoard(measurement, theme=DARK)
    board.picture.settle()
    dark = bytes(board.picture.widget.value)
    board.theme = LIGHT
    board.picture.settle()
    light = bytes(board.picture.widget.value)
    board.close()

    assert light != dark


def test_a_theme_that_is_given_is_kept_whatever_the_page_is_like(measurement):
    board = PlainBoard(measurement, theme=LIGHT)
    [page] = [each for each in parts(board.widget) if hasattr(each, "dark")]
    page.set_state({"dark": True})
    board.close()

    assert board.theme is LIGHT


def test_it_follows_the_page_s_theme_when_none_is_given(board):
    [page] = [each for each in parts(board.widget) if hasattr(each, "dark")]
    before = board.theme
    page.set_state({"dark": True})

    assert (before, board.theme) == (LIGHT, DARK)


def test_the_still_figure_is_drawn_by_the_same_scene(board):
    assert tuple(board.figure().get_size_inches()) == EmptyScene.size_in


# The end


def test_after_closing_nothing_of_it_is_left(measurement):
    before = set(_instances), set(threading.enumerate())
    board = PlainBoard(measurement)
    board.start()
    measurement.began.wait(DEADLINE_S)
    board.close()

    assert (set(_instances), set(threading.enumerate())) == before
    assert not board.running
    assert "application/vnd.jupyter.widget-view+json" not in board._repr_mimebundle_()
    assert repr(board).startswith("<PlainBoard, closed")


def test_closing_twice_is_closing_once(board):
    board.close()
    board.close()


def test_closing_from_several_threads_at_once_closes_once(board):
    threads = [threading.Thread(target=board.close) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()

    assert board.widget.comm is None


def test_a_closed_board_does_not_start(board):
    board.close()

    with pytest.raises(UsageError, match="closed: run its cell again"):
        board.start()


def test_what_was_measured_outlives_the_board(board, measurement):
    measurement.reports = [Progress("measured", 1.0, {})]
    measurement.go_on.set()
    board.start().wait()
    board.close()

    assert '<th scope="row">measured</th>' in board.table()._repr_html_()
    assert board.figure() is not None


def test_the_cell_s_next_run_closes_the_board(measurement, monkeypatch):
    runs = iter([("cell", "first"), ("cell", "second")])
    monkeypatch.setattr(cell, "_current", lambda: next(runs))
    first = PlainBoard(measurement)
    second = PlainBoard(measurement)

    assert first.widget.comm is None
    assert second.widget.comm is not None
    second.close()
    assert not cell._made


def test_a_closed_board_can_be_collected(measurement):
    measurement.go_on.set()
    board = PlainBoard(measurement)
    board.start().wait()
    board.picture.settle()
    board.close()
    alive = weakref.ref(board)
    del board
    gc.collect()

    assert alive() is None
