"""Frames as PNGs of at most 256 colours: a third of the bytes and of the time that true colours take."""

from __future__ import annotations

import io
from itertools import combinations
from typing import Any

from matplotlib.colors import to_rgb
from PIL import Image

from realtime_kit.plots.style import Theme, blend

_STEPS = 12
"""Shades between the paper and a colour: what smooth edges need."""

_FASTEST = 1
"""zlib's level; the next ones take twice as long for a tenth fewer bytes."""


class Palette:
    """The colours a theme's frames consist of, and how to write a frame in them.

    Args:
        theme: The paper is kept exactly, other colours and the edges between them to within a few shades.
    """

    def __init__(self, theme: Theme) -> None:
        self._palette = Image.new("P", (1, 1))
        self._palette.putpalette([round(255 * part) for colour in _colours(theme) for part in to_rgb(colour)])

    def png(self, rgba: Any, size: tuple[int, int]) -> bytes:
        """A frame as PNG.

        Args:
            rgba: A buffer of its pixels, four bytes each, row by row.
            size: Width and height in pixels.
        """
        picture = Image.frombytes("RGB", size, rgba, "raw", "RGBX")  # quicker than convert()
        with io.BytesIO() as file:
            few = picture.quantize(palette=self._palette, dither=Image.Dither.NONE)
            few.save(file, "PNG", compress_level=_FASTEST)
            return file.getvalue()


def _colours(theme: Theme) -> list[str]:
    """At most 256 colours as `#rrggbb`: each on its way from the paper, and each pair half-way."""
    transports = [theme.colour(name) for name in theme.transports]
    predicted = [theme.theory_colour(name) for name in theme.transports]
    drawn = [theme.text, theme.muted, *transports, *predicted]
    shades = [
        blend(theme.background, colour, step / _STEPS) for colour in drawn for step in range(1, _STEPS + 1)
    ]
    # The grid is so near to the paper that shades between them would be taken for the paper itself.
    paper = [theme.background, theme.grid, blend(theme.background, theme.grid, 0.5)]
    return [*paper, *shades, *(blend(one, other, 0.5) for one, other in combinations(drawn, 2))]
