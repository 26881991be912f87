"""The fault lab: break one thing at a time, and write down what became of every delivery."""

from __future__ import annotations

import asyncio
import contextlib
import math
import platform
import time
from dataclasses import asdict, dataclass
from datetime import UTC, datetime
from typing import Any

import numpy as np
from numpy.typing import NDArray

import realtime_kit
from realtime_kit import background
from realtime_kit.clients.receipt import Receipts
from realtime_kit.errors import RealtimeKitError, UsageError
from realtime_kit.lab.fault_bench import (
    BY_QUESTION,
    CATCHING_UP,
    INTERVAL_S,
    PATHS,
    FaultBench,
    ForgetfulClient,
    check_transports,
    timers_s,
)
from realtime_kit.lab.interruption import ENDING_EARLY, STOPPING, Interrupted
from realtime_kit.lab.scenarios import (
    LIMITER_HEADROOM,
    Scenario,
    find_scenarios,
    impossible,
    possible,
    require,
)
from realtime_kit.measurements.fault_ledger import LATE_S, fault_account
from realtime_kit.measurements.fault_run import RECOVERING, STRETCHES, FaultResult, FaultRun
from realtime_kit.measurements.progress import Progress, ProgressReport
from realtime_kit.numbers import check_number
from realtime_kit.publisher import Pacer, encode_event
from realtime_kit.pushpin import PushpinSettings
from realtime_kit.pushpin.find import find_pushpin
from realtime_kit.schedule import Schedule, periodic
from realtime_kit.theory import reliability

LEAD_S = 0.1
DRAIN_S = 20.0
"""Longest wait for what is still to be recovered: two rounds of silence and of a question that nobody answers."""

LEAST_DRAIN_S = 1.0
LOOK_EVERY_S = 0.05
PROBE_EVERY_S = 1.0

LIMITER_PER_S = 40
"""The limiter lets a group through every 25 ms; of a whole number of deliveries each."""

_CALLS = 2
"""Calls to late long-polls that an event costs beside its own deliveries; they count as such."""
LONGEST_S = 600


@dataclass(frozen=True, slots=True)
class FaultSettings:
    """What is broken, and for how long.

    Attributes:
        scenario: Names of scenarios with commas between, or `all`.
        seconds: How long events happen, seconds; the fault lasts for the middle third.
        clients: Clients of each transport.
        rate: Events per second, evenly.
        seed: Of the clients' jitter.
        transports: Which take part.

    Raises:
        UsageError: for a setting outside what is allowed.
        MissingDependency: if one of the scenarios that were named takes something that is not there.
    """

    scenario: str = "all"
    seconds: float = 6.0
    clients: int = 3
    rate: float = 20.0
    seed: int = 7
    transports: tuple[str, ...] = tuple(PATHS)

    def __post_init__(self) -> None:
        for scenario in () if self.scenario == "all" else find_scenarios(self.scenario):
            require(scenario)
        for name, low, high in (("seconds", 3, LONGEST_S), ("clients", 1, 50), ("rate", 1, 100)):
            check_number(name, value := getattr(self, name), whole=name == "clients")
            if not low <= value <= high:
                message = f"{name} is {value:g}: allowed is {low:g} to {high:g}"
                raise UsageError(message)
        check_transports(self.transports)

    @property
    def scenarios(self) -> tuple[Scenario, ...]:
        """What is broken, in order."""
        return possible() if self.scenario == "all" else find_scenarios(self.scenario)

    @property
    def left_out(self) -> dict[str, str]:
        """Of `all`, what cannot be broken on this machine, and why."""
        return impossible() if self.scenario == "all" else {}

    def schedule(self) -> Schedule:
        """When events are due."""
        return periodic(rate_per_s=self.rate, duration_s=self.seconds)


