"""Questions about long-polling: how late, how many requests, and what lies between two of them."""

from __future__ import annotations

import math
from typing import Any

from realtime_kit.exercises.number_question import Explanation, NumberQuestion, Slip
from realtime_kit.exercises.question import Hints, Observation
from realtime_kit.exercises.run_reading import doubts, measured_input, poisson_doubts, setting, window_s
from realtime_kit.exercises.tolerance import by_chance, by_choice, by_rounding
from realtime_kit.exercises.unit import PER_SECOND, SECONDS, SHARE, counted
from realtime_kit.measurements.run import Result, Run
from realtime_kit.origin.long_polling import HOLD_TIMEOUT_S
from realtime_kit.plots.words import format_rate, format_seconds, format_share
from realtime_kit.theory import long_polling

_HOLD_S = float(HOLD_TIMEOUT_S)


def explain_p50(
    guess: float,
    *,
    downstream_s: float,
    rate_per_s: float,
    gap_s: float = 0.0,
    hold_timeout_s: float = _HOLD_S,
) -> Explanation:
    """The median: nearly always the way alone.

    Args:
        guess: Seconds.
        downstream_s: d + S, seconds from the due time to the client.
        rate_per_s: λ, events per second.
        gap_s: W, seconds from an answer until the next request has arrived.
        hold_timeout_s: H, seconds until a request is answered empty.
    """
    hold: dict[str, Any] = {"rate_per_s": rate_per_s, "window_s": gap_s, "hold_timeout_s": hold_timeout_s}
    expected_s = long_polling.latency(downstream_s=downstream_s, **hold).p50
    missed = long_polling.missed_fraction(**hold)
    hints = Hints(
        mechanism="The request is there before the event: nobody waits for a clock. "
        f"Only an event that comes just after another, in the gap of {format_seconds(gap_s)}, "
        "has to wait for the next request.",
        formula="An event that meets a waiting request takes the way alone, d + S. "
        "A share W/E[cycle] falls into the gap W, and takes up to W more.",
        computed=f"Here {format_share(missed)} fall into the gap, and the way takes {format_seconds(downstream_s)}: "
        f"half of all events within {format_seconds(expected_s)}.",
    )
    return Explanation(
        expected_s,
        by_choice(SECONDS),
        hints,
        (Slip("milliseconds", guess / 1000),),
        "An event is sent to one client after the other, and all of them ask again at once: the queue takes time.",
    )


def explain_requests(
    guess: float,
    *,
    clients: int,
    rate_per_s: float,
    gap_s: float = 0.0,
    hold_timeout_s: float = _HOLD_S,
    counted_s: float | None = None,
    events: int | None = None,
) -> Explanation:
    """Requests a second at the origin: `N / E[cycle]`, about `N λ`.

    The number of random events in a window X has the standard deviation `√(λX)`. All clients come back
    after the same events, so their requests vary with it, and hardly with anything else.

    Args:
        guess: Requests a second, all clients together.
        clients: N.
        rate_per_s: λ, events per second, as set.
        gap_s: W, seconds from an answer until the next request has arrived.
        hold_timeout_s: H, seconds until a request is answered empty.
        counted_s: X, seconds for which requests were counted; None if they were not.
        events: How many events there really were; None if nobody counted them.
    """
    hold: dict[str, Any] = {"window_s": gap_s, "hold_timeout_s": hold_timeout_s}
    cycle_s = long_polling.cycle_s(rate_per_s=rate_per_s, **hold)
    expected = _requests_per_s(clients, rate_per_s, hold)
    tolerance = by_rounding(PER_SECOND, expected)
    slips = [Slip("the requests of a single client", guess * clients)]
    if counted_s:
        spread = math.sqrt(rate_per_s / counted_s)
        more = _requests_per_s(clients, rate_per_s + spread, hold)
        fewer = _requests_per_s(clients, max(0.0, rate_per_s - spread), hold)
        of = f"the number of random events in {format_seconds(counted_s)}, of which each calls all clients"
        tolerance = by_chance(PER_SECOND, expected, standard_error=(more - fewer) / 2, of=of)
        slips.append(Slip(f"the requests in all {format_seconds(counted_s)}", guess / counted_s))
    hints = Hints(
        mechanism="A client comes back after each answer, and every event answers all of them. "
        f"{_pace(guess, clients)}",
        formula="Requests a second are clients / E[cycle]. A cycle lasts from one answer to the next: "
        "about 1/rate while events come more often than holds time out.",
        computed=f"E[cycle] is {format_seconds(cycle_s)}: {counted(clients, 'client')} / {format_seconds(cycle_s)} = "
        f"{format_rate(expected)} a second.{_counted(clients, events, counted_s)}",
    )
    difference = "Events that fall into the gap share an answer, and Pushpin repeats some requests by itself."
    return Explanation(expected, tolerance, hints, tuple(slips), difference)


