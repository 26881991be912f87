"""The chat board without a Pushpin: what it shows, and what its buttons do."""

from __future__ import annotations

import asyncio
import threading
import time
from html.parser import HTMLParser

import pytest
from ipywidgets import HTML, Button, Text

from realtime_kit.errors import ClientError, UsageError
from realtime_kit.plots.style import DARK, LIGHT
from realtime_kit.plots.widgets.chat_board import ChatBoard
from realtime_kit.plots.widgets.chat_scene import ChatScene
from realtime_kit.plots.widgets.chat_view import SHOWN, ChatView, Said, room_html
from realtime_kit.plots.widgets.frames import still_figure
from realtime_kit.plots.widgets.lettering import Lettering
from realtime_kit.plots.widgets.life import parts

DEADLINE_S = 20.0
NASTY = "<script>alert('1')</script> & \"2\""


class FakeRoom:
    """A room in which everything is heard at once; `error` is what saying something raises."""

    def __init__(self):
        self.said, self.restarts, self.error = [], [], None

    async def run(self, report, stop):
        report(ChatView(("Ada", "Ben"), phase="Everybody is in the room.", is_open=True))
        self.report = report
        await stop.wait()
        return ChatView(("Ada", "Ben"), tuple(self.said))

    async def say(self, who, text, timeout_s):
        if self.error is not None:
            raise self.error
        self.said.append(Said(who, text, is_heard=True))
        self.report(ChatView(("Ada", "Ben"), tuple(self.said), is_open=True))

    async def restart_backend(self, away_s, meanwhile):
        self.restarts.append((away_s, meanwhile))


@pytest.fixture
def room():
    return FakeRoom()


@pytest.fixture
def board(nothing_left, room):
    made = ChatBoard(lambda: room, people=("Ada", "Ben"), theme=LIGHT)
    yield made
    made.close()
    until(lambda: not [each for each in threading.enumerate() if each.name == "realtime_kit press"])


def until(condition):
    """Look again and again until something is so."""
    deadline = time.monotonic() + DEADLINE_S
    while not condition():
        assert time.monotonic() < deadline
        time.sleep(0.002)


def buttons(board, words):
    return [each for each in parts(board.widget) if isinstance(each, Button) and each.description == words]


def page(board):
    return "".join(each.value for each in parts(board.widget) if isinstance(each, HTML))


def opened(board):
    board.start()
    until(lambda: not buttons(board, "Say")[0].disabled)
    return board


# What is shown


class Reader(HTMLParser):
    """Every tag, and all text outside of styles."""

    def __init__(self, html):
        super().__init__()
        self.tags, self.attributes, self.text = [], {}, ""
        self.feed(html)

    def handle_starttag(self, tag, attrs):
        self.tags.append(tag)
        self.attributes[tag] = dict(attrs)

    def handle_data(self, data):
        self.text += "" if self.tags[-1:] == ["style"] else data


def test_what_is_said_is_a_log_and_never_becomes_part_of_the_page():
    read = Reader(room_html([Said(NASTY, NASTY, is_heard=True), Said("Ben", "later")]))

    assert read.attributes["ul"]["role"] == "log"
    assert read.attributes["ul"]["aria-live"] == "polite"
    assert set(read.tags) == {"style", "div", "ul", "li", "strong", "em"}
    assert f"{NASTY}: {NASTY}" in read.text
    assert read.text.endswith("Ben: later (on its way)")


def test_of_many_messages_the_newest_are_shown():
    read = Reader(room_html([Said("Ada", f"number {at}") for at in range(SHOWN + 2)]))

    assert read.tags.count("li") == SHOWN
    assert "2 earlier messages are not shown." in read.text
    assert "number 1 " not in read.text
    assert f"number {SHOWN + 1}" in read.text


def test_only_what_everybody_has_heard_counts_as_heard():
    heard, waits = Said("Ada", "one", is_heard=True), Said("Ben", "two")

    assert ChatView(("Ada", "Ben"), (heard, waits)).heard == (heard,)


@pytest.mark.parametrize("theme", [LIGHT, DARK], ids=lambda theme: theme.name)
def test_a_room_in_which_nothing_has_happened_can_be_drawn(theme):
    figure = still_figure(ChatScene, ChatView(("Ada",)), theme)

    lettering = figure.axes[0].findobj(Lettering)[0]
    assert "nothing has been seen yet" in lettering.text


# What there is to press


def test_everybody_has_a_field_and_a_button_with_words_and_an_explanation(board):
    fields = [each for each in parts(board.widget) if isinstance(each, Text)]
    pressed = [each for each in parts(board.widget) if isinstance(each, Button)]

    assert [each.description for each in fields] == ["Ada", "Ben"]
    assert [each.description for each in pressed] == [
        *("Say", "Say", "Restart the backend"),
        *("Open the room", "Stop", "Close"),
    ]
    assert all(each.tooltip for each in (*fields, *pressed))


def test_nothing_can_be_said_before_the_room_is_open_nor_after(board):
    assert all(each.disabled for each in (*buttons(board, "Say"), *buttons(board, "Restart the backend")))
    with pytest.raises(UsageError, match="start"):
        board.say("Ada", "too early")
    opened(board).stop()
    board.wait()
    until(lambda: buttons(board, "Say")[0].disabled)
    with pytest.raises(UsageError, match="start"):
        board.restart_backend()


def test_what_is_typed_is_said_and_the_field_is_empty_again(board, room):
    opened(board)
    field = next(each for each in parts(board.widget) if isinstance(each, Text) and each.description == "Ben")
    field.value = NASTY
    buttons(board, "Say")[1].click()
    until(lambda: board.messages)

    assert board.messages == (Said("Ben", NASTY, is_heard=True),)
    assert field.value == ""
    board.picture.settle()
    assert "&lt;script&gt;alert" in page(board)
    assert "<script>" not in page(board)


def test_the_backend_is_restarted_by_its_button_and_by_a_call(board, room):
    opened(board)
    buttons(board, "Restart the backend")[0].click()
    until(lambda: room.restarts)
    board.restart_backend(away_s=7, meanwhile=("Ben", "hello?"))

    assert room.restarts == [(3.0, None), (7, ("Ben", "hello?"))]


def test_what_goes_wrong_is_said_after_a_press_and_raised_by_a_call(board, room):
    opened(board)
    room.error = ClientError("Ben is <deaf>")
    with pytest.raises(ClientError, match="deaf"):
        board.say("Ada", "hello")
    buttons(board, "Say")[0].click()
    until(lambda: "Ben is &lt;deaf&gt;" in page(board))

    assert 'class="rtk-wrong"' in page(board)


def test_a_room_that_cannot_be_opened_says_so(board, room):
    async def fail(report, stop):
        await asyncio.sleep(0)
        raise ClientError("Ada cannot enter the room")

    room.run = fail
    with pytest.raises(ClientError, match="cannot enter"):
        board.start().wait()
    until(lambda: "Ada cannot enter the room" in page(board))
