"""How a swarm fits onto a machine: said before anything is opened."""

from __future__ import annotations

import math
import sys
from dataclasses import dataclass

import psutil

from realtime_kit.errors import UsageError
from realtime_kit.processors import usable
from realtime_kit.pushpin.limits import raise_file_limit

RESERVED_DESCRIPTORS = 100
PORTS_PER_SOURCE = 25_000
"""Connections from one address of this machine to one port: Linux has 28,232 ports for them, some in use."""

QUICK_PORTS_PER_SOURCE = 7_000
"""So many are connected at a cost that does not grow. Linux looks for a free port from a random one on, among every
second of the 28,232, and among the others only when these are taken: beyond half as many as that, 14,116, a connection
takes hundreds of microseconds, and the last of 100,000 clients took twice as long as the first."""

MOST_SOURCES = 250
MOST_PROCESSES = 64
"""Where few files are allowed, many processes would be needed, of 20 MB each."""

_WORTH_A_PROCESS = 20_000
"""One process reads 100,000 deliveries a second and more, a Pushpin makes 30,000: a second reader would only be woken
twice as often, for half as much each time."""

_BYTES_PER_CLIENT = 52_000
"""Memory of a held stream, Pushpin's 48 kB (1.36; measured) and the swarm's together."""


@dataclass(frozen=True, slots=True)
class SwarmPlan:
    """Where the clients of a swarm live.

    Attributes:
        clients: How many.
        counts: Clients of each process.
        sources: Addresses to connect from; empty where the system may choose.
    """

    clients: int
    counts: tuple[int, ...]
    sources: tuple[str, ...] = ()


def plan_swarm(clients: int, *, targets: int, local: bool = True) -> SwarmPlan:
    """Spread clients over processes and source addresses.

    Args:
        clients: How many.
        targets: Pushpins (or other servers) they connect to, each with a file limit like this process's.
        local: Whether these run on this machine and are of the kit, so that their limits are known.

    Raises:
        UsageError: if this machine cannot hold so many; the text has the largest number that it can.
    """
    most, because = largest_swarm(targets=targets, local=local)
    if not 1 <= clients <= most:
        message = f"clients is {clients:,}: possible here are 1 to {most:,} ({because})"
        raise UsageError(message)
    each = raise_file_limit() - RESERVED_DESCRIPTORS
    wanted = min(usable(), math.ceil(clients / _WORTH_A_PROCESS))
    processes = max(1, wanted, math.ceil(clients / each))
    counts = tuple(clients // processes + (index < clients % processes) for index in range(processes))
    return SwarmPlan(clients, counts, _sources(math.ceil(clients / targets)) if local else ())


def _sources(each: int) -> tuple[str, ...]:
    """Loopback addresses to connect so many clients to one port from. Without a word, only Linux has more than one."""
    of_one = QUICK_PORTS_PER_SOURCE if sys.platform == "linux" else PORTS_PER_SOURCE
    addresses = math.ceil(each / of_one)
    return tuple(f"127.0.0.{2 + index}" for index in range(addresses)) if addresses > 1 else ()


def largest_swarm(*, targets: int, local: bool = True) -> tuple[int, str]:
    """The largest number of clients that this machine can hold, and what limits it."""
    by_memory = psutil.virtual_memory().available // _BYTES_PER_CLIENT
    each = max(0, raise_file_limit() - RESERVED_DESCRIPTORS)
    by_processes = f"by the file limit of {MOST_PROCESSES} processes; `ulimit -n` raises it"
    limits = [(by_memory, "by its free memory"), (MOST_PROCESSES * each, by_processes)]
    if local:
        by_files = targets * (each - each % 2)
        instances = "instance" if targets == 1 else "instances"
        limits.append(
            (by_files, f"by the file limit of {targets} {instances}; `--instances` or `ulimit -n` raises it")
        )
    limits.append((targets * PORTS_PER_SOURCE * (MOST_SOURCES if local else 1), "by its ports"))
    return min(limits)
