"""Boards in a real JupyterLab: pressed, watched, stopped and closed, as a learner does it."""

from __future__ import annotations

import io
import re
from collections.abc import Callable, Iterator
from typing import Any

import psutil
import pytest
from PIL import Image

pytestmark = [pytest.mark.live, pytest.mark.timeout(240)]

BEGIN = """
import threading, psutil
from aiohttp import web
from realtime_kit import grip, lab, serving, sse_events

routes = web.RouteTableDef()

@routes.get("/news")
async def news(_):
    return grip.hold_stream("news", body=b":\\n\\n")

site = serving(routes)
"""

CLIENTS = 200
"""Dots on the wall: enough for it to change with every look."""

BOARDS = {
    "race": "lab.race_board(clients=5, rate=10, interval_s=0.5, seconds=60)",
    "polling": "lab.polling_explorer(interval_s=0.5, clients=10, rate_per_s=5, seconds=60)",
    "long-polls": "lab.long_poll_microscope(clients=3, rate=4, seconds=30)",
    "history": "lab.history_timeline(history=30, page_events=10, rate=5, seconds=30)",
    "choice": "lab.choice_explorer(clients=20, rate_per_s=20, interval_s=0.5)",
    "statistics": "lab.statistics_panel(site.start())",
    "chat": "lab.chat()",
    "faults": "lab.fault_board(clients=1)",
    "ids": "lab.id_timeline('down', transports=('push only', 'streaming', 'reliable'), seconds=20)",
    "wall": f"lab.fanout_wall(clients={CLIENTS}, pushes=2, replay_s=30)",
}
"""How each is made; what it measures (the choice apart) goes on for longer than a test looks at it."""

LOOKED_AT = 3
"""So many times a picture has to move and the numbers have to grow."""

START = {"race": "Start the race", "polling": "Measure"}
BOARD = ".rtk-board"
NUMBER = re.compile(r"\d[\d,]*(?:\.\d+)?")
HALF_GREY = 128
ALL_OF_IT = {"width": 1280, "height": 1500}
"""A window that is high enough for a board, its table and its picture at once."""

Eventually = Callable[[Callable[[], Any], Callable[[], str]], Any]


class Shown:
    """A board in a notebook."""

    def __init__(self, notebook: Any, name: str) -> None:
        self.notebook = notebook
        self.name = name
        self.board = notebook.page.locator(BOARD)

    def press(self, words: str) -> None:
        self.board.get_by_role("button", name=words, exact=True).first.click()

    def says(self, words: str) -> None:
        self.board.get_by_role("status").filter(has_text=words).wait_for()

    def picture(self) -> bytes:
        """What can be seen of it."""
        picture: bytes = self.board.locator("img").screenshot()
        return picture

    def counted(self) -> float:
        """All numbers of its tables together: what is counted only grows."""
        texts = self.board.locator(".rtk-data td, .rtk-data p").all_inner_texts()
        return sum(float(each.replace(",", "")) for text in texts for each in NUMBER.findall(text))

    def moves(self, eventually: Eventually) -> None:
        seen = self.picture()
        eventually(lambda: self.picture() != seen, lambda: "the picture stands still")

    def grows(self, eventually: Eventually) -> None:
        seen = self.counted()
        eventually(lambda: self.counted() > seen, lambda: f"the numbers stay: {seen}")

    def wears(self, theme: str) -> Callable[[], bool]:
        """Whether the picture is on dark paper, or on light."""

        def looks_so() -> bool:
            with Image.open(io.BytesIO(self.picture())) as picture:
                return (picture.convert("L").getpixel((8, 8)) < HALF_GREY) is (theme == "Dark")

        return looks_so

    def photograph(self, lab: Any, eventually: Eventually) -> None:
        """In both themes, once the picture has followed the page."""
        self.board.scroll_into_view_if_needed()
        for theme in ("Dark", "Light"):
            lab.wear(theme)
            eventually(self.wears(theme), lambda: "the picture does not follow the page")
            self.notebook.screenshot(f"board-{self.name}-{theme.lower()}", of=BOARD)


@pytest.fixture(scope="module")
def notebook(lab_of_module: Any) -> Any:
    opened = lab_of_module.write("boards", BEGIN, *(f"board = {made}\nboard" for made in BOARDS.values()))
    opened.page.set_viewport_size(ALL_OF_IT)
    opened.run_cell(0)
    return opened


@pytest.fixture
def shown(notebook: Any, request: pytest.FixtureRequest) -> Iterator[Shown]:
    """A board that has been made; afterwards nothing of it is left in the page or behind the kernel."""
    name = request.param
    notebook.run_cell(1 + list(BOARDS).index(name))
    assert notebook.errors() == []
    made = Shown(notebook, name)
    made.board.wait_for()
    yield made
    notebook.ask("board.close(); site.stop()")
    made.board.wait_for(state="detached")
    notebook.until("not psutil.Process().children()")
    notebook.command("notebook:clear-all-cell-outputs")


def each(*names: str) -> pytest.MarkDecorator:
    return pytest.mark.parametrize("shown", names, indirect=True)


@each("race", "polling", "long-polls", "history", "ids")
def test_its_button_measures_and_the_picture_moves_and_the_numbers_grow(
    shown: Shown, lab_of_module: Any, eventually: Eventually
) -> None:
    shown.press(START.get(shown.name, "Start"))
    for _ in range(LOOKED_AT):
        shown.moves(eventually)
        shown.grows(eventually)
    shown.photograph(lab_of_module, eventually)

    shown.press("Stop")
    shown.notebook.until("not board.running")

    assert "cannot" not in shown.board.get_by_role("status").inner_text()


