"""The race: one stream of events through all transports at once, measured beside theory."""

from __future__ import annotations

import asyncio
import base64
import contextlib
import time
from collections.abc import Callable
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from typing import Any

from realtime_kit import background
from realtime_kit.errors import RealtimeKitError
from realtime_kit.lab.rig import ProcessorTime, Rig
from realtime_kit.lab.settings import RaceSettings
from realtime_kit.lab.settlement import Observed, Settlement
from realtime_kit.measurements import Run
from realtime_kit.pushpin import Proxy, Pushpin, PushpinSettings

WARM_UP_S = 1.5
"""About 1.1 s after a channel's first subscriber Pushpin repeats held requests once; a run begins after that."""

WARM_UP_EVERY_S = 0.1
ROLL_CALL_S = 5.0
LEAD_S = 0.2
"""Between the start signal and the window's start, so that every process has heard of it."""

DRAIN_S = 3.0
"""How long after the last event (and, for polling, one interval more) a delivery may still come."""

PROGRESS_EVERY_S = 0.25


@dataclass(frozen=True, slots=True)
class Progress:
    """How far a race has come.

    Attributes:
        phase: What is going on, for people.
        share: Share of the race's time that has passed, 0 to 1.
        received: Deliveries so far by transport.
    """

    phase: str
    share: float
    received: dict[str, int]


ProgressReport = Callable[[Progress], object]


def race(
    settings: RaceSettings | None = None,
    *,
    on_progress: ProgressReport = lambda _: None,
    pushpin: Proxy | None = None,
    origin_port: int = 0,
    pushpin_settings: PushpinSettings | None = None,
    **changes: Any,
) -> Run:
    """Run a race: the same events through every transport, each part in its own process.

    An interrupt (Ctrl-C, or the notebook's stop button) ends it early: what has been measured until then is
    returned, with the flag `interrupted`.

    Args:
        settings: The race; None is one that suits the machine and takes about half a minute.
        on_progress: Called about four times a second, on the kit's thread.
        pushpin: A Pushpin to use instead of an embedded one; its routes must lead to `origin_port`.
        origin_port: Port for the origin; 0 is a free one.
        pushpin_settings: How to configure the embedded Pushpin.
        **changes: Fields of `RaceSettings` to change, such as `clients=10` or `seconds=5`.

    Raises:
        UsageError: for a setting outside what is allowed.
        MissingDependency: if there is no Pushpin.
        KeyboardInterrupt: if it was interrupted before anything had been measured.
    """
    stop = asyncio.Event()
    chosen = replace(settings or RaceSettings(), **changes)
    rig = Rig(chosen, pushpin=pushpin, origin_port=origin_port, pushpin_settings=pushpin_settings)
    try:
        return background.run(_run(chosen, rig, stop, on_progress), on_interrupt=stop.set)
    except _NothingMeasured:
        raise KeyboardInterrupt from None


async def arace(
    settings: RaceSettings | None = None,
    *,
    stop: asyncio.Event | None = None,
    on_progress: ProgressReport = lambda _: None,
    pushpin: Proxy | None = None,
    origin_port: int = 0,
    pushpin_settings: PushpinSettings | None = None,
    **changes: Any,
) -> Run:
    """Like `race`, for coroutines; set `stop` on the kit's loop to end it early."""
    chosen = replace(settings or RaceSettings(), **changes)
    rig = Rig(chosen, pushpin=pushpin, origin_port=origin_port, pushpin_settings=pushpin_settings)
    return await background.arun(_run(chosen, rig, stop or asyncio.Event(), on_progress))


async def _run(settings: RaceSettings, rig: Rig, stop: asyncio.Event, on_progress: ProgressReport) -> Run:
    on_progress(Progress("starting Pushpin, the origin and the clients", 0.0, {}))
    async with rig:
        race = _Race(settings, rig, stop, on_progress)
        await race.warm_up()
        await race.measure()
        return await race.settle()


class _NothingMeasured(RealtimeKitError):
    """Interrupted too early. (A KeyboardInterrupt raised on the kit's loop would end the loop itself.)"""


