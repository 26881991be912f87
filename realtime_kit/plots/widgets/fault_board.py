"""The fault board: press a fault, and watch the ledger."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from types import MappingProxyType
from typing import Protocol, Self

import ipywidgets
from matplotlib.figure import Figure

from realtime_kit import background
from realtime_kit.errors import UsageError
from realtime_kit.measurements.fault_ledger import FaultLedger
from realtime_kit.measurements.fault_run import RECOVERING
from realtime_kit.plots.style import Theme
from realtime_kit.plots.widgets.board import Board, Tabular
from realtime_kit.plots.widgets.controls import button
from realtime_kit.plots.widgets.fault_scene import FaultScene
from realtime_kit.plots.widgets.fault_view import FaultView
from realtime_kit.plots.widgets.frames import still_figure
from realtime_kit.plots.widgets.page import STYLE, DataTable
from realtime_kit.plots.widgets.updates import Updates
from realtime_kit.plots.words import format_seconds

ReportFaults = Callable[[FaultView], object]

FAULT_S = 4.0
"""How long something that was pressed stays broken: about half of a next link's silence, and four polls."""

_HEADINGS = (
    ("transport", "whose clients"),
    ("owed", "deliveries: clients × events"),
    ("usual way", "came as the transport usually does it, in time or late"),
    ("link", "Pushpin has read the next link"),
    ("reconnect", "came out of history, on a younger connection"),
    ("poll", "was never published, and a long-poll asked for it"),
    ("missing", "has not come; at the end it is lost"),
    ("late", "of what came, more than 0.5 s after it was due; for polling more than 1 s"),
    ("twice", "further receipts of what had come"),
    ("out of order", "came after a later one"),
)


class Desk(Protocol):
    """What can be broken, from one start to its end. All of it happens on the kit's loop."""

    async def run(self, report: ReportFaults, stop: asyncio.Event) -> FaultView:
        """Let events happen, and report what becomes of them until the event is set or the time is up."""

    async def press(self, fault: str, seconds: float) -> None:
        """Break something, and mend it. Waits until there is something to break."""


