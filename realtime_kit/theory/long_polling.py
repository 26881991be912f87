"""Long-polling: the server holds each request until an event or a timeout answers it.

A cycle runs from one answer to the next. It starts with the window W in which the client has no request
at the server, and goes on with a hold that the first event, or the timeout H, ends. Events are Poisson.
A cursor (the last id seen, sent with every request) turns events that fall into the window into late
ones; without it they are lost. Sources: RFC 6202 §2.2; the expectations follow from renewal theory.
"""

from __future__ import annotations

import math
from collections.abc import Callable

from realtime_kit.quantities import LOST, Latency, Load
from realtime_kit.theory import _check as check, _law as law


def window_s(*, downstream_s: float, turnaround_s: float, upstream_s: float) -> float:
    """Seconds between an answer and the next request's arrival: `W = d + c + u`.

    Args:
        downstream_s: d, seconds from the server to the client, 0 or more.
        turnaround_s: c, seconds the client takes to ask again, 0 or more.
        upstream_s: u, seconds from the client to the server, 0 or more.

    Raises:
        UsageError: An argument is outside its range.
    """
    check.not_negative(downstream_s=downstream_s, turnaround_s=turnaround_s, upstream_s=upstream_s)
    return downstream_s + turnaround_s + upstream_s


def cycle_s(*, rate_per_s: float, window_s: float, hold_timeout_s: float, cursor: bool = True) -> float:
    """Expected seconds from one answer to the next.

    With a cursor, an event in the window is answered as soon as the request arrives, so that only windows
    without one (a share `e^(-λW)`) are followed by a hold: `E[cycle] = W + e^(-λW) (1 - e^(-λH)) / λ`.
    Without a cursor the server knows of no such event and every window is followed by a hold:
    `E[cycle] = W + (1 - e^(-λH)) / λ`. On a silent channel (λ = 0) both are `W + H`.

    Args:
        rate_per_s: λ, events per second on the channel, 0 or more.
        window_s: W, seconds without a request at the server, 0 or more.
        hold_timeout_s: H, seconds until the server answers a request empty, above 0.
        cursor: Whether requests say which event the client saw last.

    Raises:
        UsageError: An argument is outside its range.
    """
    check.not_negative(rate_per_s=rate_per_s, window_s=window_s)
    check.positive(hold_timeout_s=hold_timeout_s)
    expected_events = rate_per_s * hold_timeout_s
    hold_s = hold_timeout_s
    if expected_events > 0:
        hold_s *= -math.expm1(-expected_events) / expected_events
    return window_s + hold_s * (math.exp(-rate_per_s * window_s) if cursor else 1.0)


def missed_fraction(
    *, rate_per_s: float, window_s: float, hold_timeout_s: float, cursor: bool = True
) -> float:
    """Share of all events that fall into the window: `f = W / E[cycle]`, 0 to 1.

    With a cursor these are late, without one they are lost. The two shares differ, because the cycles do:
    a cursor answers sooner, and so opens the next window sooner.

    Args:
        rate_per_s: λ, events per second on the channel, 0 or more.
        window_s: W, seconds without a request at the server, 0 or more.
        hold_timeout_s: H, seconds until the server answers a request empty, above 0.
        cursor: Whether requests say which event the client saw last.

    Raises:
        UsageError: An argument is outside its range.
    """
    return window_s / cycle_s(
        rate_per_s=rate_per_s, window_s=window_s, hold_timeout_s=hold_timeout_s, cursor=cursor
    )


def events_per_response(*, rate_per_s: float, window_s: float, hold_timeout_s: float) -> float:
    """Events that an answer carries on average, empty answers included: `λ E[cycle]`, with a cursor.

    Args:
        rate_per_s: λ, events per second on the channel, 0 or more.
        window_s: W, seconds without a request at the server, 0 or more.
        hold_timeout_s: H, seconds until the server answers a request empty, above 0.

    Raises:
        UsageError: An argument is outside its range.
    """
    return rate_per_s * cycle_s(rate_per_s=rate_per_s, window_s=window_s, hold_timeout_s=hold_timeout_s)


