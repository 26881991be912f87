"""A chat whose backend goes away and comes back, with a real Pushpin: the site's part, and the board's."""

from __future__ import annotations

import asyncio
import os
import threading
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
import requests
from aiohttp import ClientSession, WSMsgType, web
from matplotlib import font_manager

from realtime_kit import grip, serving
from realtime_kit.errors import ClientError, OriginError, UsageError
from realtime_kit.lab import Site
from realtime_kit.lab.chat import chat
from realtime_kit.plots.style import LIGHT
from realtime_kit.plots.widgets.chat_board import ChatBoard

Eventually = Callable[[Callable[[], bool], str], None]
pytestmark = pytest.mark.live

PATIENCE_S = 40.0
"""Pushpin's fifth try comes after 31 to 36 s."""


@pytest.fixture(autouse=True)
def fonts_closed(nothing_left_behind: str) -> Iterator[None]:
    """Matplotlib keeps the fonts open that a thread has drawn with; they are no board's."""
    yield
    font_manager._get_font.cache_clear()


# The site


@pytest.fixture
def routes() -> web.RouteTableDef:
    table = web.RouteTableDef()

    @table.post("/echo")
    async def echo(request: web.Request) -> web.Response:
        socket = await grip.websocket(request)
        socket.accept()
        for said in socket:
            socket.send(said)
        return socket.response()

    return table


@pytest.mark.parametrize("x_ray", [False, True])
def test_a_websocket_outlives_its_origin_and_loses_nothing(routes: web.RouteTableDef, x_ray: bool) -> None:
    async def talk() -> list[str]:
        heard = []
        async with (
            Site(routes, x_ray=x_ray) as site,
            ClientSession() as session,
            session.ws_connect(site.url / "echo") as socket,
        ):
            port = site.origin_port
            for round_trip in range(2):
                await site.astop_origin()
                await site.astop_origin()  # does nothing
                async with session.get(site.url / "other") as refused:
                    assert refused.status == 502
                await socket.send_str(f"message {round_trip}")
                await site.astart_origin()
                await site.astart_origin()  # does nothing
                assert site.origin_port == port
                message = await socket.receive(timeout=PATIENCE_S)
                assert message.type is WSMsgType.TEXT
                heard.append(message.data)
        return heard

    assert asyncio.run(talk()) == ["message 0", "message 1"]


def test_an_origin_in_a_process_of_its_own_is_another_one_afterwards(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "pid_app.py").write_text(
        "import os\n"
        "from aiohttp import web\n"
        "routes = web.RouteTableDef()\n"
        "@routes.get('/pid')\n"
        "async def pid(request):\n"
        "    return web.Response(text=str(os.getpid()))\n"
    )
    monkeypatch.chdir(tmp_path)
    with serving("pid_app:routes", x_ray=True) as site:
        pids = [requests.get(str(site.url / "pid"), timeout=PATIENCE_S).text]
        site.stop_origin()
        assert requests.get(str(site.url / "pid"), timeout=PATIENCE_S).status_code == 502
        site.start_origin()
        pids.append(requests.get(str(site.url / "pid"), timeout=PATIENCE_S).text)
    assert len(set(pids)) == 2
    assert str(os.getpid()) not in pids


def test_a_site_that_is_not_up_has_no_origin_to_restart(routes: web.RouteTableDef) -> None:
    site = serving(routes)
    for act in (site.stop_origin, site.start_origin):
        with pytest.raises(UsageError, match="is not up"):
            act()


def test_a_site_whose_origin_is_down_stops_and_starts_with_a_new_one(routes: web.RouteTableDef) -> None:
    site = serving(routes, x_ray=True).start()
    try:
        site.stop_origin()
        site.start()
        assert requests.get(str(site.url / "other"), timeout=PATIENCE_S).status_code == 404
        site.stop_origin()
    finally:
        site.stop()


def test_a_port_that_somebody_else_has_by_now_is_named_and_can_be_tried_again(
    routes: web.RouteTableDef,
) -> None:
    with serving(routes, x_ray=True) as site:
        site.stop_origin()
        with (
            serving(routes, origin_port=site.origin_port),
            pytest.raises(OriginError, match="Address already"),
        ):
            site.start_origin()
        site.start_origin()
        assert requests.get(str(site.url / "other"), timeout=PATIENCE_S).status_code == 404


# The board


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


def test_what_is_said_while_the_backend_is_away_is_heard_when_it_is_back(
    board: ChatBoard, eventually: Eventually
) -> None:
    board.start().say("Ada", "before")
    restarting = threading.Thread(target=board.restart_backend, kwargs={"away_s": 1.5})
    restarting.start()
    eventually(lambda: "is away" in board.status, "still there")
    board.say("Ben", "meanwhile")
    restarting.join()
    board.say("Ada", "after")
    board.stop()
    seen = board.wait()
    assert [each.text for each in seen.heard] == ["before", "meanwhile", "after"]
    assert seen.asked == (3, 3)  # nobody had to come in again


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
    restarting = threading.Thread(target=board.restart_backend, kwargs={"away_s": 2})
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
    assert board.messages == ()


@pytest.mark.parametrize("people", [(), ("Ada", "Ada"), ("",), ("A\nB",), tuple("ABCDEFG"), ("x" * 21,)])
def test_names_that_cannot_be_used_are_refused(people: tuple[str, ...]) -> None:
    with pytest.raises(UsageError, match="people"):
        chat(people)
