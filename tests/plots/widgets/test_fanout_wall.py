"""The wall: each client a dot, lit when it was reached, replayed from the receipts."""

import numpy as np
import pytest
from matplotlib.colors import to_rgb

from realtime_kit.errors import UsageError
from realtime_kit.plots.style import DARK, LIGHT
from realtime_kit.plots.widgets.fanout_wall import FanoutWall
from realtime_kit.plots.widgets.frames import Frames, still_figure
from realtime_kit.plots.widgets.wall_scene import WallScene
from realtime_kit.plots.widgets.wall_view import Audience, WallView, last_s

pytestmark = pytest.mark.usefixtures("nothing_left")


@pytest.fixture
def a_run(pictures):
    """Makes a fan-out that reaches a client each millisecond."""
    return pictures.wall_run


def colours(view, theme=LIGHT):
    """The colour at the middle of each dot, in the order of the clients that stand there, and the scene."""
    scene = WallScene(view.audience)
    figure = still_figure(lambda: scene, view, theme)
    picture = scene._wall._rgba[:, :, :3]
    side = scene._dots._side_px
    columns = scene._dots._grid[1]
    rows, places = np.divmod(scene._dots._cells, columns)
    return figure, picture[rows * side + side // 3, places * side + side // 3], scene


def ink(colour):
    return [round(255 * part) for part in to_rgb(colour)]


def test_a_dot_is_lit_when_its_client_was_reached(a_run):
    run = a_run(100)
    _, dots, _ = colours(WallView(Audience(100), run, passed_s=0.0305, slowed=10.0))
    waiting = (dots == ink(LIGHT.grid)).all(axis=1)
    assert waiting.tolist() == [False] * 30 + [True] * 70


def test_who_was_never_reached_stays_marked_at_the_end(a_run):
    run = a_run(100, lost=(7, 50))
    _, dots, _ = colours(WallView(Audience(100), run, passed_s=last_s(run.results[0])))
    assert np.flatnonzero((dots == ink(LIGHT.colour("polling"))).all(axis=1)).tolist() == [7, 50]


def test_at_the_end_the_later_are_paler(a_run):
    run = a_run(100)
    _, dots, _ = colours(WallView(Audience(100), run, passed_s=last_s(run.results[0])))
    lightness = dots.astype(int).sum(axis=1)
    assert (np.diff(lightness) >= 0).all()
    assert lightness[-1] > lightness[0]


def test_the_clients_of_an_instance_stand_together(a_run):
    run = a_run(1000)
    audience = Audience(1000, instances=2)
    _, dots, scene = colours(WallView(audience, run, passed_s=0.5005, slowed=10.0))
    waiting = (dots == ink(LIGHT.grid)).all(axis=1)
    assert scene._dots._clients[:500].tolist() == list(range(0, 1000, 2))
    assert waiting[:500].tolist() == [False] * 250 + [True] * 250
    assert waiting[500:].tolist() == [False] * 250 + [True] * 250


@pytest.mark.parametrize("clients", [1, 9, 1000, 10_000, 100_000, 400_000])
@pytest.mark.parametrize("instances", [1, 3])
def test_any_number_of_clients_has_room(a_run, clients, instances):
    audience = Audience(clients, instances)
    run = a_run(clients)
    figure, dots, scene = colours(WallView(audience, run, passed_s=last_s(run.results[0])))
    assert scene._dots.size_px[0] <= 450
    assert scene._dots.size_px[1] <= 372
    assert len(dots) == clients or clients > 150_000
    figure.canvas.draw()


def test_the_curve_grows_with_the_dots_and_the_line_is_that_of_the_push(a_run):
    run = a_run(1000)
    _, _, scene = colours(WallView(Audience(1000), run, passed_s=0.5, slowed=10.0))
    assert scene._curve.get_xydata()[-1].tolist() == pytest.approx([0.5, 500])
    assert scene._theory.get_xydata()[-1].tolist() == pytest.approx([1.0, 1000])


@pytest.mark.parametrize("theme", [LIGHT, DARK])
def test_frame_and_still_figure_are_drawn_by_the_same_hand(a_run, theme):
    import io

    from PIL import Image

    run = a_run(2000)
    view = WallView(Audience(2000), run, passed_s=1.0, slowed=3.0)
    frames = Frames(lambda: WallScene(view.audience), theme)
    frames.png(WallView(view.audience))
    live = np.asarray(Image.open(io.BytesIO(frames.png(view))).convert("RGB"), dtype=int)
    still = still_figure(lambda: WallScene(view.audience), view, theme)._repr_png_()
    drawn = np.asarray(Image.open(io.BytesIO(still)).convert("RGB"), dtype=int)
    assert (np.abs(live - drawn).max(axis=2) > 48).mean() < 0.002


def test_a_saved_figure_has_the_dots_in_its_own_size(a_run, tmp_path):
    from PIL import Image

    from realtime_kit.plots import save_figure

    view = WallView(Audience(100), a_run(100), passed_s=1.0)
    figure = still_figure(lambda: WallScene(view.audience), view, LIGHT)
    saved = np.asarray(Image.open(save_figure(figure, tmp_path / "wall.png")).convert("RGB"), dtype=int)
    blue = (np.abs(saved - ink(LIGHT.colour("streaming"))).max(axis=2) < 4).any(axis=0)
    assert np.flatnonzero(blue)[0] == pytest.approx(0.25 * 160, abs=2)


# The board


class Fanout:
    """A fan-out in the test's hands."""

    def __init__(self, run):
        self.run = run

    async def __call__(self, tell, stop):
        tell("connecting 100 clients")
        return self.run


def test_it_shows_every_push_and_ends_with_the_run(a_run):
    run = a_run(100, pushes=3)
    board = FanoutWall(Fanout(run), Audience(100), replay_s=0.5)
    try:
        assert board.start().wait() is run
        assert board.run is run
        assert "trustworthy" in board.status
        assert board._view.number == 3
        assert board._view.reached == 100
        assert len(board.table().rows) == 3
        assert board.picture.settle()
    finally:
        board.close()
        board.close()


def test_stop_ends_the_showing_and_keeps_the_run(a_run):
    run = a_run(100, pushes=2)
    board = FanoutWall(Fanout(run), Audience(100), replay_s=60)
    try:
        board.start()
        board.stop()
        assert board.wait() is run
        assert board._view.slowed == 1.0
    finally:
        board.close()


def test_a_table_of_nothing_says_so(a_run):
    board = FanoutWall(Fanout(a_run(10)), Audience(10))
    try:
        assert "none yet" in str(board.table())
        assert "none yet" in board._repr_mimebundle_()["text/html"]
    finally:
        board.close()


def test_a_replay_of_an_hour_is_refused(a_run):
    with pytest.raises(UsageError, match="replay_s is 3600: allowed is 0 to 60"):
        FanoutWall(Fanout(a_run(10)), Audience(10), replay_s=3600)
