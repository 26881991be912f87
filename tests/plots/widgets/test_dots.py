import numpy as np
import pytest
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.colors import to_rgb
from matplotlib.figure import Figure

from realtime_kit.plots.style import LIGHT
from realtime_kit.plots.widgets.dots import Dots
from realtime_kit.plots.widgets.paper import add_bare_axes


@pytest.fixture
def axes():
    figure = Figure(figsize=(2, 1), dpi=100, facecolor="white")
    FigureCanvasAgg(figure)
    made = add_bare_axes(figure, (0.5, 0, 1, 1))
    made.set(xlim=(0, 10), ylim=(0, 10))
    return made


def places(axes, transport):
    """Where pixels of this transport's colour are: columns and rows from the lower left."""
    axes.figure.canvas.draw()
    pixels = np.asarray(axes.figure.canvas.buffer_rgba())[:, :, :3].astype(int)
    colour = np.array([round(255 * part) for part in to_rgb(LIGHT.colour(transport))])
    rows, columns = np.nonzero(np.abs(pixels - colour).max(axis=2) < 30)
    return columns, 99 - rows


def test_dots_stand_where_they_should_in_their_colour(axes):
    dots = Dots(axes, ("polling", "websocket"), LIGHT)
    dots.move({"polling": np.array([[2.0, 5.0]]), "websocket": np.array([[8.0, 2.0], [8.0, 9.0]])})

    columns, rows = places(axes, "polling")
    assert (columns.mean(), rows.mean()) == pytest.approx((70, 50), abs=1.5)
    columns, rows = places(axes, "websocket")
    assert sorted({round(row, -1) for row in rows.tolist()}) == [20, 90]
    assert columns.mean() == pytest.approx(130, abs=1.5)


def test_dots_are_small_and_about_as_large_for_every_transport(axes):
    sizes = []
    for name in LIGHT.transports:
        dots = Dots(axes, (name,), LIGHT)
        dots.move({name: np.array([[5.0, 5.0]])})
        sizes.append(len(places(axes, name)[0]))
        dots.remove()

    assert min(sizes) >= 4
    assert max(sizes) <= 40


def test_what_lies_outside_the_axes_is_not_drawn(axes):
    dots = Dots(axes, ("polling",), LIGHT)
    dots.move({"polling": np.array([[-3.0, 5.0], [13.0, 5.0]])})

    assert not len(places(axes, "polling")[0])


def test_no_dots_are_no_trouble(axes):
    Dots(axes, ("polling",), LIGHT)

    assert not len(places(axes, "polling")[0])
