"""WebSocket over HTTP: the proxy keeps the socket, the origin sees ordinary HTTP requests.

From server to client a socket that is open is as quick as a stream that is open: `latency` is streaming's.
"""

from __future__ import annotations

from realtime_kit.errors import UsageError
from realtime_kit.quantities import Load
from realtime_kit.theory import _check as check
from realtime_kit.theory.bytes_on_wire import websocket_frame_bytes
from realtime_kit.theory.streaming import latency

__all__ = ["heard_after_s", "latency", "load"]

RETRIES = 5
"""How often Pushpin tries again to reach an origin that refuses connections, after the first time."""

CHANCE_S = 1.0
"""What it adds to each wait at most, at random."""


def load(*, inbound_per_s: float = 0.0, payload_bytes: int | None = None) -> Load:
    """Load while connected: events cost the origin nothing, each message from a client one request.

    An upper bound for the requests, because Pushpin batches messages that arrive while a request of the
    same connection is under way. A client's ping counts as a message.

    Args:
        inbound_per_s: Messages per second from all clients together, 0 or more.
        payload_bytes: P, bytes of one event, 0 or more; None leaves `bytes_per_delivery` open.

    Raises:
        UsageError: An argument is outside its range.
    """
    check.not_negative(inbound_per_s=inbound_per_s)
    per_delivery = (
        None if payload_bytes is None else float(websocket_frame_bytes(payload_bytes, masked=False))
    )
    return Load(origin_requests_per_s=inbound_per_s, bytes_per_delivery=per_delivery)


def heard_after_s(*, away_s: float) -> tuple[float, float]:
    """The earliest and the latest moment at which an origin that is away hears a message, seconds from its sending.

    Pushpin tries at once, and again after waits of 1, 2, 4, 8 and 16 s, each longer by up to 1 s of chance. So the
    n-th try comes `2^n - 1` to `2^n - 1 + n` seconds after the first (Pushpin 1.31 to 1.41,
    `websocketoverhttp.cpp`), and it is the first one after the origin's return that is heard.

    Args:
        away_s: How long the origin stays away from the sending on, seconds, 0 to 31.

    Raises:
        UsageError: if the last try may come before the origin is back: then the client's connection is lost.
    """
    check.not_negative(away_s=away_s)
    if away_s == 0:
        return 0.0, 0.0
    tries = [(2.0**number - 1, 2.0**number - 1 + number * CHANCE_S) for number in range(1, RETRIES + 1)]
    surely = next((latest_s for earliest_s, latest_s in tries if earliest_s >= away_s), None)
    if surely is None:
        message = f"away_s is {away_s!r}, but has to be {tries[-1][0]:g} or less: Pushpin may give up then"
        raise UsageError(message)
    perhaps = next(earliest_s for earliest_s, latest_s in tries if latest_s >= away_s)
    return max(perhaps, away_s), surely
