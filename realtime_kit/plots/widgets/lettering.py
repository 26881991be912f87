"""Words that change in every frame, drawn as outlines: a tenth of the time that matplotlib's own texts take."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from functools import lru_cache
from typing import Any

import numpy as np
from matplotlib.axes import Axes
from matplotlib.backend_bases import RendererBase
from matplotlib.collections import PathCollection
from matplotlib.colors import to_rgba
from matplotlib.font_manager import FontProperties
from matplotlib.path import Path
from matplotlib.textpath import TextToPath
from matplotlib.transforms import IdentityTransform
from numpy.typing import NDArray

from realtime_kit.plots.style import BODY_PT, FONT

_NOTHING = Path(np.empty((0, 2)))


@dataclass(frozen=True, slots=True)
class Word:
    """A text and its place.

    Attributes:
        text: One line.
        x: Where it starts, data coordinates of its axes.
        y: The middle of its figures' height, likewise.
        colour: Its colour.
        size_pt: Size of the type, points.
        bold: Weight of the type.
        right_pt: Points to move it to the right.
        align: Share of its width that lies to the left of x: 0 starts there, 1 ends there.
    """

    text: str
    x: float
    y: float
    colour: str
    size_pt: float = BODY_PT
    bold: bool = False
    right_pt: float = 0.0
    align: float = 0.0


class Lettering(PathCollection):
    """Any number of words, drawn at one go; they may stand outside the axes.

    Args:
        axes: Where.
    """

    def __init__(self, axes: Axes) -> None:
        super().__init__([], linewidths=0, zorder=6)
        self.set_offset_transform(IdentityTransform())
        self.set_transform(IdentityTransform())
        self._words: tuple[Word, ...] = ()
        axes.add_artist(self)
        self.set_clip_on(False)

    def write(self, words: Iterable[Word]) -> None:
        """Replace the words."""
        self._words = tuple(word for word in words if word.text.strip())
        self.stale = True

    @property
    def text(self) -> str:
        """What it says, for whoever reads instead of looking."""
        return " · ".join(word.text for word in self._words)

    def draw(self, renderer: RendererBase) -> None:
        """Set the words at the resolution of now."""
        if not self._words:
            return
        axes: Any = self.axes
        pixel = axes.figure.dpi / 72
        outlines = [_outline(word.text, word.size_pt, word.bold, pixel) for word in self._words]
        places = axes.transData.transform([(word.x, word.y) for word in self._words])
        for place, word, (_, width, middle) in zip(places, self._words, outlines, strict=True):
            place += (word.right_pt * pixel - word.align * width, -middle)
        self.set_paths([path for path, _, _ in outlines])
        self.set_offsets(np.round(places))  # whole pixels: the same words look the same everywhere
        self.set_facecolor(inks([word.colour for word in self._words]))
        super().draw(renderer)


def inks(colours: Iterable[str]) -> Any:
    """Colours as a collection takes them without reading each anew: a row of red, green, blue and alpha for each."""
    return np.array([to_rgba(colour) for colour in colours], dtype=np.float64).reshape(-1, 4)


def measure(text: str, size_pt: float, bold: bool, dpi: float) -> tuple[float, float]:
    """How wide a word is, and half the height of its figures; inches."""
    _, width, middle = _outline(text, size_pt, bold, dpi / 72)
    return width / dpi, middle / dpi


@lru_cache(maxsize=2048)
def _outline(text: str, size_pt: float, bold: bool, pixel: float) -> tuple[Path, float, float]:
    """Outline of a text from its base line's start, its width, and half a figure's height; in pixels."""
    vertices: list[NDArray[np.float64]] = []
    codes: list[NDArray[np.uint8]] = []
    at = 0.0
    for character in text:
        corners, kinds, advance = _glyph(character, size_pt, bold)
        if len(corners):
            vertices.append(corners + np.array([at, 0.0]))
            codes.append(kinds)
        at += advance
    middle = float(_glyph("0", size_pt, bold)[0][:, 1].max()) / 2
    path = Path(np.concatenate(vertices) * pixel, np.concatenate(codes)) if vertices else _NOTHING
    return path, at * pixel, middle * pixel


@lru_cache(maxsize=512)
def _glyph(
    character: str, size_pt: float, bold: bool
) -> tuple[NDArray[np.float64], NDArray[np.uint8], float]:
    """One character's outline and how far it moves the next one, points."""
    font = FontProperties(family=FONT, size=size_pt, weight="bold" if bold else "normal")
    maker = TextToPath()
    advance, _, _ = maker.get_text_width_height_descent(character, font, ismath=False)
    vertices, codes = maker.get_text_path(font, character)
    corners = np.asarray(vertices, dtype=np.float64).reshape(-1, 2) * (size_pt / maker.FONT_SCALE)
    return corners, np.asarray(codes, dtype=np.uint8), float(advance)
