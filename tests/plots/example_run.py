"""Runs made by hand, with numbers like those of a real race."""

import math

import numpy as np

from realtime_kit.measurements import Expectation, Flag, Ledger, Result, Run, Verdict, curve, latency
from realtime_kit.quantities import Load
from realtime_kit.theory import polling, streaming

CLIENTS, EVENTS = 20, 60

META = {
    "kit": "0.1.0",
    "python": "3.12.1",
    "pushpin": "1.41.0",
    "cpus": 2,
    "seed": 7,
    "config": {
        "clients": CLIENTS,
        "rate": 2.0,
        "interval_s": 5.0,
        "seconds": 30.0,
        "arrivals": "poisson",
    },
}

LOADS = {
    "polling": (Load(4.03, 0.00021, 131.4), Load(4.0, 0.000045)),
    "long-polling": (Load(40.2, 0.0, 268.0), Load(40.0, 0.0)),
    "streaming": (Load(0.66, 0.0, 61.2), Load(0.0, None, 58.0)),
    "websocket": (Load(0.66, 0.0, 44.9), Load(0.0, None, 43.0)),
}

LAWS = {
    "polling": polling.latency(interval_s=5.0, downstream_s=0.0021),
    "long-polling": streaming.latency(downstream_s=0.0026),
    "streaming": streaming.latency(downstream_s=0.0019),
    "websocket": streaming.latency(downstream_s=0.0017),
}

FEW = Flag("too-few-samples", 40, 1000, "The 99th percentile rests on fewer than 1,000 deliveries.")
EARLY = Flag("interrupted", 1, 0, "The run was ended early.")
SLIP = Flag("publisher-slip", 0.21, 0.05, "Events were published late.")


def samples_s(transport: str, count: int = CLIENTS * EVENTS) -> np.ndarray:
    """Latencies in seconds as a real race has them: uniform for polling, a few milliseconds otherwise."""
    rng = np.random.default_rng(list(LAWS).index(transport) if transport in LAWS else 9)
    if transport == "polling":
        return rng.uniform(0.002, 5.002, count)
    least, spread = {"long-polling": (0.0021, 0.0007)}.get(transport, (0.0015, 0.0004))
    return least + rng.gamma(1.6, spread, count)


def make_result(
    transport: str = "streaming", *, lost: int = 0, count: int = CLIENTS * EVENTS, flags=(), **changes
) -> Result:
    """One transport's result with `lost` of `count` deliveries missing; `changes` replace whole fields."""
    samples = samples_s(transport, count)
    samples[:lost] = math.inf
    measured, predicted = LOADS.get(transport, LOADS["streaming"])
    values = {
        "transport": transport,
        "clients": CLIENTS,
        "published": count // CLIENTS,
        "ledger": Ledger(count, count - lost, lost, 0, 0, 0),
        "latency": latency(samples),
        "load": measured,
        "theory": Expectation(LAWS.get(transport, LAWS["streaming"]), predicted),
        "verdict": Verdict(tuple(flags)),
        "latency_curve_s": curve(samples),
    }
    return Result(**(values | changes))


def make_run(*results: Result, meta=META) -> Run:
    """A race of the given results; of all four transports if none is given."""
    everyone = results or tuple(make_result(transport) for transport in LAWS)
    return Run("race", "2026-01-01T00:00:00Z", meta, tuple(everyone))
