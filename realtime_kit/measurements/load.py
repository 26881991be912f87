"""What the deliveries cost, from counters read at both ends of a window."""

from __future__ import annotations

from collections.abc import Mapping

from realtime_kit.quantities import Load


def load(window: Mapping[str, int], *, origin_requests: int, connections: int, window_s: float) -> Load:
    """Put the counters of clients and origin together.

    Args:
        window: What the clients counted in the window: `requests`, `empty_responses`, `bytes_received`,
            `bytes_sent`, `receipts`.
        origin_requests: Requests that reached the origin in the window, on this transport's path.
        connections: TCP connections opened up to the window's end.
        window_s: Length of the window in seconds, above 0.
    """
    requests, receipts = window["requests"], window["receipts"]
    return Load(
        origin_requests_per_s=origin_requests / window_s,
        # Of no answers none are empty: a stream asks nothing while it is open.
        empty_fraction=min(1.0, window["empty_responses"] / requests) if requests else 0.0,
        bytes_per_delivery=window["bytes_received"] / receipts if receipts else None,
        origin_requests=origin_requests,
        proxy_requests=requests,
        empty_responses=window["empty_responses"],
        bytes_to_clients=window["bytes_received"],
        bytes_from_clients=window["bytes_sent"],
        connections_opened=connections,
    )
