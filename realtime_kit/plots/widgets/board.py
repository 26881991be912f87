"""The frame of every dashboard: a live picture, its controls, one line of status and a table of the same numbers."""

from __future__ import annotations

import asyncio
import atexit
import threading
from abc import ABC, abstractmethod
from collections.abc import Callable, Coroutine, Generator, Sequence
from typing import Any, Generic, Protocol, Self, TypeVar, cast

import ipywidgets
from matplotlib.figure import Figure

from realtime_kit import background, cell
from realtime_kit.errors import RealtimeKitError, UsageError
from realtime_kit.measurements.progress import Progress
from realtime_kit.plots.style import DARK, LIGHT, Theme
from realtime_kit.plots.widgets.controls import button
from realtime_kit.plots.widgets.frames import still_figure
from realtime_kit.plots.widgets.life import close_widgets
from realtime_kit.plots.widgets.live_picture import LivePicture
from realtime_kit.plots.widgets.page import status_html, title_html
from realtime_kit.plots.widgets.page_side import page_side
from realtime_kit.plots.widgets.scene import Scene, View
from realtime_kit.plots.widgets.updates import Updates
from realtime_kit.plots.widgets.work import Work

Outcome = TypeVar("Outcome")

_END_S = 15.0
"""How long closing waits for a measurement that was cancelled: longer than a Pushpin takes to stop."""


class Tabular(Protocol):
    """A table that prints itself and shows itself in a notebook."""

    def _repr_html_(self) -> str: ...


