"""Does the spine reach what it promises? Writes docs/benchmarks.md. Takes about forty minutes: `make bench`.

Every row holds a figure against theory, or against another figure of the same run, never against a number of
another day. Run it on a machine that does nothing else.
"""

from __future__ import annotations

import asyncio
import itertools
import platform
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

import fanout
import frames
import psutil

from realtime_kit import Pushpin, Run, __version__, arace, race
from realtime_kit.lab import comeback
from realtime_kit.pushpin import find_pushpin

STARTS = 20
CROWD, COMEBACKS, BACK_WITHIN_S = 1_000, 3, 10.0
TARGET = Path(__file__).parent.parent / "docs" / "benchmarks.md"


@dataclass(frozen=True, slots=True)
class Row:
    """One line of the table."""

    what: str
    found: str
    wanted: str
    reached: bool

    def __str__(self) -> str:
        return f"| {self.what} | {self.found} | {self.wanted} | {'yes' if self.reached else '**no**'} |"


def polling() -> Iterator[Row]:
    """The uniform law, at enough deliveries to see a per cent."""
    interval_s = 1.0
    run = race(transports="polling", clients=50, rate=20, interval_s=interval_s, seconds=30)
    measured, theory = run["polling"].latency, run["polling"].theory.latency
    mean = abs(measured.mean / theory.mean - 1)
    p99 = abs(measured.p99 - theory.p99) / interval_s
    what = f"polling every {interval_s:g} s, {measured.count:,} deliveries"
    yield Row(
        f"{what}: mean latency against theory", f"{measured.mean:.4f} s, {mean:.2%} off", "3 %", mean <= 0.03
    )
    yield Row(f"{what}: p99", f"{measured.p99:.4f} s, {p99:.2%} of the interval off", "2 %", p99 <= 0.02)
    yield _ledger(what, run)


def long_polling() -> Iterator[Row]:
    """Origin requests per second from a quiet channel to a busy one.

    At low rates a run holds few events, so several run side by side, each with its own seed and Pushpin. At high
    rates many clients fall into the gap between answer and hold together, which the formula does not know (see
    docs/trusting-the-numbers.md): the last row says how much that is.
    """
    for rate, clients, seeds, seconds in (
        (0.1, 4, 8, 240),
        (0.5, 4, 6, 40),
        (2, 4, 4, 20),
        (10, 4, 1, 20),
        (50, 2, 1, 20),
        (50, 8, 1, 20),
    ):
        runs = asyncio.run(_side_by_side(rate, clients, seeds, seconds))
        found = sum(run["long-polling"].load.origin_requests_per_s or 0 for run in runs)
        expected = sum(run["long-polling"].theory.load.origin_requests_per_s or 0 for run in runs)
        off = abs(found / expected - 1)
        what = f"long-polling, {rate:g} events/s: origin requests/s of {seeds} × {clients} clients against theory"
        shown = f"{found:.2f} against {expected:.2f}, {off:.1%} off"
        yield Row(what, shown, "–", reached=True) if clients == 8 else Row(what, shown, "5 %", off <= 0.05)
        yield _ledger(f"long-polling, {rate:g} events/s", *runs)


async def _side_by_side(rate: float, clients: int, seeds: int, seconds: float) -> list[Run]:
    races = (
        arace(transports="long-polling", clients=clients, rate=rate, seconds=seconds, seed=seed)
        for seed in range(1, seeds + 1)
    )
    return list(await asyncio.gather(*races))


def pushed() -> Iterator[Row]:
    """Streaming and WebSocket beside a bare socket in the same run."""
    run = race(transports="streaming,websocket", clients=10, rate=10, seconds=20)
    for transport in ("streaming", "websocket"):
        result = run[transport]
        bare_s = result.measured_inputs["push_s"]
        later_ms = (result.latency.p50 - bare_s) * 1e3
        found = f"{result.latency.p50 * 1e3:.2f} ms, {later_ms:+.2f} ms"
        yield Row(
            f"{transport}: p50, and later than a bare socket ({bare_s * 1e3:.2f} ms) by",
            found,
            "2 ms",
            later_ms <= 2,
        )
    yield _ledger("streaming and WebSocket", run)


