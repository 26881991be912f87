"""The leaderboard live: a client of the stream behind Pushpin, and a prompt for SQL beside it."""

import asyncio
import json
import threading
from collections.abc import Callable
from dataclasses import dataclass, replace

import ipywidgets
from matplotlib.figure import Figure

from realtime_kit.clients import StreamingClient
from realtime_kit.plots.style import BODY_PT, SMALL_PT, Theme
from realtime_kit.plots.widgets import Board
from realtime_kit.plots.widgets.bars import Bars
from realtime_kit.plots.widgets.controls import button
from realtime_kit.plots.widgets.lettering import Lettering, Word
from realtime_kit.plots.widgets.page import DataTable
from realtime_kit.plots.widgets.paper import add_axes, head
from realtime_kit.plots.widgets.scale import round_up
from realtime_kit.plots.widgets.scene import Scene

ROWS = 5
LONGEST_S = 600.0
"""A board that is forgotten stops listening after ten minutes."""


@dataclass(frozen=True)
class LiveView:
    """The board as the stream has told it last.

    Attributes:
        players: Names and scores, the best first.
        before: The players of the event before.
        version: The event's id: the position of the change that made it so.
        events: How many events have come.
    """

    players: tuple[tuple[str, int], ...] = ()
    before: tuple[tuple[str, int], ...] = ()
    version: str = ""
    events: int = 0

    def after(self, data: str, version: str) -> "LiveView":
        """With one more event."""
        players = tuple((each["name"], each["score"]) for each in json.loads(data))
        return LiveView(players, self.players, version, self.events + 1)

    def how(self, name: str) -> str:
        """What the last event did to a player, in words; nothing for who stayed the same."""
        ranks = [[name for name, _ in players] for players in (self.before, self.players)]
        if not self.before or (name in ranks[0] and dict(self.before)[name] == dict(self.players)[name]):
            return ""
        if name not in ranks[0]:
            return "new"
        places = ranks[0].index(name) - ranks[1].index(name)
        return f"{'up' if places > 0 else 'down'} {abs(places)}" if places else "changed"


class LiveScene(Scene[LiveView]):
    """A bar for each player; beside it the score, and what the last event did."""

    size_in = (9.4, 3.0)

    def build(self, figure: Figure, theme: Theme) -> None:
        self._axes = add_axes(figure, (1.6, 0.3, 5.9, 2.0), theme)
        self._theme = theme
        self._top = 0.0
        head(self._axes, "The best five", "score; as the client behind Pushpin has it", theme, left_pt=90)
        self._axes.grid(False, axis="y")
        self._axes.set_yticks([])
        self._axes.set_ylim(ROWS - 0.5, -0.5)
        self._bars = Bars(self._axes, range(ROWS), [theme.colour("streaming")] * ROWS, thick=0.62)
        self._words = Lettering(self._axes)
        self.moving = [self._bars, self._words]

    def update(self, view: LiveView) -> bool:
        scores = [max(0, score) for _, score in view.players]
        self._bars.grow([*scores, *[0] * (ROWS - len(scores))])
        top = round_up(max([10, *scores]))
        changed, self._top = top != self._top, top
        if changed:
            self._axes.set_xlim(0, top)
        self._words.write(
            word for row, player in enumerate(view.players) for word in self._row(view, row, *player)
        )
        return changed

    def _row(self, view: LiveView, row: int, name: str, score: int) -> list[Word]:
        theme, size = self._theme, BODY_PT
        shown = name if len(name) <= 12 else f"{name[:11]}…"
        words = [
            Word(shown, 0, row, theme.text, size, bold=True, right_pt=-10, align=1.0),
            Word(f"{score:,}", max(0, score), row, theme.text, size, right_pt=8),
        ]
        if how := view.how(name):
            words.append(Word(how, self._top, row, theme.muted, SMALL_PT, right_pt=62))
        return words


class LiveBoard(Board[LiveView, LiveView]):
    """Listens to the stream, and shows the board as it comes; `sql` or the prompt writes to the table.

    Args:
        url: Address of the leaderboard.
        sql: Runs a statement in a process of its own.
        theme: Colours; None follows the notebook's.
    """

    start_words, start_why = "Listen", "Open the stream, and follow the board"

    def __init__(self, url: object, sql: Callable[[str], object], *, theme: Theme | None = None) -> None:
        self._url = str(url)
        self._sql = sql
        self._prompt = ipywidgets.Text(
            description="SQL",
            tooltip="A statement for the table players (name, score)",
            placeholder="UPDATE players SET score = score + 5 WHERE name = 'Ada'",
            layout={"width": "44em"},
        )
        run = button("Run", "Run the statement in a process of its own", self._run_what_is_typed)
        super().__init__(
            title="The board behind the changefeed",
            lead="Nobody in the web code publishes: a statement changes the table, the feed tells, the board moves.",
            describe="Bars with the scores of the best players. The table below has the same numbers.",
            first=LiveView(),
            controls=[ipywidgets.HBox([self._prompt, run])],
            theme=theme,
        )

    def sql(self, statement: str) -> None:
        """Run a statement; returns when it is committed. Raises what the prompt says if it is refused."""
        self._sql(statement)

    @property
    def players(self) -> tuple[tuple[str, int], ...]:
        """Names and scores as they are shown, the best first."""
        return self._view.players

    def _run_what_is_typed(self) -> None:
        statement, self._prompt.value = self._prompt.value, ""
        threading.Thread(target=self._try, args=(statement,), name="realtime_kit sql", daemon=True).start()

    def _try(self, statement: str) -> None:
        try:
            self.sql(statement)
        except Exception as error:  # noqa: BLE001 - whoever typed it is told
            self._say(str(error), wrong=True)
            self._show()

    def _make_scene(self) -> LiveScene:
        return LiveScene()

    async def _measure(self, stop: asyncio.Event) -> LiveView:
        self._change(lambda view: replace(view, events=0))
        async with StreamingClient(self._url) as client:
            listening = asyncio.create_task(self._listen(client))
            ended = asyncio.create_task(stop.wait())
            try:
                await asyncio.wait((listening, ended), timeout=LONGEST_S, return_when=asyncio.FIRST_COMPLETED)
                if listening.done():
                    listening.result()
            finally:
                for task in (listening, ended):
                    task.cancel()
                await asyncio.gather(listening, ended, return_exceptions=True)
        return self._view

    async def _listen(self, client: StreamingClient) -> None:
        async for receipt in client:
            data, version = receipt.event.data, receipt.event.id
            self._say(f"Listening. The board is that of change {version}.")
            self._change(lambda view, data=data, version=version: view.after(data, version))

    def _finished(self, outcome: LiveView) -> str:
        return f"Not listening any more; {outcome.events:,} events have come."

    def _table(self, view: LiveView) -> DataTable:
        rows = [
            (str(rank), name, f"{score:,}", view.how(name))
            for rank, (name, score) in enumerate(view.players, 1)
        ] or [("", "nobody yet", "", "")]
        headings = (
            ("rank", "the best first"),
            ("player", "the primary key"),
            ("score", "as the last event told it"),
            ("last event", "what it did to this player"),
        )
        return DataTable("The board now", headings, rows, words=["player", "last event"])
