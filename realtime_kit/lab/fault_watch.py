"""A fault bench to look at: events happen, something is broken, and what became of each delivery is told meanwhile."""

from __future__ import annotations

import asyncio
import contextlib
import time
from collections.abc import Callable
from dataclasses import replace
from typing import TYPE_CHECKING, Self

import numpy as np

from realtime_kit.lab.fault_bench import BY_QUESTION, CATCHING_UP, INTERVAL_S, FaultBench
from realtime_kit.lab.faults import DRAIN_S, LEAD_S
from realtime_kit.lab.scenarios import Scenario
from realtime_kit.measurements.deliveries import Deliveries, deliveries
from realtime_kit.measurements.fault_ledger import LATE_S
from realtime_kit.measurements.fault_run import RECOVERING
from realtime_kit.publisher import Pacer
from realtime_kit.schedule import periodic

if TYPE_CHECKING:
    from realtime_kit.plots.widgets.fault_view import FaultView, Press

LOOK_EVERY_S = 0.25


class FaultWatch:
    """Everything, whole, on the kit's loop. Use it with `async with`; afterwards nothing of it is left.

    Args:
        transports: Which take part.
        clients: Clients of each.
        rate: Events per second, evenly.
        seconds: How long events happen at most, seconds.
        seed: Of the clients' jitter.
        report: Told what there is to see, four times a second while it is looked at.
        own_clock: Whether Pushpin gets a wall clock that can be stepped.
    """

    def __init__(
        self,
        transports: tuple[str, ...],
        *,
        clients: int,
        rate: float,
        seconds: float,
        seed: int,
        report: Callable[[FaultView], object],
        own_clock: bool,
    ) -> None:
        self.presses: list[Press] = []
        self.phase = "Starting Pushpin, the origin and the clients …"
        self._transports = transports
        self._count = clients
        self._report = report
        self._bench = FaultBench(transports, clients=clients, seed=seed, own_clock=own_clock)
        self._stack = contextlib.AsyncExitStack()
        self._schedule = periodic(rate_per_s=rate, duration_s=seconds)
        self._due_ns = self._schedule.intended_ns(0)
        self._start_ns = self._first_id = 0
        self._pacer: Pacer | None = None
        self._happening: asyncio.Future[None] | None = None

    async def __aenter__(self) -> Self:
        self.look()
        await self._stack.enter_async_context(self._bench)
        return self

    async def __aexit__(self, *_: object) -> None:
        self.end()
        await self._stack.aclose()

    def begin(self) -> None:
        """Let events happen."""
        self._first_id = self._bench.log.last_id + 1
        self._start_ns = time.monotonic_ns() + int(LEAD_S * 1e9)
        self._due_ns = self._schedule.intended_ns(self._start_ns)
        self._pacer = Pacer(self._due_ns, self._happen)
        self._happening = asyncio.ensure_future(self._pacer.run())

    def _happen(self, index: int) -> None:
        self._bench.log.append(f"event {index + 1}")

    def end(self) -> None:
        """Let nothing more happen."""
        if self._pacer is not None and self._happening is not None:
            self._pacer.stop()
            self._happening.cancel()

    @property
    def is_happening(self) -> bool:
        """Whether events are still to come."""
        return self._happening is not None and not self._happening.done()

    @property
    def now_s(self) -> float:
        """Time since the first event was due, seconds."""
        return (time.monotonic_ns() - self._start_ns) / 1e9 if self._start_ns else 0.0

    async def hurt(self, scenario: Scenario, seconds: float) -> None:
        """Break something, and mend it after a while, also when this is cancelled."""
        from realtime_kit.plots.widgets.fault_view import Press

        number = len(self.presses)
        self.presses.append(Press(scenario.name, self.now_s))
        phase, self.phase = self.phase, f"{scenario.name}: {scenario.meaning}."
        try:
            await scenario.begin(self._bench)
            await asyncio.sleep(seconds)
        finally:
            try:
                await scenario.end(self._bench)
            finally:
                self.phase = phase
                self.presses[number] = replace(self.presses[number], until_s=self.now_s)

    def look(self, *, is_ready: bool = False, is_over: bool = False) -> FaultView:
        """What there is to see now; it is reported, too.

        Raises:
            ClientError: that of a client that gave up, if one did.
        """
        from realtime_kit.plots.widgets.fault_view import FaultView

        self._bench.check()
        happened = self._pacer.fired if self._pacer is not None else 0
        view = FaultView(
            transports=self._transports,
            start_ns=self._start_ns,
            now_s=self.now_s,
            deliveries={name: self._of(name, happened) for name in self._transports if happened},
            presses=tuple(self.presses),
            phase=self.phase,
            is_ready=is_ready,
            is_over=is_over,
        )
        self._report(view)
        return view

    def _of(self, name: str, happened: int) -> Deliveries:
        return deliveries(
            self._bench.books[name].receipts(),
            np.arange(self._first_id, self._first_id + happened),
            self._due_ns[:happened],
            clients=self._count,
            not_published=self._bench.lost_on_the_way,
            answers=self._bench.told(name),
            late_s=LATE_S + (INTERVAL_S if name == "polling" else 0.0),
            polls=name == "polling",
            asks=name in BY_QUESTION,
        )

    async def drain(self) -> FaultView:
        """Wait until everything has come that will, and look for the last time."""
        self.phase = "Waiting for what is still to be recovered …"
        until_s = time.monotonic() + DRAIN_S
        probe_id = 0
        view = self.look()
        while time.monotonic() < until_s and not self._is_settled(view, probe_id):
            missing = _missing(view)
            if not probe_id and missing & set(CATCHING_UP) and not missing & set(RECOVERING):
                # What a client gets on its way back comes before this. It would let others notice what they miss.
                probe_id = self._bench.log.append("probe")
            await asyncio.sleep(LOOK_EVERY_S)
            view = self.look()
        self.phase = "Over."
        return self.look(is_over=True)

    def _is_settled(self, view: FaultView, probe_id: int) -> bool:
        """Whether the newest event is old enough, and nothing is missing to those who recover or will be back."""
        missing = _missing(view)
        away = [name for name in missing & set(CATCHING_UP) if self._bench.is_behind(name, probe_id)]
        is_told = bool(probe_id) or not missing & set(CATCHING_UP)
        return bool(view.settled.all()) and not missing & set(RECOVERING) and is_told and not away


def _missing(view: FaultView) -> set[str]:
    """The transports to which something has not come."""
    return {name for name, each in view.deliveries.items() if not each.came.all()}
