"""The chat board with a real Pushpin: people talk, and their backend goes away and comes back."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator

import pytest
from matplotlib import font_manager

from realtime_kit.errors import ClientError, UsageError
from realtime_kit.lab import chat
from realtime_kit.plots.style import LIGHT
from realtime_kit.plots.widgets import ChatBoard

Eventually = Callable[[Callable[[], bool], str], None]
pytestmark = pytest.mark.live


@pytest.fixture(autouse=True)
def fonts_closed(nothing_left_behind: str) -> Iterator[None]:
    """Matplotlib keeps the fonts open that a thread has drawn with; they are no board's."""
    yield
    font_manager._get_font.cache_clear()


@pytest.fixture
def board() -> Iterator[ChatBoard]:
    made = chat(("Ada", "Ben", "<Eve>"), theme=LIGHT)
    yield made
    made.close()


def test_what_one_says_everybody_hears_and_each_message_is_one_request(board: ChatBoard) -> None:
    board.start()
    for who, text in (
        ("Ada", "hello"),
        ("Ben", "hello"),
        ("<Eve>", "über <b>HTML</b>: $x$"),
        ("Ada", "hello"),
    ):
        board.say(who, text)
        assert str(board.messages[-1]) == f"{who}: {text}"
    board.stop()
    seen = board.wait()
    assert seen.heard == seen.said
    assert len(seen.said) == 4
    assert seen.asked == (3, 4)
    pushed = [each for each in seen.seen if (each.kind, each.sender) == ("websocket message", "pushpin")]
    assert len(pushed) == 4 * 3
    assert board.picture.settle()
    assert board.picture.error is None
    assert board.messages == seen.heard


def test_what_is_said_while_the_backend_is_away_is_heard_when_it_is_back(board: ChatBoard) -> None:
    board.start().say("Ada", "before")
    board.restart_backend(away_s=0.5, meanwhile=("Ben", "meanwhile"))
    board.say("Ada", "after")
    board.stop()
    seen = board.wait()
    told = [each.at_ns for each in seen.seen if each.leg == "origin" and each.kind == "request"]
    assert [each.text for each in seen.heard] == ["before", "meanwhile", "after"]
    assert seen.asked == (3, 3)  # nobody had to come in again
    assert told[3] < seen.away[0].from_ns < seen.away[0].until_ns < told[4]
    assert "3 messages" in board.status


def test_a_closed_room_gives_up_what_is_not_heard(board: ChatBoard, eventually: Eventually) -> None:
    errors: list[Exception] = []

    def speak() -> None:
        try:
            board.say("Ben", "into the void")
        except ClientError as error:
            errors.append(error)

    board.start()
    restarting = threading.Thread(target=board._soon, args=[lambda: board.restart_backend(away_s=25)])
    restarting.start()
    eventually(lambda: "is away" in board.status, "still there")
    speaking = threading.Thread(target=speak)
    speaking.start()
    eventually(lambda: any(each.text == "into the void" for each in board._view.said), "not said")
    board.stop()
    assert board.wait().heard == ()
    for each in (speaking, restarting):
        each.join()
    assert "room was closed" in str(errors[0])
    with pytest.raises(UsageError, match="nobody is in the room"):
        board.say("Ada", "too late")


def test_a_message_that_does_not_come_back_in_time_is_an_error(
    board: ChatBoard, eventually: Eventually
) -> None:
    board.start()
    restarting = threading.Thread(target=board.restart_backend, kwargs={"away_s": 1})
    restarting.start()
    eventually(lambda: "is away" in board.status, "still there")
    with pytest.raises(ClientError, match=r"has not come back to everybody within 0\.2 s"):
        board.say("Ben", "anybody?", timeout_s=0.2)
    restarting.join()


def test_closing_in_the_middle_leaves_nothing_and_a_room_can_be_opened_again(board: ChatBoard) -> None:
    board.start().say("Ada", "first room")
    board.stop()
    board.wait()
    board.start().say("Ada", "second room")
    assert [each.text for each in board.messages] == ["second room"]
    board.close()


def test_who_is_not_there_and_what_is_too_much_is_refused(board: ChatBoard) -> None:
    with pytest.raises(UsageError, match="nobody is in the room"):
        board.say("Ada", "too early")
    board.start()
    for who, text, said in (("Bob", "hi", "Bob"), ("Ada", " ", "only spaces"), ("Ada", "x" * 501, "501")):
        with pytest.raises(UsageError, match=said):
            board.say(who, text)
    with pytest.raises(UsageError, match="away_s"):
        board.restart_backend(60)
    with pytest.raises(UsageError, match="Bob"):
        board.restart_backend(1, meanwhile=("Bob", "hi"))
    assert board.messages == ()


@pytest.mark.parametrize(
    ("people", "said"),
    [
        ((), "people is"),
        (("",), "people has ''"),
        (("A\nB",), "people has"),
        (tuple("ABCDEFG"), "1 to 6 names"),
        (("x" * 21,), "1 to 20 letters"),
        (("Ada", "Ada"), "'Ada': every name"),
        (("Ada", "Pushpin"), "'Pushpin': every name"),
    ],
)
def test_names_that_cannot_be_used_are_refused(people: tuple[str, ...], said: str) -> None:
    with pytest.raises(UsageError, match=said):
        chat(people)
