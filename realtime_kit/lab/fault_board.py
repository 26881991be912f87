"""A board to break things on: press a fault, and watch what becomes of every delivery."""

from __future__ import annotations

import asyncio
import contextlib
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from realtime_kit.errors import ClientError, MissingDependency, UsageError
from realtime_kit.lab.fault_bench import PATHS, check_transports
from realtime_kit.lab.fault_watch import LOOK_EVERY_S, FaultWatch
from realtime_kit.lab.interruption import Interrupted, unless
from realtime_kit.lab.scenarios import Scenario, find_scenarios, impossible, possible
from realtime_kit.measurements.fault_run import RECOVERING
from realtime_kit.numbers import check_number
from realtime_kit.plots.style import Theme

if TYPE_CHECKING:
    from realtime_kit.plots.widgets.fault_board import FaultBoard, ReportFaults
    from realtime_kit.plots.widgets.fault_view import FaultView

LONGEST_S = 120.0
"""A board that is forgotten ends after two minutes."""

LONGEST_FAULT_S = 20.0
SHORTEST_FAULT_S = 0.5
NOTHING_BROKEN = "none"


@dataclass(frozen=True, slots=True)
class FaultBoardSettings:
    """What happens on the board while nothing is broken.

    Attributes:
        transports: Which take part.
        clients: Clients of each.
        rate: Events per second, evenly.
        seconds: How long events happen at most, seconds.
        seed: Of the clients' jitter.

    Raises:
        UsageError: for a setting outside what can be looked at.
    """

    transports: tuple[str, ...] = tuple(PATHS)
    clients: int = 3
    rate: float = 5.0
    seconds: float = LONGEST_S
    seed: int = 7

    def __post_init__(self) -> None:
        check_transports(self.transports)
        if not (isinstance(self.clients, int) and 1 <= self.clients <= 10):
            message = f"clients is {self.clients!r}: it has to be a whole number from 1 to 10"
            raise UsageError(message)
        for name, low, high in (("rate", 1, 10), ("seconds", 2, LONGEST_S)):
            check_number(name, value := getattr(self, name))
            if not low <= value <= high:
                message = f"{name} is {value!r}: it has to be {low:g} to {high:g}"
                raise UsageError(message)

    @property
    def rows(self) -> tuple[str, ...]:
        """The transports from top to bottom: what promises little first, so that what recovers stands together."""
        return tuple(sorted(self.transports, key=lambda name: name in RECOVERING))


def fault_board(*, theme: Theme | None = None, **settings: Any) -> FaultBoard:
    """A board to break things on: `start()` it, `press("drop")`, `stop()` it, and `wait()` for what was seen.

    Args:
        theme: Colours of the picture; None follows the notebook's.
        **settings: Those of `FaultBoardSettings`.

    Raises:
        UsageError: for a setting outside what can be looked at.
        MissingDependency: if there is no ipywidgets.
    """
    chosen = FaultBoardSettings(**settings)
    try:
        from realtime_kit.plots.widgets.fault_board import FaultBoard
    except ImportError as error:
        missing = f"Boards need {error.name}, which is not installed."
        raise MissingDependency(missing, "Type: pip install 'realtime-kit[notebooks]'") from error
    scenarios = [each for each in possible() if is_for_boards(each)]
    own_clock = any(each.own_clock for each in scenarios)
    return FaultBoard(
        lambda: _Desk(chosen, own_clock=own_clock),
        transports=chosen.rows,
        faults={each.name: each.meaning for each in scenarios},
        impossible=impossible(),
        theme=theme,
    )


def is_for_boards(scenario: Scenario) -> bool:
    """Whether it can be pressed at any time: some need a Pushpin of their own, or far more events."""
    return scenario.name != NOTHING_BROKEN and not (scenario.limits_rate or scenario.least_events)


class _Desk:
    """What stands behind a board from one start to its end; on the kit's loop."""

    def __init__(self, settings: FaultBoardSettings, *, own_clock: bool) -> None:
        self._settings = settings
        self._own_clock = own_clock
        self._watch: FaultWatch
        self._ready = asyncio.Event()
        self._over = asyncio.Event()
        self._breaking: asyncio.Task[None] | None = None
        self._wrong: Exception | None = None

    async def run(self, report: ReportFaults, stop: asyncio.Event) -> FaultView:
        """Ends when it is asked to, when its time is up, or with the error of a client that gave up."""
        self._watch = FaultWatch(
            self._settings.rows,
            clients=self._settings.clients,
            rate=self._settings.rate,
            seconds=self._settings.seconds,
            seed=self._settings.seed,
            report=report,
            own_clock=self._own_clock,
        )
        try:
            async with self._watch as watch:
                watch.begin()
                watch.phase = "Events happen, and nothing is broken. Press a fault."
                self._ready.set()
                try:
                    while watch.is_happening and not stop.is_set():
                        watch.look(is_ready=self._breaking is None)
                        with contextlib.suppress(TimeoutError):
                            await asyncio.wait_for(stop.wait(), LOOK_EVERY_S)
                finally:
                    self._over.set()
                    await self._mend()
                watch.end()
                return await watch.drain()
        except Exception as error:
            self._wrong = error
            raise
        finally:
            self._over.set()  # also if it has never been ready

    async def press(self, fault: str, seconds: float) -> None:
        """Returns when it is mended; one after the other."""
        (scenario,) = find_scenarios(fault)
        if not SHORTEST_FAULT_S <= seconds <= LONGEST_FAULT_S:
            message = f"seconds is {seconds!r}: it has to be {SHORTEST_FAULT_S:g} to {LONGEST_FAULT_S:g}"
            raise UsageError(message)
        try:
            await unless(self._over, self._ready.wait())
        except Interrupted:
            because = f": {self._wrong}" if self._wrong else ""
            message = f"the board was stopped before that was done{because}"
            raise ClientError(message) from self._wrong
        if self._breaking is not None:
            message = f"{self._watch.presses[-1].fault} is not over yet: one fault at a time"
            raise UsageError(message)
        # A task of the desk's: a board that is closed mends what it has broken before it takes anything down.
        self._breaking = asyncio.create_task(self._watch.hurt(scenario, seconds))
        try:
            await self._breaking
        except asyncio.CancelledError:
            if self._over.is_set():
                message = f"the board was stopped while {fault} was on"
                raise ClientError(message) from None
            raise
        finally:
            self._breaking = None

    async def _mend(self) -> None:
        if self._breaking is not None:
            self._breaking.cancel()
            await asyncio.gather(self._breaking, return_exceptions=True)
