"""How a chat is drawn: the newest messages on its wires as a sequence diagram."""

from __future__ import annotations

from matplotlib.figure import Figure

from realtime_kit.plots.sequence import draw_newest
from realtime_kit.plots.sequence_drawing import FOOT_IN, HEAD_IN, LEFT_OUT_IN, ROW_IN
from realtime_kit.plots.style import MARGIN_IN, Theme
from realtime_kit.plots.widgets.chat_view import ChatView
from realtime_kit.plots.widgets.live_paper import LivePaper
from realtime_kit.plots.widgets.scene import Scene

NEWEST = 8
"""How many messages are drawn: a sentence to a room of two takes seven, and the last of the one before."""

WIDTH_IN = 9.4


class ChatScene(Scene[ChatView]):
    """With each message all of it moves up, so everything moves, and nothing stays."""

    size_in = (WIDTH_IN, 2 * MARGIN_IN + HEAD_IN + LEFT_OUT_IN + NEWEST * ROW_IN + FOOT_IN)

    def build(self, figure: Figure, theme: Theme) -> None:
        """An empty sheet."""
        self._paper = LivePaper(figure, theme)
        self.moving = self._paper.artists

    def update(self, view: ChatView) -> bool:
        """Draw the newest messages."""
        self._paper.wipe()
        draw_newest(self._paper, view.seen, newest=NEWEST, names=view.people, away=view.away)
        self._paper.finish()
        return False
