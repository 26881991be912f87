from itertools import combinations

import numpy as np
import pytest
from matplotlib.colors import to_rgb
from matplotlib.markers import MarkerStyle

from realtime_kit.plots.style import DARK, LIGHT, LOOKS, blend, look

TRANSPORTS = ("polling", "long-polling", "streaming", "websocket")
THEMES = pytest.mark.parametrize("theme", [LIGHT, DARK], ids=lambda theme: theme.name)

# Machado, Oliveira and Fernandes, A Physiologically-based Model for Simulation of Color Vision Deficiency
# (IEEE TVCG 15(6), 2009), severity 1.0, for linear RGB.
SIGHT = {
    "usual": np.eye(3),
    "protanopia": [
        [0.152286, 1.052583, -0.204868],
        [0.114503, 0.786281, 0.099216],
        [-0.003882, -0.048116, 1.051998],
    ],
    "deuteranopia": [
        [0.367322, 0.860646, -0.227968],
        [0.280085, 0.672501, 0.047413],
        [-0.011820, 0.042940, 0.968881],
    ],
    "tritanopia": [
        [1.255528, -0.076749, -0.178779],
        [-0.078411, 0.930809, 0.147602],
        [0.004733, 0.691367, 0.303900],
    ],
}
XYZ = np.array([[0.4124, 0.3576, 0.1805], [0.2126, 0.7152, 0.0722], [0.0193, 0.1192, 0.9505]])


def linear(colour):
    rgb = np.array(to_rgb(colour))
    return np.where(rgb <= 0.04045, rgb / 12.92, ((rgb + 0.055) / 1.055) ** 2.4)


def luminance(colour):
    return float(XYZ[1] @ linear(colour))


def contrast(one, other):
    """As WCAG 2 defines it."""
    dark, light = sorted((luminance(one), luminance(other)))
    return (light + 0.05) / (dark + 0.05)


def lab(colour, sight="usual"):
    seen = np.clip(np.asarray(SIGHT[sight]) @ linear(colour), 0, 1)
    white = XYZ @ np.ones(3)
    ratio = XYZ @ seen / white
    f = np.where(ratio > 0.008856, np.cbrt(ratio), 7.787 * ratio + 16 / 116)
    return np.array([116 * f[1] - 16, 500 * (f[0] - f[1]), 200 * (f[1] - f[2])])


@THEMES
@pytest.mark.parametrize("sight", SIGHT)
def test_any_two_transports_differ_for_every_kind_of_sight(theme, sight):
    for one, other in combinations(TRANSPORTS, 2):
        apart = lab(theme.colour(one), sight) - lab(theme.colour(other), sight)
        assert np.linalg.norm(apart) > 15, (one, other)


@THEMES
def test_any_two_transports_differ_in_grey(theme):
    lightness = sorted(lab(theme.colour(transport))[0] for transport in TRANSPORTS)
    assert min(np.diff(lightness)) > 6


@THEMES
def test_all_that_is_written_has_enough_contrast_for_small_type(theme):
    written = [theme.text, theme.muted, *(theme.colour(transport) for transport in TRANSPORTS)]
    assert min(contrast(colour, theme.background) for colour in written) >= 4.5


@THEMES
def test_the_grid_is_fainter_than_anything_written(theme):
    assert 1.1 < contrast(theme.grid, theme.background) < 2


@THEMES
def test_theory_shows_on_top_of_the_measured_line(theme):
    for transport in TRANSPORTS:
        apart = lab(theme.theory_colour(transport)) - lab(theme.colour(transport))
        assert np.linalg.norm(apart) > 10, transport


def test_no_two_transports_share_a_marker_or_a_dash_pattern():
    assert set(LOOKS) == set(TRANSPORTS)
    assert len({each.marker for each in LOOKS.values()}) == len(LOOKS)
    assert len({each.dash for each in LOOKS.values()}) == len(LOOKS)


def test_every_marker_is_one_that_matplotlib_draws():
    for each in LOOKS.values():
        assert MarkerStyle(each.marker).get_path().vertices.size


def test_websocket_lets_streaming_show_around_it():
    below, above = look("streaming"), look("websocket")
    assert below.width_pt > above.width_pt + 2
    assert below.marker_pt > above.marker_pt + 2


def test_an_unknown_transport_is_drawn_in_the_colour_of_text_and_with_a_marker_of_its_own():
    assert LIGHT.colour("carrier-pigeon") == LIGHT.text
    assert look("carrier-pigeon").marker not in {each.marker for each in LOOKS.values()}


def test_themes_cannot_be_changed_by_accident():
    with pytest.raises(AttributeError):
        LIGHT.text = "#000000"
    with pytest.raises(TypeError):
        LIGHT.transports["polling"] = "#000000"


@pytest.mark.parametrize(("share", "expected"), [(0, "#000000"), (1, "#ffffff"), (0.2, "#333333")])
def test_a_blend_lies_between_its_two_colours(share, expected):
    assert blend("#000000", "#FFFFFF", share) == expected
