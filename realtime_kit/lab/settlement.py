"""Settling a race: from what every process has seen to a run whose books balance."""

from __future__ import annotations

import os
import platform
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

import numpy as np
from numpy.typing import NDArray

import realtime_kit
from realtime_kit.clients.receipt import Receipts
from realtime_kit.lab.expectations import MeasuredInputs, expect
from realtime_kit.lab.settings import RaceSettings
from realtime_kit.measurements import Evidence, Result, Run, account, curve, judge, latencies_s, latency
from realtime_kit.measurements.load import load as measured_load
from realtime_kit.pushpin import Proxy, Pushpin
from realtime_kit.schedule import Schedule
from realtime_kit.theory.broadcast import LIMITER_INTERVAL_MS
from realtime_kit.theory.polling import aliases

EARLY_GRACE_S = 0.5
"""When a race is ended early, events due in its last half second are not held against anybody."""

_REASONS = 5  # as many as a run keeps of why events were not published


@dataclass(frozen=True, slots=True)
class Observed:
    """What the rig as a whole observed in the window.

    Attributes:
        start_ns: Start of the window on `CLOCK_MONOTONIC`. `end_ns` likewise.
        started_at: The start, by the wall clock.
        processor: Processor time by part, and the share of the machine that was busy.
        clock_drift_s: How far the wall clock moved against the monotonic one, seconds, absolute.
        interrupted: Whether the race was ended early.
    """

    start_ns: int
    end_ns: int
    started_at: datetime
    processor: dict[str, Any]
    clock_drift_s: float
    interrupted: bool

    @property
    def window_s(self) -> float:
        """Length of the window in seconds."""
        return (self.end_ns - self.start_ns) / 1e9


@dataclass(frozen=True, slots=True, eq=False)
class Due:
    """The events that count, in order: their ids, due times, slip and texts.

    Attributes:
        left_out: How many further events happened that do not count, because the race was ended early.
    """

    ids: NDArray[np.int64]
    intended_ns: NDArray[np.int64]
    slip_s: NDArray[np.float64]
    texts: list[str]
    left_out: int = 0

    @classmethod
    def from_report(cls, schedule: Schedule, origin: Mapping[str, Any], start_ns: int) -> Due:
        """What the origin says has happened."""
        count, first_id = len(origin["slip_s"]), origin["first_id"]
        return cls(
            np.arange(first_id, first_id + count),
            schedule.intended_ns(start_ns)[:count],
            np.array(origin["slip_s"]),
            origin["texts"][:count],
        )

    def until(self, end_ns: int) -> Due:
        """Only those due before a moment."""
        count = int((self.intended_ns < end_ns).sum())
        left_out = len(self.ids) - count
        return Due(
            self.ids[:count], self.intended_ns[:count], self.slip_s[:count], self.texts[:count], left_out
        )

    def belongs(self, event_ids: NDArray[np.int64]) -> NDArray[np.bool_]:
        """Which receipts are of this run: not of the warm-up before it, nor of events that do not count."""
        if not len(self.ids):
            return np.zeros(len(event_ids), np.bool_)
        last = self.ids[-1]
        after = (event_ids > last) & (event_ids <= last + self.left_out)
        return np.asarray((event_ids >= self.ids[0]) & ~after)


