"""Whether a run can be trusted. It accuses itself: every flag names what was found and what is allowed."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import asdict, dataclass
from typing import Any

from realtime_kit.theory.statistics import samples_needed

YES_OR_NO = frozenset({"aliasing", "cut-short", "interrupted", "not-rearmed", "rate-limiter-unknown"})
"""Flags that are raised by a fact and not by an amount: their figures are for programs only."""


@dataclass(frozen=True, slots=True)
class Flag:
    """One reason not to trust a run.

    Attributes:
        name: Short name, such as `publisher-slip`.
        found: What was measured.
        limit: What would have been acceptable.
        meaning: What it does to the numbers, in a sentence.
    """

    name: str
    found: float
    limit: float
    meaning: str

    @property
    def is_amount(self) -> bool:
        """Whether `found` and `limit` say something to people."""
        return self.name not in YES_OR_NO

    def __str__(self) -> str:
        figures = f"found {self.found:.4g}, limit {self.limit:.4g}. " if self.is_amount else ""
        return f"{self.name}: {figures}{self.meaning}"


@dataclass(frozen=True, slots=True)
class Verdict:
    """All flags of a result; none means that it can be trusted."""

    flags: tuple[Flag, ...] = ()

    @property
    def trustworthy(self) -> bool:
        """Whether nothing speaks against the result."""
        return not self.flags

    def __str__(self) -> str:
        return "trustworthy" if self.trustworthy else "; ".join(str(flag) for flag in self.flags)

    def to_json(self) -> dict[str, Any]:
        """Plain values for JSON."""
        return {"trustworthy": self.trustworthy, "flags": [asdict(flag) for flag in self.flags]}

    @classmethod
    def from_json(cls, values: dict[str, Any]) -> Verdict:
        """The inverse of `to_json`."""
        return cls(tuple(Flag(**flag) for flag in values["flags"]))


@dataclass(frozen=True, slots=True)
class Evidence:
    """What a rig observed about itself during a run, for one transport.

    Attributes:
        samples: Expected deliveries.
        advice: How to get enough of them, as the end of a sentence.
        publisher_slip_s: 99th percentile of how late events were published, seconds.
        client_lag_s: 99th percentile of how late the clients' event loop woke up, seconds.
        window_late_s: How late the clients noted their counters at the window's start or end, seconds.
        reconnections: How often a client had to come back after a failure, from the window's start on.
        reconnected_because: Why one of them did.
        processor_busy: Share of all processors in use over the run, or of one that the kit's busiest process used, 0
            to 1. Of a fan-out, in which Pushpin is busy on purpose, only the latter, of the swarm's processes.
        others_busy: Share of all processors that went to programs which have nothing to do with the run, 0 to 1.
        unexpected: Receipts beyond what was published: duplicates and unknown events.
        negative_latencies: Receipts before their event was due.
        clock_drift_s: How much the wall clock moved against the monotonic one, seconds, absolute.
        message_rate: Configured rate limit in deliveries per second; 0 is none, None is unknown.
        deliveries_per_s: Deliveries per second that Pushpin had to make at the busiest moment's average.
        unpublished: Events of the run that Pushpin refused or that could not be published.
        unpublished_because: Why the first of them was not.
        yardstick_missed: Share of the events that the bare socket did not receive, 0 to 1; for polling, whose theory
            rests on the round trip, 1 if it got no answer.
        aliased: Whether periodic events keep step with the polling period.
        interrupted: Whether the run was ended before its time.
        cut_short: Whether it was ended while deliveries were still on their way, or their clients were asking again.
        herd_incomplete: Whether a long-poll's clients had not all asked again after the event, although waited for.
        unmade: Pushes that were to come and did not, because the run could not go on.
        unmade_because: Why it could not.
        unconnected: Clients that could not be connected, of those that were asked for.
        unconnected_because: Why one of them could not.
        ended: Connections that a service ended and that nobody opened again.
        ended_because: Why one of them ended.
        unwatched: Receipts of events beyond those that were watched.
    """

    samples: int
    advice: str = "run longer or with more clients"
    publisher_slip_s: float = 0.0
    client_lag_s: float = 0.0
    window_late_s: float = 0.0
    reconnections: int = 0
    reconnected_because: str = ""
    processor_busy: float = 0.0
    others_busy: float = 0.0
    unexpected: int = 0
    negative_latencies: int = 0
    clock_drift_s: float = 0.0
    message_rate: int | None = 0
    deliveries_per_s: float = 0.0
    unpublished: int = 0
    unpublished_because: str = ""
    yardstick_missed: float = 0.0
    aliased: bool = False
    interrupted: bool = False
    cut_short: bool = False
    herd_incomplete: bool = False
    unmade: int = 0
    unmade_because: str = ""
    unconnected: int = 0
    unconnected_because: str = ""
    ended: int = 0
    ended_because: str = ""
    unwatched: int = 0


SLIP_LIMIT_S = 0.05
"""Latency counts from the due time, so slip is in the numbers; above this they describe the publisher."""

LAG_LIMIT_S = 0.05
"""A client that reads late makes the proxy look late."""

WINDOW_LATE_LIMIT_S = 0.05
"""Counters that are noted later than this describe another stretch of time than the origin's."""

BUSY_LIMIT = 0.90
"""Above nine tenths of all processors, or of one that a process can use, queueing for it is part of every latency."""

OTHERS_LIMIT = 0.10
"""What a quiet desktop does beside is well below a tenth of its processors."""

