"""The result of the fault lab: a ledger for each fault and transport."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any, ClassVar

from realtime_kit.measurements.fault_ledger import FaultLedger
from realtime_kit.measurements.saved import SavedRun

STRETCHES = ("before", "during", "after")

RECOVERING = ("reliable", "polling", "long-polling", "reliable-websocket")
"""Transports whose protocol finds out by itself what a client has missed."""

UNEXPLAINED = 0.02
"""Measured loss further above theory's than this has another reason; a share of what was owed."""


@dataclass(frozen=True, slots=True)
class FaultResult:
    """What one fault did to one transport.

    Attributes:
        scenario: Name of the fault.
        transport: Name of the transport.
        clients: Clients of it.
        published: Events that happened.
        ledgers: Those of the events due before, during and after the fault.
        predicted_loss: Share of the deliveries that theory says is lost, 0 to 1: D/M from the outages seen.
        recovery_s: Median and longest time of what was recovered or late, seconds; None if nothing was.
        reason: Why this fault costs push what it does, if that is special to it. Where theory knows nothing of it, this
            explains the whole loss.
        by_client: The ledger of each client over the whole time; empty in a run that was saved before there was one.
    """

    scenario: str
    transport: str
    clients: int
    published: int
    ledgers: dict[str, FaultLedger]
    predicted_loss: float
    recovery_s: tuple[float, float] | None
    reason: str = ""
    by_client: tuple[FaultLedger, ...] = ()

    @property
    def ledger(self) -> FaultLedger:
        """The whole time."""
        return sum(self.ledgers.values(), FaultLedger())

    @property
    def keeps_its_promise(self) -> bool:
        """Whether a transport that recovers has lost, repeated and reordered nothing; others promise nothing."""
        total = self.ledger
        return self.transport not in RECOVERING or not (total.lost or total.duplicate or total.reordered)

    @property
    def why(self) -> str:
        """Why something was lost; empty if nothing was."""
        total = self.ledger
        if not total.lost:
            return ""
        if self.transport in RECOVERING:
            return "this should not have happened"
        if total.lost_share - self.predicted_loss > UNEXPLAINED and (self.predicted_loss or not self.reason):
            return "more than the outages and dropped publishes that were seen explain"
        if self.reason:
            return self.reason
        if self.transport == "push only":
            return "it comes back without saying what it had, so nobody sends it what it missed"
        if not self.predicted_loss:
            return "no prev-id: perhaps published between the log's reading and the subscription"
        return "no prev-id: nobody notices a gap until the client reconnects"

    def to_json(self) -> dict[str, Any]:
        """Plain values for JSON."""
        return {
            "scenario": self.scenario,
            "transport": self.transport,
            "clients": self.clients,
            "published": self.published,
            "ledger": {name: each.to_json() for name, each in self.ledgers.items()}
            | {"total": self.ledger.to_json()},
            "by_client": [each.to_json() for each in self.by_client],
            "loss": {"measured": self.ledger.lost_share, "predicted": self.predicted_loss},
            "recovery_s": None
            if self.recovery_s is None
            else dict(zip(("p50", "max"), self.recovery_s, strict=True)),
            "keeps_its_promise": self.keeps_its_promise,
            "why": self.why,
            "reason": self.reason,
        }

    @classmethod
    def from_json(cls, values: dict[str, Any]) -> FaultResult:
        """The inverse of `to_json`."""
        recovery = values["recovery_s"]
        return cls(
            scenario=values["scenario"],
            transport=values["transport"],
            clients=values["clients"],
            published=values["published"],
            ledgers={
                name: FaultLedger.from_json(each)
                for name, each in values["ledger"].items()
                if name != "total"
            },
            predicted_loss=values["loss"]["predicted"],
            recovery_s=None if recovery is None else (recovery["p50"], recovery["max"]),
            reason=values.get("reason", ""),  # an older file has none
            by_client=tuple(FaultLedger.from_json(each) for each in values.get("by_client", [])),
        )


@dataclass(frozen=True, slots=True)
class FaultRun(SavedRun):
    """All faults on all transports.

    Attributes:
        started_at: When, by the wall clock, ISO 8601.
        meta: What it ran with.
        meanings: What each fault is in real life, by name.
        results: One for each fault and transport.
        interrupted: Whether it was ended early; what had been settled until then is here.
        left_out: Faults that could not be had on that machine, and why, by name.
        failed: Faults that could not be measured, and what went wrong, by name.
    """

    KIND: ClassVar[str] = "faults"

    started_at: str
    meta: dict[str, Any]
    meanings: dict[str, str]
    results: tuple[FaultResult, ...]
    interrupted: bool = field(default=False)
    left_out: dict[str, str] = field(default_factory=dict)
    failed: dict[str, str] = field(default_factory=dict)

    @property
    def trustworthy(self) -> bool:
        """Whether something was measured, and every transport kept its promise under every fault."""
        kept = all(each.keeps_its_promise for each in self.results)
        return bool(self.results) and not self.failed and kept

    def __getitem__(self, key: tuple[str, str]) -> FaultResult:
        """The result of a (scenario, transport)."""
        for each in self.results:
            if (each.scenario, each.transport) == key:
                return each
        raise KeyError(key)

    def _more_json(self) -> dict[str, Any]:
        return {
            "interrupted": self.interrupted,
            "scenarios": self.meanings,
            "left_out": self.left_out,
            "failed": self.failed,
        }

    def _table(self) -> object:
        from realtime_kit.plots.faults import faults_table

        return faults_table(self)

    @classmethod
    def _from_parts(cls, values: dict[str, Any]) -> FaultRun:
        results = tuple(FaultResult.from_json(each) for each in values["results"])
        return cls(
            started_at=values["started_at"],
            meta=values["meta"],
            meanings=values["scenarios"],
            results=results,
            interrupted=values["interrupted"],
            left_out=values.get("left_out", {}),
            failed=values.get("failed", {}),
        )
