"""A picture that follows what is measured: one thread draws it, and sends it to the browser."""

from __future__ import annotations

import atexit
import logging
import threading
from collections import deque
from collections.abc import Callable
from dataclasses import dataclass
from typing import Generic

import ipywidgets
import numpy as np
from matplotlib.figure import Figure

from realtime_kit.plots.style import LIGHT, Theme
from realtime_kit.plots.widgets.frames import Frames, still_png
from realtime_kit.plots.widgets.life import close_widgets
from realtime_kit.plots.widgets.pace import Clock, Pace
from realtime_kit.plots.widgets.scene import MakeScene, View
from realtime_kit.plots.widgets.updates import Updates

LINGER_S = 30.0
"""A thread with nothing to draw ends after this. The next has to load the type anew, so not at once."""

_REMEMBERED = 1000
_log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class FrameCost:
    """What the latest 1,000 frames of a picture took; the first, which loads the type, is left out.

    Attributes:
        frames: How many they are.
        median_s: Median time to draw and encode one, seconds.
        p99_s: 99th percentile of it.
        median_bytes: Median size of one, bytes.
    """

    frames: int
    median_s: float
    p99_s: float
    median_bytes: int


class LivePicture(Generic[View]):
    """Draws views as they come, four times a second at most; of several that come meanwhile the latest.

    The thread sleeps while nothing changes, and ends when that lasts. An error in drawing is kept in `error`
    and handed to `beside`; the next view is drawn as if nothing had happened.

    Args:
        make_scene: Gives the scene that draws a view.
        theme: Colours.
        beside: Called by the drawing thread after each frame with the view and what updates widgets, for the
            texts that belong to the picture.
        finale: Gives the figure to show instead of the scene's, or None.
        clock: Where the time comes from.

    Attributes:
        widget: The picture in the notebook.
        error: What went wrong when the latest view was drawn, if anything did.
        pace: How often it is drawn.
    """

    def __init__(
        self,
        make_scene: MakeScene[View],
        *,
        theme: Theme = LIGHT,
        beside: Callable[[View, Updates], None] = lambda _view, _updates: None,
        finale: Callable[[View, Theme], Figure | None] = lambda _view, _theme: None,
        clock: Clock | None = None,
    ) -> None:
        # A tooltip would be its name for screen readers, but ipywidgets 8.1 shows no image that has one.
        self.widget = ipywidgets.Image(format="png", layout={"max_width": "100%"})
        self.error: Exception | None = None
        self.pace = Pace()
        self._make_scene = make_scene
        self._theme = theme
        self._beside = beside
        self._finale = finale
        self._clock = clock or Clock()
        self._updates = Updates(self._clock)
        self._changed = threading.Condition()
        self._thread: threading.Thread | None = None
        self._views: deque[View] = deque(maxlen=1)
        self._frames: tuple[Theme, Frames[View]] | None = None
        self._drawn: tuple[View, Theme] | None = None
        self._costs: deque[tuple[float, int]] = deque(maxlen=_REMEMBERED)
        self._busy = False
        self._closed = False
        # A thread that is drawing when the interpreter goes away would take the process down with a crash.
        atexit.register(self._end_thread)

    # From any thread

    def show(self, view: View) -> None:
        """Let this view be drawn soon, if no later one comes in between. After `close` it does nothing."""
        with self._changed:
            if self._closed:
                return
            self._views.append(view)
            if self._thread is None:
                self._thread = threading.Thread(target=self._run, name="realtime_kit picture", daemon=True)
                self._thread.start()
            self._changed.notify_all()

    @property
    def theme(self) -> Theme:
        """Colours; what is shown after a change has the new ones."""
        return self._theme

    @theme.setter
    def theme(self, theme: Theme) -> None:
        self._theme = theme

    @property
    def cost(self) -> FrameCost:
        """What the frames took until now."""
        costs = list(self._costs) or [(0.0, 0)]
        took, sizes = np.array([each[0] for each in costs]), [each[1] for each in costs]
        return FrameCost(
            frames=len(self._costs),
            median_s=float(np.median(took)),
            p99_s=float(np.quantile(took, 0.99, method="inverted_cdf")),
            median_bytes=int(np.median(sizes)),
        )

    def settle(self, timeout_s: float = 10.0) -> bool:
        """Wait until what was shown last has been drawn and sent; whether that was so in time."""
        with self._changed:
            return self._changed.wait_for(lambda: not (self._busy or self._views), timeout_s)

    def close(self) -> None:
        """End the thread and remove the picture. May be called again."""
        self._end_thread()
        atexit.unregister(self._end_thread)
        close_widgets(self.widget)

    def _end_thread(self) -> None:
        with self._changed:
            self._closed = True
            self._views.clear()
            thread = self._thread
            self._changed.notify_all()
        if thread is not None:
            thread.join()

    # The drawing thread

    def _run(self) -> None:
        while self._next():
            try:
                self._draw()
                self._updates.flush()
            except Exception:  # noqa: BLE001 - a widget that cannot be updated has no other way to say so
                _log.exception("a live picture cannot reach its widgets")

    def _next(self) -> bool:
        """Wait for something to do; False when the thread is to end."""
        with self._changed:
            self._busy = self._updates.due_s() is not None
            self._changed.notify_all()
            lingers_until_s = self._clock.now_s() + LINGER_S
            while not self._closed:
                now_s = self._clock.now_s()
                due = [self._updates.due_s(), self.pace.due_s() if self._views else None]
                due_s = min((each for each in due if each is not None), default=lingers_until_s)
                if due_s <= now_s:
                    break
                self._clock.wait(self._changed, due_s - now_s)
            self._busy = bool(self._views) or self._updates.due_s() is not None
            if self._closed or not self._busy:
                self._thread = None
                self._busy = False
            return self._busy

    def _draw(self) -> None:
        with self._changed:
            if not self._views or self.pace.due_s() > self._clock.now_s():
                return  # only texts are waiting
            view, theme = self._views.pop(), self._theme
        if self._drawn is None or self._drawn[0] is not view or self._drawn[1] is not theme:
            self._draw_frame(view, theme)
        self._beside(view, self._updates)

    def _draw_frame(self, view: View, theme: Theme) -> None:
        begun_s = self._clock.now_s()
        self.pace.begin(begun_s)
        try:
            png, prepared = self._png(view, theme)
        except Exception as error:  # noqa: BLE001 - whatever a scene raises, the thread goes on and the board says it
            self.error = error
            return
        self.error = None
        self._drawn = view, theme
        self._updates.put(self.widget, value=png)
        if prepared:
            cost_s = self._clock.now_s() - begun_s
            self.pace.took(cost_s)
            self._costs.append((cost_s, len(png)))

    def _png(self, view: View, theme: Theme) -> tuple[bytes, bool]:
        """A frame, and whether it was one of many rather than one that had to be prepared first."""
        finale = self._finale(view, theme)
        if finale is not None:
            return still_png(finale, theme), False
        prepared = self._frames is not None and self._frames[0] is theme
        if self._frames is None or not prepared:
            self._frames = theme, Frames(self._make_scene, theme)
        return self._frames[1].png(view), prepared