class _Race:
    def __init__(
        self, settings: RaceSettings, rig: Rig, stop: asyncio.Event, on_progress: ProgressReport
    ) -> None:
        self.settings = settings
        self.rig = rig
        self.stop = stop
        self.on_progress = on_progress
        self.schedule = settings.schedule()
        self.started_at = datetime.now(UTC)
        self.start_ns = self.end_ns = 0
        self.before = self.after = ProcessorTime({})
        self.clocks = (0.0, 0.0)
        self.events: asyncio.Task[Any] | None = None

    async def warm_up(self) -> None:
        """Connect, and let events happen until every client has received one by push."""
        self.on_progress(Progress("connecting clients", 0.0, {}))
        await self.rig.open_clients()
        self.on_progress(Progress("roll call", 0.0, {}))
        begun = time.monotonic()
        while time.monotonic() - begun < WARM_UP_S and not self.stop.is_set():
            last_id = (await self.rig.origin.ask("warm_up"))["last_id"]
            await asyncio.sleep(WARM_UP_EVERY_S)
        self._nothing_yet()
        silent = await self._roll_call(last_id)
        self._nothing_yet()
        if missing := {name: len(clients) for name, clients in silent.items() if clients}:
            said = ", ".join(f"{count} of {self.settings.clients} {name}" for name, count in missing.items())
            message = f"the race cannot begin: {said} clients received nothing within {ROLL_CALL_S:g} s"
            raise RealtimeKitError(message)

    def _nothing_yet(self) -> None:
        if self.stop.is_set():
            raise _NothingMeasured("the race was interrupted before anything had been measured")

    async def _roll_call(self, event_id: int) -> dict[str, list[int]]:
        pushed = [name for name in self.rig.loads if name != "polling"]  # a poll that was answered is proof
        answers = await asyncio.gather(
            *(
                self.rig.loads[name].ask("roll_call", event_id=event_id, timeout_s=ROLL_CALL_S)
                for name in pushed
            )
        )
        return dict(zip(pushed, answers, strict=True))

    async def measure(self) -> None:
        """Let the scheduled events happen, and wait until they have arrived or are overdue."""
        first_id = (await self.rig.origin.ask("warm_up"))["last_id"] + 1
        self.started_at = datetime.now(UTC)
        self.start_ns = time.monotonic_ns() + int(LEAD_S * 1e9)
        self.end_ns = self.start_ns + int(self.settings.seconds * 1e9)
        windows = [
            asyncio.create_task(
                load.ask("window", start_ns=self.start_ns, end_ns=self.end_ns, first_id=first_id)
            )
            for load in self.rig.loads.values()
        ]
        offsets = base64.b64encode(self.schedule.offsets_ns.tobytes()).decode()
        self.events = events = asyncio.create_task(
            self.rig.origin.ask("run", offsets_ns=offsets, start_ns=self.start_ns, first_id=first_id)
        )
        try:
            await self._observe_window()
            if self.stop.is_set():
                self.end_ns = time.monotonic_ns()
                await self.rig.origin.ask("halt")
            await events
            await self._drain(len(self.schedule))
        finally:
            for task in (*windows, events):
                task.cancel()
            await asyncio.gather(*windows, events, return_exceptions=True)

    async def _observe_window(self) -> None:
        await self._until(self.start_ns)
        self.before, self.clocks = self.rig.processor_time(), (time.time(), time.monotonic())
        while (now := time.monotonic_ns()) < self.end_ns and not self.stop.is_set():
            await self._report((now - self.start_ns) / 1e9)
            await self._until(min(self.end_ns, now + int(PROGRESS_EVERY_S * 1e9)))
        self.after = self.rig.processor_time()
        self.clocks = (time.time() - self.clocks[0], time.monotonic() - self.clocks[1])

    async def _drain(self, events: int) -> None:
        """Wait until nothing is missing, at the longest until the slowest transport's time is over."""
        if self.stop.is_set():
            return
        expected = events * self.settings.clients
        slowest_s = self.settings.interval_s if "polling" in self.rig.loads else 0.0
        overdue_ns = self.end_ns + int((slowest_s + DRAIN_S) * 1e9)
        while time.monotonic_ns() < overdue_ns and not self.stop.is_set():
            received = await self._report((time.monotonic_ns() - self.start_ns) / 1e9)
            if all(count >= expected for count in received.values()):
                return
            await self._until(time.monotonic_ns() + int(PROGRESS_EVERY_S * 1e9 / 2))

    async def _until(self, at_ns: int) -> None:
        """Sleep until a moment, or until told to stop."""
        with contextlib.suppress(TimeoutError):
            await asyncio.wait_for(self.stop.wait(), max(0.0, (at_ns - time.monotonic_ns()) / 1e9))

    async def _report(self, passed_s: float) -> dict[str, int]:
        if isinstance(self.rig.pushpin, Pushpin) and self.rig.pushpin.error is not None:
            raise self.rig.pushpin.error
        if self.events is not None and self.events.done():
            self.events.result()  # an origin that died says why
        answers = await asyncio.gather(*(load.ask("progress") for load in self.rig.loads.values()))
        if errors := [error for answer in answers for error in answer["errors"]]:
            message = f"a client gave up in the middle of the race: {errors[0]}"
            raise RealtimeKitError(message)
        received = {name: answer["received"] for name, answer in zip(self.rig.loads, answers, strict=True)}
        drain_s = self.settings.interval_s if "polling" in self.rig.loads else 0.0
        share = min(1.0, passed_s / (self.settings.seconds + drain_s))
        phase = "measuring" if passed_s < self.settings.seconds else "waiting for the last deliveries"
        self.on_progress(Progress(phase, share, received))
        return received

    async def settle(self) -> Run:
        """Collect what every process has seen, balance the books, and judge."""
        self.on_progress(Progress("settling", 1.0, {}))
        window = {"start_ns": self.start_ns, "end_ns": self.end_ns}
        origin, reference, *reports = await asyncio.gather(
            self.rig.origin.ask("report", **window),
            self.rig.reference.ask("report", **window),
            *(load.ask("report") for load in self.rig.loads.values()),
        )
        wall_s, monotonic_s = self.clocks
        observed = Observed(
            **window,
            started_at=self.started_at,
            processor=self.after.since(self.before),
            clock_drift_s=abs(wall_s - monotonic_s),
            interrupted=self.stop.is_set(),
        )
        settlement = Settlement(self.settings, self.schedule, observed, origin, reference)
        return settlement.run(dict(zip(self.rig.loads, reports, strict=True)), self.rig.pushpin)
