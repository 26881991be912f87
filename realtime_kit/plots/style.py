"""The one place for type, colours and spacing: whatever the kit draws, a transport looks the same in it.

Rules: measured is solid and in the transport's colour, theory is dashed and nearer to the text's colour. No
meaning rests on hue alone: transports differ in lightness, marker and dash pattern too. Sizes are points,
spacing is inches.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from types import MappingProxyType

from matplotlib.colors import to_hex, to_rgb

FONT = "DejaVu Sans"
"""Comes with matplotlib, so that a figure is the same on every machine."""

TITLE_PT = 16.0
HEADING_PT = 12.0
BODY_PT = 10.5
SMALL_PT = 9.0
"""The smallest type in use; a figure shown at half its size keeps it at 4.5 points."""

THEORY_WIDTH_PT = 1.4
GRID_WIDTH_PT = 0.8

MARGIN_IN = 0.4
"""Free paper on each side."""

LINE_SPACING = 1.45
"""Distance of two lines of text, in sizes of the type."""

THEORY_TOWARDS_TEXT = 0.45
"""How far theory's colour moves from the transport's to the text's, so that it shows on the measured line."""


@dataclass(frozen=True, slots=True)
class Look:
    """What makes a transport recognisable besides its colour.

    Attributes:
        marker: Matplotlib marker, at the percentiles of a curve and beside the transport's name.
        marker_pt: The marker's size. Streaming and WebSocket often coincide: what is drawn first is larger
            and wider, so that it still shows around what is drawn over it.
        width_pt: Width of its measured line.
        dash: Lengths of dash and gap for its theory, in line widths.
    """

    marker: str
    marker_pt: float
    width_pt: float
    dash: tuple[float, ...]


LOOKS: Mapping[str, Look] = MappingProxyType(
    {
        "polling": Look("o", 7.0, 2.8, (4.0, 1.6)),
        "long-polling": Look("s", 7.0, 2.8, (7.0, 1.8)),
        "streaming": Look("^", 10.5, 4.4, (1.8, 1.4)),
        "websocket": Look("D", 5.0, 1.8, (5.0, 1.6, 1.4, 1.6)),
    }
)
"""Every transport the kit measures."""

SHORT_DASH = (1.9, 1.1)
"""For theory's marks that are too short for a transport's own dash pattern."""

STRANGER = Look("X", 7.0, 2.4, (3.0, 3.0))
"""How a transport looks that a saved run names and this kit does not know."""


@dataclass(frozen=True, slots=True)
class Theme:
    """The colours of one kind of paper, as `#RRGGBB`.

    Attributes:
        name: `light` or `dark`.
        background: The paper.
        text: Titles and numbers.
        muted: Units, explanations and theory's numbers; still 4.5 to 1 against the paper.
        grid: Lines to read along, to be seen only when looked for.
        transports: One colour for each transport, chosen from Okabe and Ito's hues and shifted in
            lightness until they differ in grey and carry small type.
    """

    name: str
    background: str
    text: str
    muted: str
    grid: str
    transports: Mapping[str, str]

    def colour(self, transport: str) -> str:
        """The transport's colour; for an unknown one the text's."""
        return self.transports.get(transport, self.text)

    def theory_colour(self, transport: str) -> str:
        """The transport's colour on its way to the text's: stays visible on top of the measured line."""
        return blend(self.colour(transport), self.text, THEORY_TOWARDS_TEXT)


LIGHT = Theme(
    name="light",
    background="#FFFFFF",
    text="#1B1F24",
    muted="#5F6873",
    grid="#E3E6EA",
    transports=MappingProxyType(
        {
            "polling": "#C94F0E",  # vermilion
            "long-polling": "#54144A",  # purple
            "streaming": "#0066AA",  # blue
            "websocket": "#00563E",  # green
        }
    ),
)
"""For print and daylight."""

DARK = Theme(
    name="dark",
    background="#15191E",
    text="#F1F3F5",
    muted="#9AA5B1",
    grid="#2C333B",
    transports=MappingProxyType(
        {
            "polling": "#E2631B",
            "long-polling": "#E6A6D2",
            "streaming": "#4BA6EE",
            "websocket": "#A2F2D0",
        }
    ),
)
"""For dark notebooks and dim lecture halls; the same hues, lighter."""


def look(transport: str) -> Look:
    """Marker and dash pattern of a transport, known or not."""
    return LOOKS.get(transport, STRANGER)


def blend(colour: str, other: str, share: float) -> str:
    """A colour between two, as `#rrggbb`.

    Args:
        colour: Where it starts.
        other: Where it goes.
        share: How far, from 0 (`colour`) to 1 (`other`).
    """
    pairs = zip(to_rgb(colour), to_rgb(other), strict=True)
    red, green, blue = (start + share * (end - start) for start, end in pairs)
    return to_hex((red, green, blue))