DRIFT_LIMIT_S = 0.05
"""The wall clock and the monotonic clock of a healthy machine agree to a few milliseconds a minute."""

YARDSTICK_LIMIT = 0.05
"""A median moves little by what one in twenty would have added."""


def judge(evidence: Evidence) -> Verdict:
    """Turn what the rig observed into a verdict."""
    return Verdict(tuple(_flags(evidence)))


def _flags(evidence: Evidence) -> Iterator[Flag]:
    needed = samples_needed(0.99)
    if evidence.samples < needed:
        meaning = f"The 99th percentile rests on fewer than {needed:,} deliveries: {evidence.advice}."
        yield Flag("too-few-samples", evidence.samples, needed, meaning)
    if evidence.publisher_slip_s > SLIP_LIMIT_S:
        meaning = "Events were published late; the latencies contain it and say more of the publisher than of Pushpin."
        yield Flag("publisher-slip", evidence.publisher_slip_s, SLIP_LIMIT_S, meaning)
    if evidence.client_lag_s > LAG_LIMIT_S:
        meaning = "The clients were too busy to read in time: use fewer, or more processors."
        yield Flag("client-loop-lag", evidence.client_lag_s, LAG_LIMIT_S, meaning)
    if evidence.window_late_s > WINDOW_LATE_LIMIT_S:
        meaning = "The clients noted their counters late, so their load is that of another window than the origin's."
        yield Flag("window-late", evidence.window_late_s, WINDOW_LATE_LIMIT_S, meaning)
    if evidence.reconnections:
        why = _because(evidence.reconnected_because)
        meaning = f"Clients had to come back after a failure{why}; what came late for it is in the latencies."
        yield Flag("reconnected", evidence.reconnections, 0, meaning)
    if evidence.processor_busy > BUSY_LIMIT:
        meaning = (
            "The machine, or a process of the kit that can use one processor, had none to spare: what was waiting "
            "for it is in the times."
        )
        yield Flag("processor-saturated", evidence.processor_busy, BUSY_LIMIT, meaning)
    if evidence.others_busy > OTHERS_LIMIT:
        meaning = (
            "Other programs used the processors, so times say as much of them as of the run: close them."
        )
        yield Flag("others-busy", evidence.others_busy, OTHERS_LIMIT, meaning)
    if evidence.unexpected:
        meaning = "Clients received more than was published to them, so the counts do not describe one run."
        yield Flag("more-received-than-expected", evidence.unexpected, 0, meaning)
    if evidence.negative_latencies:
        meaning = "Something arrived before it was due: the clocks of the processes do not agree."
        yield Flag("clock", evidence.negative_latencies, 0, meaning)
    elif evidence.clock_drift_s > DRIFT_LIMIT_S:
        meaning = (
            "The wall clock moved against the monotonic one during the run (stepped, or the machine slept)."
        )
        yield Flag("clock", evidence.clock_drift_s, DRIFT_LIMIT_S, meaning)
    if evidence.message_rate is None:
        meaning = "The proxy runs elsewhere and does not say whether it limits its rate."
        yield Flag("rate-limiter-unknown", evidence.deliveries_per_s, 0, meaning)
    elif 0 < evidence.message_rate <= evidence.deliveries_per_s:
        meaning = "Pushpin's rate limiter held messages back (or dropped them); measure with message_rate 0."
        yield Flag("rate-limiter", evidence.deliveries_per_s, evidence.message_rate, meaning)
    if evidence.unpublished:
        why = _because(evidence.unpublished_because)
        meaning = f"Pushpin did not accept every event{why}; what it did not accept it could not push."
        yield Flag("not-published", evidence.unpublished, 0, meaning)
    if evidence.yardstick_missed > YARDSTICK_LIMIT:
        meaning = "The bare socket was cut off, so theory does not know how long the way took in this run."
        yield Flag("yardstick-missed", evidence.yardstick_missed, YARDSTICK_LIMIT, meaning)
    if evidence.aliased:
        meaning = "Periodic events keep step with the polling period, so a client always waits the same: use poisson."
        yield Flag("aliasing", 1, 0, meaning)
    if evidence.interrupted:
        meaning = "The run was ended early; what had been due well before that is what counts."
        yield Flag("interrupted", 1, 0, meaning)
    if evidence.cut_short:
        meaning = (
            "It was interrupted while deliveries were on their way, or clients asked again: what counts as lost might "
            "still have come, and a long-poll's herd is not known."
        )
        yield Flag("cut-short", 1, 0, meaning)
    if evidence.herd_incomplete:
        meaning = "Not every client of the long-poll had asked again in time: the herd takes longer, or some are gone."
        yield Flag("not-rearmed", 1, 0, meaning)
    if evidence.unmade:
        why = _because(evidence.unmade_because)
        meaning = f"The run could not go on after this push{why}: the others were not made."
        yield Flag("unfinished", evidence.unmade, 0, meaning)
    if evidence.unconnected:
        why = _because(evidence.unconnected_because)
        meaning = f"Not every client could be connected{why}; who was not counts as not reached."
        yield Flag("not-connected", evidence.unconnected, 0, meaning)
    if evidence.ended:
        why = _because(evidence.ended_because)
        meaning = f"The service ended connections{why}; their clients count as not reached from then on."
        yield Flag("connections-ended", evidence.ended, 0, meaning)
    if evidence.unwatched:
        meaning = (
            "More events came than can be watched at once, so reading all of them is part of every time."
        )
        yield Flag("flood", evidence.unwatched, 0, meaning)


def _because(reason: str) -> str:
    return f" ({reason})" if reason else ""
