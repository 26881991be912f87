"""How a chat is drawn: the newest messages on its wires as a sequence diagram."""

from __future__ import annotations

from matplotlib.figure import Figure

from realtime_kit.plots.sequence import WIDTH_IN, draw_sequence
from realtime_kit.plots.sequence_drawing import FOOT_IN, HEAD_IN, LEFT_OUT_IN, ROW_IN
from realtime_kit.plots.style import MARGIN_IN, Theme
from realtime_kit.plots.widgets.chat_view import ChatView
from realtime_kit.plots.widgets.scene import Scene

NEWEST = 14
"""How many messages are drawn: what two sentences to a room of two take."""


class ChatScene(Scene[ChatView]):
    """Draws everything anew for each view: it comes only when something was said, and then all of it moves up."""

    size_in = (WIDTH_IN, 2 * MARGIN_IN + HEAD_IN + LEFT_OUT_IN + NEWEST * ROW_IN + FOOT_IN)

    def build(self, figure: Figure, theme: Theme) -> None:
        """Nothing stays from view to view."""
        self._figure, self._theme = figure, theme

    def update(self, view: ChatView) -> bool:
        """Draw the newest messages; always all of it."""
        draw_sequence(self._figure, view.seen, self._theme, newest=NEWEST, names=view.people, away=view.away)
        return True
