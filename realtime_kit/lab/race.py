"""The race: one stream of events through all transports at once, measured beside theory."""

from __future__ import annotations

import asyncio
import base64
import contextlib
import time
from collections.abc import Mapping, Sequence
from dataclasses import replace
from datetime import UTC, datetime
from typing import Any

from realtime_kit import background
from realtime_kit.errors import RealtimeKitError
from realtime_kit.lab.interruption import ENDING_EARLY, STOPPING, Interrupted
from realtime_kit.lab.rig import ProcessorTime, Rig
from realtime_kit.lab.settings import RaceSettings
from realtime_kit.lab.settlement import Observed, Settlement
from realtime_kit.measurements import Run
from realtime_kit.measurements.progress import Progress, ProgressReport
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
    returned, with the flag `interrupted`. Another one discards it.

    Args:
        settings: The race; None is one that suits the machine and takes about half a minute.
        on_progress: Called about four times a second, on the kit's thread; and at once when an interrupt has
            arrived, with the phase `ENDING_EARLY` or `STOPPING`.
        pushpin: A Pushpin to use instead of an embedded one; its routes must lead to `origin_port`.
        origin_port: Port for the origin; 0 is a free one.
        pushpin_settings: How to configure the embedded Pushpin.
        **changes: Fields of `RaceSettings` to change, such as `clients=10` or `seconds=5`.

    Raises:
        UsageError: for a setting outside what is allowed.
        MissingDependency: if there is no Pushpin.
        KeyboardInterrupt: if it was interrupted before anything had been measured, or twice.
    """
    chosen = replace(settings or RaceSettings(), **changes)
    rig = Rig(chosen, pushpin=pushpin, origin_port=origin_port, pushpin_settings=pushpin_settings)
    running = Race(chosen, rig, asyncio.Event(), on_progress)
    try:
        return background.run(running.run(), on_interrupt=running.end_early)
    except Interrupted:
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
    return await background.arun(Race(chosen, rig, stop or asyncio.Event(), on_progress).run())


class Race:
    """One race, from its start to its run; `race` and `arace` are the ways to have one.

    Args:
        settings: The race.
        rig: What it is run on.
        stop: Ends it early when it is set.
        on_progress: As for `race`.

    Attributes:
        first_id: The id of the window's first event; 0 before.
        start_ns: When the window opens, on `CLOCK_MONOTONIC`; 0 while that is not known.
        end_ns: When it closes.
    """

    def __init__(
        self, settings: RaceSettings, rig: Rig, stop: asyncio.Event, on_progress: ProgressReport
    ) -> None:
        self.settings = settings
        self.rig = rig
        self.stop = stop
        self.on_progress = on_progress
        self.latest = Progress("", 0.0, {})
        self.schedule = settings.schedule()
        self.started_at = datetime.now(UTC)
        self.start_ns = self.end_ns = self.first_id = 0
        self.before = self.after = ProcessorTime({})
        self.clocks = (0.0, 0.0)
        self.asked: list[asyncio.Task[Any]] = []
        self.ended_early = False

    async def run(self) -> Run:
        """The whole race."""
        self._tell_phase("starting Pushpin, the origin and the clients")
        async with self.rig:
            await self.warm_up()
            await self.measure()
            return await self.settle()

    def end_early(self) -> None:
        """Finish with what has been measured; call it on the kit's loop."""
        self.stop.set()
        phase = ENDING_EARLY if self._begun else STOPPING
        self._tell(replace(self.latest, phase=phase, latencies_s={}, due_s={}))

    @property
    def _begun(self) -> bool:
        """Whether the window has opened."""
        return 0 < self.start_ns < time.monotonic_ns()

    def _tell(self, progress: Progress) -> None:
        self.latest = progress
        self.on_progress(progress)

    def _tell_phase(self, phase: str) -> None:
        self._tell(Progress(phase, 0.0, {}))

    async def warm_up(self) -> None:
        """Connect, and let events happen until every client has received one by push."""
        self._nothing_yet()
        self._tell_phase("connecting clients")
        await self.rig.open_clients()
        self._nothing_yet()
        self._tell_phase("roll call")
        begun = time.monotonic()
        while time.monotonic() - begun < WARM_UP_S:
            self._nothing_yet()
            last_id = (await self.rig.origin.ask("warm_up"))["last_id"]
            await asyncio.sleep(WARM_UP_EVERY_S)
        silent = await self._roll_call(last_id, timeout_s=ROLL_CALL_S)
        self._nothing_yet()
        if missing := {name: len(clients) for name, clients in silent.items() if clients}:
            said = ", ".join(f"{count} of {self.settings.clients} {name}" for name, count in missing.items())
            message = f"the race cannot begin: {said} clients received nothing within {ROLL_CALL_S:g} s"
            raise RealtimeKitError(message)

    def _nothing_yet(self) -> None:
        if self.stop.is_set() and not self._begun:
            raise Interrupted("the race was interrupted before anything had been measured")

    async def _roll_call(self, event_id: int, *, timeout_s: float) -> dict[str, list[int]]:
        """Wait until every client that is pushed to has this event or a later one; gives those that have not."""
        pushed = [name for name in self.rig.loads if name != "polling"]  # a poll that was answered is proof
        answers = await asyncio.gather(
            *(
                self.rig.loads[name].ask("roll_call", event_id=event_id, timeout_s=timeout_s)
                for name in pushed
            )
        )
        return dict(zip(pushed, answers, strict=True))

    async def measure(self) -> None:
        """Let the scheduled events happen, and wait until they have arrived or are overdue."""
        self.first_id = first_id = (await self.rig.origin.ask("warm_up"))["last_id"] + 1
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
        events = asyncio.create_task(
            self.rig.origin.ask("run", offsets_ns=offsets, start_ns=self.start_ns, first_id=first_id)
        )
        self.asked = [*windows, events]
        try:
            await self._observe_window()
            self._nothing_yet()
            if self.stop.is_set():
                self.end_ns = min(self.end_ns, time.monotonic_ns())
                await self.rig.origin.ask("halt")
            await events
            await self._drain(len(self.schedule))
            self.ended_early = self.stop.is_set()
            if self.ended_early:  # what has happened may still be on its way
                last_id = (await self.rig.origin.ask("halt"))["last_id"]
                await self._roll_call(last_id, timeout_s=DRAIN_S)
            # Ended early, the loads are still waiting for the end of their windows.
            await asyncio.gather(*(window for window in windows if window.done() or not self.ended_early))
        finally:
            for task in self.asked:
                task.cancel()
            await asyncio.gather(*self.asked, return_exceptions=True)

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
        for task in self.asked:
            if task.done():
                task.result()  # an origin or a load that failed says why
        asked, *answers = await asyncio.gather(
            self.rig.origin.ask("asked", since_ns=self.start_ns),
            *(load.ask("progress") for load in self.rig.loads.values()),
        )
        _check_clients(answers)
        loads = dict(zip(self.rig.loads, answers, strict=True))
        due = {name: self._due_of(load["sample"]) for name, load in loads.items()}
        drain_s = self.settings.interval_s if "polling" in self.rig.loads else 0.0
        report = Progress(
            phase="measuring" if passed_s < self.settings.seconds else "waiting for the last deliveries",
            share=min(1.0, passed_s / (self.settings.seconds + drain_s)),
            received={name: load["received"] for name, load in loads.items()},
            passed_s=passed_s,
            latencies_s={name: tuple(took_s for _, took_s in found) for name, found in due.items()},
            due_s={name: tuple(due_s for due_s, _ in found) for name, found in due.items()},
            stride={name: load["stride"] for name, load in loads.items()},
            origin_requests={name: asked.get(name, 0) for name in loads},
            empty_responses={name: load["empty_responses"] for name, load in loads.items()},
        )
        self._tell(report)
        return report.received

    def _due_of(self, sample: Sequence[tuple[int, int]]) -> list[tuple[float, float]]:
        """When each of these deliveries was due, seconds since the window opened, and how long it took."""
        offsets_ns = self.schedule.offsets_ns
        return [
            (offset_ns / 1e9, (received_ns - self.start_ns - offset_ns) / 1e9)
            for number, received_ns in sample
            if 0 <= (index := number - self.first_id) < len(offsets_ns)
            for offset_ns in (int(offsets_ns[index]),)
        ]

    async def settle(self) -> Run:
        """Collect what every process has seen, balance the books, and judge."""
        self._tell(replace(self.latest, phase="settling", share=1.0, latencies_s={}, due_s={}))
        window = {"start_ns": self.start_ns, "end_ns": self.end_ns}
        origin, reference, *reports = await asyncio.gather(
            self.rig.origin.ask("report", **window),
            self.rig.reference.ask("report", **window),
            *(load.ask("report") for load in self.rig.loads.values()),
        )
        _check_clients(reports)
        wall_s, monotonic_s = self.clocks
        observed = Observed(
            **window,
            started_at=self.started_at,
            processor=self.after.since(self.before),
            clock_drift_s=abs(wall_s - monotonic_s),
            interrupted=self.ended_early,
        )
        settlement = Settlement(self.settings, self.schedule, observed, origin, reference)
        return settlement.run(dict(zip(self.rig.loads, reports, strict=True)), self.rig.pushpin)


def _check_clients(answers: Sequence[Mapping[str, Any]]) -> None:
    if errors := [error for answer in answers for error in answer["errors"]]:
        message = f"a client gave up in the middle of the race: {errors[0]}"
        raise RealtimeKitError(message)
