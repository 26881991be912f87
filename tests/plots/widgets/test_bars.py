import numpy as np
import pytest
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.figure import Figure

from realtime_kit.plots.widgets.bars import Bars
from realtime_kit.plots.widgets.paper import add_bare_axes


@pytest.fixture
def axes():
    figure = Figure(figsize=(2, 1), dpi=100, facecolor="white")
    FigureCanvasAgg(figure)
    made = add_bare_axes(figure, (0, 0, 2, 1))
    made.set(xlim=(0, 10), ylim=(2, 0))
    return made


def pixels(axes):
    axes.figure.canvas.draw()
    return np.asarray(axes.figure.canvas.buffer_rgba())[:, :, :3]


def test_each_bar_ends_where_it_should_in_its_row_and_colour(axes):
    Bars(axes, [0.5, 1.5], ["#ff0000", "#0000ff"], thick=0.6).grow([5, 10])
    upper, lower = pixels(axes)[25], pixels(axes)[75]

    assert (upper[:99] == (255, 0, 0)).all()
    assert (upper[101:] == 255).all()
    assert (lower[:199] == (0, 0, 255)).all()
    assert (pixels(axes)[50] == 255).all()


def test_bars_of_no_length_are_not_seen(axes):
    Bars(axes, [0.5], ["#ff0000"], thick=0.6)

    assert (pixels(axes) == 255).all()


def test_bars_say_how_long_they_are(axes):
    bars = Bars(axes, [0.5, 1.5], ["#ff0000", "#0000ff"], thick=0.6)
    bars.grow(length for length in (1.0, 2.0))

    assert bars.lengths == (1.0, 2.0)
