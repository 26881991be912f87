import io
import subprocess
import sys
import threading
from contextlib import closing
from itertools import pairwise

import numpy as np
import pytest
from matplotlib.figure import Figure
from PIL import Image

from realtime_kit.plots.style import DARK, LIGHT
from realtime_kit.plots.widgets.bars import Bars
from realtime_kit.plots.widgets.live_picture import LivePicture
from realtime_kit.plots.widgets.pace import EASY_FRAMES, LARGEST_SHARE, PERIOD_S
from realtime_kit.plots.widgets.paper import add_bare_axes
from realtime_kit.plots.widgets.scene import Scene

pytestmark = pytest.mark.usefixtures("nothing_left")
BROKEN = "broken"


class BarScene(Scene):
    """A bar as long as the view says; what happens while it is drawn is up to the test."""

    size_in = (2.0, 1.0)

    def __init__(self, during=lambda view: None):
        super().__init__()
        self.during = during

    def build(self, figure, theme):
        axes = add_bare_axes(figure, (0, 0, 2, 1))
        self.bars = Bars(axes, [0.5], [theme.text], thick=0.5)
        self.moving = [self.bars]

    def update(self, view):
        self.during(view)
        if view == BROKEN:
            raise ZeroDivisionError("a scene that cannot be drawn")
        self.bars.grow([view])
        return False


@pytest.fixture
def draw(clock):
    """Makes pictures whose scenes are watched; they are closed at the end."""
    made = []

    def make(during=lambda view: None, **options):
        picture = LivePicture(lambda: BarScene(during), clock=clock, **options)
        made.append(picture)
        return picture

    yield make
    for picture in made:
        picture.close()


def pixels(picture):
    return np.asarray(Image.open(io.BytesIO(picture.widget.value)).convert("RGB")).reshape(-1, 3)


def dark_pixels(picture):
    return int((pixels(picture).max(axis=1) < 128).sum())


def show(picture, view):
    picture.show(view)
    assert picture.settle()


def test_a_view_that_is_shown_is_drawn_and_sent(draw):
    picture = draw()
    show(picture, 0.0)
    empty = dark_pixels(picture)
    show(picture, 0.6)

    assert empty == 0
    assert dark_pixels(picture) > 1000


def test_it_draws_on_one_thread_that_is_not_the_caller_s(draw):
    threads = []
    picture = draw(lambda _: threads.append(threading.current_thread()))
    show(picture, 0.1)

    assert [thread.name for thread in threads] == ["realtime_kit picture"]
    assert threading.current_thread() not in threads


def test_of_views_that_come_while_it_draws_the_latest_is_drawn(draw):
    drawn, busy, go_on = [], threading.Event(), threading.Event()

    def during(view):
        drawn.append(view)
        busy.set()
        go_on.wait()

    picture = draw(during)
    picture.show(0.1)
    busy.wait()
    for view in (0.2, 0.3, 0.4):
        picture.show(view)
    go_on.set()

    assert picture.settle()
    assert drawn == [0.1, 0.4]


def test_it_draws_at_most_four_times_a_second(draw, clock):
    times = []
    picture = draw(lambda _: times.append(clock.now))
    for number in range(20):
        show(picture, number / 20)

    assert len(times) == 20
    assert all(later - earlier >= PERIOD_S for earlier, later in pairwise(times))


def test_a_view_that_was_drawn_already_is_not_drawn_again(draw):
    drawn = []
    picture = draw(drawn.append)
    view = 0.5
    show(picture, view)
    show(picture, view)

    assert drawn == [view]


def test_it_draws_half_as_often_when_a_frame_takes_too_long_and_comes_back(draw, clock):
    cost_s = 0.0

    def during(_):
        clock.now += cost_s

    picture = draw(during)
    show(picture, 0.01)
    cost_s = 1.2 * LARGEST_SHARE * PERIOD_S
    show(picture, 0.02)
    slow = picture.pace.period_s
    cost_s = 0.001
    for number in range(EASY_FRAMES):
        show(picture, 0.1 + number / 100)

    assert (slow, picture.pace.period_s) == (2 * PERIOD_S, PERIOD_S)


def test_the_first_frame_may_take_its_time(draw, clock):
    def during(_):
        clock.now += 2.0

    picture = draw(during)
    show(picture, 0.5)

    assert picture.pace.period_s == PERIOD_S


