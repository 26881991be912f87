"""What a race's table says, whatever it is made of: cells in words, notes, and what speaks against the run."""

from __future__ import annotations

from dataclasses import dataclass

from realtime_kit.measurements.run import Result, Run
from realtime_kit.plots.words import NOTHING, format_bytes, format_rate, format_seconds, format_share
from realtime_kit.quantities import Latency, Load
from realtime_kit.theory.statistics import samples_needed

HEADINGS = (
    ("p50", "latency that half of the deliveries do not exceed"),
    ("p90", "latency that 90 % of the deliveries do not exceed"),
    ("p99", "latency that 99 % of the deliveries do not exceed"),
    ("max", "largest latency"),
    ("origin req/s", "requests per second that reached the origin"),
    ("empty answers", "share of the origin's answers without an event"),
    ("bytes /event", "bytes on the wire to the client per event delivered"),
)
"""Heading and explanation of each column of numbers; narrow terminals need the headings short."""

CAPTION = "Latency from the moment each event was due; measured, and beneath it what theory expects"

FEW_MARK = "*"

_SHARES = {"p50": 0.50, "p90": 0.90, "p99": 0.99}


@dataclass(frozen=True, slots=True)
class TransportRows:
    """One transport's part of the table.

    Attributes:
        transport: Its name.
        measured: A cell for each of `HEADINGS`. `theory` likewise.
        ledger: What became of the deliveries, in a sentence.
        flags: Names of what speaks against the result; none means it can be trusted.
    """

    transport: str
    measured: tuple[str, ...]
    theory: tuple[str, ...]
    ledger: str
    flags: tuple[str, ...]


def rows(run: Run) -> tuple[TransportRows, ...]:
    """The table's content, transport by transport."""
    return tuple(
        TransportRows(
            transport=result.transport,
            measured=(*_latency_cells(result.latency), *_load_cells(result.load)),
            theory=(*_theory_cells(result), *_load_cells(result.theory.load)),
            ledger=str(result.ledger) if any(result.ledger.to_json().values()) else NOTHING,
            flags=tuple(dict.fromkeys(flag.name for flag in result.verdict.flags)),
        )
        for result in run.results
    )


def note(run: Run) -> str:
    """What the asterisks mean, if there are any in the table."""
    marked = [
        f"{name} needs {samples_needed(share):,}"
        for name, share in _SHARES.items()
        if any(_has_few(result.latency, share) for result in run.results)
    ]
    return f"{FEW_MARK} too few deliveries to be more than luck: {', '.join(marked)}" if marked else ""


def _has_few(latency: Latency, share: float) -> bool:
    """Whether there are samples, but not enough for this percentile."""
    return latency.count is not None and 0 < latency.count < samples_needed(share)


def _latency_cells(latency: Latency) -> tuple[str, ...]:
    if latency.count == 0:
        return (NOTHING,) * 4
    percentiles = (
        format_seconds(getattr(latency, name)) + FEW_MARK * _has_few(latency, share)
        for name, share in _SHARES.items()
    )
    return (*percentiles, format_seconds(latency.max))


def _theory_cells(result: Result) -> tuple[str, ...]:
    """Where nothing was due nothing was to be expected, and what theory is told may not have been measured."""
    return _latency_cells(result.theory.latency) if result.ledger.expected else (NOTHING,) * 4


def _load_cells(load: Load) -> tuple[str, ...]:
    return (
        format_rate(load.origin_requests_per_s),
        format_share(load.empty_fraction),
        format_bytes(load.bytes_per_delivery),
    )
