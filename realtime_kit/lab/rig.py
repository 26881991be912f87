"""The rig of a race: origin, Pushpin, one load for each transport and the yardstick, each in its own process."""

from __future__ import annotations

import asyncio
import contextlib
import time
from dataclasses import dataclass, field
from typing import Any, Self

import psutil

from realtime_kit.errors import UsageError
from realtime_kit.lab.settings import RaceSettings
from realtime_kit.origin.lessons import find_lesson
from realtime_kit.origin.process import CHANNEL
from realtime_kit.processors import used_s
from realtime_kit.pushpin import Proxy, Pushpin, PushpinSettings, Route
from realtime_kit.worker import Worker

__all__ = ["CHANNEL", "ProcessorTime", "Rig"]


class Rig:
    """Everything that has to run for a race. Use it with `async with`; afterwards nothing of it is left.

    Args:
        settings: The race.
        pushpin: A Pushpin to use instead of an embedded one; its routes must lead to `origin_port`.
        origin_port: Port for the origin; 0 is a free one.
        pushpin_settings: How to configure the embedded one.

    Attributes:
        origin: The origin's process.
        loads: The loads' processes by transport.
        reference: The yardstick's process.
        pushpin: The proxy.
    """

    def __init__(
        self,
        settings: RaceSettings,
        *,
        pushpin: Proxy | None = None,
        origin_port: int = 0,
        pushpin_settings: PushpinSettings | None = None,
    ) -> None:
        if pushpin is not None and pushpin.url.scheme != "http":
            message = f"a race needs an http:// address, not {pushpin.url}: its yardstick is a bare socket"
            raise UsageError(message)
        self._settings = settings
        self._given = pushpin
        self._origin_port = origin_port
        self._stack = contextlib.AsyncExitStack()
        self._pushpin_settings = pushpin_settings or PushpinSettings()
        self.origin = Worker("realtime_kit.origin.process", name="the origin")
        self.reference = Worker("realtime_kit.clients.reference", name="the reference client")
        self.loads = {
            name: Worker("realtime_kit.clients.load", name=f"the {name} clients")
            for name in settings.transports
        }
        self.pushpin: Proxy

    @property
    def workers(self) -> list[Worker]:
        """All of the kit's own processes."""
        return [self.origin, self.reference, *self.loads.values()]

    async def __aenter__(self) -> Self:
        try:
            await self._start_workers()
            # Pushpin needs the origin's port.
            port = (await self.origin.ask("start", port=self._origin_port))["port"]
            self.pushpin = self._given or await self._start_pushpin(port)
            await self.origin.ask(
                "publish_to",
                publisher=self.pushpin.publisher_options(),
                payload_bytes=self._settings.payload_bytes,
            )
        except BaseException:
            await self._stack.aclose()
            raise
        return self

    async def __aexit__(self, *_: object) -> None:
        await self._stack.aclose()

    async def _start_workers(self) -> None:
        """Interpreters start side by side; if one does not, the others are not left half-started."""
        try:
            async with asyncio.TaskGroup() as starting:
                for worker in self.workers:
                    starting.create_task(self._stack.enter_async_context(worker))
        except ExceptionGroup as failed:
            raise failed.exceptions[0] from None  # one reason is what a person can act on

    async def _start_pushpin(self, port: int) -> Pushpin:
        routes = (Route(f"127.0.0.1:{port}", over_http=True),)
        return await self._stack.enter_async_context(Pushpin(routes, settings=self._pushpin_settings))

    async def open_clients(self) -> None:
        """Connect every client; streams first, so that the channel is warm when the first long-poll arrives."""
        host, port = self.pushpin.url.host, self.pushpin.url.port
        await self.reference.ask("open", host=host, port=port)
        for name in sorted(self.loads, key=("streaming", "websocket", "polling", "long-polling").index):
            await self.loads[name].ask(
                "open",
                transport=name,
                url=str(self.pushpin.url / find_lesson(name).path.lstrip("/")),
                clients=self._settings.clients,
                seed=self._settings.seed,
                options={"interval_s": self._settings.interval_s} if name == "polling" else {},
            )

    def processor_time(self) -> ProcessorTime:
        """Processor time used so far, by part."""
        pushpin = self.pushpin.processes() if isinstance(self.pushpin, Pushpin) else []
        return ProcessorTime(
            {
                "pushpin": used_s([process.pid for process in pushpin]),
                "origin": used_s([self.origin.pid]),
                "clients": used_s([load.pid for load in self.loads.values()]),
            }
        )


@dataclass(frozen=True, slots=True)
class ProcessorTime:
    """Processor time at one moment.

    Attributes:
        parts_s: Seconds used so far by each process of Pushpin, the origin and the clients, by pid.
        machine: (busy, total) seconds of all processors together, other programs included.
        at_s: When, on `CLOCK_MONOTONIC`.
    """

    parts_s: dict[str, dict[int, float]]
    machine: tuple[float, float] = field(default_factory=lambda: _machine_s())
    at_s: float = field(default_factory=time.monotonic)

    def since(self, earlier: ProcessorTime) -> dict[str, Any]:
        """Seconds used by each part between two moments, and how busy the machine and the busiest process were.

        Both shares are 0 to 1: of all processors for the machine, of one for the process (Pushpin's services
        work on one at a time).
        """
        busy, total = (now - then for now, then in zip(self.machine, earlier.machine, strict=True))
        used = {
            name: [
                seconds - earlier.parts_s.get(name, {}).get(pid, 0.0) for pid, seconds in processes.items()
            ]
            for name, processes in self.parts_s.items()
        }
        busiest_s = max((seconds for each in used.values() for seconds in each), default=0.0)
        passed_s = self.at_s - earlier.at_s
        return {
            "seconds": {name: round(sum(each), 3) for name, each in used.items()},
            "machine_busy": round(busy / total, 3) if total > 0 else 0.0,
            "busiest_process": round(min(1.0, busiest_s / passed_s), 3) if passed_s > 0 else 0.0,
        }


def _machine_s() -> tuple[float, float]:
    times = psutil.cpu_times()
    # Linux counts guests within user; waiting for a disk is idleness.
    total = sum(
        getattr(times, name, 0.0) for name in ("user", "nice", "system", "idle", "iowait", "irq", "softirq")
    )
    total += getattr(times, "steal", 0.0)
    return total - times.idle - getattr(times, "iowait", 0.0), total
