import numpy as np
import pytest
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.figure import Figure

from realtime_kit.plots.style import FONT
from realtime_kit.plots.widgets.lettering import Lettering, Word
from realtime_kit.plots.widgets.paper import add_bare_axes

SIZE_IN = (4.0, 1.0)


@pytest.fixture
def sheet():
    figure = Figure(figsize=SIZE_IN, dpi=100, facecolor="white")
    FigureCanvasAgg(figure)
    axes = add_bare_axes(figure, (1, 0, 2, 1))
    axes.set(xlim=(0, 10), ylim=(0, 10))
    return axes


def ink(axes):
    """Where something is drawn: shape (height, width)."""
    axes.figure.canvas.draw()
    return np.asarray(axes.figure.canvas.buffer_rgba())[:, :, :3].min(axis=2) < 128


def extent(axes):
    """Left, right, lower and upper end of the ink, pixels."""
    rows, columns = np.nonzero(ink(axes))
    return columns.min(), columns.max(), ink(axes).shape[0] - rows.max(), ink(axes).shape[0] - rows.min()


@pytest.mark.parametrize("text", ["1,234", "long-polling  7.1 ms", "µ–<%", "W"])
@pytest.mark.parametrize("bold", [False, True])
def test_words_are_as_wide_as_matplotlib_s_own(sheet, text, bold):
    lettering = Lettering(sheet)
    lettering.write([Word(text, 0, 5, "black", 12, bold=bold)])
    left, right, *_ = extent(sheet)
    lettering.write([])
    sheet.text(
        0, 5, text, fontsize=12, fontweight="bold" if bold else "normal", fontfamily=FONT, parse_math=False
    )
    own_left, own_right, *_ = extent(sheet)

    assert (left, right) == pytest.approx((own_left, own_right), rel=0.03)


def test_a_word_starts_at_its_place_and_its_figures_stand_around_it(sheet):
    Lettering(sheet).write([Word("0", 5, 5, "black", 20)])
    left, _, low, high = extent(sheet)

    assert left == pytest.approx(200, abs=4)
    assert (low + high) / 2 == pytest.approx(50, abs=1.5)


def test_a_word_can_be_moved_and_can_end_at_its_place(sheet):
    lettering = Lettering(sheet)
    lettering.write([Word("0000", 5, 5, "black", right_pt=36)])
    moved = extent(sheet)[0]
    lettering.write([Word("0000", 5, 5, "black", align=1.0)])

    assert moved == pytest.approx(250, abs=3)
    assert extent(sheet)[1] == pytest.approx(200, abs=3)


def test_words_may_stand_outside_the_axes(sheet):
    Lettering(sheet).write([Word("out here", 10, 5, "black", right_pt=10)])

    assert extent(sheet)[0] > 300


def test_several_words_have_their_own_colours_and_sizes(sheet):
    Lettering(sheet).write([Word("A", 1, 5, "#ff0000", 10), Word("A", 8, 5, "#0000ff", 30)])
    sheet.figure.canvas.draw()
    pixels = np.asarray(sheet.figure.canvas.buffer_rgba())[:, :, :3].astype(int)
    red = (pixels[:, :, 0] > 200) & (pixels[:, :, 2] < 50)
    blue = (pixels[:, :, 2] > 200) & (pixels[:, :, 0] < 50)

    assert 0 < 4 * red.sum() < blue.sum()
    assert np.nonzero(red)[1].max() < np.nonzero(blue)[1].min()


def test_nothing_is_drawn_for_no_words_or_empty_ones(sheet):
    Lettering(sheet).write([Word("", 5, 5, "black"), Word("  ", 5, 5, "black")])

    assert not ink(sheet).any()


def test_it_grows_with_the_resolution(sheet):
    Lettering(sheet).write([Word("1,234", 0, 5, "black")])
    left, right, *_ = extent(sheet)
    sheet.figure.set_dpi(200)
    wide_left, wide_right, *_ = extent(sheet)

    assert wide_right - wide_left == pytest.approx(2 * (right - left), abs=4)


def test_what_it_says_can_be_read(sheet):
    lettering = Lettering(sheet)
    lettering.write([Word("polling  2 s", 0, 0, "black"), Word("", 0, 0, "black"), Word("12", 0, 0, "black")])

    assert lettering.text == "polling  2 s · 12"
