"""A timeline of ids to look at: one client of each transport, while something breaks and is mended."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import Coroutine
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from realtime_kit.errors import MissingDependency, UsageError
from realtime_kit.lab.fault_bench import check_transports
from realtime_kit.lab.fault_board import is_for_boards
from realtime_kit.lab.fault_watch import LOOK_EVERY_S, FaultWatch
from realtime_kit.lab.scenarios import SCENARIOS, Scenario, find_scenarios, require
from realtime_kit.numbers import check_number
from realtime_kit.plots.style import Theme

if TYPE_CHECKING:
    from realtime_kit.plots.widgets.fault_board import ReportFaults
    from realtime_kit.plots.widgets.fault_view import FaultView
    from realtime_kit.plots.widgets.id_timeline import IdTimeline

MOST_PANELS = 3


@dataclass(frozen=True, slots=True)
class IdTimelineSettings:
    """What happens on the timeline.

    Attributes:
        fault: What is broken in the middle third.
        transports: Which are compared, one to three.
        rate: Events per second, evenly.
        seconds: How long they happen, seconds.
        seed: Of the clients' jitter.

    Raises:
        UsageError: for a setting outside what can be looked at.
        MissingDependency: if the fault takes something that is not there.
    """

    fault: str = "drop"
    transports: tuple[str, ...] = ("streaming", "reliable")
    rate: float = 10.0
    seconds: float = 6.0
    seed: int = 7

    def __post_init__(self) -> None:
        allowed = {each.name: each for each in SCENARIOS if is_for_boards(each)}
        if self.fault not in allowed:
            message = f"fault is {self.fault!r}: allowed are {', '.join(allowed)}"
            raise UsageError(message)
        require(allowed[self.fault])
        check_transports(self.transports)
        if len(self.transports) > MOST_PANELS:
            message = f"transports has {len(self.transports)} names: {MOST_PANELS} can be looked at together"
            raise UsageError(message)
        for name, low, high in (("rate", 1, 20), ("seconds", 3, 20)):
            check_number(name, value := getattr(self, name))
            if not low <= value <= high:
                message = f"{name} is {value!r}: it has to be {low:g} to {high:g}"
                raise UsageError(message)

    @property
    def scenario(self) -> Scenario:
        """What is broken."""
        return find_scenarios(self.fault)[0]


def id_timeline(fault: str = "drop", *, theme: Theme | None = None, **settings: Any) -> IdTimeline:
    """A timeline to look at: `start()` it or press the button, then `wait()` for what was seen.

    Args:
        fault: What is broken in the middle third.
        theme: Colours of the picture; None follows the notebook's.
        **settings: Those of `IdTimelineSettings`: `transports`, `rate`, `seconds`, `seed`.

    Raises:
        UsageError: for a setting outside what can be looked at.
        MissingDependency: if there is no ipywidgets, or not what the fault takes.
    """
    chosen = IdTimelineSettings(fault, **settings)
    try:
        from realtime_kit.plots.widgets.id_timeline import IdTimeline
    except ImportError as error:
        missing = f"Boards need {error.name}, which is not installed."
        raise MissingDependency(missing, "Type: pip install 'realtime-kit[notebooks]'") from error

    def watch(report: ReportFaults, stop: asyncio.Event) -> Coroutine[Any, Any, FaultView]:
        return _watch(chosen, report, stop)

    return IdTimeline(
        watch,
        fault=chosen.fault,
        meaning=chosen.scenario.meaning,
        transports=chosen.transports,
        seconds=chosen.seconds,
        events=round(chosen.rate * chosen.seconds),
        theme=theme,
    )


async def _watch(settings: IdTimelineSettings, report: ReportFaults, stop: asyncio.Event) -> FaultView:
    """Break it in the middle third, and look four times a second."""
    third_s = settings.seconds / 3
    async with FaultWatch(
        settings.transports,
        clients=1,
        rate=settings.rate,
        seconds=settings.seconds,
        seed=settings.seed,
        report=report,
        own_clock=settings.scenario.own_clock,
    ) as watch:
        watch.phase = "Events happen …"
        watch.begin()

        async def look_until(at_s: float) -> None:
            while watch.now_s < at_s and not stop.is_set():
                watch.look()
                with contextlib.suppress(TimeoutError):
                    left_s = max(0.0, min(LOOK_EVERY_S, at_s - watch.now_s))
                    await asyncio.wait_for(stop.wait(), left_s)

        await look_until(third_s)
        if not stop.is_set():
            async with contextlib.AsyncExitStack() as stack:
                breaking = asyncio.create_task(watch.hurt(settings.scenario, third_s))
                stack.push_async_callback(_end, breaking)
                await look_until(2 * third_s)
                if not stop.is_set():
                    await breaking
        await look_until(settings.seconds)
        watch.end()
        return await watch.drain()


async def _end(breaking: asyncio.Task[None]) -> None:
    """Whatever happens, it is mended before anything is taken down."""
    breaking.cancel()
    await asyncio.gather(breaking, return_exceptions=True)
