"""What a run says in words: its headline, the conditions it was made under, and whether to trust it."""

from __future__ import annotations

import math
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from realtime_kit.measurements.run import Result, Run
from realtime_kit.measurements.verdict import Flag
from realtime_kit.plots.words import format_rate, format_seconds
from realtime_kit.theory.statistics import samples_needed

_SOURCES = (
    (("polling", "long-polling"), "formulas with times measured in the same run"),
    (
        ("streaming", "websocket"),
        "the median latency of a bare socket on an event stream of the same run, and the bytes of the framing",
    ),
)
"""What `lab.expectations` rests on, by transport."""


@dataclass(frozen=True, slots=True)
class Accusation:
    """One flag and all transports that carry it.

    Attributes:
        flag: As the first transport carries it.
        found: What was found, by transport.
    """

    flag: Flag
    found: dict[str, float]

    def __str__(self) -> str:
        if not self.flag.is_amount:
            return self.flag.meaning
        same = len(set(self.found.values())) == 1
        each = [f"{_number(found)} ({transport})" for transport, found in self.found.items()]
        found = _number(self.flag.found) if same else ", ".join(each)
        return f"found {found}, limit {_number(self.flag.limit)}. {self.flag.meaning}"

    @property
    def heading(self) -> str:
        """The flag's name and the transports it concerns."""
        return f"{self.flag.name} ({', '.join(self.found)})"


def headline(run: Run) -> str:
    """What one sees, in a sentence: the fastest and the slowest half of all deliveries, if there are enough."""
    raced = run.results
    if not any(result.ledger.expected for result in raced):
        return "No event was due, so there is nothing to see"
    needed = samples_needed(0.50)
    if few := [result for result in raced if result.ledger.expected < needed]:
        counts = ", ".join(f"{result.ledger.expected} by {result.transport}" for result in few)
        return f"Too few deliveries to compare ({counts}): a median needs {needed}"
    ordered = sorted(raced, key=lambda result: result.latency.p50)
    first, last = ordered[0], ordered[-1]
    if math.isinf(first.latency.p50):
        came = any(result.ledger.received for result in raced)
        return "Most of the deliveries never came" if came else "None of the deliveries ever came"
    sentence = f"Half of all deliveries take {format_seconds(first.latency.p50)} or less by {first.transport}"
    if first is last:
        return sentence
    if math.isinf(last.latency.p50):
        return f"{sentence}; by {last.transport}, most never came"
    return f"{sentence}, {format_seconds(last.latency.p50)} by {last.transport}"


def basis(run: Run) -> str:
    """Where theory's figures come from, in a sentence without a full stop; empty if the kit knows no theory."""
    told = [
        f"for {' and '.join(named)}: {source}"
        for transports, source in _SOURCES
        if (named := [result.transport for result in run.results if result.transport in transports])
    ]
    return f"Theory {'; '.join(told)}" if told else ""


def conditions(run: Run) -> list[str]:
    """How the numbers came about, as far as the run knows: each part a few words."""
    config = run.meta.get("config") or {}
    clients = _span(result.clients for result in run.results)
    events = _span(result.published for result in run.results)
    found = {
        "{} clients": clients or config.get("clients"),
        "{} events": events,
        "{} events/s": _rate(config.get("rate")),
        "{} arrivals": config.get("arrivals"),
        "polled every {}": _duration(config.get("interval_s")),
        "{} of events": _duration(run.meta.get("window_s", config.get("seconds"))),
        "seed {}": run.meta.get("seed"),
        "Pushpin {}": run.meta.get("pushpin"),
        "{} processors": run.meta.get("cpus"),
    }
    texts = [words.format(value) for words, value in found.items() if value not in (None, "")]
    return [_singular(text) for text in texts]


def accusations(run: Run) -> list[Accusation]:
    """Every distinct flag of the run, with the transports that carry it, in the order of appearance."""
    grouped: dict[tuple[str, float, str], Accusation] = {}
    for result in run.results:
        for flag in result.verdict.flags:
            key = (flag.name, flag.limit, flag.meaning)
            grouped.setdefault(key, Accusation(flag, {})).found[result.transport] = flag.found
    return list(grouped.values())


def verdict(run: Run) -> str:
    """`Verdict: trustworthy`, or the names of the flags and whom they concern."""
    against = accusations(run)
    if not against:
        owed = any(result.ledger.expected for result in run.results)
        return "Verdict: trustworthy" if owed else "Verdict: none, since nothing was measured"
    named: dict[str, list[str]] = {}
    for accusation in against:
        transports = named.setdefault(accusation.flag.name, [])
        transports += [transport for transport in accusation.found if transport not in transports]
    all_of_them = {result.transport for result in run.results}
    whom = {
        name: "" if set(transports) == all_of_them else f" ({', '.join(transports)})"
        for name, transports in named.items()
    }
    return "Verdict: not to be trusted as it is, for " + "; ".join(f"{name}{to}" for name, to in whom.items())


def loss(result: Result) -> str:
    """`3 lost`, `all 1,200 lost`, or nothing."""
    lost, expected = result.ledger.lost, result.ledger.expected
    if not expected:
        return "no deliveries due"
    if not lost:
        return ""
    return f"all {expected:,} lost" if lost == expected else f"{lost:,} lost"


def _span(values: Iterator[int]) -> str:
    """`60`, or `58–60` where the results differ."""
    distinct = sorted(set(values))
    return "–".join(f"{value:,}" for value in dict.fromkeys((*distinct[:1], *distinct[-1:])))


def _rate(value: Any) -> str:
    return format_rate(value) if isinstance(value, int | float) else str(value or "")


def _duration(value: Any) -> str:
    return format_seconds(value) if isinstance(value, int | float) else str(value or "")


def _number(value: float) -> str:
    return f"{value:,.0f}" if value == round(value) else f"{value:.3g}"


def _singular(text: str) -> str:
    """`1 clients` is no English."""
    return text[:-1] if text in ("1 clients", "1 events", "1 processors") else text