def starting() -> Iterator[Row]:
    """How long until Pushpin is ready, and how long the package takes to import."""
    ready = []
    for _ in range(STARTS):
        begun = time.perf_counter()
        with Pushpin():
            ready.append(time.perf_counter() - begun)
    median = statistics.median(ready)
    found = f"{median:.3f} s (slowest {max(ready):.3f} s)"
    yield Row(f"Pushpin ready, median of {STARTS} starts", found, "0.35 s", median <= 0.35)
    imports = [_timed(sys.executable, "-c", "import realtime_kit") for _ in range(5)]
    bare = [_timed(sys.executable, "-c", "pass") for _ in range(5)]
    took = statistics.median(imports) - statistics.median(bare)
    yield Row("import realtime_kit, beyond an empty Python", f"{took:.3f} s", "0.25 s", took <= 0.25)


def setting_up() -> Iterator[Row]:
    """`make setup` in a fresh clone, and once more. A Pushpin that is here already is not fetched again."""
    with tempfile.TemporaryDirectory() as folder:
        subprocess.run(["git", "clone", "--quiet", str(TARGET.parent.parent), folder], check=True)
        make = ("make", "--quiet", "-C", folder, "setup")
        first, second = _timed(*make), _timed(*make)
    yield Row(
        "make setup in a fresh clone, with what every lesson and test needs",
        f"{first:.0f} s",
        "120 s",
        first <= 120,
    )
    yield Row("make setup once more", f"{second:.2f} s", "1 s", second <= 1)


def boards() -> Iterator[Row]:
    """What live pictures cost, and what they do to a measurement beside them."""
    for row in frames.rows():
        yield Row(*row)


def coming_back() -> Iterator[Row]:
    """A thousand streams lose their Pushpin in the same instant, several times."""
    found = [comeback(CROWD) for _ in range(COMEBACKS)]
    back, longest_s = min(each.back for each in found), max(each.back_s for each in found)
    took = ", ".join(f"{each.back_s:.1f} s" for each in found)
    what = f"{CROWD:,} streams after a restart of Pushpin, {COMEBACKS} times: back, with what they missed"
    shown = f"{back:,} at least, the last after {took}"
    yield Row(what, shown, f"all within {BACK_WITHIN_S:g} s", back == CROWD and longest_s <= BACK_WITHIN_S)


def fanning_out() -> Iterator[Row]:
    """What the swarm costs beside other receivers of the same pushes, and how other transports do."""
    for row in itertools.chain(fanout.rows(), fanout.crowd_rows(), fanout.transport_rows()):
        yield Row(*row)


def _timed(*command: str) -> float:
    begun = time.perf_counter()
    subprocess.run(command, check=True)
    return time.perf_counter() - begun


def _ledger(what: str, *runs: Run) -> Row:
    ledgers = [result.ledger for run in runs for result in run.results]
    expected, lost = sum(each.expected for each in ledgers), sum(each.lost for each in ledgers)
    flags = sorted({flag.name for run in runs for part in run.results for flag in part.verdict.flags})
    note = f" (flags: {', '.join(flags)})" if flags else ""
    return Row(f"{what}: lost", f"{lost} of {expected:,}{note}", "0", lost == 0)


def _machine() -> str:
    memory_gb = psutil.virtual_memory().total / 2**30
    return (
        f"{psutil.cpu_count()} processors, {memory_gb:.0f} GB, {platform.system()} {platform.release()}, "
        f"Python {platform.python_version()}, Pushpin {find_pushpin().version}, realtime_kit {__version__}; "
        f"for the fan-out {fanout.versions()}"
    )


def main() -> int:
    """Run everything and write the table; exit status 1 if a promise was not kept."""
    rows = []
    for part in (setting_up, starting, boards, polling, pushed, long_polling, coming_back, fanning_out):
        for row in part():
            print(row, flush=True)
            rows.append(row)
    head = (
        "# Benchmarks\n\nWritten by `make bench`"
        f" on {datetime.now(UTC):%Y-%m-%d}: {_machine()}.\n\n"
        "A run's flags (such as too-few-samples at low rates) are named where they were raised. The kit's Locust users "
        "are those of `realtime_kit.clients.locust`, which report push latency from the moment an event was due, and "
        "what is missing; plain ones, of Locust's `HttpUser`, read pieces of bytes and report each, without a "
        "latency. The swarm is held to the former.\n\n"
        "| what | found | allowed | reached |\n| --- | --- | --- | --- |\n"
    )
    TARGET.write_text(head + "\n".join(str(row) for row in rows) + "\n")
    return 0 if all(row.reached for row in rows) else 1


if __name__ == "__main__":
    sys.exit(main())
