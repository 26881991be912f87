"""What reliable delivery costs while nothing happens, and how late it may be when something did."""

from __future__ import annotations

import math

from realtime_kit.quantities import Load
from realtime_kit.theory import _check as check


def load(*, clients: int, timeout_s: float, rate_per_s: float = 0.0) -> Load:
    """The idle price: a `Grip-Link` is asked again after each `timeout_s` of silence, `N/timeout` requests/s.

    Every delivery restarts the timer, so that Poisson events lower the price to `N λ / (e^(λ·timeout) - 1)`,
    of which N/timeout is the limit for a silent channel. All these answers are empty as long as nothing was
    lost. An upper bound, because Pushpin collapses identical links that fall due at the same time.

    Args:
        clients: N, how many connections are held, 1 or more.
        timeout_s: The link's `timeout` parameter, seconds, above 0.
        rate_per_s: λ, events per second on the channel, 0 or more.

    Raises:
        UsageError: An argument is outside its range.
    """
    check.at_least(1, clients=clients)
    check.positive(timeout_s=timeout_s)
    check.not_negative(rate_per_s=rate_per_s)
    expected_events = rate_per_s * timeout_s
    discount = 1.0
    if expected_events > 0:
        discount = expected_events * math.exp(-expected_events) / -math.expm1(-expected_events)
    return Load(origin_requests_per_s=discount * clients / timeout_s, empty_fraction=1.0)


def delivered_share(*, outage_s: float, every_s: float) -> float:
    """Without recovery, the share of events that arrive: `1 - D/M`, for events that do not know of the outages.

    What is due while nothing can be delivered is lost; D/M of the time is such.

    Args:
        outage_s: D, seconds that an outage lasts on average, from the first to the last event that it costs,
            0 to `every_s`.
        every_s: M, seconds from the beginning of one outage to that of the next, on average, above 0.

    Raises:
        UsageError: An argument is outside its range.
    """
    check.positive(every_s=every_s)
    check.not_negative(outage_s=outage_s, uptime_s=every_s - outage_s)
    return 1.0 - outage_s / every_s


def latest_recovery_s(
    *, outage_s: float, backoff_s: float, downstream_s: float, service_s: float = 0.0
) -> float:
    """The worst latency of an event due during an outage and recovered after it: `D + backoff + S + d`.

    Args:
        outage_s: D, seconds for which no connection could be made, 0 or more.
        backoff_s: The longest pause the client makes between two attempts, seconds, 0 or more.
        downstream_s: d, seconds from the server to the client, 0 or more.
        service_s: S, seconds the origin takes to answer, 0 or more.

    Raises:
        UsageError: An argument is outside its range.
    """
    check.not_negative(outage_s=outage_s, backoff_s=backoff_s, downstream_s=downstream_s, service_s=service_s)
    return outage_s + backoff_s + service_s + downstream_s


def overflow(*, messages: int, queue: int, buffered_bytes: float, message_bytes: float) -> float:
    """Messages that a reader who stands still loses: `max(0, messages - queue - buffered_bytes/message_bytes)`.

    What the buffers of the system take counts as sent; then the proxy keeps `queue` for the connection; and drops
    what comes after that.

    Args:
        messages: Published meanwhile, 0 or more.
        queue: How many the proxy keeps for one connection, 0 or more.
        buffered_bytes: What waits in buffers between proxy and reader, bytes, 0 or more.
        message_bytes: Size of a message on the wire, bytes, above 0.

    Raises:
        UsageError: An argument is outside its range.
    """
    check.positive(message_bytes=message_bytes)
    check.not_negative(messages=messages, queue=queue, buffered_bytes=buffered_bytes)
    return max(0.0, messages - queue - buffered_bytes / message_bytes)


def limited_share(*, rate_per_s: float, waiting: float, asked_per_s: float, lasts_s: float) -> float:
    """The share of deliveries that a limiter drops, for deliveries of all kinds mixed evenly; 0 to 1.

    In `lasts_s` it lets `rate_per_s · lasts_s` through and keeps `waiting`, of `asked_per_s · lasts_s`.

    Args:
        rate_per_s: Deliveries in a second that pass (`message_rate`), above 0.
        waiting: How many may wait (`message_hwm`), 0 or more.
        asked_per_s: Deliveries in a second that are asked for, by everybody, above 0.
        lasts_s: How long that lasts, seconds, above 0.

    Raises:
        UsageError: An argument is outside its range.
    """
    check.positive(rate_per_s=rate_per_s, asked_per_s=asked_per_s, lasts_s=lasts_s)
    check.not_negative(waiting=waiting)
    return max(0.0, 1.0 - (rate_per_s * lasts_s + waiting) / (asked_per_s * lasts_s))
