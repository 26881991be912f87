"""File descriptors: how many client connections this process may promise."""

from __future__ import annotations

import contextlib
import resource

from realtime_kit.errors import UsageError

_RESERVED_DESCRIPTORS = 100
"""Pushpin's client side holds 35 to 52 descriptors at rest. Out of descriptors it does not refuse connections:
it spins at full speed and writes 100,000 log lines a second, so the limit must never be reached."""

_WANTED_CONNECTIONS = 50_000

_FEWEST_CONNECTIONS = 100
"""With fewer, clients that come and go at the limit soon make Condure 1.9 panic (`src/server.rs:1684`); measured."""

_WORKERS = 2
"""Pushpin divides its connections among two workers: of 201 it serves 200."""

_FINITE_LIMITS = (1 << 20, 10_240)
"""What to ask for where the hard limit is infinite: macOS refuses the infinite, and often the first of these."""


def raise_file_limit() -> int:
    """Raise this process's soft limit of open files to the hard one; children inherit it.

    Returns:
        The limit in force.
    """
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    for limit in _FINITE_LIMITS if hard == resource.RLIM_INFINITY else (hard,):
        if soft >= limit:
            return soft
        with contextlib.suppress(ValueError, OSError):
            resource.setrlimit(resource.RLIMIT_NOFILE, (limit, hard))
            return limit
    return soft


def connections_max(wanted: int | None) -> int:
    """How many client connections Pushpin may be told to accept.

    Args:
        wanted: A number, or None for as many as the file limit allows (50,000 at most; memory is set aside
            for each in advance).

    Returns:
        The number it will really serve: an odd one loses one.

    Raises:
        UsageError: if more are wanted than the file limit allows; the text names the largest number possible.
    """
    possible = raise_file_limit() - _RESERVED_DESCRIPTORS
    if wanted is None:
        wanted = min(possible, _WANTED_CONNECTIONS)
    if not _FEWEST_CONNECTIONS <= wanted <= possible:
        message = (
            f"connections_max is {wanted}: this machine's file limit allows {_FEWEST_CONNECTIONS} to {possible}"
            " for one Pushpin (raise it with `ulimit -n`, or use several instances)"
        )
        raise UsageError(message)
    return wanted - wanted % _WORKERS
