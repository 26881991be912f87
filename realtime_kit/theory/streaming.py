"""Streaming over HTTP (server-sent events, chunked): one request stays open, every event rides down it."""

from __future__ import annotations

from realtime_kit.errors import UsageError
from realtime_kit.quantities import Latency, Load
from realtime_kit.theory import _check as check, _law as law
from realtime_kit.theory.bytes_on_wire import chunk_overhead_bytes, event_stream_bytes


def latency(*, downstream_s: float, service_s: float = 0.0) -> Latency:
    """Latency while connected: `L = d + S` for every event, since nobody has to ask first.

    Args:
        downstream_s: d, seconds from the server to the client, 0 or more.
        service_s: S, seconds from the event's due time until the server sends it, 0 or more.

    Raises:
        UsageError: An argument is outside its range.
    """
    check.not_negative(downstream_s=downstream_s, service_s=service_s)
    return law.constant(downstream_s + service_s)


def load(
    *, payload: str | bytes | None = None, event_id: str | None = None, event_type: str | None = None
) -> Load:
    """Load while connected: no origin request per event, and P bytes of payload plus the framing.

    Each event is assumed to be one event-stream block in one HTTP/1.1 chunk. Connecting costs one origin
    request per client, once.

    Args:
        payload: What one event says; None leaves `bytes_per_delivery` open.
        event_id: Its `id:` field, if any.
        event_type: Its `event:` field, if any.

    Raises:
        UsageError: A field contains a line break, or there are fields but no payload.
    """
    if payload is None:
        if event_id is not None or event_type is not None:
            raise UsageError("An event_id or event_type was given without a payload to send with it.")
        return Load(origin_requests_per_s=0.0)
    block_bytes = event_stream_bytes(payload, event_id=event_id, event_type=event_type)
    return Load(
        origin_requests_per_s=0.0,
        bytes_per_delivery=float(block_bytes + chunk_overhead_bytes(block_bytes)),
    )


def delivered_fraction(*, outage_s: float, outage_every_s: float) -> float:
    """Share of events that arrive when a dropped connection recovers nothing: `1 - D/M`.

    With recovery every event arrives: see `reliability.latest_recovery_s` for how late.

    Args:
        outage_s: D, seconds without a connection each time, 0 to M.
        outage_every_s: M, seconds from the start of one outage to the start of the next, above 0.

    Raises:
        UsageError: An argument is outside its range.
    """
    check.not_negative(outage_s=outage_s)
    check.positive(outage_every_s=outage_every_s)
    if outage_s > outage_every_s:
        message = f"outage_s is {outage_s!r}, but has to be at most outage_every_s, {outage_every_s!r}."
        raise UsageError(message)
    return 1 - outage_s / outage_every_s