class FaultBoard(Board[FaultView, FaultView]):
    """A button for each fault, a strip for each transport, and the ledger.

    `start` lets events happen and returns at once. `press` breaks something, and returns when it is mended.

    Args:
        make_desk: Makes what stands behind each start.
        transports: From top to bottom.
        faults: What each fault means, by its name.
        impossible: Faults that this machine cannot have, and why, by their names.
        theme: Colours; None follows the notebook's.
    """

    start_words, start_why = "Start", "Start Pushpin, the origin and the clients, and let events happen"

    def __init__(
        self,
        make_desk: Callable[[], Desk],
        *,
        transports: Sequence[str],
        faults: Mapping[str, str],
        impossible: Mapping[str, str] = MappingProxyType({}),
        theme: Theme | None = None,
    ) -> None:
        self._make_desk = make_desk
        self._impossible = impossible
        self._desk: Desk | None = None
        self._transports = tuple(transports)
        self._faults = dict(faults)
        self._buttons = {name: self._fault_button(name) for name in faults}
        layout = {"display": "flex", "flex_flow": "row wrap"}
        super().__init__(
            title="Press a fault",
            lead="Events happen, and clients of every transport receive them. Each button breaks one thing "
            f"for {FAULT_S:g} s, and mends it. What turns from missing to recovered was found again.",
            describe="A strip for each transport with a bar for every event: low and grey came on time, higher ones "
            "late or recovered, the highest is missing. The tables below have the same numbers.",
            first=FaultView(self._transports),
            controls=[ipywidgets.Box(list(self._buttons.values()), layout=layout)],
            theme=theme,
        )

    def _fault_button(self, name: str) -> ipywidgets.Button:
        made = button(name, self._faults[name], lambda: self._soon(partial(self.press, name)), disabled=True)
        made.layout.width = "max-content"
        return made

    # What a button does, and what can be called

    def start(self) -> Self:
        """Let events happen, for two minutes at most, and return at once. While they do this does nothing.

        Raises:
            UsageError: if the board is closed.
        """
        with self._lock:
            if not self.running:
                self._desk = self._make_desk()
            return super().start()

    def press(self, fault: str, seconds: float = FAULT_S) -> None:
        """Break something, mend it, and return then.

        Args:
            fault: Its name, as on the buttons.
            seconds: How long it stays broken, 0.5 to 20 s.

        Raises:
            UsageError: if the board was not started, or there is no such fault, or one is not over yet.
            ClientError: if the board was stopped meanwhile.
        """
        if self._desk is None or not self.running:
            raise UsageError("nothing happens on this board that a fault could harm: call start() first")
        if fault in self._impossible:
            raise UsageError(self._impossible[fault])
        if fault not in self._faults:
            message = f"there is no fault {fault!r}: there are {', '.join(self._faults)}"
            raise UsageError(message)
        background.run(self._desk.press(fault, seconds))

    # What a board is made of

    def _make_scene(self) -> FaultScene:
        return FaultScene(self._transports)

    def _finale(self, view: FaultView, theme: Theme) -> Figure | None:
        """All that happened, once nothing more will."""
        if not (view.is_over and view.events):
            return None
        return still_figure(lambda: FaultScene(self._transports, course_s=view.course_s), view, theme)

    async def _measure(self, stop: asyncio.Event) -> FaultView:
        assert self._desk is not None  # noqa: S101 - for the type checker; start() has made it
        return await self._desk.run(self._seen, stop)

    def _seen(self, view: FaultView) -> None:
        if view.phase != self._view.phase:
            self._say(view.phase)
        self._change(lambda _: view)

    def _finished(self, outcome: FaultView) -> str:
        self._change(lambda _: outcome)
        return f"Over. {promise(outcome)}"

    def _write_beside(self, view: FaultView, updates: Updates) -> None:
        super()._write_beside(view, updates)
        for each in self._buttons.values():
            updates.put(each, disabled=not (view.is_ready and self.running))

    def _table(self, view: FaultView) -> Tabular:
        rows = [_row(name, view.ledger(name)) for name in view.transports]
        notes = [f"{view.events:,} events. {promise(view)}" if view.events else "Nothing has happened yet."]
        return Tables((DataTable("The ledger", _HEADINGS, rows, notes), *_matrix(view)))


@dataclass(frozen=True, slots=True)
class Tables:
    """Several tables, one beneath the other."""

    tables: tuple[DataTable, ...]

    def __str__(self) -> str:
        return "\n\n".join(map(str, self.tables))

    def _repr_html_(self) -> str:
        return STYLE + "".join(each.html() for each in self.tables)


def _row(name: str, ledger: FaultLedger) -> tuple[str, ...]:
    counts = (
        ledger.expected,
        ledger.direct,
        ledger.by_link,
        ledger.by_reconnect,
        ledger.by_poll,
        ledger.lost,
        ledger.late,
        ledger.duplicate,
        ledger.reordered,
    )
    return (name, *(f"{each:,}" for each in counts))


def _matrix(view: FaultView) -> tuple[DataTable, ...]:
    """What each press has done, if there was one."""
    if not view.presses:
        return ()
    rows = []
    for number, press in enumerate(view.presses):
        until_s = view.now_s if press.until_s is None else press.until_s
        ledgers = [view.ledger(name, number) for name in view.transports]
        cells = [f"{each.lost:,} / {each.recovered:,} / {each.late:,}" for each in ledgers]
        rows.append((f"{press.fault}, {format_seconds(until_s - press.from_s)}", *cells))
    headings = [("fault", "what was broken, and how long")]
    headings += [(name, "missing / recovered / late") for name in view.transports]
    caption = "What each fault has done until the next one: missing / recovered / late"
    return (DataTable(caption, headings, rows),)


def promise(view: FaultView) -> str:
    """Whether the transports that recover have kept their promise, in a sentence."""
    if not view.is_over:
        return "What is missing may still be on its way."
    if not set(view.transports) & set(RECOVERING):
        return "None of these transports promises to recover."
    if view.broken_promises:
        return f"Not every event once and in order: {', '.join(view.broken_promises)}."
    return "What recovers got every event, once and in order."