def faults(*, on_progress: ProgressReport = lambda _: None, **settings: Any) -> FaultRun:
    """Break one thing after the other, with a fresh Pushpin each time. It takes about ten seconds longer each; a
    reader that stands still takes a minute or two, since a connection of Pushpin's is then mute, mostly for up to 45 s.

    An interrupt ends it early: the faults that have been settled until then are returned.

    Args:
        on_progress: Called as each fault begins and ends, on the kit's thread.
        **settings: Those of `FaultSettings`.

    Raises:
        UsageError: for a setting outside what is allowed.
        MissingDependency: if there is no Pushpin, or not what a scenario that was named takes.
        KeyboardInterrupt: if it was interrupted before anything had been settled.
        RealtimeKitError: what went wrong with the first fault, if no fault could be measured.
    """
    chosen, stop = FaultSettings(**settings), asyncio.Event()
    result = background.run(_run(chosen, stop, on_progress), on_interrupt=stop.set)
    if result.interrupted and not result.results:
        raise KeyboardInterrupt
    return result


async def afaults(
    *,
    on_progress: ProgressReport = lambda _: None,
    stop: asyncio.Event | None = None,
    **settings: Any,
) -> FaultRun:
    """Like `faults`, for coroutines; set `stop` on the kit's loop to end it early."""
    return await background.arun(_run(FaultSettings(**settings), stop or asyncio.Event(), on_progress))


async def _run(settings: FaultSettings, stop: asyncio.Event, on_progress: ProgressReport) -> FaultRun:
    started_at = datetime.now(UTC)
    installation = await asyncio.to_thread(find_pushpin)
    results: list[FaultResult] = []
    failed: dict[str, RealtimeKitError] = {}
    count = len(settings.scenarios)
    try:
        for number, scenario in enumerate(settings.scenarios):
            on_progress(Progress(scenario.name, number / count, {}))
            try:
                results += await _Breaking(settings, scenario, stop).run()
            except Interrupted:
                raise
            except RealtimeKitError as error:  # what has been measured so far is not lost with it
                failed[scenario.name] = error
            on_progress(Progress(scenario.name, (number + 1) / count, {}))
    except Interrupted:
        on_progress(Progress(ENDING_EARLY if results else STOPPING, 1.0, {}))
    if failed and not results:
        raise next(iter(failed.values()))
    return FaultRun(
        started_at=started_at.strftime("%Y-%m-%dT%H:%M:%SZ"),
        meta={
            "kit": realtime_kit.__version__,
            "python": platform.python_version(),
            "pushpin": str(installation.version),
            "config": asdict(settings) | {"late_s": LATE_S, "interval_s": INTERVAL_S},
            "timers_s": timers_s(PushpinSettings()),
        },
        meanings={each.name: each.meaning for each in settings.scenarios},
        results=tuple(results),
        interrupted=stop.is_set(),
        left_out=settings.left_out,
        failed={name: str(error) for name, error in failed.items()},
    )


