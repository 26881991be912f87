"""The boards over races and statistics, with a real Pushpin."""

from __future__ import annotations

import signal
import subprocess
import sys
from collections.abc import Callable, Iterator

import pytest
from aiohttp import web
from matplotlib import font_manager

from realtime_kit import grip, lab, serving, sse_events
from realtime_kit.plots.style import LIGHT

Eventually = Callable[[Callable[[], bool], str], None]
pytestmark = pytest.mark.live

SHORT = {"clients": 3, "rate": 5, "interval_s": 0.5, "seconds": 2}


@pytest.fixture(autouse=True)
def fonts_closed(nothing_left_behind: str) -> Iterator[None]:
    """Matplotlib keeps the fonts open that a thread has drawn with; they are no board's."""
    yield
    font_manager._get_font.cache_clear()


def test_a_race_board_shows_the_race_as_it_goes_and_ends_with_its_run() -> None:
    board = lab.race_board(**SHORT, theme=LIGHT)
    views = []
    change = board._change
    board._change = lambda how: (change(how), views.append(board._view))
    try:
        run = board.start().wait()
        assert board.picture.settle()
        assert board.picture.error is None
    finally:
        board.close()
    last = [view for view in views if view.run is None][-1]

    assert board.run is run
    for result in run.results:
        assert last.latest(result.transport).count == last.received[result.transport]
        assert last.received[result.transport] == result.ledger.received
    assert last.origin_requests["polling"] > 0
    assert last.origin_requests["streaming"] == 0


def test_a_race_that_is_stopped_keeps_what_was_measured(eventually: Eventually) -> None:
    board = lab.race_board(**(SHORT | {"seconds": 60}), theme=LIGHT)
    try:
        board.start()
        eventually(lambda: bool(board._view.received), "nothing was ever measured")
        board.stop()
        run = board.wait()
    finally:
        board.close()

    assert [flag.name for flag in run.results[0].verdict.flags].count("interrupted") == 1


def test_a_board_that_is_closed_in_the_middle_leaves_nothing(eventually: Eventually) -> None:
    board = lab.race_board(**(SHORT | {"seconds": 60}), theme=LIGHT)
    board.start()
    eventually(lambda: bool(board._view.received), "nothing was ever measured")
    board.close()

    assert board.run is None


def test_the_polling_explorer_measures_what_theory_says() -> None:
    explorer = lab.polling_explorer(interval_s=0.5, clients=20, rate_per_s=10, seconds=5, theme=LIGHT)
    try:
        explorer.start().wait()
        measured = explorer._view.measured
        law = explorer.settings.latency(explorer._view.downstream_s)
    finally:
        explorer.close()

    # A busy machine adds to every latency; the law itself is tested where nobody else needs the processors.
    assert 0.7 * law.p50 < measured.quantiles_s(0.5)[0] < 2 * law.p50
    assert measured.requests_per_s == pytest.approx(explorer.settings.load().origin_requests_per_s, rel=0.3)


def test_the_choice_explorer_s_theory_is_near_to_what_its_check_finds() -> None:
    explorer = lab.choice_explorer(clients=5, rate_per_s=5, interval_s=0.5, theme=LIGHT)
    try:
        explorer.start().wait()
        theory, found = explorer._view.predictions(), explorer._view.measured()
    finally:
        explorer.close()

    for name in ("polling", "long-polling"):
        assert found[name].origin_requests_per_s == pytest.approx(theory[name].origin_requests_per_s, rel=0.5)
    for name, prediction in theory.items():
        assert found[name].bytes_per_s == pytest.approx(prediction.bytes_per_s, rel=0.5)


def test_the_statistics_panel_sees_who_is_there_and_what_is_delivered(eventually: Eventually) -> None:
    routes = web.RouteTableDef()

    @routes.get("/news")
    async def news(_: web.Request) -> web.Response:
        return grip.hold_stream("news", body=b"data: welcome\n\n")

    with serving(routes) as site:
        panel = lab.statistics_panel(site, theme=LIGHT)
        events = sse_events(site.url / "news")
        next(events)
        site.publish("news", "hello")
        assert next(events).data == "hello"
        try:
            eventually(lambda: panel._view.latest.subscribers("stream") == 1, "no subscriber was seen")
            eventually(
                lambda: panel._view.latest.receivers.get("http-stream", 0) >= 1, "no delivery was seen"
            )
        finally:
            panel.close()
            events.close()

    assert ("news", "streaming", "1") in panel.table().rows


def test_the_panel_ends_with_the_site(eventually: Eventually) -> None:
    with serving(web.RouteTableDef()) as site:
        panel = lab.statistics_panel(site, theme=LIGHT)
        eventually(lambda: bool(panel._view.samples), "nothing was ever looked at")
    panel.wait()
    panel.close()

    assert panel.status == "Pushpin is stopped."


RACING = """
import sys, threading, time
from realtime_kit import lab
board = lab.race_board(clients=3, rate=5, interval_s=0.5, seconds=60).start()
while not board._view.received:
    time.sleep(0.01)
"""

RACED = 'print("racing", flush=True)\n'

WAITED_FOR = """
def functions(frame):
    while frame:
        yield frame.f_code.co_name
        frame = frame.f_back

def tell():
    while "outcome" not in functions(sys._current_frames()[threading.main_thread().ident]):
        time.sleep(0.001)
    print("racing", flush=True)

threading.Thread(target=tell).start()
print(board.wait().results[0].transport)
"""
"""It tells of the race when the main thread waits for it: an interrupt before that would be nobody's but Python's."""


@pytest.mark.parametrize("how", ["kill -9", "exit", "interrupt"])
def test_a_process_that_ends_in_the_middle_of_a_race_leaves_nothing(how: str) -> None:
    """As a kernel does that is restarted, or shut down, or interrupted while it waits for its board."""
    rest = {
        "kill -9": RACED + "sys.stdin.read()",
        "exit": RACED,
        "interrupt": WAITED_FOR,
    }
    process = subprocess.Popen(
        [sys.executable, "-c", RACING + rest[how]], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    )
    with process:
        assert process.stdout.readline() == "racing\n"
        if how == "kill -9":
            process.kill()
        if how == "interrupt":
            process.send_signal(signal.SIGINT)
        said = process.stdout.read()

    assert said == ("polling\n" if how == "interrupt" else "")
    assert process.returncode == (-signal.SIGKILL if how == "kill -9" else 0)
