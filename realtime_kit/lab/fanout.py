"""Fan-out: one event to very many clients, again and again, and what each push took and cost."""

from __future__ import annotations

import asyncio
import contextlib
import math
import os
import platform
import time
from collections.abc import Callable
from dataclasses import asdict, dataclass, replace
from datetime import UTC, datetime
from typing import Any

import realtime_kit
from realtime_kit import background
from realtime_kit.clients.swarm import REPEATED, SWARM_TRANSPORTS, Swarm, SwarmPlan, SwarmState, plan_swarm
from realtime_kit.clients.swarm.swarm import ROLL_CALLS
from realtime_kit.errors import ClientError, PushpinStopped, RealtimeKitError, UsageError
from realtime_kit.lab.interruption import ENDING_EARLY, STOPPING, Interrupted, ending, unless
from realtime_kit.measurements.fanout import FanoutRun, Push
from realtime_kit.measurements.herd import Herd
from realtime_kit.measurements.reaching import Reaching
from realtime_kit.measurements.verdict import Evidence, judge
from realtime_kit.numbers import check_number
from realtime_kit.origin.lessons import find_lesson
from realtime_kit.processors import machine_used_s, used_s
from realtime_kit.pushpin import PushpinSettings, Route
from realtime_kit.pushpin.cluster import DOORS, MOST_INSTANCES, Door, PushpinCluster
from realtime_kit.quantities import LOST
from realtime_kit.theory import broadcast
from realtime_kit.worker import Worker, WorkerError

LEAD_S = 0.1
"""Between the order to push and the moment it is due, so that the order itself is not measured."""

PATIENCE_S = 10.0
ROLL_CALL_S = 2.0
"""In place of it in a roll call: who has a connection that works answers soon, and who has none is called again."""
HERD_PATIENCE = 4
"""How many times as long as expected the clients of a long-poll may take to ask again."""

WHOLE_WITHIN_S = 40.0
"""An instance that has ended has that long to be back: to start takes it up to 30 s."""

SLOWEST_OPENING_PER_S = 200
"""Fewer connections a second than this are not waited for, once something has been measured."""

SLOWEST_PER_S = 2_000
"""Fewer deliveries a second than this are not waited for, unless a limiter was asked for."""

SHORT_S = 0.02
"""A shorter push than that says nothing about who was busy meanwhile."""

GRACE_S = 3.0
"""How long a push that is under way may go on after an interrupt."""


@dataclass(frozen=True, slots=True)
class FanoutSettings:
    """A fan-out.

    Attributes:
        clients: How many.
        pushes: How many events, one after the other.
        instances: How many Pushpins share the clients.
        transport: `streaming`, `websocket` or `long-polling`.
        payload_bytes: Size of an event's text, bytes.
        message_rate: Limiter of each Pushpin, deliveries per second; 0 is none.
        door: How events reach the instances: `http`, or `zeromq` for one PUB socket to all.
    """

    clients: int = 1_000
    pushes: int = 5
    instances: int = 1
    transport: str = "streaming"
    payload_bytes: int = 64
    message_rate: int = 0
    door: Door = "http"

    def __post_init__(self) -> None:
        ranges = {"pushes": (1, 1000), "instances": (1, MOST_INSTANCES), "payload_bytes": (0, 10_000)}
        ranges["message_rate"] = (0, 2**31 - 1)
        for name, (least, most) in ranges.items():
            check_number(name, value := getattr(self, name), whole=True)
            if not least <= value <= most:
                message = f"{name} is {value}: allowed is {least} to {most}"
                raise UsageError(message)
        for name, allowed in (("transport", SWARM_TRANSPORTS), ("door", DOORS)):
            if (chosen := getattr(self, name)) not in allowed:
                message = f"{name} is {chosen!r}: allowed is {', '.join(allowed)}"
                raise UsageError(message)


def fanout(
    settings: FanoutSettings | None = None,
    *,
    on_phase: Callable[[str], None] = lambda _: None,
    **changes: Any,
) -> FanoutRun:
    """Push events to very many clients.

    An interrupt (Ctrl-C, or the notebook's stop button) ends it early: the pushes until then are returned, that under
    way among them. Another one discards them. A run that cannot go on, because an instance does not come back or a
    client is not reached any more, ends with the pushes until then too, and the last of them is flagged `unfinished`.

    Args:
        settings: The fan-out; None is 1,000 clients and five pushes.
        on_phase: Called with a few words whenever something new begins, on the kit's thread; and at once when an
            interrupt has arrived, with `ENDING_EARLY` or `STOPPING`.
        **changes: Fields of `FanoutSettings` to change, such as `clients=10_000`.

    Raises:
        UsageError: for a setting outside what is allowed, or more clients than this machine can hold.
        ClientError: naming the clients that cannot be reached at all.
        PushpinStopped: if an instance has ended before the first push and does not come back.
        MissingDependency: if there is no Pushpin.
        KeyboardInterrupt: if it was interrupted before anything had been measured, or twice.
    """
    prepared = _prepared(settings, on_phase, changes)
    result = background.run(prepared.run(), on_interrupt=prepared.end_early)
    if result.interrupted and not result.results:
        raise KeyboardInterrupt
    return result


