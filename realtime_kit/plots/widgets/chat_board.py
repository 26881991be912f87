"""The chat board: a room to talk in, and what its WebSockets become behind Pushpin."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Sequence
from typing import Protocol, Self

import ipywidgets

from realtime_kit import background
from realtime_kit.errors import UsageError
from realtime_kit.plots.sequence_rows import sequence_rows
from realtime_kit.plots.sequence_table import HEADINGS, cells
from realtime_kit.plots.style import Theme
from realtime_kit.plots.widgets.board import Board, Tabular
from realtime_kit.plots.widgets.chat_scene import NEWEST, ChatScene
from realtime_kit.plots.widgets.chat_view import ChatView, Said, room_html
from realtime_kit.plots.widgets.controls import button
from realtime_kit.plots.widgets.page import DataTable
from realtime_kit.plots.widgets.updates import Updates

ReportChat = Callable[[ChatView], object]

HEARD_WITHIN_S = 45.0
"""How long a message may take to everybody: longer than Pushpin goes on trying to reach a backend."""

AWAY_S = 3.0
"""How long a restarted backend stays away: long enough to say something meanwhile."""


class Room(Protocol):
    """A chat from its opening to its end. All of it happens on the kit's loop."""

    async def run(self, report: ReportChat, stop: asyncio.Event) -> ChatView:
        """Let everybody in, and report what happens until the event is set or the time is up."""

    async def say(self, who: str, text: str, timeout_s: float) -> None:
        """Say something; returns when everybody has heard it. Waits for the room to open."""

    async def restart_backend(self, away_s: float, meanwhile: tuple[str, str] | None) -> None:
        """Take the backend away for some seconds, in which somebody may speak. Waits for the room to open."""


class ChatBoard(Board[ChatView, ChatView]):
    """A text field for each person, what was said, and the newest messages on the wires.

    `start` lets everybody in and returns at once. `say` and `restart_backend` wait until they are.

    Args:
        make_room: Makes the room of each start.
        people: Who is in it.
        theme: Colours; None follows the notebook's.
    """

    start_words, start_why = "Open the room", "Start Pushpin and the backend, and let everybody in"

    def __init__(
        self, make_room: Callable[[], Room], *, people: Sequence[str], theme: Theme | None = None
    ) -> None:
        self._make_room = make_room
        self._room: Room | None = None
        self._people = tuple(people)
        self._fields = {who: self._field(who) for who in self._people}
        self._speak = {who: self._say_button(who) for who in self._people}
        self._restart = button(
            "Restart the backend",
            f"Stop the application, and start it again after {AWAY_S:g} s; Pushpin and everybody's connection stay",
            lambda: self._soon(self.restart_backend),
            disabled=True,
        )
        self._restart.layout.width = "max-content"
        self._log = ipywidgets.HTML(room_html(()))
        rows = [ipywidgets.HBox([self._fields[who], self._speak[who]]) for who in self._people]
        super().__init__(
            title="A room with a window",
            lead="Say something, and see it cross the wires: a WebSocket message on one side of Pushpin, "
            "an HTTP request on the other. The backend is called origin there, as it is to Pushpin.",
            describe="A sequence diagram of the newest messages between people, Pushpin, the backend and the "
            "publisher. The table below has the same messages.",
            first=ChatView(self._people),
            controls=[*rows, self._restart, self._log],
            theme=theme,
        )

    def _field(self, who: str) -> ipywidgets.Text:
        return ipywidgets.Text(
            description=who,
            tooltip=f"What {who} says next",
            placeholder="something to say",
            style={"description_width": "6em"},
        )

    def _say_button(self, who: str) -> ipywidgets.Button:
        return button(
            "Say", f"Send it on {who}'s WebSocket", lambda: self._say_what_is_typed(who), disabled=True
        )

    # What a button does, and what can be called

    def start(self) -> Self:
        """Open the room, for ten minutes at most, and return at once. While it is open this does nothing.

        Raises:
            UsageError: if the board is closed.
        """
        with self._lock:
            if not self.running:
                self._room = self._make_room()
            return super().start()

    def say(self, who: str, text: str, *, timeout_s: float = HEARD_WITHIN_S) -> None:
        """Say something, and return when it has come back to everybody.

        Args:
            who: One of the people.
            text: What to say, not empty.
            timeout_s: Longest wait, seconds.

        Raises:
            UsageError: if the room is not open, or nobody is called so, or there is nothing to say.
            ClientError: if it has not come back in time, or the room was closed meanwhile.
        """
        background.run(self._open_room().say(who, text, timeout_s))

    def restart_backend(self, away_s: float = AWAY_S, *, meanwhile: tuple[str, str] | None = None) -> None:
        """Take the backend away, bring it back, and return then. Nobody's connection ends.

        Args:
            away_s: How long it stays away, seconds; what is said meanwhile is heard afterwards.
            meanwhile: Who says what while it is away, such as `("Ben", "hello?")`; this then returns when
                everybody has heard it.

        Raises:
            UsageError: if the room is not open, or Pushpin would not wait that long, or what is to be said cannot be.
            ClientError: if the room was closed meanwhile.
        """
        background.run(self._open_room().restart_backend(away_s, meanwhile))

    @property
    def messages(self) -> tuple[Said, ...]:
        """What everybody has heard, in the order in which it was said."""
        return self._view.heard

    # Behind the buttons

    def _open_room(self) -> Room:
        if self._room is None or not self.running:
            raise UsageError("nobody is in the room: call start() first")
        return self._room

    def _say_what_is_typed(self, who: str) -> None:
        text, self._fields[who].value = self._fields[who].value, ""
        self._soon(lambda: self.say(who, text))

    # What a board is made of

    def _make_scene(self) -> ChatScene:
        return ChatScene()

    async def _measure(self, stop: asyncio.Event) -> ChatView:
        assert self._room is not None  # noqa: S101 - for the type checker; start() has made it
        return await self._room.run(self._seen, stop)

    def _seen(self, view: ChatView) -> None:
        if view.phase != self._view.phase:
            self._say(view.phase)
        self._change(lambda _: view)

    def _finished(self, outcome: ChatView) -> str:
        self._change(lambda _: outcome)
        return f"The room is closed. {_count(len(outcome.heard), 'message')} reached everybody."

    def _write_beside(self, view: ChatView, updates: Updates) -> None:
        super()._write_beside(view, updates)
        updates.put(self._log, value=room_html(view.said))
        for each in (*self._speak.values(), self._restart):
            updates.put(each, disabled=not (view.is_open and self.running))

    def _table(self, view: ChatView) -> Tabular:
        rows = [cells(row) for row in sequence_rows(view.seen, newest=NEWEST, names=view.people).rows]
        entered, told = view.asked
        note = (
            f"{_count(len(view.said), 'message')} to the room. The backend has seen "
            f"{_count(entered + told, 'request')}: {entered:,} to let somebody in, "
            f"{told:,} for what came on a WebSocket."
        )
        if view.dropped:
            note += " That is counted in the newest messages on the wires; earlier ones are forgotten."
        return DataTable(
            "The newest messages on the wires", HEADINGS, rows, [note], words=["who", "what", "details"]
        )


def _count(count: int, name: str) -> str:
    return f"{count:,} {name}{'' if count == 1 else 's'}"