def latency(
    *,
    rate_per_s: float,
    window_s: float,
    hold_timeout_s: float,
    downstream_s: float,
    service_s: float = 0.0,
    cursor: bool = True,
) -> Latency:
    """Latency with a cursor: mean `d + S + W²/(2 E[cycle])`, at most `d + S + W`.

    An event that meets a held request takes `d + S`. A share f = `missed_fraction` falls into the window
    and waits a further time uniform on (0, W) for the next request. With d inside W that makes up to three
    network transits (RFC 6202 §2.2). Without a cursor the share f never comes, and counts as `LOST`.

    Args:
        rate_per_s: λ, events per second on the channel, 0 or more.
        window_s: W, seconds without a request at the server, 0 or more.
        hold_timeout_s: H, seconds until the server answers a request empty, above 0.
        downstream_s: d, seconds from the server to the client, 0 or more.
        service_s: S, seconds the origin takes to answer, 0 or more.
        cursor: Whether requests say which event the client saw last.

    Raises:
        UsageError: An argument is outside its range.
    """
    check.not_negative(downstream_s=downstream_s, service_s=service_s)
    missed = missed_fraction(
        rate_per_s=rate_per_s, window_s=window_s, hold_timeout_s=hold_timeout_s, cursor=cursor
    )
    fixed_s = downstream_s + service_s

    def quantile(share: float) -> float:
        late = share - 1 + missed
        if late <= 0:
            return fixed_s
        return fixed_s + window_s * late / missed if cursor else LOST

    mean_s = fixed_s + missed * window_s / 2 if cursor or missed == 0 else LOST
    return law.from_quantiles(mean_s, quantile)


def load(
    *, clients: int, rate_per_s: float, window_s: float, hold_timeout_s: float, cursor: bool = True
) -> Load:
    """Requests and empty answers: `N / E[cycle]` requests/s, a share `e^(-λ(W+H))` of them empty.

    An answer is empty when the hold passes without an event and, with a cursor, the window before it did
    too; without one the share is `e^(-λH)`.

    Args:
        clients: N, how many clients wait, 1 or more.
        rate_per_s: λ, events per second on the channel, 0 or more.
        window_s: W, seconds without a request at the server, 0 or more.
        hold_timeout_s: H, seconds until the server answers a request empty, above 0.
        cursor: Whether requests say which event the client saw last.

    Raises:
        UsageError: An argument is outside its range.
    """
    check.at_least(1, clients=clients)
    mean_cycle_s = cycle_s(
        rate_per_s=rate_per_s, window_s=window_s, hold_timeout_s=hold_timeout_s, cursor=cursor
    )
    noticed_s = hold_timeout_s + (window_s if cursor else 0.0)
    return Load(
        origin_requests_per_s=clients / mean_cycle_s,
        empty_fraction=math.exp(-rate_per_s * noticed_s),
    )


def crossover_rate_per_s(*, interval_s: float, window_s: float, hold_timeout_s: float) -> float:
    """The event rate λ from which long-polling makes more requests than polling at T: `E[cycle] = T`.

    About `1/T` while W is short and H long against T. The cycle shrinks from W + H on a silent channel
    towards W on a busy one, hence two special answers: 0.0 where `T >= W + H` (long-polling asks at least
    as often at every rate) and infinity where `T <= W` (it never does).

    Args:
        interval_s: T, seconds from the start of one poll to the start of the next, above 0.
        window_s: W, seconds without a request at the server, 0 or more.
        hold_timeout_s: H, seconds until the server answers a request empty, above 0.

    Raises:
        UsageError: An argument is outside its range.
    """
    check.positive(interval_s=interval_s, hold_timeout_s=hold_timeout_s)
    check.not_negative(window_s=window_s)
    if interval_s >= window_s + hold_timeout_s:
        return 0.0
    if interval_s <= window_s:
        return math.inf

    def asks_more_often(rate_per_s: float) -> bool:
        mean_cycle_s = cycle_s(rate_per_s=rate_per_s, window_s=window_s, hold_timeout_s=hold_timeout_s)
        return mean_cycle_s < interval_s

    return _first_true(asks_more_often, start=1 / interval_s)


def _first_true(condition: Callable[[float], bool], *, start: float) -> float:
    """The number above 0 from which a condition holds, by doubling and then bisecting."""
    low, high = 0.0, start
    while not condition(high):
        low, high = high, 2 * high
    for _ in range(100):
        middle = (low + high) / 2
        low, high = (low, middle) if condition(middle) else (middle, high)
    return high
