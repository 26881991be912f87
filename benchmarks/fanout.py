"""The kit's swarm beside Locust, plain aiohttp clients and the least that C can do: what a delivery costs each of them.

All are clients of the same Pushpin, one kind after the other and then in the opposite order, and get the same pushes.
Alone: `python benchmarks/fanout.py --clients 1000,5000 --rounds 1`.
"""

from __future__ import annotations

import argparse
import asyncio
import contextlib
import functools
import importlib.metadata
import importlib.util
import os
import shutil
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import AsyncIterator, Callable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Self

import numpy as np
import psutil
from numpy.typing import NDArray

from realtime_kit.clients.swarm import Swarm, largest_swarm, plan_swarm
from realtime_kit.lab.fanout import LEAD_S, fanout as run_fanout
from realtime_kit.measurements.fanout import FanoutRun
from realtime_kit.origin.lessons import find_lesson
from realtime_kit.processors import used_s
from realtime_kit.pushpin import PushpinSettings, Route
from realtime_kit.pushpin.cluster import PushpinCluster
from realtime_kit.quantities import LOST
from realtime_kit.worker import Worker

HERE = Path(__file__).parent
CLIENTS = (1_000, 5_000, 15_000)
CROWD, CROWD_INSTANCES = 100_000, 6
"""The most that is tried, through several Pushpins, with what can bear it; fewer where the machine cannot hold them."""

TRANSPORTS = ("websocket", "long-polling")
"""Those beside streaming, with as many clients of one Pushpin as streaming's largest comparison."""

ROUNDS = 2
PUSHES = 5
IN_FLIGHT = 64
PATIENCE_S = 30.0
ROLL_CALLS = 8
SLOWER = 1.1
"""The swarm may be that much slower than C until everybody has an event."""

DEARER = 1.2
"""It may use that much more processor for a delivery than C."""

CHEAPER = 8
"""It has to use so many times less than the Locust users that measure what it measures: the kit's."""

GROWTH = 1.25
"""A delivery may cost it that much more with many clients than with few."""

MOST_BYTES = 3_000
"""Memory that it may take for a client."""

OPENED_WITHIN_S = 120.0
"""The largest crowd has to be connected in that time."""

TableRow = tuple[str, str, str, bool]
"""What was measured, what was found, what is allowed, and whether it was reached."""


class SwarmReceiver:
    """The kit's own."""

    def __init__(self, urls: Sequence[str], clients: int) -> None:
        self.swarm = Swarm(plan_swarm(clients, targets=len(urls)), urls)
        self._silent: list[int] = []

    async def __aenter__(self) -> Self:
        await self.swarm.__aenter__()
        await self.swarm.unconnected()  # once it answers, it has loaded what it needs
        return self

    async def __aexit__(self, *_: object) -> None:
        await self.swarm.__aexit__()

    async def open(self) -> None:
        """Connect them."""
        await self.swarm.open()

    async def reopen(self, _: int) -> None:
        """Connect anew who has not had the event that was expected."""
        await self.swarm.reopen(self._silent)

    async def expect(self, event_id: int) -> None:
        """It is about to be pushed."""
        await self.swarm.expect(event_id)

    async def reached(self) -> bool:
        """Wait until everybody has it."""
        self._silent = await self.swarm.reached(timeout_s=PATIENCE_S)
        return not self._silent

    async def received_ns(self, event_id: int) -> NDArray[np.int64]:
        """When each client read it first."""
        receipts, _ = await self.swarm.collect()
        mine = receipts.only(receipts.event_id == event_id)
        _, first = np.unique(
            mine.client, return_index=True
        )  # each client's are in the order in which they came
        return mine.received_ns[first]

    def pids(self) -> list[int]:
        """Its processes."""
        return [worker.pid for worker in self.swarm.workers]


