"""WebSocket over HTTP: the proxy keeps the socket, the origin sees ordinary HTTP requests.

From server to client a socket that is open is as quick as a stream that is open: `latency` is streaming's.
"""

from __future__ import annotations

from realtime_kit.quantities import Load
from realtime_kit.theory import _check as check
from realtime_kit.theory.bytes_on_wire import websocket_frame_bytes
from realtime_kit.theory.streaming import latency

__all__ = ["latency", "load"]


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
