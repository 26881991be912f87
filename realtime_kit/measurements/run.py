"""A run: everything that was configured, measured, predicted and judged. Immutable, and saved as JSON."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any, ClassVar

from realtime_kit.errors import UsageError
from realtime_kit.measurements.ledger import Ledger
from realtime_kit.measurements.saved import SavedRun
from realtime_kit.measurements.verdict import Verdict
from realtime_kit.quantities import LOST, Latency, Load


@dataclass(frozen=True, slots=True)
class Expectation:
    """What theory says of one transport, in the measurement's own terms."""

    latency: Latency
    load: Load


@dataclass(frozen=True, slots=True)
class Result:
    """One transport's part of a run.

    Attributes:
        transport: `polling`, `long-polling`, `streaming` or `websocket`.
        clients: How many clients received.
        published: How many events were published.
        ledger: What became of clients × published deliveries.
        latency: Measured, from the intended time of each event.
        load: Measured in the run's window.
        theory: What was to be expected.
        verdict: Whether to trust it.
        reconnections: How often a client had to come back after a failure, from the window's start on.
        latency_curve_s: Latencies at `CURVE_SHARES`, for drawing the distribution; infinite where lost.
        measured_inputs: What the theory was given that had to be measured, name to seconds.
    """

    transport: str
    clients: int
    published: int
    ledger: Ledger
    latency: Latency
    load: Load
    theory: Expectation
    verdict: Verdict
    reconnections: int = 0
    latency_curve_s: tuple[float, ...] = field(default=(), repr=False)
    measured_inputs: dict[str, float] = field(default_factory=dict, repr=False)

    def to_json(self) -> dict[str, Any]:
        """The result as in the contract of docs/how-it-flows.md."""
        return {
            "transport": self.transport,
            "clients": self.clients,
            "published": self.published,
            "ledger": self.ledger.to_json(),
            "latency_s": self.latency.to_json(),
            "load": self.load.to_json(),
            "reconnections": self.reconnections,
            "theory": {
                "latency_s": self.theory.latency.to_json(),
                "load": self.theory.load.to_json(),
                "measured_inputs": self.measured_inputs,
            },
            "verdict": self.verdict.to_json(),
            "latency_curve_s": [None if value == LOST else value for value in self.latency_curve_s],
        }

    @classmethod
    def from_json(cls, values: dict[str, Any]) -> Result:
        """The inverse of `to_json`."""
        theory = values["theory"]
        curve = values.get("latency_curve_s", ())
        return cls(
            transport=values["transport"],
            clients=values["clients"],
            published=values["published"],
            ledger=Ledger.from_json(values["ledger"]),
            latency=Latency.from_json(values["latency_s"]),
            load=Load.from_json(values["load"]),
            theory=Expectation(Latency.from_json(theory["latency_s"]), Load.from_json(theory["load"])),
            verdict=Verdict.from_json(values["verdict"]),
            reconnections=values.get("reconnections", 0),
            latency_curve_s=tuple(LOST if value is None else value for value in curve),
            measured_inputs=theory.get("measured_inputs", {}),
        )


@dataclass(frozen=True, slots=True)
class Run(SavedRun):
    """A finished run. Print it, show it in a notebook, `save` it, `load` it.

    Attributes:
        kind: What was run, such as `race`.
        started_at: UTC time of the start, ISO 8601.
        meta: The kit's, Python's and Pushpin's versions, processors, seed, and `config`: all that was set.
        results: One for each transport.
    """

    KIND: ClassVar[str] = "race"

    kind: str
    started_at: str
    meta: dict[str, Any]
    results: tuple[Result, ...]

    @property
    def trustworthy(self) -> bool:
        """Whether nothing speaks against any of the results."""
        return all(result.verdict.trustworthy for result in self.results)

    @property
    def interrupted(self) -> bool:
        """Whether it was ended before its time."""
        return any(flag.name == "interrupted" for result in self.results for flag in result.verdict.flags)

    def _repr_html_(self) -> str:
        from realtime_kit.plots import race_html

        return race_html(self)

    def __getitem__(self, transport: str) -> Result:
        for result in self.results:
            if result.transport == transport:
                return result
        here = ", ".join(result.transport for result in self.results)
        message = f"there is no result for {transport!r} in this run; it has {here}"
        raise UsageError(message)

    def _table(self) -> object:
        from realtime_kit.plots import race_table

        return race_table(self)

    @classmethod
    def _from_parts(cls, values: dict[str, Any]) -> Run:
        results = tuple(Result.from_json(result) for result in values["results"])
        return cls(values["kind"], values["started_at"], values["meta"], results)
