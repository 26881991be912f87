"""What a race is made of, with defaults that suit the machine."""

from __future__ import annotations

import math
from collections.abc import Iterable
from dataclasses import asdict, dataclass
from typing import Any

from realtime_kit import schedule
from realtime_kit.errors import UsageError
from realtime_kit.numbers import check_number
from realtime_kit.processors import usable
from realtime_kit.theory.statistics import samples_needed

TRANSPORTS = ("polling", "long-polling", "streaming", "websocket")
ARRIVALS = ("poisson", "periodic")
LONGEST_S = 3600


def default_clients() -> int:
    """Clients per transport: enough for a 99th percentile in half a minute, few enough for small machines."""
    return 30 if usable() > 1 else 20


@dataclass(frozen=True, slots=True)
class RaceSettings:
    """A race: one stream of events, sent to all transports at once.

    Attributes:
        transports: Which of `TRANSPORTS` take part.
        clients: Clients of each transport; 0 stands for `default_clients()`.
        rate: Events per second.
        interval_s: Polling interval, seconds.
        seconds: Length of the measured window, seconds.
        arrivals: `poisson` (as unrelated people cause events) or `periodic`.
        seed: Same seed, same events and same polling phases.
        payload_bytes: Size of an event's text, bytes.
    """

    transports: tuple[str, ...] = TRANSPORTS
    clients: int = 0
    rate: float = 2.5
    interval_s: float = 5.0
    seconds: float = 20.0
    arrivals: str = "poisson"
    seed: int = 7
    payload_bytes: int = 64

    def __post_init__(self) -> None:
        object.__setattr__(self, "transports", _transports(self.transports))
        if self.clients == 0:
            object.__setattr__(self, "clients", default_clients())
        _between("clients", self.clients, 1, 1000, "of each transport", whole=True)
        _between("rate", self.rate, 0.01, 1000, "events per second")
        _between("interval", self.interval_s, 0.05, 3600, "seconds")
        _between("seconds", self.seconds, 1, LONGEST_S, "seconds")
        _between("seed", self.seed, 0, 2**63 - 1, "a whole number", whole=True)
        _between("payload", self.payload_bytes, 0, 10_000, "bytes", whole=True)
        if self.arrivals not in ARRIVALS:
            message = f"arrivals is {self.arrivals!r}: allowed are {', '.join(ARRIVALS)}"
            raise UsageError(message)

    def schedule(self) -> schedule.Schedule:
        """When the events are due."""
        if self.arrivals == "periodic":
            return schedule.periodic(rate_per_s=self.rate, duration_s=self.seconds)
        return schedule.poisson(rate_per_s=self.rate, duration_s=self.seconds, seed=self.seed)

    @property
    def deliveries(self) -> int:
        """Deliveries that will be due to the clients of each transport: clients × events of the schedule."""
        return self.clients * len(self.schedule())

    @property
    def seconds_for_p99(self) -> float:
        """Length of a window that is due enough deliveries for a 99th percentile, seconds."""
        needed = samples_needed(0.99)
        usual_s = needed / (self.clients * self.rate)
        missing_events = math.ceil((needed - self.deliveries) / self.clients)
        # Random events may be fewer than their rate says: then it takes longer than the usual time.
        return usual_s if missing_events <= 0 else max(usual_s, self.seconds + missing_events / self.rate)

    @property
    def advice_for_p99(self) -> str:
        """How to get enough deliveries for a 99th percentile, as the end of a sentence."""
        seconds = math.ceil(self.seconds_for_p99)
        clients = "1 client" if self.clients == 1 else f"{self.clients} clients"
        advice = f"with {clients} at {self.rate:g} events/s it takes about {seconds:,} s"
        return advice if seconds <= LONGEST_S else f"{advice}; use more clients or a higher rate"

    def to_json(self) -> dict[str, Any]:
        """Plain values for the `config` of a run."""
        values = asdict(self)
        del values["seed"]
        return values | {"transports": list(self.transports)}


def _transports(given: str | Iterable[str]) -> tuple[str, ...]:
    names = tuple(name.strip() for name in given.split(",")) if isinstance(given, str) else tuple(given)
    unknown = [name for name in names if name not in TRANSPORTS]
    if unknown or not names:
        message = f"transports is {','.join(names)!r}: allowed are {', '.join(TRANSPORTS)}"
        raise UsageError(message)
    return tuple(name for name in TRANSPORTS if name in names)


def _between(name: str, value: float, low: float, high: float, unit: str, *, whole: bool = False) -> None:
    check_number(name, value, whole=whole)
    if not low <= value <= high:
        message = f"{name} is {value:g}: allowed is {low:g} to {high:g} ({unit})"
        raise UsageError(message)
