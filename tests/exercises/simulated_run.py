"""Races that never happened: every client and event simulated, with the law of each transport and nothing else."""

from dataclasses import dataclass

import numpy as np

from realtime_kit.lab.expectations import MeasuredInputs, expect
from realtime_kit.lab.settings import RaceSettings
from realtime_kit.measurements import Ledger, Result, Run, Verdict, curve, latency
from realtime_kit.origin.long_polling import HOLD_TIMEOUT_S
from realtime_kit.quantities import Load


@dataclass(frozen=True)
class Conditions:
    """What a simulated race is made of; durations in seconds."""

    clients: int = 30
    rate: float = 6.0
    interval_s: float = 2.0
    seconds: float = 10.0
    push_s: float = 0.003
    upstream_s: float = 0.001
    turnaround_s: float = 0.0003
    round_trip_s: float = 0.002

    @property
    def gap_s(self) -> float:
        return self.push_s + self.upstream_s + self.turnaround_s


def random_conditions(rng: np.random.Generator) -> Conditions:
    """Any race with some 60 deliveries or more, and one polling interval at least."""
    interval_s = float(rng.uniform(0.5, 5))
    return Conditions(
        clients=int(rng.integers(5, 40)),
        rate=float(rng.uniform(1, 20)),
        interval_s=interval_s,
        seconds=float(interval_s * rng.uniform(2, 10) + 10),
        push_s=float(10 ** rng.uniform(-3, -1.5)),
    )


def simulate(conditions: Conditions, rng: np.random.Generator, *, flags=()) -> Run:
    """A race under these conditions."""
    c = conditions
    lead_s = c.interval_s + HOLD_TIMEOUT_S
    every = np.sort(rng.uniform(-lead_s, c.seconds, rng.poisson(c.rate * (lead_s + c.seconds))))
    events = every[every >= 0]
    settings = RaceSettings(clients=c.clients, rate=c.rate, interval_s=c.interval_s, seconds=c.seconds)
    inputs = MeasuredInputs(
        push_s=c.push_s,
        round_trip_s=c.round_trip_s,
        upstream_s=c.upstream_s,
        turnaround_s=c.turnaround_s,
        rate_per_s=len(events) / c.seconds,
        messages=[(number, "." * settings.payload_bytes) for number in range(17, 17 + len(events))],
    )
    parts = {
        "polling": _polling(c, every, events, rng),
        "long-polling": _long_polling(c, every, rng),
        "streaming": _pushed(c, events, rng),
        "websocket": _pushed(c, events, rng),
    }
    results = tuple(
        Result(
            transport=name,
            clients=c.clients,
            published=len(events),
            ledger=Ledger(samples.size, samples.size, 0, 0, 0, 0),
            latency=latency(samples),
            load=load,
            theory=expect(name, settings, inputs),
            verdict=Verdict(tuple(flags)),
            latency_curve_s=curve(samples),
            measured_inputs=inputs.used_by(name),
        )
        for name, (samples, load) in parts.items()
    )
    meta = {"window_s": c.seconds, "config": settings.to_json()}
    return Run("race", "2026-01-01T00:00:00Z", meta, results)


def _polling(c, every, events, rng):
    waits, polls, empty = [], 0, 0
    for phase_s in rng.uniform(0, c.interval_s, c.clients):
        waits.append((phase_s - events) % c.interval_s + c.round_trip_s / 2)
        asked = np.arange(phase_s, c.seconds, c.interval_s)
        polls += len(asked)
        empty += int((np.searchsorted(every, asked) == np.searchsorted(every, asked - c.interval_s)).sum())
    return np.array(waits), Load(polls / c.seconds, empty / polls, 98.0, polls)


def _long_polling(c, every, rng):
    """One client after another would do the same: they wait for the same events."""
    asked_s, requests, waits, index = every[0] if len(every) else 0.0, 0, [], 0
    while asked_s < c.seconds:
        requests += asked_s >= 0
        carried = index
        while index < len(every) and every[index] <= asked_s:
            index += 1
        if index > carried:
            answered_s = asked_s
        elif index < len(every) and every[index] < asked_s + HOLD_TIMEOUT_S:
            answered_s = every[index]
            index += 1
        else:
            answered_s = asked_s + HOLD_TIMEOUT_S
        waits += [answered_s - due for due in every[carried:index] if due >= 0]
        asked_s = answered_s + c.gap_s
    samples = np.array(waits) + _ways(c, len(waits), rng)
    return samples, Load(c.clients * requests / c.seconds, 0.0, 217.0, c.clients * requests)


def _pushed(c, events, rng):
    return _ways(c, len(events), rng), Load(0.0, 0.0, 85.0, 0)


def _ways(c, events, rng):
    """From the due time to each client: a bare socket's median, a queue, and what a machine adds."""
    return c.push_s * rng.lognormal(0.1, 0.2, (c.clients, events))
