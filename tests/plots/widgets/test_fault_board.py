"""The fault board and the id timeline without a Pushpin: what they show, and what their buttons do."""

from __future__ import annotations

import asyncio
import threading
import time

import pytest
from ipywidgets import HTML, Button

from realtime_kit.errors import ClientError, UsageError
from realtime_kit.plots.style import DARK, LIGHT
from realtime_kit.plots.widgets.fault_board import FAULT_S, FaultBoard, promise
from realtime_kit.plots.widgets.fault_scene import FaultScene
from realtime_kit.plots.widgets.fault_view import SETTLE_S, FaultView
from realtime_kit.plots.widgets.frames import still_figure
from realtime_kit.plots.widgets.id_timeline import IdTimeline
from realtime_kit.plots.widgets.id_timeline_scene import IdScene
from realtime_kit.plots.widgets.lettering import Lettering
from realtime_kit.plots.widgets.life import parts

DEADLINE_S = 20.0
FAULTS = {"drop": "a publish is <lost>", "down": "nobody can connect"}


class FakeDesk:
    """A desk on which nothing happens; `error` is what a press raises."""

    def __init__(self, views):
        self.presses, self.error, self._views = [], None, views

    async def run(self, report, stop):
        report(self._views(8.0))
        await stop.wait()
        return self._views(17.0)

    async def press(self, fault, seconds):
        if self.error is not None:
            raise self.error
        self.presses.append((fault, seconds))


@pytest.fixture
def desk(pictures):
    return FakeDesk(pictures.fault_view)


@pytest.fixture
def board(nothing_left, desk, pictures):
    made = FaultBoard(
        lambda: desk,
        transports=pictures.FAULTY,
        faults=FAULTS,
        impossible={"fire": "fire takes matches"},
        theme=LIGHT,
    )
    yield made
    made.close()
    until(lambda: not [each for each in threading.enumerate() if each.name == "realtime_kit press"])


@pytest.fixture
def timeline(nothing_left, pictures):
    async def watch(report, stop):
        report(pictures.fault_view(8.0, transports=("streaming", "reliable")))
        await asyncio.sleep(0)
        return pictures.fault_view(17.0, transports=("streaming", "reliable"))

    made = IdTimeline(
        watch,
        fault="drop",
        meaning=FAULTS["drop"],
        transports=("streaming", "reliable"),
        seconds=15,
        events=75,
        theme=LIGHT,
    )
    yield made
    made.close()


def until(condition):
    """Look again and again until something is so."""
    deadline = time.monotonic() + DEADLINE_S
    while not condition():
        assert time.monotonic() < deadline
        time.sleep(0.002)


def button(board, words):
    (found,) = [
        each for each in parts(board.widget) if isinstance(each, Button) and each.description == words
    ]
    return found


def page(board):
    return "".join(each.value for each in parts(board.widget) if isinstance(each, HTML))


def words(figure):
    return [each.text for axes in figure.axes for each in axes.findobj(Lettering)]


# What is counted


def test_what_is_too_young_is_not_counted_until_nothing_more_will_come(pictures):
    running, over = pictures.fault_view(8.0), pictures.fault_view(17.0)

    assert running.events == (running.due_s < 8.0 - SETTLE_S).sum() < len(running.due_s)
    assert over.events == len(over.due_s)


def test_a_press_counts_what_was_due_until_the_next_one(pictures):
    view = pictures.fault_view(17.0)
    drop, down = view.ledger("push only", 0), view.ledger("push only", 1)

    assert (drop.expected, drop.lost) == (30, 5)
    assert (down.expected, down.lost) == (30, 10)
    assert view.ledger("push only").lost == 15


def test_a_promise_is_only_judged_at_the_end(pictures):
    kept = pictures.fault_view(17.0)
    broken = FaultView(
        ("reliable",), kept.start_ns, 17.0, {"reliable": kept.deliveries["push only"]}, is_over=True
    )

    assert pictures.fault_view(10.0).broken_promises == ()
    assert "may still be on its way" in promise(pictures.fault_view(10.0))
    assert promise(kept) == "What recovers got every event, once and in order."
    assert promise(broken) == "Not every event once and in order: reliable."
    assert "None" in promise(FaultView(("push only",), is_over=True))


# What is shown


@pytest.mark.parametrize("theme", [LIGHT, DARK], ids=lambda theme: theme.name)
def test_a_board_on_which_nothing_has_happened_can_be_drawn(theme):
    still_figure(lambda: FaultScene(("push only", "reliable")), FaultView(("push only", "reliable")), theme)
    still_figure(lambda: IdScene(("reliable",), seconds=3, events=9), FaultView(("reliable",)), theme)


