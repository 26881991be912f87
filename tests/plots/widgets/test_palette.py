import io

import numpy as np
import pytest
from matplotlib.colors import to_rgb
from PIL import Image

from realtime_kit.plots.style import DARK, LIGHT, blend
from realtime_kit.plots.widgets.palette import Palette

THEMES = pytest.mark.parametrize("theme", [LIGHT, DARK], ids=lambda theme: theme.name)


def stripes(colours):
    """Pixels of each colour in turn, as a canvas has them, and their size."""
    rows = np.array([[round(255 * part) for part in to_rgb(colour)] + [255] for colour in colours], np.uint8)
    return np.repeat(rows[:, None], 8, axis=1), (8, len(colours))


def through(theme, colours):
    pixels, size = stripes(colours)
    png = Palette(theme).png(pixels.data, size)
    return png, np.asarray(Image.open(io.BytesIO(png)).convert("RGB")).astype(int)[:, 0]


def drawn(theme):
    names = theme.transports
    return [
        theme.background,
        theme.text,
        theme.muted,
        theme.grid,
        *(theme.colour(name) for name in names),
        *(theme.theory_colour(name) for name in names),
    ]


@THEMES
def test_every_colour_of_a_theme_is_kept_and_the_paper_exactly(theme):
    _, found = through(theme, drawn(theme))
    wanted = np.array([[round(255 * part) for part in to_rgb(colour)] for colour in drawn(theme)])

    assert found[0].tolist() == wanted[0].tolist()
    assert np.abs(found - wanted).max() <= 5


@THEMES
def test_smooth_edges_are_kept_to_within_a_few_shades(theme):
    edges = [blend(theme.background, colour, step / 50) for colour in drawn(theme)[1:] for step in range(51)]
    _, found = through(theme, edges)
    wanted = np.array([[255 * part for part in to_rgb(colour)] for colour in edges])

    assert np.abs(found - wanted).max() < 24


@THEMES
def test_a_frame_is_a_png_of_no_more_than_256_colours_and_has_its_size(theme):
    png, _ = through(theme, drawn(theme))
    picture = Image.open(io.BytesIO(png))

    assert (picture.format, picture.mode, picture.size) == ("PNG", "P", (8, len(drawn(theme))))