class Board(ABC, Generic[View, Outcome]):
    """A dashboard in a notebook. Everything its buttons do can be called as well, and works without a browser.

    Run again, a cell closes the board that it made before. A board measures only between `start` and the end
    of its measurement, which it knows beforehand; `close` ends all of it, and so does the end of the kernel.

    Args:
        title: What it is called.
        lead: What there is to see, in a sentence or two.
        describe: What the picture shows, for those who cannot see it.
        first: What it shows before anything is measured.
        controls: Widgets above the picture, beside the buttons.
        theme: Colours; None follows the notebook's, and is light where these are unknown.
    """

    start_words, start_why = "Start", "Measure, with what is set here"

    def __init__(
        self,
        *,
        title: str,
        lead: str,
        describe: str,
        first: View,
        controls: Sequence[ipywidgets.Widget] = (),
        theme: Theme | None = None,
    ) -> None:
        cell.replace_by(self.close)
        self._lock = threading.RLock()
        self._view = first
        self._work: Work[Outcome] | None = None
        self._closing = False
        self._closed = threading.Event()
        self._said, self._wrong = "Ready.", False
        self._title = title
        self.picture: LivePicture[View] = LivePicture(
            self._make_scene,
            theme=theme or LIGHT,
            beside=self._write_beside,
            finale=self._finale,
        )
        self._make_widgets(title_html(title, lead), controls, describe, follow_page=theme is None)
        atexit.register(self._at_exit)
        self.picture.show(first)

    def _make_widgets(
        self, head: str, controls: Sequence[ipywidgets.Widget], describe: str, *, follow_page: bool
    ) -> None:
        self._start = button(self.start_words, self.start_why, self.start)
        self._stop = button("Stop", "End early, and keep what has been measured", self.stop, disabled=True)
        self._close = button("Close", "End everything, and remove this board", self._close_soon)
        self._status = ipywidgets.HTML(status_html(self._said))
        self._data = ipywidgets.HTML(self._table(self._view)._repr_html_())
        buttons = ipywidgets.HBox([self._start, self._stop, self._close])
        parts = [ipywidgets.HTML(head), *controls, buttons, self._status, self.picture.widget, self._data]
        follow = self._follow_page if follow_page else lambda _: None
        parts += page_side(describe, follow)
        self.widget = ipywidgets.VBox(parts)
        self.widget.add_class("rtk-board")

    # What each kind of board is made of

    @abstractmethod
    def _make_scene(self) -> Scene[View]:
        """What draws its views."""

    @abstractmethod
    def _table(self, view: View) -> Tabular:
        """The numbers of a view."""

    @abstractmethod
    def _measure(self, stop: asyncio.Event) -> Coroutine[Any, Any, Outcome]:
        """What `start` starts, on the kit's loop; it ends early when the event is set."""

    def _finished(self, outcome: Outcome) -> str:
        """Keep what was measured, and say in a sentence what there is to know."""
        del outcome
        return "Done."

    def _finale(self, view: View, theme: Theme) -> Figure | None:
        """A figure to show instead of the scene's, if there is one for this view."""
        del view, theme
        return None

    # What a button does, and what can be called

    def start(self) -> Self:
        """Begin to measure, and return at once. While a measurement is going on this does nothing.

        Raises:
            UsageError: if the board is closed.
        """
        with self._lock:
            if self._closing:
                raise UsageError("this board is closed: run its cell again for a new one")
            if not self.running:
                self._say("Starting.")
                self._work = Work(self._measure, on_end=self._ended)
        self._show()
        return self

    def stop(self) -> None:
        """End the measurement early and keep what it has; if there is none this does nothing."""
        if self._work is not None:
            self._work.stop()

    def wait(self) -> Outcome:
        """Wait for the measurement's end, and give its result.

        An interrupt ends it early; another one discards it.

        Raises:
            UsageError: if it was not started.
            KeyboardInterrupt: if it was interrupted twice.
            Exception: what went wrong, if something did.
        """
        work = self._started()
        try:
            try:
                return background.outcome(work.finished)
            except KeyboardInterrupt:
                work.stop()
                return background.outcome(work.finished)
        except KeyboardInterrupt:
            work.cancel()
            raise

    def __await__(self) -> Generator[Any, None, Outcome]:
        """Like `wait`, for cells and coroutines that go on listening to the buttons meanwhile."""
        return self._wait().__await__()

    async def _wait(self) -> Outcome:
        work = self._started()
        try:
            return await asyncio.shield(asyncio.wrap_future(work.finished))
        except asyncio.CancelledError:
            work.stop()
            raise

    def close(self) -> None:
        """End the measurement, the thread and the widgets. May be called again, from any thread."""
        with self._lock:
            first, self._closing = not self._closing, True
        if not first:
            self._closed.wait(_END_S)
            return
        try:
            self._end_measurement()
            self.picture.close()
            close_widgets(self.widget)
        finally:
            atexit.unregister(self._at_exit)
            cell.forget(self.close)
            self._closed.set()

    @property
    def running(self) -> bool:
        """Whether a measurement is going on."""
        return self._work is not None and self._work.running

    @property
    def status(self) -> str:
        """What the status line says."""
        return self._said

    @property
    def theme(self) -> Theme:
        """Colours of the picture; can be changed."""
        return self.picture.theme

    @theme.setter
    def theme(self, theme: Theme) -> None:
        self.picture.theme = theme
        self._show()

    def figure(self) -> Figure:
        """What the picture shows now, as a figure to keep."""
        view, theme = self._view, self.theme
        return self._finale(view, theme) or still_figure(self._make_scene, view, theme)

    def table(self) -> Tabular:
        """The numbers of the picture, as they are now."""
        return self._table(self._view)

    # Behind the buttons

    def _started(self) -> Work[Outcome]:
        if self._work is None:
            raise UsageError("nothing has been started on this board: call start() first")
        return self._work

    def _show(self) -> None:
        """Let the picture and what stands beside it follow."""
        self.picture.show(self._view)

    def _change(self, change: Callable[[View], View]) -> None:
        """Replace the view by one made from it; from any thread."""
        with self._lock:
            self._view = change(self._view)
            self.picture.show(self._view)

    def _say(self, text: str, *, wrong: bool = False) -> None:
        """What the status line says from now on; shown with the next view."""
        self._said, self._wrong = text, wrong

    def _say_phase(self, progress: Progress) -> None:
        """What a measurement is doing."""
        self._say(f"{progress.phase[:1].upper()}{progress.phase[1:]} …")

    def _soon(self, act: Callable[[], object]) -> None:
        """Do what waits on a thread of its own, because no thread of the kernel's may; what went wrong is said."""

        def run() -> None:
            try:
                act()
            except RealtimeKitError as error:
                self._say(str(error), wrong=True)
                self._show()

        threading.Thread(target=run, name="realtime_kit press", daemon=True).start()

    def _ended(self, outcome: Outcome | None, error: BaseException | None) -> None:
        """The measurement has ended; on its own thread."""
        if error is None:
            self._say(self._finished(cast("Outcome", outcome)))
        elif isinstance(error, asyncio.CancelledError):
            self._say("Ended, and nothing was kept.")
        elif isinstance(error, RealtimeKitError):
            self._say(str(error), wrong=True)
        else:
            self._say(f"{type(error).__name__}: {error}", wrong=True)
        self._show()

    def _write_beside(self, view: View, updates: Updates) -> None:
        """Let buttons, status and table follow; on the picture's thread."""
        said, wrong = self._said, self._wrong
        running = self.running
        try:
            updates.put(self._data, value=self._table(view)._repr_html_())
        except Exception as error:  # noqa: BLE001 - it is said in the status line, like an error of the picture
            said, wrong = f"The table cannot be made ({type(error).__name__}: {error}).", True
        if (trouble := self.picture.error) is not None:
            said, wrong = f"The picture cannot be drawn ({type(trouble).__name__}: {trouble}).", True
        updates.put(self._status, value=status_html(said, wrong=wrong))
        updates.put(self._start, disabled=running)
        updates.put(self._stop, disabled=not running)

    def _follow_page(self, dark: bool) -> None:
        self.theme = DARK if dark else LIGHT

    def _close_soon(self) -> None:
        # Closing waits for a measurement to end, which no thread of the kernel's may do.
        self._say("Closing.")
        self._show()
        threading.Thread(target=self.close, name="realtime_kit closing", daemon=True).start()

    def _end_measurement(self) -> None:
        if self._work is not None:
            self._work.cancel()
            self._work.join(_END_S)

    def _at_exit(self) -> None:
        self._closing = True  # the way to the browser is closed already
        self._end_measurement()

    # In a notebook

    def _repr_mimebundle_(self, include: Any = None, exclude: Any = None) -> dict[str, Any]:
        del include, exclude
        bundle: dict[str, Any] = {"text/plain": repr(self), "text/html": self.table()._repr_html_()}
        if not self._closing:
            bundle |= self.widget._repr_mimebundle_()
        return bundle | {"text/plain": repr(self)}

    def __repr__(self) -> str:
        state = "closed" if self._closing else "running" if self.running else "not running"
        return f"<{type(self).__name__}, {state}: {self.status}>"