async def afanout(
    settings: FanoutSettings | None = None,
    *,
    on_phase: Callable[[str], None] = lambda _: None,
    stop: asyncio.Event | None = None,
    **changes: Any,
) -> FanoutRun:
    """Like `fanout`, for coroutines; set `stop` on the kit's loop to end it early."""
    return await background.arun(_prepared(settings, on_phase, changes, stop).run())


def _prepared(
    settings: FanoutSettings | None,
    on_phase: Callable[[str], None],
    changes: dict[str, Any],
    stop: asyncio.Event | None = None,
) -> Fanout:
    chosen = replace(settings or FanoutSettings(), **changes)
    plan = plan_swarm(chosen.clients, targets=chosen.instances)
    return Fanout(chosen, plan, on_phase, stop)


class Fanout:
    """One fan-out, from its start to its run; `fanout` and `afanout` are the ways to have one.

    Args:
        settings: The fan-out.
        plan: Where its clients live.
        on_phase: As for `fanout`.
        stop: Ends it early when it is set.

    Attributes:
        patience_s: How long a push is waited for, and beside it a herd, seconds.
        origin: The process that lets events happen; `cluster` and `swarm` are there once they have been started.
    """

    def __init__(
        self,
        settings: FanoutSettings,
        plan: SwarmPlan,
        on_phase: Callable[[str], None],
        stop: asyncio.Event | None = None,
    ) -> None:
        self.settings = settings
        self.plan = plan
        self.on_phase = on_phase
        self.stop = stop or asyncio.Event()
        self.results: list[Push] = []
        self.pushing = self.cut_short = False
        self.opened_s, self.held_bytes, self.reopened = 0.0, 0.0, 0
        self.next_id = 1
        self.origin = Worker("realtime_kit.origin.pushes", name="the origin")
        self.cluster: PushpinCluster
        self.swarm: Swarm
        self.known_restarts = 0
        self.not_published: list[str] = []
        self.slip_s = 0.0
        self.clients_each = math.ceil(settings.clients / settings.instances)
        limiter_s = self.clients_each / settings.message_rate if settings.message_rate else 0.0
        delivery_s = max(settings.clients / SLOWEST_PER_S, 1.5 * limiter_s)
        self.patience_s, self.roll_call_s = PATIENCE_S + delivery_s, ROLL_CALL_S + delivery_s
        self.state: SwarmState
        self.evidence: Evidence

    async def run(self) -> FanoutRun:
        """The whole of it, or until it is to stop."""
        started_at = datetime.now(UTC).strftime("%Y-%m-%dT%H:%M:%SZ")
        settings = self.settings
        self.on_phase("starting Pushpin and the origin")
        async with contextlib.AsyncExitStack() as stack:
            await stack.enter_async_context(self.origin)
            port = (await self.origin.ask("start", port=0))["port"]
            routes = (Route(f"127.0.0.1:{port}", over_http=True),)
            pushpin_settings = PushpinSettings(message_rate=settings.message_rate)
            self.cluster = await stack.enter_async_context(
                PushpinCluster(settings.instances, routes, settings=pushpin_settings)
            )
            await self._open_doors()
            path = find_lesson(settings.transport).path.lstrip("/")
            urls = [str(url / path) for url in self.cluster.urls]
            self.swarm = Swarm(
                self.plan, urls, transport=settings.transport, origin_requests=self._client_requests
            )
            await stack.enter_async_context(self.swarm)
            with contextlib.suppress(Interrupted):
                await self._measure()
            state = await self._last_state()
            instances = self.cluster.statistics.to_json()
        early = self.stop.is_set() and (self.cut_short or len(self.results) < settings.pushes)
        meta = self._meta(state, instances) | {"pushpin_bytes_per_client": round(self.held_bytes)}
        return FanoutRun(started_at, meta, tuple(self.results), interrupted=early)

    def end_early(self) -> None:
        """Finish with what has been measured; call it on the kit's loop."""
        self.stop.set()
        self.on_phase(ENDING_EARLY if self.pushing else STOPPING)

    async def _measure(self) -> None:
        """Connect everybody, and push."""
        self.on_phase(f"connecting {self.settings.clients:,} clients")
        begun_s, bare_bytes = time.monotonic(), self._pushpin_bytes()
        await unless(self.stop, self.swarm.open(cursor=self.next_id - 1))
        self.opened_s = time.monotonic() - begun_s
        self.on_phase("roll call")
        self.reopened = await unless(self.stop, self._arm())
        self.held_bytes = (self._pushpin_bytes() - bare_bytes) / self.settings.clients
        for number in range(1, self.settings.pushes + 1):
            self.on_phase(f"push {number} of {self.settings.pushes}")
            try:
                await unless(self.stop, self._complete())
                self.pushing = True
                self.results.append(await self._push(number))
            except Interrupted:
                raise
            except RealtimeKitError as error:
                if not self.results:
                    raise
                self._end_unfinished(error)
                return

    def _end_unfinished(self, error: RealtimeKitError) -> None:
        """Let the last push say that there were to be more."""
        last = self.results[-1]
        unmade = self.settings.pushes - last.number
        evidence = replace(self.evidence, unmade=unmade, unmade_because=str(error))
        self.results[-1] = replace(last, verdict=judge(evidence))

    async def _last_state(self) -> SwarmState:
        """The swarm's, or that after the last push if one of its processes is gone."""
        try:
            _, self.state = await self.swarm.collect()
        except WorkerError:
            if not self.results:
                raise
        return self.state

    async def _arm(self) -> int:
        reopened = await self.swarm.arm(self._call, next_id=self.next_id, timeout_s=self.roll_call_s)
        await self.swarm.collect()  # receipts of the roll call belong to no push
        return reopened

    async def _open_doors(self) -> None:
        """Tell the origin where to publish: at the beginning, and when an instance has come back."""
        self.known_restarts = self.cluster.restarts
        await self.origin.ask(
            "publish_to",
            publishers=[pushpin.publisher_options() for pushpin in self.cluster.instances],
            payload_bytes=self.settings.payload_bytes,
            sub_specs=self.cluster.sub_specs if self.settings.door == "zeromq" else [],
            late=self.settings.transport == REPEATED,
        )

    async def _client_requests(self) -> int:
        counted = await self.origin.ask("requests")
        return int(counted["requests"] - counted["repeats"])

    async def _origin_requests(self) -> int:
        return int((await self.origin.ask("requests"))["requests"])

    async def _call(self) -> int:
        """Let an event of a roll call happen, at instances that have come back meanwhile, too."""
        if self.cluster.restarts > self.known_restarts:
            await self._open_doors()
        return await self._happen()

    async def _happen(self, due_ns: int = 0) -> int:
        answer = await self.origin.ask("push", due_ns=due_ns)
        self.not_published, self.slip_s = answer["not_published"], answer["slip_s"]
        self.next_id = answer["event_id"] + 1
        return int(answer["event_id"])

    async def _complete(self) -> None:
        """Wait for instances that are starting again, and connect anew who has lost its connection.

        Raises:
            PushpinStopped: if an instance does not come back.
            ClientError: if somebody cannot be reached any more.
        """
        if not await self.cluster.awhole(timeout_s=WHOLE_WITHIN_S):
            raise self._not_whole()
        back = self.cluster.restarts > self.known_restarts
        if back:  # not as late as in the push, when nobody would listen at the new doors yet
            await self._open_doors()
        lonely = await self.swarm.unconnected()
        if not lonely and not back:
            return
        limit_s = PATIENCE_S + len(lonely) / SLOWEST_OPENING_PER_S + ROLL_CALLS * self.roll_call_s
        try:
            async with asyncio.timeout(limit_s):
                await unless(self.cluster.given_up, self._bring_back(lonely))
        except Interrupted:
            raise self._not_whole() from None
        except TimeoutError:
            message = f"{len(lonely):,} clients had lost their connection, and were not all back within {limit_s:.0f} s"
            raise ClientError(message) from None

    async def _bring_back(self, lonely: list[int]) -> None:
        await self.swarm.reopen(lonely)
        await self._arm()

    def _not_whole(self) -> PushpinStopped:
        because = self.cluster.error or f"one was not back within {WHOLE_WITHIN_S:g} s"
        return PushpinStopped(f"not all of {len(self.cluster)} Pushpins run any more: {because}")

    async def _push(self, number: int) -> Push:
        await self.swarm.expect(self.next_id)
        _, state_before = await self.swarm.collect()
        before, machine_before_s, begun_s = self._processor(), machine_used_s(), time.monotonic()
        due_ns = time.monotonic_ns() + int(LEAD_S * 1e9)
        requests = await self._origin_requests()
        event_id = await self._happen(due_ns)
        herd = None
        async with ending(self._herd(event_id, due_ns, requests)) as herding:
            try:
                await unless(self.stop, self.swarm.reached(timeout_s=self.patience_s), grace_s=GRACE_S)
            except Interrupted:
                self.cut_short = True
            after, machine_s = self._processor(), machine_used_s() - machine_before_s
            processors_s = (time.monotonic() - begun_s) * (os.cpu_count() or 1)
            try:
                herd = await unless(self.stop, herding, grace_s=0.0 if self.cut_short else GRACE_S)
            except Interrupted:
                self.cut_short = True
        receipts, state = await self.swarm.collect()
        reaching = Reaching.of(receipts, event_id, due_ns, clients=self.settings.clients)
        used_s = {part: _difference(before[part], after[part]) for part in after}
        others_s = machine_s - sum(used_s.values())
        del used_s["kit"]
        losses = state.losses - state_before.losses
        busiest_s = max(_difference(before["swarm"], {pid: s}) for pid, s in after["swarm"].items())
        self.evidence = Evidence(
            samples=self.settings.clients,
            advice="use more clients",
            publisher_slip_s=self.slip_s,
            reconnections=losses,
            reconnected_because=state.lost_because[-1] if losses and state.lost_because else "",
            # All processors are busy in a fan-out, with Pushpin's work. The question is whether the swarm could read.
            processor_busy=share_busy(busiest_s, reaching.last_s),
            others_busy=max(0.0, others_s / processors_s),
            unexpected=reaching.ledger.duplicate + reaching.ledger.unexpected,
            negative_latencies=reaching.negative,
            message_rate=self.settings.message_rate,
            deliveries_per_s=self.clients_each * 1000 / broadcast.LIMITER_INTERVAL_MS,
            cut_short=self.cut_short,
            herd_incomplete=herd is not None and herd.rearmed_s == LOST,
            unpublished=len(self.not_published),
            unpublished_because=self.not_published[0] if self.not_published else "",
        )
        self.state = state
        costs_s = {part: seconds / max(1, reaching.count) for part, seconds in used_s.items()}
        return reaching.push(number, self.settings.transport, costs_s, judge(self.evidence), herd=herd)

    async def _herd(self, event_id: int, due_ns: int, requests_before: int) -> Herd | None:
        """Let long-pollers ask again, as they are answered."""
        if self.settings.transport != REPEATED:
            return None
        clients = self.settings.clients
        theory_s = broadcast.herd_recovery_s(recipients=clients, origin_capacity_per_s=self.swarm.asked_per_s)
        all_have = await self.swarm.ask(event_id, timeout_s=self.patience_s + HERD_PATIENCE * theory_s)
        rearmed_s = (time.monotonic_ns() - due_ns) / 1e9 if all_have else LOST
        return Herd(rearmed_s, await self._origin_requests() - requests_before, theory_s)

    def _processor(self) -> dict[str, dict[int, float]]:
        return {
            "pushpin": used_s([process.pid for process in self.cluster.processes()]),
            "swarm": used_s([worker.pid for worker in self.swarm.workers]),
            "origin": used_s([self.origin.pid]),
            "kit": used_s([os.getpid()]),
        }

    def _pushpin_bytes(self) -> int:
        """Memory of all Pushpins; what several processes share is divided among them, where the system tells it."""
        memory = [process.memory_full_info() for process in self.cluster.processes()]
        return sum(getattr(each, "pss", each.uss) for each in memory)

    def _meta(self, state: SwarmState, instances: list[dict[str, Any]]) -> dict[str, Any]:
        installation = self.cluster.instances[0].installation
        return {
            "kit": realtime_kit.__version__,
            "python": platform.python_version(),
            "pushpin": str(installation.version) if installation else "unknown",
            "cpus": os.cpu_count(),
            "config": asdict(self.settings),
            "opening": {
                "seconds": round(self.opened_s, 3),
                "retries": state.retries,
                "reopened_after_roll_call": self.reopened,
            },
            "losses": state.losses,
            "restarts": self.cluster.restarts,
            "instances": instances,
            "swarm_processes": len(self.swarm.workers),
            "swarm_bytes_per_client": round(state.bytes_per_client),
        }


def share_busy(used_s: float, last_s: float) -> float:
    """Share of a processor that a process used from when an event was due to its last receipt, 0 to 1; 0 if too short.

    Args:
        used_s: Its processor time, seconds.
        last_s: When the last client had the event, seconds since it was due; 0 if nobody had.
    """
    return min(1.0, used_s / last_s) if last_s >= SHORT_S else 0.0


def _difference(before: dict[int, float], after: dict[int, float]) -> float:
    return sum(seconds - before.get(pid, 0.0) for pid, seconds in after.items())