@each("wall")
def test_a_wall_lights_slowly_after_the_fan_out_and_its_table_has_every_push(
    shown: Shown, lab_of_module: Any, eventually: Eventually
) -> None:
    shown.press("Push")
    shown.says("Showing push 1 of 2")
    for _ in range(LOOKED_AT):
        shown.moves(eventually)
    eventually(
        lambda: shown.counted() >= 2 * CLIENTS, lambda: f"the table does not count all: {shown.counted()}"
    )
    shown.photograph(lab_of_module, eventually)

    shown.press("Stop")
    shown.notebook.until("not board.running")

    shown.says("Done.")
    assert shown.notebook.ask("print([push.ledger.received for push in board.run.results])") == str(
        [CLIENTS] * 2
    )
    assert shown.board.get_by_role("cell", name=str(CLIENTS), exact=True).count() == 2


@each("choice")
def test_a_check_puts_measurement_beside_theory(
    shown: Shown, lab_of_module: Any, eventually: Eventually
) -> None:
    measured = shown.board.get_by_role("row", name=", measured")
    assert measured.count() == 0

    shown.press("Check it")

    measured.first.wait_for()
    assert measured.count() == 4
    shown.photograph(lab_of_module, eventually)


@each("statistics")
def test_a_panel_looks_by_itself_and_sees_who_comes(
    shown: Shown, lab_of_module: Any, eventually: Eventually
) -> None:
    seen = shown.counted()
    shown.notebook.ask("listener = sse_events(site.url / 'news')")
    shown.notebook.ask("threading.Thread(target=next, args=(listener,), daemon=True).start()")
    shown.notebook.until("site.pushpin.statistics.subscribers('news') == 1")

    shown.notebook.ask("site.publish('news', 'hello')")

    eventually(lambda: shown.counted() >= seen + 3, lambda: f"the numbers stay: {shown.counted()}")
    shown.moves(eventually)
    shown.photograph(lab_of_module, eventually)
    shown.press("Stop")
    shown.says("Not looking any more.")


@each("chat")
def test_what_is_typed_is_said_and_crosses_the_wires_in_the_picture(
    shown: Shown, lab_of_module: Any, eventually: Eventually
) -> None:
    shown.press("Open the room")
    shown.says("Everybody is in the room.")
    before = shown.picture()

    shown.board.get_by_role("textbox").first.fill("hello <b>all</b>")
    shown.press("Say")

    shown.board.get_by_role("log").filter(has_text="Ada: hello <b>all</b>").wait_for()
    shown.notebook.until("len(board.messages) == 1")
    eventually(lambda: shown.picture() != before, lambda: "the picture stands still")
    shown.photograph(lab_of_module, eventually)


@each("chat")
def test_a_backend_that_is_restarted_is_missed_by_nobody_and_what_was_said_comes_late(shown: Shown) -> None:
    shown.press("Open the room")
    shown.says("Everybody is in the room.")

    shown.press("Restart the backend")
    shown.says("The backend is away.")
    shown.board.get_by_role("textbox").first.fill("is anybody there?")
    shown.press("Say")
    shown.board.get_by_role("log").filter(has_text="Ada: is anybody there?").wait_for()

    shown.says("The backend is back.")
    shown.notebook.until("len(board.messages) == 1")
    assert shown.notebook.ask("print(board.messages[0].text)") == "is anybody there?"
    shown.notebook.screenshot("board-chat-restarted", of=BOARD)
    assert (
        shown.notebook.ask("print([m for m in board._view.seen if (m.leg, m.kind) == ('client', 'closed')])")
        == "[]"
    )


@each("faults")
def test_a_fault_that_is_pressed_is_seen_and_what_recovers_has_everything_in_the_end(
    shown: Shown, lab_of_module: Any, eventually: Eventually
) -> None:
    shown.press("Start")
    shown.press("drop")
    shown.says("drop: every third publish is lost")
    shown.moves(eventually)
    shown.grows(eventually)
    shown.says("nothing is broken")

    shown.press("down")
    shown.says("down: every connection is cut")
    shown.says("nothing is broken")
    shown.photograph(lab_of_module, eventually)
    shown.press("Stop")

    shown.says("What recovers got every event, once and in order.")
    assert shown.board.get_by_role("row", name="down").count() == 1


@each("race")
def test_the_close_button_ends_the_measurement_and_removes_the_board(shown: Shown) -> None:
    shown.press("Start the race")
    shown.notebook.until("psutil.Process().children()")

    shown.press("Close")

    shown.board.wait_for(state="detached")
    shown.notebook.until("not psutil.Process().children()")


@each("race")
def test_a_cell_that_is_run_again_has_one_board_that_works(shown: Shown) -> None:
    shown.press("Start the race")
    shown.notebook.until("psutil.Process().children()")

    shown.notebook.run_cell(1)

    shown.notebook.until("not psutil.Process().children()")
    shown.says("Ready.")
    assert shown.board.count() == 1
    shown.press("Start the race")
    shown.notebook.until("board.running")


def test_a_kernel_that_is_restarted_in_the_middle_of_a_race_leaves_nothing(
    lab: Any, jupyter: Any, eventually: Eventually
) -> None:
    notebook = lab.write("restarted", BEGIN, f"board = {BOARDS['race']}\nboard.start()\nboard")
    notebook.run_all()
    notebook.until("len(psutil.Process().children()) > 3")
    kernel = int(notebook.ask("import os; print(os.getpid())"))
    before = [kernel, *(child.pid for child in psutil.Process(kernel).children(recursive=True))]

    notebook.page.evaluate(
        "() => window.jupyterapp.shell.currentWidget.sessionContext.session.kernel.restart()"
    )

    def left() -> list[Any]:
        return [process for process in jupyter.started() if process.pid in before]

    eventually(lambda: not left(), lambda: f"left: {left()}")
