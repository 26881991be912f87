"""What the origin saw: when each request came, for which transport, and how long it had been on its way."""

from __future__ import annotations

import re
import time
from bisect import bisect_left
from dataclasses import asdict, dataclass, field
from typing import Any

import numpy as np
from aiohttp import web
from aiohttp.typedefs import Handler, Middleware
from numpy.typing import NDArray

REQUEST_START = "X-Request-Start"
"""Header in which a client of the kit says when it sent a request: `t=` and nanoseconds of `CLOCK_MONOTONIC`."""

_LONGEST_NS = 60_000_000_000
"""A request that says it took longer was stamped by another clock: other software uses the same header."""


@dataclass(frozen=True, slots=True)
class RouteLoad:
    """Requests of one route in a window.

    Attributes:
        requests: How many arrived.
        upstream_s: Mean time from a client's sending to the origin's reading, seconds, over those that say.
    """

    requests: int = 0
    upstream_s: float = 0.0

    def to_json(self) -> dict[str, Any]:
        """Plain values for JSON."""
        return asdict(self)


@dataclass(slots=True)
class _Columns:
    arrived_ns: list[int] = field(default_factory=list)
    sent_ns: list[int] = field(default_factory=list)  # 0 where the request does not say


class RequestLog:
    """A middleware that writes every request down, by the first part of its path."""

    def __init__(self) -> None:
        self._routes: dict[str, _Columns] = {}

    def middleware(self) -> Middleware:
        """The middleware to give to the outermost `web.Application`."""

        @web.middleware
        async def write_down(request: web.Request, handler: Handler) -> web.StreamResponse:
            arrived_ns = time.monotonic_ns()
            columns = self._routes.setdefault(request.path.lstrip("/").partition("/")[0], _Columns())
            columns.arrived_ns.append(arrived_ns)
            columns.sent_ns.append(_sent_ns(request, arrived_ns))
            return await handler(request)

        return write_down

    def load(self, start_ns: int, end_ns: int) -> dict[str, RouteLoad]:
        """Requests that arrived in a window on `CLOCK_MONOTONIC`, from `start_ns` to before `end_ns`."""
        return {name: _load(columns, start_ns, end_ns) for name, columns in self._routes.items()}

    def since(self, start_ns: int) -> dict[str, int]:
        """How many requests have arrived from a moment of `CLOCK_MONOTONIC` on; quick enough to be asked often."""
        return {
            name: len(columns.arrived_ns) - bisect_left(columns.arrived_ns, start_ns)
            for name, columns in self._routes.items()
        }


def _load(columns: _Columns, start_ns: int, end_ns: int) -> RouteLoad:
    arrived, sent = (np.array(column, np.int64) for column in (columns.arrived_ns, columns.sent_ns))
    within = (arrived >= start_ns) & (arrived < end_ns)
    return RouteLoad(
        requests=int(within.sum()),
        upstream_s=_mean_s((arrived - sent)[within & (sent > 0)]),
    )


def _mean_s(durations_ns: NDArray[np.int64]) -> float:
    return float(durations_ns.mean()) / 1e9 if len(durations_ns) else 0.0


def _sent_ns(request: web.Request, arrived_ns: int) -> int:
    stamp = re.fullmatch(r"t=(\d{1,18})", request.headers.get(REQUEST_START, ""), re.ASCII)
    # A repetition by Pushpin itself carries the client's old header: it says nothing of the way upstream.
    if stamp is None or "Grip-Last" in request.headers:
        return 0
    sent_ns = int(stamp[1])
    return sent_ns if 0 <= arrived_ns - sent_ns <= _LONGEST_NS else 0