class Program:
    """A program that answers the commands of receiver.c, for the clients of one address."""

    def __init__(self, command: Sequence[str]) -> None:
        self._command = command
        self._process: asyncio.subprocess.Process

    async def __aenter__(self) -> Self:
        self._process = await asyncio.create_subprocess_exec(
            *self._command,
            stdin=asyncio.subprocess.PIPE,
            stdout=asyncio.subprocess.PIPE,
            stderr=asyncio.subprocess.DEVNULL,
            limit=1 << 24,
        )
        await self._hear("ready")
        return self

    async def __aexit__(self, *_: object) -> None:
        with contextlib.suppress(ProcessLookupError):
            self._process.kill()
        await self._process.wait()

    async def open(self) -> None:
        """Connect them."""
        self._tell("open")
        await self._hear("opened")

    async def reopen(self, event_id: int) -> None:
        """Connect anew who has not had this event."""
        self._tell(f"reopen {event_id}")
        await self._hear("opened")

    async def expect(self, event_id: int) -> None:
        """It is about to be pushed."""
        self._tell(f"expect {event_id}")

    async def reached(self) -> bool:
        """Wait until everybody has it."""
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(PATIENCE_S):
                await self._hear("reached")
                return True
        return False

    async def received_ns(self, event_id: int) -> NDArray[np.int64]:
        """When each client read it."""
        self._tell(f"report {event_id}")
        times = np.array((await self._line()).split(), np.int64)
        return times[times > 0]

    @property
    def pid(self) -> int:
        """Its process."""
        return self._process.pid

    def _tell(self, command: str) -> None:
        assert self._process.stdin is not None
        self._process.stdin.write(f"{command}\n".encode())

    async def _line(self) -> str:
        assert self._process.stdout is not None
        line = await self._process.stdout.readline()
        if not line:
            message = f"{self._command[0]} has ended by itself"
            raise RuntimeError(message)
        return line.decode().strip()

    async def _hear(self, word: str) -> None:
        while await self._line() != word:  # an answer that came too late for its question
            pass


