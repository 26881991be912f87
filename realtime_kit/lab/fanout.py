"""Fan-out: one event to very many clients, again and again, and what each push took and cost."""

from __future__ import annotations

import asyncio
import contextlib
import os
import platform
import time
from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass, replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import numpy as np
import psutil

import realtime_kit
from realtime_kit import background
from realtime_kit.clients.swarm import REPEATED, Swarm, SwarmPlan, SwarmState, plan_swarm
from realtime_kit.errors import UsageError
from realtime_kit.measurements.fanout import FanoutRun, Push, completion, per_delivery_s
from realtime_kit.measurements.herd import Herd
from realtime_kit.measurements.latency import latencies_s, latency
from realtime_kit.measurements.ledger import account
from realtime_kit.measurements.verdict import Evidence, judge
from realtime_kit.origin.lessons import find_lesson
from realtime_kit.pushpin import PushpinSettings, Route
from realtime_kit.pushpin.cluster import DOORS, MOST_INSTANCES, Door, PushpinCluster
from realtime_kit.quantities import LOST
from realtime_kit.theory import broadcast
from realtime_kit.worker import Worker

LEAD_S = 0.1
"""Between the order to push and the moment it is due, so that the order itself is not measured."""

PATIENCE_S = 10.0
HERD_PATIENCE = 4
"""How many times as long as expected the clients of a long-poll may take to ask again."""
ROLL_CALL_S = 2.0
"""In place of it in a roll call: who has a connection that works answers soon, and who has none is called again."""

SLOWEST_PER_S = 2_000
"""Fewer deliveries a second than this are not waited for, unless a limiter was asked for."""

TRANSPORTS = ("streaming", "websocket", "long-polling")


@dataclass(frozen=True, slots=True)
class FanoutSettings:
    """A fan-out.

    Attributes:
        clients: How many.
        pushes: How many events, one after the other.
        instances: How many Pushpins share the clients.
        transport: One of `TRANSPORTS`.
        payload_bytes: Size of an event's text, bytes.
        message_rate: Pushpin's limiter, deliveries per second; 0 is none.
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
            if not least <= (value := getattr(self, name)) <= most:
                message = f"{name} is {value}: allowed is {least} to {most}"
                raise UsageError(message)
        for name, allowed in (("transport", TRANSPORTS), ("door", DOORS)):
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

    Args:
        settings: The fan-out; None is 1,000 clients and five pushes.
        on_phase: Called with a few words whenever something new begins, on the kit's thread.
        **changes: Fields of `FanoutSettings` to change, such as `clients=10_000`.

    Raises:
        UsageError: for a setting outside what is allowed, or more clients than this machine can hold.
        ClientError: naming the clients that cannot be reached at all.
        MissingDependency: if there is no Pushpin.
    """
    return background.run(_prepared(settings, on_phase, changes).run())


async def afanout(
    settings: FanoutSettings | None = None,
    *,
    on_phase: Callable[[str], None] = lambda _: None,
    stop: asyncio.Event | None = None,
    **changes: Any,
) -> FanoutRun:
    """Like `fanout`, for coroutines.

    Args:
        settings: As for `fanout`.
        on_phase: As for `fanout`.
        stop: When it is set, there are no more pushes than the first and those that have begun.
        **changes: As for `fanout`.
    """
    return await background.arun(_prepared(settings, on_phase, changes).run(stop))


def _prepared(
    settings: FanoutSettings | None, on_phase: Callable[[str], None], changes: dict[str, Any]
) -> _Fanout:
    chosen = replace(settings or FanoutSettings(), **changes)
    return _Fanout(chosen, plan_swarm(chosen.clients, targets=chosen.instances), on_phase)