def test_the_picture_has_the_numbers_of_the_ledger(pictures):
    view = pictures.fault_view(17.0)
    said = words(still_figure(lambda: FaultScene(pictures.FAULTY), view, LIGHT))
    ledger = view.ledger("reliable")

    assert "drop" in said[0]
    assert "down" in said[0]
    assert f"{ledger.expected} · {ledger.late} · {ledger.recovered} · {ledger.lost}" in said[1]


def test_names_of_faults_that_follow_each_other_do_not_overlap(pictures):
    view = pictures.fault_view(9.5)
    figure = still_figure(lambda: FaultScene(pictures.FAULTY), view, LIGHT)
    drop, down = sorted(figure.axes[0].findobj(Lettering)[0]._words, key=lambda word: word.x)

    assert (drop.text, down.text) == ("drop", "down")
    assert drop.x + 1.5 < down.x < -0.5


def test_the_finished_picture_has_all_that_happened_and_nothing_beside(board, desk, pictures):
    board.start().stop()
    seen = board.wait()
    axes = board.figure().axes[0]

    assert axes.get_xlim() == (0, pytest.approx(seen.due_s[-1] + 0.2))
    assert [each.get_text() for each in axes.get_xticklabels()] == ["0 s", "5 s", "10 s", "15 s"]
    drop, down = sorted(axes.findobj(Lettering)[0]._words, key=lambda word: word.x)
    assert [(each.text, each.x) for each in (drop, down)] == [("drop", 3.0), ("down", 9.0)]


def test_a_long_course_shows_its_end(pictures):
    view = pictures.fault_view(200.0, until_s=150.0)
    figure = still_figure(lambda: FaultScene(pictures.FAULTY, course_s=view.course_s), view, LIGHT)

    assert view.course_s == pytest.approx(150)
    assert figure.axes[0].get_xlim() == (pytest.approx(90), pytest.approx(150))
    assert figure.axes[0].findobj(Lettering)[0]._words == ()


def test_the_tables_have_every_press_and_every_transport(board, desk):
    board.start().stop()
    board.wait()
    said = str(board.table())

    assert "The ledger" in said
    assert "drop, 3 s" in said
    assert "5 / 0 / 0" in said
    assert board.table()._repr_html_().count("<table>") == 2
    assert "What recovers got every event" in board.status


def test_a_timeline_tells_gaps_and_what_closed_them(timeline):
    view = timeline.start().wait()
    rows = {row.split()[0]: row for row in str(timeline.table()).splitlines() if row}
    said = words(timeline.figure())

    assert "5 missing" in said[0]
    assert "0 missing" in said[1]
    assert view.ledger("streaming").lost == 5
    assert "16, 19, 22, 25, 28" in " ".join(rows["streaming"].split())
    assert "2.4 s" in rows["reliable"]
    assert timeline.picture.settle()
    assert timeline.picture.error is None


# What there is to press


def test_every_fault_has_a_button_with_words_and_an_explanation(board):
    pressed = [each for each in parts(board.widget) if isinstance(each, Button)]

    assert [each.description for each in pressed] == ["drop", "down", "Start", "Stop", "Close"]
    assert all(each.tooltip for each in pressed)


def test_nothing_can_be_pressed_before_events_happen_nor_after(board):
    assert button(board, "drop").disabled
    with pytest.raises(UsageError, match="start"):
        board.press("drop")
    board.start()
    until(lambda: not button(board, "drop").disabled)
    board.stop()
    board.wait()
    until(lambda: button(board, "drop").disabled)
    with pytest.raises(UsageError, match="start"):
        board.press("drop")


def test_a_fault_is_pressed_by_its_button_and_by_a_call(board, desk):
    board.start()
    button(board, "drop").click()
    until(lambda: desk.presses)
    board.press("down", seconds=2)

    assert desk.presses == [("drop", FAULT_S), ("down", 2)]


def test_a_fault_that_there_is_not_is_refused(board):
    with pytest.raises(UsageError, match="there is no fault 'rain': there are drop, down"):
        board.start().press("rain")


def test_a_fault_that_this_machine_cannot_have_is_refused_with_the_reason(board):
    with pytest.raises(UsageError, match="fire takes matches"):
        board.start().press("fire")


def test_what_goes_wrong_is_said_after_a_press_and_raised_by_a_call(board, desk):
    board.start()
    desk.error = ClientError("the board is <over>")
    with pytest.raises(ClientError, match="over"):
        board.press("drop")
    button(board, "drop").click()
    until(lambda: "the board is &lt;over&gt;" in page(board))

    assert 'class="rtk-wrong"' in page(board)


def test_a_second_start_has_a_desk_of_its_own(board, desk, pictures):
    made = []
    board._make_desk = lambda: made.append(FakeDesk(pictures.fault_view)) or made[-1]
    for _ in range(2):
        board.start().stop()
        board.wait()

    assert len(made) == 2
