"""What a live picture shows: artists that are made once and then only moved."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Callable
from typing import Generic, TypeVar

from matplotlib.artist import Artist
from matplotlib.figure import Figure

from realtime_kit.plots.style import Theme

View = TypeVar("View")
"""An immutable snapshot: all that a picture is drawn from."""


class Scene(ABC, Generic[View]):
    """Draws one kind of view, live and still by the same code. A scene serves one figure.

    Attributes:
        size_in: Width and height of its figure, inches.
        moving: The artists that change from frame to frame, what lies lower first. All others are drawn once.
    """

    size_in: tuple[float, float]

    def __init__(self) -> None:
        self.moving: list[Artist] = []

    @abstractmethod
    def build(self, figure: Figure, theme: Theme) -> None:
        """Make every artist, and put those that move into `moving`."""

    @abstractmethod
    def update(self, view: View) -> bool:
        """Move the artists to where this view has them.

        Returns:
            Whether anything else has changed, such as an axis, so that all has to be drawn anew.
        """


MakeScene = Callable[[], Scene[View]]