class _Breaking:
    """One fault, from a bench that is whole to one that is mended."""

    def __init__(self, settings: FaultSettings, scenario: Scenario, stop: asyncio.Event) -> None:
        self._settings = settings
        self._scenario = scenario
        self._stop = stop
        self._schedule = _schedule(settings, scenario)
        self._silent_s = scenario.silent_s
        self._stays_mute = False
        self._first_id = 0
        self._due_ns = self._schedule.intended_ns(0)
        self._fault_ns = (0, 0)

    async def run(self) -> list[FaultResult]:
        """A result for each transport."""
        bench = FaultBench(
            self._settings.transports,
            clients=self._settings.clients,
            seed=self._settings.seed,
            settings=self._limited() if self._scenario.limits_rate else None,
            own_clock=self._scenario.own_clock,
        )
        async with bench:
            await self._break(bench)
            await self._drain(bench)
            return [self._settle(bench, name) for name in self._settings.transports]

    def _limited(self) -> PushpinSettings:
        """A limiter that lets everything through as long as nobody else is there."""
        deliveries_per_s = (
            self._settings.rate * self._settings.clients * (len(self._settings.transports) + _CALLS)
        )
        rate = math.ceil(LIMITER_HEADROOM * deliveries_per_s / LIMITER_PER_S) * LIMITER_PER_S
        # Pushpin writes a warning for each delivery that it drops: thousands in a second.
        return PushpinSettings(message_rate=rate, message_hwm=rate // 4, log_level=0)

    async def _break(self, bench: FaultBench) -> None:
        self._first_id = bench.log.last_id + 1
        start_ns = time.monotonic_ns() + int(LEAD_S * 1e9)
        self._due_ns = self._schedule.intended_ns(start_ns)
        third_s = self._settings.seconds / 3

        def happen(index: int) -> None:
            bench.log.append(f"event {index + 1}".ljust(self._scenario.payload_bytes, "."))

        pacer = Pacer(self._due_ns, happen)
        happening = asyncio.ensure_future(pacer.run())
        try:
            await self._sleep_until(start_ns / 1e9 + third_s, bench)
            broken_ns = time.monotonic_ns()
            await self._scenario.begin(bench)
            try:
                await self._sleep_until(start_ns / 1e9 + 2 * third_s, bench)
            finally:
                ending_ns = time.monotonic_ns()
                await self._scenario.end(bench)
            self._fault_ns = (broken_ns, time.monotonic_ns())
            if self._scenario.is_silent:
                self._silent_s = (ending_ns - broken_ns) / 1e9
            if mute_s := self._scenario.mute_s:
                left_s = start_ns / 1e9 + self._settings.seconds - broken_ns / 1e9
                self._silent_s = min(mute_s, left_s)
                self._stays_mute = mute_s > left_s + LEAST_DRAIN_S
            await happening
        finally:
            pacer.stop()
            happening.cancel()

    async def _drain(self, bench: FaultBench) -> None:
        """Wait until everything has come that will."""
        await bench.look_no_more()
        begun_s = probed_s = time.monotonic()
        awake_s = self._fault_ns[1] / 1e9 + self._scenario.wakes_within_s
        while (now_s := time.monotonic()) < max(begun_s + DRAIN_S, awake_s):
            waits = [name for name in self._settings.transports if self._missing(bench, name)]
            if now_s >= begun_s + LEAST_DRAIN_S and not any(
                name in RECOVERING or self._is_away(bench, name) for name in waits
            ):
                return
            # A probe lets others notice what they miss. To be measured is how they do without.
            is_free = self._scenario.wakes_within_s > 0 or not set(waits) & set(RECOVERING)
            is_due = is_free and now_s >= probed_s + PROBE_EVERY_S
            if is_due and any(self._is_away(bench, name) for name in waits):
                bench.log.append("probe")
                probed_s = now_s
            await self._sleep_until(now_s + LOOK_EVERY_S, bench)

    def _missing(self, bench: FaultBench, name: str) -> int:
        receipts = self._ours(bench, name)
        came = np.unique(receipts.event_id * self._settings.clients + receipts.client)
        return self._settings.clients * len(self._due_ns) - len(came)

    def _is_away(self, bench: FaultBench, name: str) -> bool:
        """Whether a client that gets what it missed has not got a probe yet: what is kept for it comes before that.

        Without a fault that makes connections mute, what has not come by push alone is lost.
        """
        waits = name in CATCHING_UP or self._scenario.wakes_within_s > 0
        return waits and bench.is_behind(name, self._first_id + len(self._due_ns))

    def _ours(self, bench: FaultBench, name: str) -> Receipts:
        """What came of the events of this run: neither of its warming up nor of its probes."""
        receipts = bench.books[name].receipts()
        at = receipts.event_id - self._first_id
        return receipts.only((at >= 0) & (at < len(self._due_ns)))

    async def _sleep_until(self, at_s: float, bench: FaultBench) -> None:
        bench.check()
        with contextlib.suppress(TimeoutError):
            await asyncio.wait_for(self._stop.wait(), max(0.0, at_s - time.monotonic()))
        if self._stop.is_set():
            raise Interrupted("interrupted")

    def _settle(self, bench: FaultBench, name: str) -> FaultResult:
        ids = np.arange(self._first_id, self._first_id + len(self._due_ns))
        account = fault_account(
            self._ours(bench, name),
            ids,
            self._due_ns,
            np.searchsorted(np.array(self._fault_ns), self._due_ns),
            stretch_count=len(STRETCHES),
            clients=self._settings.clients,
            not_published=bench.lost_on_the_way,
            answers=bench.told(name),
            late_s=LATE_S + (INTERVAL_S if name == "polling" else 0.0),
            polls=name == "polling",
            asks=name in BY_QUESTION,
        )
        took_s = account.recovery_s
        return FaultResult(
            scenario=self._scenario.name,
            transport=name,
            clients=self._settings.clients,
            published=len(ids),
            ledgers={stretch: account.stretch(at) for at, stretch in enumerate(STRETCHES)},
            predicted_loss=self._predicted_loss(bench, name, ids),
            recovery_s=(float(np.median(took_s)), float(took_s.max())) if len(took_s) else None,
            reason=self._scenario.reason,
            by_client=account.clients,
        )

    def _predicted_loss(self, bench: FaultBench, name: str, ids: NDArray[np.int64]) -> float:
        """D/M for what does not recover, D being every time in which something could not be delivered."""
        if name in RECOVERING:
            return 0.0
        dropped = len(bench.publishes.dropped & set(ids.tolist())) + self._overflow(bench, name)
        # Who says what it had gets it in the end, once it has noticed.
        unaware = name == "push only" or (name == "streaming" and self._stays_mute)
        silent_s = self._silent_s if unaware else 0.0
        outage_s = self._away_s(bench, name) + silent_s + self._limited_s(bench)
        every_s = self._settings.seconds
        away = 1.0 - reliability.delivered_share(outage_s=min(outage_s, every_s), every_s=every_s)
        return min(1.0, away + dropped / len(ids))

    def _away_s(self, bench: FaultBench, name: str) -> float:
        """Mean time while events were due that clients were without a stream, for those that do not catch up."""
        begin_s = self._due_ns[0] / 1e9
        end_s = begin_s + self._settings.seconds
        clients = [each for each in bench.clients[name] if isinstance(each, ForgetfulClient)]
        return sum(each.away_s(begin_s, end_s) for each in clients) / max(1, len(clients))

    def _overflow(self, bench: FaultBench, name: str) -> float:
        """How many messages a client lost on average because it, or its connection, stood still."""
        if bench.stand_still is None or not bench.stand_still.concerns(name):
            return 0.0
        message_bytes = len(encode_event("." * self._scenario.payload_bytes, id=str(bench.log.last_id)))
        receipts = self._ours(bench, name)
        since = self._first_id + int(np.searchsorted(self._due_ns, bench.stand_still.begun_ns))
        found = receipts.only(receipts.event_id >= since)
        return float(
            np.mean(
                [
                    bench.stand_still.overflow(
                        (name, number),
                        self._due_ns,
                        found.received_ns[found.client == number],
                        message_bytes=message_bytes,
                    )
                    for number in range(self._settings.clients)
                ]
            )
        )

    def _limited_s(self, bench: FaultBench) -> float:
        """For how long in effect nothing passed the limiter: what came beyond its rate, as a share of the time."""
        if bench.neighbour is None or not self._scenario.limits_rate:
            return 0.0
        limit = self._limited()
        asked_per_s = bench.neighbour.deliveries_per_s + limit.message_rate / LIMITER_HEADROOM
        return (
            reliability.limited_share(
                rate_per_s=limit.message_rate,
                waiting=limit.message_hwm,
                asked_per_s=asked_per_s,
                lasts_s=bench.neighbour.lasted_s,
            )
            * bench.neighbour.lasted_s
        )


def _schedule(settings: FaultSettings, scenario: Scenario) -> Schedule:
    """Evenly, and more often during the fault if it takes that to be felt."""
    usual, third_s = settings.schedule(), settings.seconds / 3
    rate = max(settings.rate, scenario.least_events / third_s)
    if rate == settings.rate:
        return usual
    broken_ns, mended_ns = (int(times * third_s * 1e9) for times in (1, 2))
    meanwhile_ns = periodic(rate_per_s=rate, duration_s=third_s).offsets_ns + broken_ns
    at_ns = usual.offsets_ns
    offsets_ns = np.concatenate((at_ns[at_ns < broken_ns], meanwhile_ns, at_ns[at_ns >= mended_ns]))
    return Schedule(offsets_ns, settings.seconds, "denser during the fault")
