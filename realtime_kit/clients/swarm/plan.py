"""How a swarm fits onto a machine: said before anything is opened."""

from __future__ import annotations

import ipaddress
import math
import sys
from dataclasses import dataclass

import psutil
from yarl import URL

from realtime_kit.errors import UsageError
from realtime_kit.numbers import check_number
from realtime_kit.processors import usable
from realtime_kit.pushpin.limits import connections_max, raise_file_limit
from realtime_kit.tls import is_secure
from realtime_kit.worker import fastest_loop

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

_BYTES_PER_PLAIN_CLIENT = {"http": 6_000, "ws": 18_000}
"""Memory of a client of a service on another machine: 2.0 to 2.4 kB of this process for a stream and 14 kB for a
WebSocket (1,000 and 5,000 of them; measured), and the 3.6 kB that Linux keeps for a connection."""

_BYTES_PER_SECURE_CLIENT = {"uvloop": 60_000, "asyncio": 320_000}
"""Memory of a client that speaks TLS: with 1,000 of them 51 to 58 kB each on uvloop, and 303 to 315 kB on asyncio's own
loop, which gives each a buffer of 256 kB."""


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


def plan_swarm(clients: int, *, targets: int = 1, service: URL | None = None) -> SwarmPlan:
    """Spread clients over processes and source addresses.

    Args:
        clients: How many.
        targets: Pushpins of the kit that they connect to, each with as many connections as the kit gives it.
        service: In place of these the address of a service whose limits nobody here knows.

    Raises:
        UsageError: if this machine cannot hold so many; the text has the largest number that it can.
    """
    most, because = largest_swarm(targets=targets, service=service)
    check_number("clients", clients, whole=True)
    if not 1 <= clients <= most:
        message = f"clients is {clients:,}: possible here are 1 to {most:,} ({because})"
        raise UsageError(message)
    each = raise_file_limit() - RESERVED_DESCRIPTORS
    wanted = min(usable(), math.ceil(clients / _WORTH_A_PROCESS))
    processes = max(1, wanted, math.ceil(clients / each))
    counts = tuple(clients // processes + (index < clients % processes) for index in range(processes))
    several = service is None or _takes_sources(service)
    return SwarmPlan(clients, counts, _sources(math.ceil(clients / targets)) if several else ())


def _sources(each: int) -> tuple[str, ...]:
    """Loopback addresses to connect so many clients to one port from. Without a word, only Linux has more than one."""
    of_one = QUICK_PORTS_PER_SOURCE if sys.platform == "linux" else PORTS_PER_SOURCE
    addresses = min(MOST_SOURCES, math.ceil(each / of_one))
    return tuple(f"127.0.0.{2 + index}" for index in range(addresses)) if addresses > 1 else ()


def _takes_sources(service: URL) -> bool:
    """Whether a service can be connected to from several addresses: those of 127.0.0.0/8, if its own is one."""
    try:
        address = ipaddress.IPv4Address(service.host or "")
    except ValueError:
        return False
    return address.is_loopback and sys.platform == "linux"


def is_here(service: URL) -> bool:
    """Whether an address is of this machine."""
    host = service.host or ""
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return host == "localhost"


def _bytes_per_client(service: URL | None) -> int:
    """Memory of this machine for each client. A service that is here needs some as well: as much as Pushpin."""
    if service is not None and is_secure(service):
        return _BYTES_PER_SECURE_CLIENT["uvloop" if fastest_loop() else "asyncio"]
    if service is None or is_here(service):
        return _BYTES_PER_CLIENT
    return _BYTES_PER_PLAIN_CLIENT[service.scheme]


def largest_swarm(*, targets: int = 1, service: URL | None = None) -> tuple[int, str]:
    """The largest number of clients that this machine can hold, and what limits it; arguments as for `plan_swarm`.

    Raises:
        UsageError: if not even one Pushpin can run with so few files.
    """
    by_memory = psutil.virtual_memory().available // _bytes_per_client(service)
    each = max(0, raise_file_limit() - RESERVED_DESCRIPTORS)
    by_processes = f"by the file limit of {MOST_PROCESSES} processes; `ulimit -n` raises it"
    limits = [(by_memory, "by its free memory"), (MOST_PROCESSES * each, by_processes)]
    sources = MOST_SOURCES
    if service is None:
        served = connections_max(None)
        instances = "instance" if targets == 1 else "instances"
        because = f"by the file limit of {targets} {instances}; `--instances` or `ulimit -n` raises it"
        if served < each - 1:  # odd ones lose one
            because = f"by the {served:,} connections of a Pushpin, with {targets} {instances}; `--instances` raises it"
        limits.append((targets * served, because))
    elif not _takes_sources(service):
        sources = 1
    limits.append((targets * PORTS_PER_SOURCE * sources, "by its ports"))
    return min(limits)
