"""Plain polling: every client asks again each `interval_s`, whether there is news or not.

Assumed throughout: the interval counts from the start of one request to the start of the next, and events
meet it at a random phase. `aliases` tells when a periodic schedule breaks the second assumption, and
`drifting_interval_s` what happens to loops that break the first.
"""

from __future__ import annotations

import math

import numpy as np

from realtime_kit.quantities import Latency, Load
from realtime_kit.theory import _check as check, _law as law

_ROUNDING = 1e-9
"""What floating-point noise may add to a difference of shares."""


def latency(*, interval_s: float, service_s: float = 0.0, downstream_s: float = 0.0) -> Latency:
    """Latency of an event that waits for the next poll: `L = U + S + d`, U uniform on (0, T).

    The mean is `T/2 + S + d` and the quantile q is `qT + S + d`, so the worst case is a full interval.

    Args:
        interval_s: T, seconds from the start of one request to the start of the next, above 0.
        service_s: S, seconds the origin takes to answer, 0 or more.
        downstream_s: d, seconds from the server to the client, 0 or more.

    Raises:
        UsageError: An argument is outside its range.
    """
    check.positive(interval_s=interval_s)
    check.not_negative(service_s=service_s, downstream_s=downstream_s)
    fixed_s = service_s + downstream_s
    return law.from_quantiles(interval_s / 2 + fixed_s, lambda quantile: quantile * interval_s + fixed_s)


def load(*, clients: int, interval_s: float, rate_per_s: float) -> Load:
    """Requests and empty answers: `N/T` requests/s at any event rate, a share `e^(-λT)` of them for nothing.

    At T = 5 s and one event a minute, 92 % of the answers are empty. The share assumes Poisson events.

    Args:
        clients: N, how many clients poll, 1 or more.
        interval_s: T, seconds from the start of one request to the start of the next, above 0.
        rate_per_s: λ, events per second on the channel, 0 or more.

    Raises:
        UsageError: An argument is outside its range.
    """
    check.at_least(1, clients=clients)
    check.positive(interval_s=interval_s)
    check.not_negative(rate_per_s=rate_per_s)
    return Load(
        origin_requests_per_s=clients / interval_s,
        empty_fraction=math.exp(-rate_per_s * interval_s),
    )


def drifting_interval_s(
    *, interval_s: float, upstream_s: float, downstream_s: float, service_s: float = 0.0
) -> float:
    """The real period of a loop that sleeps after each answer: `T + RTT + S` seconds, with `RTT = u + d`.

    The commonest mistake in a poller: it asks less often than its author believes, and the slower the
    server the less often. The kit's own poller keeps T from start to start.

    Args:
        interval_s: T, seconds the loop sleeps, above 0.
        upstream_s: u, seconds from the client to the server, 0 or more.
        downstream_s: d, seconds from the server to the client, 0 or more.
        service_s: S, seconds the origin takes to answer, 0 or more.

    Raises:
        UsageError: An argument is outside its range.
    """
    check.positive(interval_s=interval_s)
    check.not_negative(upstream_s=upstream_s, downstream_s=downstream_s, service_s=service_s)
    return interval_s + upstream_s + downstream_s + service_s


def aliases(
    *, interval_s: float, event_interval_s: float, events: int = 1000, tolerance: float = 0.1
) -> bool:
    """Whether periodic events keep hitting the same phases of one client's polling period.

    The law of `latency` needs each stretch of the period to receive its fair share of the events. The
    answer is True when some stretch gets a share that differs from its length by more than `tolerance`,
    whatever the phase at which the run began (the statistic is Kuiper's). With an event interval of p/q
    polling intervals in lowest terms only q phases ever occur, spaced T/q, and the difference is 1/q: by
    default, ratios with a denominator below 10 alias. So do ratios so near to one of these that the phase
    does not drift far enough within the run, and runs that are shorter than a polling interval or have
    fewer than `1/tolerance` events. A large numerator is no cure: against T = 5 s, an event every 60 s
    always waits equally long.

    Many clients with independent phases restore the law for the swarm as a whole, never for one client.

    Args:
        interval_s: T, seconds from the start of one request to the start of the next, above 0.
        event_interval_s: Seconds between two events, above 0.
        events: How many events the run has, 1 or more.
        tolerance: Largest difference between shares that still passes for uniform, 0 to 1.

    Raises:
        UsageError: An argument is outside its range.
    """
    check.positive(interval_s=interval_s, event_interval_s=event_interval_s)
    check.at_least(1, events=events)
    check.share(tolerance=tolerance)
    phases = np.sort(np.arange(events) * (event_interval_s / interval_s) % 1.0)
    shares = np.arange(events + 1) / events
    return bool(np.max(shares[1:] - phases) + np.max(phases - shares[:-1]) > tolerance + _ROUNDING)
