"""Names beside curves instead of a legend: finds for each the place nearest to its curve that is free."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import numpy as np
from matplotlib.axes import Axes
from matplotlib.text import Text
from matplotlib.transforms import Bbox
from numpy.typing import NDArray

from realtime_kit.plots.style import FONT, Theme

Points = NDArray[np.float64]
"""Shape (points, 2): x and y, in pixels unless said otherwise."""

_DISTANCES_PT = (7.0, 14.0, 28.0, 48.0, 75.0, 110.0, 150.0, 200.0)
"""How far a label may stand from its curve; from the second on it gets a leader."""

_LEADER_FROM_PT = 10.0
_PADDING_PT = 3.0
_OUTSIDE = 1e6
_COVERS_A_LABEL = 1e5
_COVERS_A_CURVE = 50.0
_CROSSES_A_CURVE = 6.0
_PER_POINT_OF_DISTANCE = 0.6
_PER_POINT_OF_HEIGHT = 0.12


@dataclass(frozen=True, slots=True, eq=False)
class CurveLabel:
    """A text that belongs to a curve.

    Attributes:
        text: One or more lines.
        colour: Of the text and its leader.
        anchors: Shape (points, 2), data coordinates: where on the curve it may be attached.
        size_pt: Size of the type.
        bold: Whether it is a name rather than a remark.
    """

    text: str
    colour: str
    anchors: Points
    size_pt: float
    bold: bool = True


@dataclass(frozen=True, slots=True, eq=False)
class _Place:
    anchor: Points
    box: Bbox
    distance_pt: float
    side: int


def place_labels(
    axes: Axes, labels: Sequence[CurveLabel], curves: Sequence[Points], theme: Theme
) -> list[Text]:
    """Write each label where it covers nothing, in the order given.

    Args:
        axes: Limits and size have to be final.
        labels: Those that come first choose first.
        curves: Shape (points, 2) each, data coordinates, dense: lines that labels should not cover.
        theme: For the leaders' background.

    Returns:
        The texts, in the order of `labels`.
    """
    ink = np.vstack([axes.transData.transform(curve) for curve in curves if len(curve)] or [np.empty((0, 2))])
    taken: list[Bbox] = []
    texts = []
    for label in labels:
        text = _write(axes, label, theme)
        place = min(_places(axes, label, text), key=lambda each: _cost(axes, each, taken, ink))
        _move(axes, text, place, label)
        taken.append(place.box)
        texts.append(text)
    return texts


def _write(axes: Axes, label: CurveLabel, theme: Theme) -> Text:
    """The label at no particular place yet, to be measured."""
    text = axes.text(
        float(label.anchors[0, 0]),
        float(label.anchors[0, 1]),
        label.text,
        color=label.colour,
        fontsize=label.size_pt,
        fontweight="bold" if label.bold else "normal",
        fontfamily=FONT,
        va="center",
        linespacing=1.25,
        parse_math=False,
        zorder=6,
    )
    text.set_bbox({"facecolor": theme.background, "edgecolor": "none", "alpha": 0.8, "pad": 1.0})
    return text


def _places(axes: Axes, label: CurveLabel, text: Text) -> Iterator[_Place]:
    """Left and right of every anchor, near and far."""
    size = Text.get_window_extent(text)
    pixel = axes.figure.dpi / 72
    reserve = _PADDING_PT * pixel
    for anchor in axes.transData.transform(label.anchors):
        # A curve that ends at the upper edge gets its label just below the edge.
        highest = axes.bbox.y1 - size.height - reserve
        low = min(max(anchor[1] - size.height / 2, axes.bbox.y0 + reserve), highest)
        for distance in _DISTANCES_PT:
            for side in (1, -1):
                near = anchor[0] + side * distance * pixel
                left = near if side > 0 else near - size.width
                box = Bbox.from_bounds(left, low, size.width, size.height)
                yield _Place(anchor, box.padded(_PADDING_PT * pixel), distance, side)


def _cost(axes: Axes, place: _Place, taken: Sequence[Bbox], ink: Points) -> float:
    """How bad a place is: beyond the axes, on another label, on a curve, across a curve, far away."""
    pixel = axes.figure.dpi / 72
    middle = (axes.bbox.y0 + axes.bbox.y1) / 2
    beyond = max(axes.bbox.x0 - place.box.x0, place.box.x1 - axes.bbox.x1, 0)
    return float(
        _OUTSIDE * beyond
        + _COVERS_A_LABEL * sum(place.box.overlaps(other) for other in taken)
        + _COVERS_A_CURVE * _inside(place.box, ink)
        + _CROSSES_A_CURVE * _inside(_leader_box(place, 2 * pixel), ink)
        + _PER_POINT_OF_DISTANCE * place.distance_pt
        + _PER_POINT_OF_HEIGHT * abs(place.anchor[1] - middle) / pixel
    )


def _leader_box(place: _Place, thickness: float) -> Bbox:
    """The strip between a curve and its label, without the curve itself."""
    end = place.box.x0 if place.side > 0 else place.box.x1
    start = place.anchor[0] + 2 * place.side * thickness
    left, right = sorted((start, end))
    return Bbox.from_extents(left, place.anchor[1] - thickness / 2, right, place.anchor[1] + thickness / 2)


def _inside(box: Bbox, points: Points) -> int:
    """How many points lie in a box."""
    return int(np.count_nonzero(np.all((points >= box.p0) & (points <= box.p1), axis=1)))


def _move(axes: Axes, text: Text, place: _Place, label: CurveLabel) -> None:
    """Put the text there, with a leader if it is far from its curve."""
    pixel = axes.figure.dpi / 72
    edge = place.box.x0 + _PADDING_PT * pixel if place.side > 0 else place.box.x1 - _PADDING_PT * pixel
    to_data = axes.transData.inverted()
    x, y = to_data.transform((edge, (place.box.y0 + place.box.y1) / 2))
    text.set_position((float(x), float(y)))
    text.set_horizontalalignment("left" if place.side > 0 else "right")
    if place.distance_pt >= _LEADER_FROM_PT:
        ends = to_data.transform(np.array([place.anchor, (edge - place.side * 2 * pixel, place.anchor[1])]))
        axes.plot(*ends.T, color=label.colour, linestyle="-", linewidth=0.8, marker="", zorder=5)
