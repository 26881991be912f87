"""One event to many recipients: how long the last waits, and what a crowd does to the origin.

The limiter is Pushpin's (`message_rate`, `message_hwm`), as its `ratelimiter.cpp` does it: the first batch
leaves at once, the others at fixed intervals; a unit is one recipient of one message.
"""

from __future__ import annotations

import math

from realtime_kit.quantities import Latency
from realtime_kit.theory import _check as check, _law as law
from realtime_kit.theory.statistics import nearest_rank

LIMITER_INTERVAL_MS = 25
"""Milliseconds between two batches of Pushpin's limiter, at 40 deliveries a second and above."""


def latency(*, recipients: int, per_delivery_s: float) -> Latency:
    """Latency over all recipients when deliveries leave one after the other: the k-th waits `kτ`.

    For large N this is uniform on (0, Nτ): mean `Nτ/2`, quantile q `qNτ`. The figures here are those of
    the N discrete waits, exact for small N too: mean `(N+1)τ/2`, min τ, max Nτ.

    Args:
        recipients: N, 1 or more.
        per_delivery_s: τ, seconds each delivery takes, above 0.

    Raises:
        UsageError: An argument is outside its range.
    """
    check.at_least(1, recipients=recipients)
    check.positive(per_delivery_s=per_delivery_s)
    mean_s = (recipients + 1) * per_delivery_s / 2
    return law.from_quantiles(mean_s, lambda share: nearest_rank(share, recipients) * per_delivery_s)


def completion_s(*, share: float, recipients: int, per_delivery_s: float) -> float:
    """Seconds until a share of the recipients has the event: the straight line `kτ`, k = ceil(share·N).

    Args:
        share: Share of the recipients, 0 to 1; 0 gives 0 seconds.
        recipients: N, 1 or more.
        per_delivery_s: τ, seconds each delivery takes, above 0.

    Raises:
        UsageError: An argument is outside its range.
    """
    check.positive(per_delivery_s=per_delivery_s)
    return _reached(share, recipients) * per_delivery_s


def per_delivery_budget_s(*, recipients: int, within_s: float = 1.0) -> float:
    """The longest a delivery may take so that everybody is reached in time: `τ = within / N`.

    100,000 recipients within one second leave 10 µs for each.

    Args:
        recipients: N, 1 or more.
        within_s: Seconds until the last recipient has to have it, above 0.

    Raises:
        UsageError: An argument is outside its range.
    """
    check.at_least(1, recipients=recipients)
    check.positive(within_s=within_s)
    return within_s / recipients


def limiter_batch(rate_per_s: int) -> int:
    """Deliveries that Pushpin's limiter releases at a time: `ceil(25 r / 1000)`.

    Rounded up, so the real rate is a little above the one configured: 2,500 gives 63, which is 2,520.

    Args:
        rate_per_s: r, Pushpin's `message_rate`, 1 or more.

    Raises:
        UsageError: The rate is outside its range.
    """
    check.at_least(1, rate_per_s=rate_per_s)
    return math.ceil(LIMITER_INTERVAL_MS * rate_per_s / 1000)


def limiter_interval_s(rate_per_s: int) -> float:
    """Seconds between two batches: 0.025, or `floor(1000/r)` ms at rates that need less than one per batch.

    Args:
        rate_per_s: r, Pushpin's `message_rate`, 1 or more.

    Raises:
        UsageError: The rate is outside its range.
    """
    check.at_least(1, rate_per_s=rate_per_s)
    return max(LIMITER_INTERVAL_MS, 1000 // rate_per_s) / 1000


def limiter_completion_s(*, recipients: int, rate_per_s: int, share: float = 1.0) -> float:
    """Seconds until a share of the recipients has the event through the limiter: a staircase.

    The k-th recipient leaves in batch `ceil(k / batch)`, the first of which leaves at once. The time the
    deliveries themselves take is not included.

    Args:
        recipients: N, 1 or more.
        rate_per_s: r, Pushpin's `message_rate`, 1 or more.
        share: Share of the recipients, 0 to 1.

    Raises:
        UsageError: An argument is outside its range.
    """
    batches = math.ceil(_reached(share, recipients) / limiter_batch(rate_per_s))
    return max(0, batches - 1) * limiter_interval_s(rate_per_s)


def delivered_under_limit(recipients: int, message_hwm: int) -> int:
    """Recipients that get one message when Pushpin's limiter starts empty: `min(N, hwm)`; the rest never do.

    Args:
        recipients: N, 1 or more.
        message_hwm: Deliveries that may wait in the limiter; 0 or less means no limit, as for Pushpin.

    Raises:
        UsageError: The number of recipients is outside its range.
    """
    check.at_least(1, recipients=recipients)
    return min(recipients, message_hwm) if message_hwm > 0 else recipients


def herd_recovery_s(*, recipients: int, origin_capacity_per_s: float) -> float:
    """Seconds after a broadcast until the last of N long-pollers holds again: about `N/μ`.

    All of them were answered at once, so all ask again at once. Streaming has no such herd.

    Args:
        recipients: N, long-polling clients, 1 or more.
        origin_capacity_per_s: μ, requests per second the origin can answer, above 0.

    Raises:
        UsageError: An argument is outside its range.
    """
    check.at_least(1, recipients=recipients)
    check.positive(origin_capacity_per_s=origin_capacity_per_s)
    return recipients / origin_capacity_per_s


def max_event_rate_per_s(*, recipients: int, origin_capacity_per_s: float) -> float:
    """Events per second at which N long-pollers saturate the origin: `λ < μ/N`, one herd at a time.

    Args:
        recipients: N, long-polling clients, 1 or more.
        origin_capacity_per_s: μ, requests per second the origin can answer, above 0.

    Raises:
        UsageError: An argument is outside its range.
    """
    return 1 / herd_recovery_s(recipients=recipients, origin_capacity_per_s=origin_capacity_per_s)


def reconnect_jitter_s(*, connections: int, origin_capacity_per_s: float) -> float:
    """The least spread of random reconnects that keeps them within the origin's capacity: `J >= N/μ`.

    Args:
        connections: N, connections that a proxy restart cut off, 1 or more.
        origin_capacity_per_s: μ, requests per second the origin can answer, above 0.

    Raises:
        UsageError: An argument is outside its range.
    """
    check.at_least(1, connections=connections)
    check.positive(origin_capacity_per_s=origin_capacity_per_s)
    return connections / origin_capacity_per_s


def _reached(share: float, recipients: int) -> int:
    """How many recipients make up a share of them, rounded up."""
    rank = nearest_rank(share, recipients)
    return rank if share > 0 else 0
