"""WebSocket over HTTP: the proxy keeps the socket, the origin sees ordinary HTTP requests."""

from __future__ import annotations

from realtime_kit.quantities import Latency, Load
from realtime_kit.theory import _check as check, _law as law
from realtime_kit.theory.bytes_on_wire import websocket_frame_bytes


def latency(*, downstream_s: float, service_s: float = 0.0) -> Latency:
    """Latency from server to client, the same as streaming: `L = d + S`.

    Args:
        downstream_s: d, seconds from the server to the client, 0 or more.
        service_s: S, seconds from the event's due time until the server sends it, 0 or more.

    Raises:
        UsageError: An argument is outside its range.
    """
    check.not_negative(downstream_s=downstream_s, service_s=service_s)
    return law.constant(downstream_s + service_s)


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