class _Fanout:
    def __init__(self, settings: FanoutSettings, plan: SwarmPlan, on_phase: Callable[[str], None]) -> None:
        self.settings = settings
        self.plan = plan
        self.on_phase = on_phase
        self.next_id = 1
        self.origin = Worker("realtime_kit.origin.pushes", name="the origin")
        self.cluster: PushpinCluster
        self.swarm: Swarm
        self.known_restarts = 0
        self.not_published: list[str] = []
        self.slip_s = 0.0
        limiter_s = settings.clients / settings.message_rate if settings.message_rate else 0.0
        self.patience_s = PATIENCE_S + max(settings.clients / SLOWEST_PER_S, 1.5 * limiter_s)

    async def run(self, stop: asyncio.Event | None = None) -> FanoutRun:
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
            self.on_phase(f"connecting {settings.clients:,} clients")
            begun_s, bare_bytes = time.monotonic(), self._pushpin_bytes()
            await self.swarm.open(cursor=self.next_id - 1)
            opened_s = time.monotonic() - begun_s
            self.on_phase("roll call")
            reopened = await self._arm()
            held_bytes = (self._pushpin_bytes() - bare_bytes) / settings.clients
            results: list[Push] = []
            for number in range(1, settings.pushes + 1):
                if results and stop is not None and stop.is_set():
                    break
                self.on_phase(f"push {number} of {settings.pushes}")
                results.append(await self._push(number))
            _, state = await self.swarm.collect()
            instances = self.cluster.statistics.to_json()
        meta = self._meta(opened_s, reopened, state, instances)
        return FanoutRun(started_at, meta | {"pushpin_bytes_per_client": round(held_bytes)}, tuple(results))

    async def _arm(self) -> int:
        timeout_s = self.patience_s - PATIENCE_S + ROLL_CALL_S
        reopened = await self.swarm.arm(self._happen, next_id=self.next_id, timeout_s=timeout_s)
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

    async def _happen(self, due_ns: int = 0) -> int:
        if self.cluster.restarts > self.known_restarts:
            await self._open_doors()
        answer = await self.origin.ask("push", due_ns=due_ns)
        self.not_published, self.slip_s = answer["not_published"], answer["slip_s"]
        self.next_id = answer["event_id"] + 1
        return int(answer["event_id"])

    async def _push(self, number: int) -> Push:
        await self.cluster.awhole(timeout_s=PATIENCE_S)
        if lonely := await self.swarm.unconnected():
            await self.swarm.reopen(lonely)
            await self._arm()
        await self.swarm.expect(self.next_id)
        _, state_before = await self.swarm.collect()
        before, machine_before_s, begun_s = self._processor(), _machine_s(), time.monotonic()
        due_ns = time.monotonic_ns() + int(LEAD_S * 1e9)
        requests = await self._origin_requests()
        event_id = await self._happen(due_ns)
        herding = asyncio.create_task(self._herd(event_id, due_ns, requests))
        await self.swarm.reached(timeout_s=self.patience_s)
        after, machine_s = self._processor(), _machine_s() - machine_before_s
        processors_s = (time.monotonic() - begun_s) * (os.cpu_count() or 1)
        herd = await herding
        receipts, state = await self.swarm.collect()
        ids, intended_ns = np.array([event_id]), np.array([due_ns])
        books = account(receipts, ids, intended_ns, clients=self.settings.clients)
        samples = latencies_s(books.received_ns, intended_ns)
        reached = samples[np.isfinite(samples)]
        last_s = float(reached.max()) if len(reached) else 0.0
        used_s = {part: _difference(before[part], after[part]) for part in after}
        others_s = machine_s - sum(used_s.values())
        del used_s["kit"]
        tau_s = per_delivery_s(samples)
        losses = state.losses - state_before.losses
        busiest_s = max(_difference(before["swarm"], {pid: s}) for pid, s in after["swarm"].items())
        evidence = Evidence(
            samples=self.settings.clients,
            advice="use more clients",
            publisher_slip_s=self.slip_s,
            reconnections=losses,
            reconnected_because=state.reasons[-1] if losses and state.reasons else "",
            # All processors are busy in a fan-out, with Pushpin's work. The question is whether the swarm could read.
            processor_busy=min(1.0, busiest_s / (last_s + LEAD_S)) if last_s else 0.0,
            others_busy=max(0.0, others_s / processors_s),
            unexpected=books.ledger.duplicate + books.ledger.unexpected,
            negative_latencies=int((samples < 0).sum()),
            message_rate=self.settings.message_rate,
            deliveries_per_s=self.settings.clients * 1000 / broadcast.LIMITER_INTERVAL_MS,
            unpublished=len(self.not_published),
            unpublished_because=self.not_published[0] if self.not_published else "",
        )
        return Push(
            number=number,
            transport=self.settings.transport,
            clients=self.settings.clients,
            ledger=books.ledger,
            latency=latency(samples),
            completion=completion(samples),
            deliveries_per_s=len(reached) / last_s if last_s > 0 else 0.0,
            per_delivery_s=tau_s,
            theory=broadcast.latency(recipients=len(reached), per_delivery_s=tau_s) if tau_s else None,
            processor_per_delivery_s={
                part: seconds / max(1, len(reached)) for part, seconds in used_s.items()
            },
            lost_clients=tuple(client for client, _ in books.losses),
            verdict=judge(evidence),
            herd=herd,
            reached_s=samples[:, 0],
        )

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
            "pushpin": _used_s([process.pid for process in self.cluster.processes()]),
            "swarm": _used_s([worker.pid for worker in self.swarm.workers]),
            "origin": _used_s([self.origin.pid]),
            "kit": _used_s([os.getpid()]),
        }

    def _pushpin_bytes(self) -> int:
        """Memory of all Pushpins; what several processes share is divided among them, where the system tells it."""
        memory = [process.memory_full_info() for process in self.cluster.processes()]
        return sum(getattr(each, "pss", each.uss) for each in memory)

    def _meta(
        self, opened_s: float, reopened: int, state: SwarmState, instances: list[dict[str, Any]]
    ) -> dict[str, Any]:
        installation = self.cluster.instances[0].installation
        return {
            "kit": realtime_kit.__version__,
            "python": platform.python_version(),
            "pushpin": str(installation.version) if installation else "unknown",
            "cpus": os.cpu_count(),
            "config": asdict(self.settings),
            "opening": {
                "seconds": round(opened_s, 3),
                "retries": state.retries,
                "reopened_after_roll_call": reopened,
            },
            "losses": state.losses,
            "restarts": self.cluster.restarts,
            "instances": instances,
            "swarm_processes": len(self.swarm.workers),
            "swarm_bytes_per_client": round(state.bytes_per_client),
        }


def _used_s(pids: Sequence[int]) -> dict[int, float]:
    """Processor time of processes so far; to the nanosecond where the system tells it, else to its clock's tick."""
    used = {}
    for pid in pids:
        with contextlib.suppress(psutil.Error, OSError, ValueError):
            tasks = list(Path(f"/proc/{pid}/task").glob("*/schedstat"))
            if tasks:
                used[pid] = sum(int(task.read_text().split()[0]) for task in tasks) / 1e9
            else:
                times = psutil.Process(pid).cpu_times()
                used[pid] = times.user + times.system
    return used


def _machine_s() -> float:
    """Processor time of all programs so far. What the system does for the network belongs to none of them."""
    times = psutil.cpu_times()
    return float(times.user + times.system + getattr(times, "nice", 0.0))


def _difference(before: dict[int, float], after: dict[int, float]) -> float:
    return sum(seconds - before.get(pid, 0.0) for pid, seconds in after.items())