def test_it_knows_what_its_frames_cost(draw, clock):
    costs_s = iter([9.0, *([0.004] * 99), 0.2, 0.2])

    def during(_):
        clock.now += next(costs_s)

    picture = draw(during)
    for number in range(102):
        show(picture, number / 200)
    cost = picture.cost

    assert cost.frames == 101  # without the first
    assert cost.median_s == pytest.approx(0.004)
    assert cost.p99_s == pytest.approx(0.2)
    assert 100 < cost.median_bytes < 5000


def test_an_error_in_drawing_is_kept_and_the_next_view_is_drawn(draw):
    picture = draw()
    show(picture, 0.2)
    show(picture, BROKEN)
    error = picture.error
    show(picture, 0.6)

    assert isinstance(error, ZeroDivisionError)
    assert picture.error is None
    assert dark_pixels(picture) > 1000


def test_what_stands_beside_is_written_after_each_frame_even_after_one_that_failed(draw):
    beside = []
    picture = draw(beside=lambda view, _: beside.append((view, picture.error is None)))
    show(picture, 0.2)
    show(picture, BROKEN)

    assert beside == [(0.2, True), (BROKEN, False)]


def test_what_stands_beside_may_fail_and_the_picture_goes_on(draw, caplog):
    def beside(view, _):
        if view == 0.2:
            raise LookupError("no way to the browser")

    picture = draw(beside=beside)
    show(picture, 0.2)
    show(picture, 0.6)

    assert "no way to the browser" in caplog.text
    assert dark_pixels(picture) > 1000


def test_a_finale_takes_the_place_of_the_scene(draw):
    def finale(view, theme):
        return Figure(figsize=(3, 3), dpi=100, facecolor=theme.grid) if view == 1.0 else None

    picture = draw(finale=finale)
    show(picture, 0.5)
    show(picture, 1.0)
    size = Image.open(io.BytesIO(picture.widget.value)).size
    show(picture, 0.6)

    assert size == (300, 300)
    assert dark_pixels(picture) > 1000


def test_another_theme_draws_the_same_view_anew(draw):
    picture = draw(theme=LIGHT)
    show(picture, 0.5)
    light = pixels(picture)[0].tolist()
    picture.theme = DARK
    show(picture, 0.5)

    assert light == [0xFF, 0xFF, 0xFF]
    assert pixels(picture)[0].tolist() == [0x15, 0x19, 0x1E]


def test_a_thread_with_nothing_to_draw_ends_and_comes_back(draw):
    threads = []
    picture = draw(lambda _: threads.append(threading.current_thread()))
    show(picture, 0.1)
    threads[0].join(10)
    show(picture, 0.2)

    assert not threads[0].is_alive()
    assert len(set(threads)) == 2


def test_closing_ends_the_thread_and_the_widget():
    with closing(LivePicture(BarScene)) as picture:
        picture.show(0.5)
        assert picture.settle()
    picture.close()

    assert picture.widget.comm is None


def test_closing_waits_for_the_frame_that_is_being_drawn():
    drawing, go_on, closed = threading.Event(), threading.Event(), []

    def during(_):
        drawing.set()
        go_on.wait()

    picture = LivePicture(lambda: BarScene(during))
    picture.show(0.5)
    drawing.wait()
    closing_thread = threading.Thread(target=lambda: (picture.close(), closed.append(True)))
    closing_thread.start()
    early = list(closed)
    go_on.set()
    closing_thread.join()

    assert (early, closed) == ([], [True])


AT_THE_END = """
import atexit, importlib.util, sys, threading, time
from realtime_kit.plots.widgets.live_picture import LivePicture
atexit.register(lambda: print([thread.name for thread in threading.enumerate()]))  # called last
spec = importlib.util.spec_from_file_location("pictures", sys.argv[1])
pictures = importlib.util.module_from_spec(spec)
spec.loader.exec_module(pictures)
example = pictures.EXAMPLES["race"]
picture = LivePicture(example.make_scene)
picture.show(example.views[-1])
while not picture._busy:
    time.sleep(0.001)
"""


def test_a_script_that_ends_while_a_picture_is_drawn_waits_for_its_thread(pictures):
    """Cut off inside matplotlib it would take the process down with `terminate called without an active exception`."""
    command = [sys.executable, "-c", AT_THE_END, pictures.__file__]
    done = subprocess.run(command, capture_output=True, text=True)

    assert (done.returncode, done.stdout, done.stderr) == (0, "['MainThread']\n", "")


def test_after_closing_a_view_is_ignored():
    picture = LivePicture(BarScene)
    picture.close()
    picture.show(0.5)

    assert picture.widget.value == b""
