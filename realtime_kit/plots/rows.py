"""What a race's table says, whatever it is made of: cells in words, notes, and what speaks against the run."""

from __future__ import annotations

from dataclasses import dataclass

from realtime_kit.measurements.run import Run
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
            theory=(*_latency_cells(result.theory.latency), *_load_cells(result.theory.load)),
            ledger=str(result.ledger),
            flags=tuple(dict.fromkeys(flag.name for flag in result.verdict.flags)),
        )
        for result in run.results
    )


def note(run: Run) -> str:
    """What the asterisk means, if there is one in the table."""
    if not any(has_few(result.latency) for result in run.results):
        return ""
    return f"{FEW_MARK} fewer than {samples_needed(0.99):,} deliveries: p99 rests on too few to be more than luck"


def has_few(latency: Latency) -> bool:
    """Whether there are samples, but not enough for a 99th percentile."""
    return latency.count is not None and 0 < latency.count < samples_needed(0.99)


def _latency_cells(latency: Latency) -> tuple[str, ...]:
    if latency.count == 0:
        return (NOTHING,) * 4
    cells = [format_seconds(value) for value in (latency.p50, latency.p90, latency.p99, latency.max)]
    if has_few(latency):
        cells[2] += FEW_MARK
    return tuple(cells)


def _load_cells(load: Load) -> tuple[str, ...]:
    return (
        format_rate(load.origin_requests_per_s),
        format_share(load.empty_fraction),
        format_bytes(load.bytes_per_delivery),
    )
