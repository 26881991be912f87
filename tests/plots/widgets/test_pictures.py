"""What the scenes draw, compared with pictures that somebody has looked at (`pictures.py` writes them anew)."""

import io

import numpy as np
import pytest
from PIL import Image

from realtime_kit.plots.widgets.frames import Frames, still_figure

SCENES = pytest.mark.parametrize(
    "name", ["race", "polling", "choice", "statistics", "faults", "ids", "wall", "long-poll", "history"]
)
THEMES = pytest.mark.parametrize("theme", ["light", "dark"])
TYPE_OF_OTHER_VERSIONS = 0.012
"""Share of a picture's pixels that may differ clearly: another FreeType sets type a little differently."""


def pixels(picture):
    return np.asarray(picture.convert("RGB"), dtype=np.int16)


def differing(one, other, *, by=48):
    """Share of the pixels that differ by more than an edge's smoothing."""
    assert one.shape == other.shape
    return float((np.abs(one - other).max(axis=2) > by).mean())


@SCENES
@THEMES
def test_a_frame_looks_like_its_baseline(pictures, name, theme):
    frame = pictures.small(pictures.last_frame(name, theme))
    baseline = Image.open(pictures.BASELINES / f"{name}-{theme}.png")

    assert differing(pixels(frame), pixels(baseline)) < TYPE_OF_OTHER_VERSIONS


@SCENES
@THEMES
def test_a_frame_that_drew_only_what_moves_looks_like_the_still_figure(pictures, name, theme):
    example = pictures.EXAMPLES[name]
    frame = pixels(Image.open(io.BytesIO(pictures.last_frame(name, theme))))
    figure = still_figure(example.make_scene, example.views[-1], pictures.THEMES[theme])
    still = pixels(Image.open(io.BytesIO(figure._repr_png_())))

    assert differing(frame, still) < 0.001


@SCENES
def test_a_view_draws_the_same_frame_whatever_was_drawn_before(pictures, name):
    example = pictures.EXAMPLES[name]
    view = example.views[-1]
    fresh = Frames(example.make_scene, pictures.THEMES["light"])

    assert fresh.png(view) == pictures.last_frame(name, "light")


@SCENES
def test_the_first_view_differs_from_the_last_so_that_baselines_can_tell(pictures, name):
    example = pictures.EXAMPLES[name]
    frames = Frames(example.make_scene, pictures.THEMES["light"])
    views = example.views
    first, last = (pixels(pictures.small(frames.png(view))) for view in (views[0], views[-1]))

    assert differing(first, last) > TYPE_OF_OTHER_VERSIONS


@SCENES
@THEMES
def test_nothing_touches_the_edge_of_the_picture(pictures, name, theme):
    frame = pixels(Image.open(io.BytesIO(pictures.last_frame(name, theme))))
    paper = frame[1, 1]
    edges = np.concatenate(
        [frame[:4].reshape(-1, 3), frame[:-10, :4].reshape(-1, 3), frame[:-10, -2:].reshape(-1, 3)]
    )

    assert (edges == paper).all()