class ProgramReceiver:
    """A program, once for each address."""

    def __init__(
        self, command: Callable[[str, int], Sequence[str]], urls: Sequence[str], clients: int
    ) -> None:
        counts = [clients // len(urls) + (at < clients % len(urls)) for at in range(len(urls))]
        self._programs = [Program(command(url, count)) for url, count in zip(urls, counts, strict=True)]
        self._stack = contextlib.AsyncExitStack()

    async def __aenter__(self) -> Self:
        async with contextlib.AsyncExitStack() as stack:
            for program in self._programs:
                await stack.enter_async_context(program)
            self._stack = stack.pop_all()
        return self

    async def __aexit__(self, *_: object) -> None:
        await self._stack.aclose()

    async def open(self) -> None:
        """Connect them."""
        await asyncio.gather(*(program.open() for program in self._programs))

    async def reopen(self, event_id: int) -> None:
        """Connect anew who has not had this event."""
        await asyncio.gather(*(program.reopen(event_id) for program in self._programs))

    async def expect(self, event_id: int) -> None:
        """It is about to be pushed."""
        await asyncio.gather(*(program.expect(event_id) for program in self._programs))

    async def reached(self) -> bool:
        """Wait until everybody has it."""
        return all(await asyncio.gather(*(program.reached() for program in self._programs)))

    async def received_ns(self, event_id: int) -> NDArray[np.int64]:
        """When each client read it."""
        return np.concatenate([await program.received_ns(event_id) for program in self._programs])

    def pids(self) -> list[int]:
        """Its processes."""
        return [program.pid for program in self._programs]


Receiver = SwarmReceiver | ProgramReceiver


@dataclass(frozen=True, slots=True)
class Found:
    """What one kind of receiver took for one push.

    Attributes:
        opened_s: How long it took to connect everybody.
        completion_s: From when the event was due until the last client had it.
        receiver_s: Processor time of the receiver for each delivery; `pushpin_s` likewise.
        bytes_per_client: Memory of the receiver's processes beyond what they had before connecting; the system's own
            for each socket is nobody's.
        lost: Deliveries that never came.
    """

    opened_s: float
    completion_s: float
    receiver_s: float
    pushpin_s: float
    bytes_per_client: float
    lost: int


def kinds(folder: Path) -> dict[str, Callable[[Sequence[str], int], Receiver]]:
    """Those that can be had here; C's is compiled into the folder."""
    made: dict[str, Callable[[Sequence[str], int], Receiver]] = {"swarm": SwarmReceiver}
    if compiler := shutil.which("cc"):
        program = folder / "receiver"
        subprocess.run([compiler, "-O2", "-o", str(program), str(HERE / "receiver.c")], check=True)
        made["C"] = functools.partial(
            ProgramReceiver, lambda url, clients: [str(program), *_parts(url), *_numbers(clients)]
        )
    made["aiohttp"] = _python("plain_aiohttp.py")
    if importlib.util.find_spec("locust"):
        made["kit's Locust"] = _python("locust_users.py", "kit")
        made["plain Locust"] = _python("locust_users.py", "plain")
    return made


def _python(file: str, *which: str) -> Callable[[Sequence[str], int], Receiver]:
    program = [sys.executable, str(HERE / file)]
    return functools.partial(
        ProgramReceiver, lambda url, clients: [*program, url, *_numbers(clients), *which]
    )


def _numbers(clients: int) -> list[str]:
    return [str(clients), str(IN_FLIGHT)]


def _parts(url: str) -> list[str]:
    host, _, path = url.removeprefix("http://").partition("/")
    return [*host.split(":"), f"/{path}"]


async def compare(
    clients: int,
    *,
    instances: int = 1,
    rounds: int = ROUNDS,
    pushes: int = PUSHES,
    only: Sequence[str] = (),
) -> dict[str, list[Found]]:
    """Every kind with so many clients of so many Pushpins, in turns; what each push took."""
    found: dict[str, list[Found]] = {}
    with tempfile.TemporaryDirectory() as folder:
        here = kinds(Path(folder))
        names = [name for name in here if not only or name in only]
        async with _pushpins(instances) as (cluster, origin, urls):
            for turn in range(rounds):
                for name in names if turn % 2 == 0 else names[::-1]:
                    async with here[name](urls, clients) as receiver:
                        found.setdefault(name, []).extend(
                            await _measure(receiver, cluster, origin, clients, pushes)
                        )
                        print(f"{clients:,} clients: {name}", file=sys.stderr, flush=True)
    return found


@contextlib.asynccontextmanager
async def _pushpins(count: int) -> AsyncIterator[tuple[PushpinCluster, Worker, list[str]]]:
    """Pushpins, the origin of a fan-out, and where its streams are."""
    async with contextlib.AsyncExitStack() as stack:
        origin = await stack.enter_async_context(Worker("realtime_kit.origin.pushes", name="the origin"))
        port = (await origin.ask("start", port=0))["port"]
        routes = (Route(f"127.0.0.1:{port}", over_http=True),)
        cluster = await stack.enter_async_context(
            PushpinCluster(count, routes, settings=PushpinSettings(message_rate=0))
        )
        options = [pushpin.publisher_options() for pushpin in cluster.instances]
        await origin.ask("publish_to", publishers=options, payload_bytes=64, stamp=True)
        path = find_lesson("streaming").path.lstrip("/")
        yield cluster, origin, [str(url / path) for url in cluster.urls]


async def _measure(
    receiver: Receiver,
    cluster: PushpinCluster,
    origin: Worker,
    clients: int,
    pushes: int,
) -> list[Found]:
    async def push(due_ns: int = 0) -> int:
        return int((await origin.ask("push", due_ns=due_ns))["event_id"])

    empty_bytes = _memory_bytes(receiver)
    begun_s = time.monotonic()
    await receiver.open()
    opened_s = time.monotonic() - begun_s
    next_id = await push() + 1
    for _ in range(ROLL_CALLS):
        await receiver.expect(next_id)
        next_id = await push() + 1
        if await receiver.reached():
            break
        await receiver.reopen(next_id - 1)
    held_bytes = (_memory_bytes(receiver) - empty_bytes) / clients
    await receiver.received_ns(next_id - 1)  # receipts of the roll call belong to no push
    found = []
    for _ in range(pushes):
        await receiver.expect(next_id)
        before = _used(receiver, cluster)
        due_ns = time.monotonic_ns() + int(LEAD_S * 1e9)
        await push(due_ns)
        await receiver.reached()
        used = _used(receiver, cluster) - before
        received_ns = await receiver.received_ns(next_id)
        each_s = used / max(1, len(received_ns))
        last_s = float(received_ns.max() - due_ns) / 1e9 if len(received_ns) else float("inf")
        found.append(
            Found(
                opened_s, last_s, float(each_s[0]), float(each_s[1]), held_bytes, clients - len(received_ns)
            )
        )
        next_id += 1
    return found


def _used(receiver: Receiver, cluster: PushpinCluster) -> NDArray[np.float64]:
    """Processor time so far, of the receiver and of Pushpin, s."""
    processes = (receiver.pids(), [process.pid for process in cluster.processes()])
    return np.array([sum(used_s(pids).values()) for pids in processes])


def _memory_bytes(receiver: Receiver) -> int:
    """Memory that would be free without the receiver's processes."""
    return sum(psutil.Process(pid).memory_full_info().uss for pid in receiver.pids())


def versions() -> str:
    """What the swarm is compared with."""
    said = [f"aiohttp {importlib.metadata.version('aiohttp')}"]
    with contextlib.suppress(importlib.metadata.PackageNotFoundError):
        said.append(f"Locust {importlib.metadata.version('locust')}")
    if compiler := shutil.which("cc"):
        line = subprocess.run([compiler, "--version"], capture_output=True, text=True, check=True).stdout
        said.append(line.partition("\n")[0])
    return ", ".join(said)


def rows(
    all_clients: Sequence[int] = CLIENTS,
    *,
    rounds: int = ROUNDS,
    pushes: int = PUSHES,
    only: Sequence[str] = (),
) -> Iterator[TableRow]:
    """The rows for docs/benchmarks.md; takes some minutes."""
    costs: dict[str, dict[int, float]] = {}
    for clients in all_clients:
        found = asyncio.run(compare(clients, rounds=rounds, pushes=pushes, only=only))
        yield from _rows(clients, found)
        for name, results in found.items():
            costs.setdefault(name, {})[clients] = _median(results, "receiver_s")
    few, many = min(all_clients), max(all_clients)
    if few < many:
        grown = {name: cost[many] / cost[few] for name, cost in costs.items()}
        what = f"fan-out, processor time of a delivery: that with {many:,} clients to that with {few:,}"
        shown = ", ".join(f"{name} × {factor:.2f}" for name, factor in grown.items())
        yield what, shown, f"swarm × {GROWTH:g}", grown["swarm"] <= GROWTH


def crowd_rows(*, pushes: int = PUSHES) -> Iterator[TableRow]:
    """Those of as many clients as can be, the swarm's and C's; takes eight minutes."""
    most, because = largest_swarm(targets=CROWD_INSTANCES)
    clients = min(CROWD, most)
    found = asyncio.run(
        compare(clients, instances=CROWD_INSTANCES, rounds=ROUNDS, pushes=pushes, only=("swarm", "C"))
    )
    what = f"fan-out to {clients:,} clients through {CROWD_INSTANCES} Pushpins: opened"
    if clients < CROWD:
        what += f" (limited {because})"
    _, shown = _all_of(found, "opened_s", "s", 1.0, digits=0)
    opened_s = _median(found["swarm"], "opened_s")
    yield what, shown, f"swarm {OPENED_WITHIN_S:g} s", opened_s <= OPENED_WITHIN_S
    yield from _rows(clients, found)


def transport_rows(clients: int = max(CLIENTS), *, pushes: int = PUSHES) -> Iterator[TableRow]:
    """Those of WebSockets and of long-polls through one Pushpin, fewer where the machine cannot hold them."""
    most, because = largest_swarm(targets=1)
    limited = f" (limited {because})" if most < clients else ""
    for transport in TRANSPORTS:
        run = run_fanout(clients=min(clients, most), pushes=pushes, transport=transport)
        yield from _transport_rows(run, limited)


def _transport_rows(run: FanoutRun, limited: str) -> Iterator[TableRow]:
    clients, transport, pushes = (run.meta["config"][name] for name in ("clients", "transport", "pushes"))
    what = f"fan-out to {clients:,} clients by {transport} through one Pushpin"
    opened_s = run.meta["opening"]["seconds"]
    yield (
        f"{what}: opened{limited}",
        f"{opened_s:.0f} s",
        f"{OPENED_WITHIN_S:g} s",
        opened_s <= OPENED_WITHIN_S,
    )
    what += f", {pushes} pushes"
    reached = [push.ledger.received for push in run.results]
    completion_s = statistics.median(push.latency.max for push in run.results)
    all_reached = reached == [clients] * pushes
    yield f"{what}: all have it, median", f"{completion_s * 1e3:,.1f} ms", "everybody", all_reached
    lost = sum(push.ledger.lost for push in run.results)
    flags = sorted({flag.name for push in run.results for flag in push.verdict.flags})
    note = f" (flags: {', '.join(flags)})" if flags else ""
    yield f"{what}: lost", f"{lost} of {clients * pushes:,}{note}", "0", all_reached and lost == 0
    if transport == "long-polling":
        herds = [push.herd for push in run.results if push.herd]
        rearmed_s = statistics.median(herd.rearmed_s for herd in herds) if herds else LOST
        theory_s = statistics.median(herd.theory_s for herd in herds) if herds else LOST
        all_armed = len(herds) == pushes and all(herd.rearmed_s < LOST for herd in herds)
        shown = f"{rearmed_s:.2f} s, theory N/μ {theory_s:.2f} s"
        yield f"{what}: all have asked again, median", shown, "everybody", all_armed


def _rows(clients: int, found: dict[str, list[Found]]) -> Iterator[TableRow]:
    what = f"fan-out to {clients:,} clients, medians of {len(found['swarm'])} pushes"
    costs, shown = _all_of(found, "receiver_s", "µs", 1e6)
    pushpin_s = statistics.median(each.pushpin_s for results in found.values() for each in results)
    factors = {"C": DEARER, "aiohttp": 1.0, "kit's Locust": 1 / CHEAPER}
    bounds = {name: factor * costs[name] for name, factor in factors.items() if name in costs}
    yield (
        f"{what}: processor time of a delivery, receiver (Pushpin's own: {pushpin_s * 1e6:.1f} µs)",
        shown,
        "swarm " + ", ".join(f"{factors[name]:g} × {name}" for name in bounds) if bounds else "–",
        all(costs["swarm"] <= bound for bound in bounds.values()),
    )
    times, shown = _all_of(found, "completion_s", "ms", 1e3)
    bound = f"swarm {SLOWER:g} × C" if "C" in times else "–"
    yield f"{what}: all have it", shown, bound, times["swarm"] <= SLOWER * times.get("C", float("inf"))
    memory, shown = _all_of(found, "bytes_per_client", "bytes", 1, digits=0)
    yield (
        f"{what}: receiver's memory a client",
        shown,
        f"swarm {MOST_BYTES:,} bytes",
        memory["swarm"] <= MOST_BYTES,
    )
    lost = {name: sum(each.lost for each in results) for name, results in found.items()}
    shown = ", ".join(f"{name} {count}" for name, count in lost.items())
    yield f"{what}: lost", shown, "swarm 0", lost["swarm"] == 0


def _all_of(
    found: dict[str, list[Found]], name: str, unit: str, scale: float, digits: int = 1
) -> tuple[dict[str, float], str]:
    """The median of every kind, and these in words."""
    values = {kind: _median(results, name) for kind, results in found.items()}
    shown = (f"{kind} {value * scale:,.{digits}f} {unit}" for kind, value in values.items())
    return values, ", ".join(shown)


def _median(results: Sequence[Found], name: str) -> float:
    return statistics.median(getattr(each, name) for each in results)


def main() -> int:
    """Print the rows."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--clients", default=",".join(str(clients) for clients in CLIENTS))
    parser.add_argument("--rounds", type=int, default=ROUNDS)
    parser.add_argument("--pushes", type=int, default=PUSHES)
    parser.add_argument("--only", default="", help="kinds beside the swarm, such as C,aiohttp; all")
    parser.add_argument(
        "--crowd",
        action="store_true",
        help=f"{CROWD:,} clients, the swarm's and C's; --clients, --rounds and --only do not count then",
    )
    parser.add_argument(
        "--transports",
        action="store_true",
        help="the swarm alone by other transports, so many as the most of --clients; the rest does not count then",
    )
    chosen = parser.parse_args()
    only = ["swarm", *chosen.only.split(",")] if chosen.only else []
    print(f"{os.cpu_count()} processors, {versions()}")
    all_clients = [int(clients) for clients in chosen.clients.split(",")]
    good = True
    if chosen.crowd:
        table = crowd_rows(pushes=chosen.pushes)
    elif chosen.transports:
        table = transport_rows(max(all_clients), pushes=chosen.pushes)
    else:
        table = rows(all_clients, rounds=chosen.rounds, pushes=chosen.pushes, only=only)
    for what, found, wanted, reached in table:
        print(f"{what} | {found} | {wanted} | {'yes' if reached else 'no'}", flush=True)
        good = good and reached
    return 0 if good else 1


if __name__ == "__main__":
    sys.exit(main())
