"""The wall as a board: a fan-out, and then its pushes shown slowly."""

from __future__ import annotations

import asyncio
import contextlib
import time
from collections.abc import Callable, Coroutine
from dataclasses import replace
from typing import Any

from realtime_kit.errors import UsageError
from realtime_kit.measurements.fanout import FanoutRun
from realtime_kit.numbers import check_number
from realtime_kit.plots.style import Theme
from realtime_kit.plots.widgets.board import Board, Tabular
from realtime_kit.plots.widgets.page import DataTable
from realtime_kit.plots.widgets.wall_scene import WallScene
from realtime_kit.plots.widgets.wall_view import Audience, WallView, last_s
from realtime_kit.plots.words import format_rate, format_seconds

StartFanout = Callable[[Callable[[str], None], asyncio.Event], Coroutine[Any, Any, FanoutRun]]
"""Runs a fan-out on the kit's loop; it tells its phases, and ends early when the event is set."""

REPLAY_S = 3.0
_STEP_S = 0.2
_HEADINGS = (
    ("push", "which, one after the other"),
    ("reached", "clients that got it"),
    ("lost", "clients that never did"),
    ("half by", "when half of the clients had it"),
    ("99 % by", "when all but one in a hundred had it"),
    ("last", "when the last client had it"),
    ("a second", "clients reached, divided by the time until the last was"),
    ("τ", "time a delivery takes, by the line kτ that is nearest to the curve"),
)


class FanoutWall(Board[WallView, FanoutRun]):
    """Every client of a fan-out as a dot.

    Nothing is drawn while a push is measured: drawing would take the processor from it. Afterwards each push is shown
    from its receipts, slowly enough to be seen.

    Args:
        start: Runs the fan-out.
        audience: Who is to be reached.
        replay_s: For how long each push is shown, seconds, 0 to 60; 0 goes to the end at once.
        theme: Colours; None follows the notebook's.
    """

    start_words, start_why = "Push", "Start Pushpin and the clients, and push to all of them"

    def __init__(
        self,
        start: StartFanout,
        audience: Audience,
        *,
        replay_s: float = REPLAY_S,
        theme: Theme | None = None,
    ) -> None:
        check_number("replay_s", replay_s)
        if not 0 <= replay_s <= 60:
            message = f"replay_s is {replay_s:g}: allowed is 0 to 60"
            raise UsageError(message)
        self._start_fanout = start
        self._audience = audience
        self._replay_s = replay_s
        through = "one Pushpin" if audience.instances == 1 else f"{audience.instances} Pushpins"
        super().__init__(
            title="The wall",
            lead=f"{audience.clients:,} clients of {through} wait for the same event. Each is a dot, and lights when "
            "the event reaches it. What is measured is shown afterwards, slowly: drawing would disturb it.",
            describe="A dot for each client, lit when it was reached, and the number of clients reached against time. "
            "The table below has the same numbers.",
            first=WallView(audience),
            theme=theme,
        )

    @property
    def run(self) -> FanoutRun | None:
        """The finished fan-out; None while there is none."""
        return self._view.run

    def _make_scene(self) -> WallScene:
        return WallScene(self._audience)

    async def _measure(self, stop: asyncio.Event) -> FanoutRun:
        self._change(lambda _: WallView(self._audience))
        run = await self._start_fanout(self._tell, stop)
        for push in run.results:
            end_s = last_s(push)
            view = replace(self._view, run=run, number=push.number, passed_s=0.0)
            self._say(f"Showing push {push.number} of {len(run.results)} …")
            await self._replay(view, end_s, stop)
        return run

    async def _replay(self, view: WallView, end_s: float, stop: asyncio.Event) -> None:
        """Show one push from its beginning to its end."""
        slowed = self._replay_s / end_s if end_s else 0.0
        begun_s = time.monotonic()
        while slowed > 1 and not stop.is_set():
            passed_s = (time.monotonic() - begun_s) / slowed
            if passed_s >= end_s:
                break
            shown = replace(view, passed_s=passed_s, slowed=slowed)
            self._change(lambda _, shown=shown: shown)  # type: ignore[misc]
            with contextlib.suppress(TimeoutError):
                await asyncio.wait_for(stop.wait(), _STEP_S)
        self._change(lambda _: replace(view, passed_s=end_s, slowed=1.0))

    def _tell(self, phase: str) -> None:
        self._say(f"{phase[:1].upper()}{phase[1:]} …")
        self._show()

    def _finished(self, outcome: FanoutRun) -> str:
        if not outcome.results:
            return "Stopped before anything was measured."
        flags = dict.fromkeys(flag.name for push in outcome.results for flag in push.verdict.flags)
        if flags:
            return f"Done. Verdict: not to be trusted as it is, for {', '.join(flags)}."
        return "Done. Verdict: trustworthy."

    def _table(self, view: WallView) -> Tabular:
        pushes = view.run.results if view.run is not None else ()
        rows = [
            (
                str(push.number),
                f"{push.ledger.received:,}",
                f"{push.ledger.lost:,}",
                *(format_seconds(each) for each in (push.latency.p50, push.latency.p99, push.latency.max)),
                format_rate(push.deliveries_per_s),
                format_seconds(push.per_delivery_s),
            )
            for push in pushes
        ]
        rows = rows or [("none yet", *[""] * (len(_HEADINGS) - 1))]
        flags = {flag.name: str(flag) for push in pushes for flag in push.verdict.flags}  # one of each kind
        caption = f"Pushes to {self._audience.clients:,} clients"
        return DataTable(caption, _HEADINGS, rows, list(flags.values()))