def explain_gap(
    guess: float, *, rate_per_s: float, gap_s: float, hold_timeout_s: float = _HOLD_S
) -> Explanation:
    """Share of its time that a client has no request at the origin: `W / E[cycle]`.

    Args:
        guess: Share, 0 to 1.
        rate_per_s: λ, events per second.
        gap_s: W, seconds from an answer until the next request has arrived.
        hold_timeout_s: H, seconds until a request is answered empty.
    """
    hold: dict[str, Any] = {"rate_per_s": rate_per_s, "window_s": gap_s, "hold_timeout_s": hold_timeout_s}
    cycle_s, share = long_polling.cycle_s(**hold), long_polling.missed_fraction(**hold)
    hints = Hints(
        mechanism="After each answer a client has no request at the origin until the next one has travelled there. "
        f"The more events, the more often: here there are {format_rate(rate_per_s)} a second.",
        formula="The share is W / E[cycle]: the gap, divided by the time from one answer to the next.",
        computed=f"{format_seconds(gap_s)} / {format_seconds(cycle_s)} = {format_share(share)}.",
    )
    return Explanation(share, by_choice(SHARE), hints, (Slip("the share with a request", 1 - guess),))


def _requests_per_s(clients: int, rate_per_s: float, hold: dict[str, Any]) -> float:
    load = long_polling.load(clients=clients, rate_per_s=rate_per_s, **hold)
    return load.origin_requests_per_s or 0.0


def _pace(guess: float, clients: int) -> str:
    if guess == 0:
        return "So they do ask."
    each = format_seconds(clients / guess)
    return f"Your {format_rate(guess)} a second for {counted(clients, 'client')} would be one from each every {each}."


def _counted(clients: int, events: int | None, counted_s: float | None) -> str:
    """The same from the run's own counts."""
    if events is None or not counted_s:
        return ""
    requests = clients * events
    return (
        f" In this run, if each event had an answer of its own and no hold ran out: {counted(clients, 'client')} × "
        f"{counted(events, 'event')} = {counted(requests, 'request')} in {format_seconds(counted_s)}, "
        f"{format_rate(requests / counted_s)} a second."
    )


def gap_s_of(result: Result) -> float:
    """W of a run: seconds from an answer until the next request has arrived, on average."""
    return long_polling.window_s(
        downstream_s=measured_input(result, "push_s"),
        turnaround_s=measured_input(result, "turnaround_s"),
        upstream_s=measured_input(result, "upstream_s"),
    )


def _read_p50(run: Run) -> Observation:
    result = run["long-polling"]
    inputs = {
        "downstream_s": measured_input(result, "push_s"),
        "rate_per_s": setting(run, "rate"),
        "gap_s": gap_s_of(result),
    }
    return Observation(result.latency.p50, inputs, doubts([result], quantile=0.50))


def _read_requests(run: Run) -> Observation:
    result = run["long-polling"]
    inputs: dict[str, Any] = {
        "clients": result.clients,
        "rate_per_s": setting(run, "rate"),
        "gap_s": gap_s_of(result),
        "counted_s": window_s(run),
        "events": result.published,
    }
    return Observation(result.load.origin_requests_per_s, inputs, doubts([result]) + poisson_doubts(run))


def _read_gap(run: Run) -> Observation:
    result = run["long-polling"]
    gap_s = gap_s_of(result)
    inputs = {"rate_per_s": setting(run, "rate"), "gap_s": gap_s}
    requests_per_s = result.load.origin_requests_per_s
    measured = None if requests_per_s is None else min(1.0, requests_per_s / result.clients * gap_s)
    return Observation(measured, inputs, doubts([result]) + poisson_doubts(run))


QUESTIONS = (
    NumberQuestion(
        "long-polling-p50",
        "half of all events are seen by long-polling within {}",
        SECONDS,
        explain_p50,
        _read_p50,
    ),
    NumberQuestion(
        "long-polling-requests",
        "all long-polling clients together ask the origin {}",
        PER_SECOND,
        explain_requests,
        _read_requests,
    ),
    NumberQuestion(
        "long-polling-gap",
        "a long-polling client is between two requests for {} of its time",
        SHARE,
        explain_gap,
        _read_gap,
    ),
)