class Settlement:
    """Puts the reports of origin, yardstick and loads together.

    Args:
        settings: The race.
        schedule: Its events.
        observed: What the rig observed.
        origin: The origin's report.
        reference: The yardstick's report.
    """

    def __init__(
        self,
        settings: RaceSettings,
        schedule: Schedule,
        observed: Observed,
        origin: Mapping[str, Any],
        reference: Mapping[str, Any],
    ) -> None:
        self._settings = settings
        self._observed = observed
        self._origin = origin
        self._reference = reference
        self._due = Due.from_report(schedule, origin, observed.start_ns)

    def run(self, loads: Mapping[str, Mapping[str, Any]], pushpin: Proxy) -> Run:
        """The run, from the loads' reports by transport."""
        results = tuple(self._result(name, report, pushpin) for name, report in loads.items())
        started_at = self._observed.started_at.strftime("%Y-%m-%dT%H:%M:%SZ")
        return Run("race", started_at, self._meta(pushpin), results)

    def _result(self, transport: str, report: Mapping[str, Any], pushpin: Proxy) -> Result:
        due = self._counted(transport)
        receipts = Receipts.from_json(report["receipts"])
        receipts = receipts.only(due.belongs(receipts.event_id))
        books = account(receipts, due.ids, due.intended_ns, clients=self._settings.clients)
        samples = latencies_s(books.received_ns, due.intended_ns)
        inputs = self._inputs(report)
        not_pushed = [] if transport == "polling" else self._not_published(due)
        evidence = Evidence(
            samples=books.ledger.expected,
            advice=self._settings.advice_for_p99,
            publisher_slip_s=float(np.percentile(due.slip_s, 99)) if len(due.slip_s) else 0.0,
            client_lag_s=report["lag_s"],
            window_late_s=report["window_late_s"],
            reconnections=report["reconnections"],
            reconnected_because=report["reconnected_because"],
            processor_busy=max(
                self._observed.processor["machine_busy"], self._observed.processor["busiest_process"]
            ),
            unexpected=books.ledger.duplicate + books.ledger.unexpected,
            negative_latencies=int((samples < 0).sum()),
            clock_drift_s=self._observed.clock_drift_s,
            message_rate=pushpin.settings.message_rate if isinstance(pushpin, Pushpin) else None,
            deliveries_per_s=self._busiest_per_s(),
            unpublished=len(not_pushed),
            unpublished_because=not_pushed[0] if not_pushed else "",
            yardstick_missed=self._yardstick_missed(transport, due),
            aliased=transport == "polling" and self._aliased(),
            interrupted=self._observed.interrupted,
        )
        return Result(
            transport=transport,
            clients=self._settings.clients,
            published=len(due.ids),
            ledger=books.ledger,
            latency=latency(samples),
            load=measured_load(
                report["window"],
                origin_requests=self._origin["requests"].get(transport, {}).get("requests", 0),
                connections=report["connections"],
                window_s=self._observed.window_s,
            ),
            theory=expect(transport, self._settings, inputs),
            verdict=judge(evidence),
            reconnections=report["reconnections"],
            latency_curve_s=curve(samples),
            measured_inputs=inputs.used_by(transport),
        )

    def _counted(self, transport: str) -> Due:
        """A race that was ended early counts what had been due so long before that it must have arrived."""
        if not self._observed.interrupted:
            return self._due
        grace_s = EARLY_GRACE_S + (self._settings.interval_s if transport == "polling" else 0.0)
        return self._due.until(self._observed.end_ns - int(grace_s * 1e9))

    def _not_published(self, due: Due) -> list[str]:
        """Why events were not published, for each that was not; polling has no need of it."""
        numbers = set(due.ids.tolist())
        return [reason for number, reason in self._origin["not_published"] if number in numbers]

    def _inputs(self, report: Mapping[str, Any]) -> MeasuredInputs:
        due, seen = self._due, self._reference["received_ns"]
        took = [
            (seen[str(number)] - intended) / 1e9
            for number, intended in zip(due.ids.tolist(), due.intended_ns.tolist(), strict=True)
            if str(number) in seen
        ]
        return MeasuredInputs(
            # Below 0 the clocks disagree, which the verdict says; theory knows no way that takes less than no time.
            push_s=max(0.0, float(np.median(took))) if took else None,
            round_trip_s=self._reference["round_trip_s"],
            upstream_s=self._origin["requests"].get("long-polling", {}).get("upstream_s", 0.0),
            turnaround_s=report["turnaround_s"],
            rate_per_s=len(due.ids) / self._observed.window_s,
            messages=list(zip(due.ids.tolist(), due.texts, strict=True)),
        )

    def _yardstick_missed(self, transport: str, due: Due) -> float:
        if transport == "polling":
            return float(self._reference["round_trip_s"] is None)
        missed = [number for number in due.ids.tolist() if str(number) not in self._reference["received_ns"]]
        return len(missed) / len(due.ids) if len(due.ids) else 0.0

    def _busiest_per_s(self) -> float:
        """Deliveries per second in the busiest of the limiter's intervals: each event goes to all pushed clients."""
        due_ns = self._due.intended_ns
        within = np.searchsorted(due_ns, due_ns + LIMITER_INTERVAL_MS * 1_000_000) - np.arange(len(due_ns))
        pushed = [name for name in self._settings.transports if name != "polling"]
        events = int(within.max()) if len(due_ns) else 0
        return self._settings.clients * len(pushed) * events * 1000 / LIMITER_INTERVAL_MS

    def _aliased(self) -> bool:
        if self._settings.arrivals != "periodic" or not len(self._due.ids):
            return False
        return aliases(
            interval_s=self._settings.interval_s,
            event_interval_s=1 / self._settings.rate,
            events=len(self._due.ids),
        )

    def _meta(self, pushpin: Proxy) -> dict[str, Any]:
        config = self._settings.to_json()
        version = "attached"
        if isinstance(pushpin, Pushpin) and pushpin.installation is not None:
            version = str(pushpin.installation.version)
            limits = ("message_rate", "message_hwm", "message_wait_ms", "id_cache_ttl_s")
            config |= {name: getattr(pushpin.settings, name) for name in limits}
            config["connections_max"] = pushpin.connections_max
        return {
            "kit": realtime_kit.__version__,
            "python": platform.python_version(),
            "pushpin": version,
            "cpus": os.cpu_count(),
            "seed": self._settings.seed,
            "not_published": list(dict.fromkeys(self._not_published(self._due)))[:_REASONS],
            "window_s": round(self._observed.window_s, 3),
            "processor": self._observed.processor,
            "config": config,
        }
