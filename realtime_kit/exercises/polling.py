"""Questions about plain polling: how late, how many requests, how many of them for nothing."""

from __future__ import annotations

import math

from realtime_kit.exercises.number_question import Explanation, NumberQuestion, Slip
from realtime_kit.exercises.question import Hints, Observation
from realtime_kit.exercises.run_reading import doubts, measured_input, poisson_doubts, setting, window_s
from realtime_kit.exercises.tolerance import Tolerance, by_chance, by_rounding
from realtime_kit.exercises.unit import PER_SECOND, SECONDS, SHARE, counted
from realtime_kit.measurements.run import Run
from realtime_kit.plots.words import format_rate, format_seconds, format_share
from realtime_kit.theory import polling


def explain_p50(
    guess: float, *, interval_s: float, way_s: float = 0.0, deliveries: int | None = None
) -> Explanation:
    """The median: a wait uniform on (0, T).

    Args:
        guess: Seconds.
        interval_s: T, seconds from the start of one request to the start of the next.
        way_s: Seconds an answer takes to the client.
        deliveries: How many were measured; None if none were.
    """
    return _explain_quantile(guess, 0.50, interval_s, way_s, deliveries)


def explain_p99(
    guess: float, *, interval_s: float, way_s: float = 0.0, deliveries: int | None = None
) -> Explanation:
    """The 99th percentile, with the arguments of `explain_p50`."""
    return _explain_quantile(guess, 0.99, interval_s, way_s, deliveries)


def explain_mean(
    guess: float, *, interval_s: float, way_s: float = 0.0, deliveries: int | None = None
) -> Explanation:
    """The mean, with the arguments of `explain_p50`; its standard error is `T/√(12 n)`."""
    expected_s = polling.latency(interval_s=interval_s, downstream_s=way_s).mean
    hints = Hints(
        mechanism=_mechanism(guess, interval_s),
        formula="All waits from 0 to the interval are equally likely, so on average it is half of the interval.",
        computed=f"{format_seconds(interval_s)} / 2{_and_the_way(way_s)} = {format_seconds(expected_s)}.",
    )
    tolerance = _tolerance("mean", expected_s, interval_s / math.sqrt(12), deliveries)
    return Explanation(expected_s, tolerance, hints, _slips(guess, expected_s, interval_s))


def explain_requests(
    guess: float, *, clients: int, interval_s: float, counted_s: float | None = None
) -> Explanation:
    """Requests a second at the origin: `N/T`.

    A window cuts each client's rhythm at both ends, so that its count is one of two neighbours, with a
    standard deviation of ½ at most: `√N/(2X)` requests/s for all.

    Args:
        guess: Requests a second, all clients together.
        clients: N.
        interval_s: T, seconds from the start of one request to the start of the next.
        counted_s: X, seconds for which requests were counted; None if they were not.
    """
    expected = polling.load(clients=clients, interval_s=interval_s, rate_per_s=0).origin_requests_per_s or 0.0
    tolerance = by_rounding(PER_SECOND, expected)
    slips = [Slip("the requests of a single client", guess * clients)]
    if counted_s:
        of = f"a count over {format_seconds(counted_s)}"
        error = math.sqrt(clients) / (2 * counted_s)
        tolerance = by_chance(PER_SECOND, expected, standard_error=error, of=of)
        slips.append(Slip(f"the requests in all {format_seconds(counted_s)}", guess / counted_s))
    hints = Hints(
        mechanism=f"A client asks by the clock, news or not. {_pace(guess, clients)}",
        formula="Requests a second are the clients divided by the interval. The events do not matter.",
        computed=f"{counted(clients, 'client')} / {format_seconds(interval_s)} = {format_rate(expected)} a second.",
    )
    return Explanation(expected, tolerance, hints, tuple(slips))


def explain_empty(
    guess: float, *, interval_s: float, rate_per_s: float, counted_s: float | None = None
) -> Explanation:
    """Share of empty answers: `e^(-λT)`.

    All clients see the same events, so that a run has no more independent answers than one client gets in
    it, `X/T`: a standard error of `√(p(1-p)T/X)` at most.

    Args:
        guess: Share, 0 to 1.
        interval_s: T, seconds from the start of one request to the start of the next.
        rate_per_s: λ, events per second.
        counted_s: X, seconds for which answers were counted; None if they were not.
    """
    share = polling.load(clients=1, interval_s=interval_s, rate_per_s=rate_per_s).empty_fraction or 0.0
    tolerance = by_rounding(SHARE, share)
    if counted_s:
        intervals = counted_s / interval_s
        of = f"a share of the {intervals:.3g} intervals that follow each other"
        error = math.sqrt(share * (1 - share) / intervals)
        tolerance = by_chance(SHARE, share, standard_error=error, of=of)
    events = rate_per_s * interval_s
    hints = Hints(
        mechanism="An answer is empty if nothing has happened since the last one, "
        f"{format_seconds(interval_s)} before. {_pause(rate_per_s)}",
        formula="Random events leave a stretch of time T empty with probability e^(−λT): "
        "λ is events per second, T the interval.",
        computed=f"e^(−{rate_per_s:.3g} × {interval_s:.3g}) = e^(−{events:.3g}) = {format_share(share)}.",
    )
    return Explanation(share, tolerance, hints, (Slip("the share of answers with news", 1 - guess),))


def _explain_quantile(
    guess: float, quantile: float, interval_s: float, way_s: float, deliveries: int | None
) -> Explanation:
    """A quantile q of a uniform wait has the standard error `T √(q(1-q)/n)`.

    n counts deliveries: one client's waits for two events are independent, as are two clients' waits for
    the same event, because the phases of their clocks are.
    """
    law = polling.latency(interval_s=interval_s, downstream_s=way_s)
    expected_s = {0.50: law.p50, 0.99: law.p99}[quantile]
    hints = Hints(
        mechanism=_mechanism(guess, interval_s),
        formula="All waits from 0 to the interval are equally likely: "
        f"{format_share(quantile)} of them are at most {quantile:g} × the interval.",
        computed=f"{quantile:g} × {format_seconds(interval_s)}{_and_the_way(way_s)} = {format_seconds(expected_s)}.",
    )
    figure = {0.50: "median", 0.99: "99th percentile"}[quantile]
    tolerance = _tolerance(figure, expected_s, interval_s * math.sqrt(quantile * (1 - quantile)), deliveries)
    return Explanation(expected_s, tolerance, hints, _slips(guess, expected_s, interval_s))


def _tolerance(figure: str, expected_s: float, one_error_s: float, deliveries: int | None) -> Tolerance:
    """Of a latency whose standard error is that of one delivery divided by √n."""
    if not deliveries:
        return by_rounding(SECONDS, expected_s)
    of = f"the {figure} of {counted(deliveries, 'delivery')}"
    return by_chance(SECONDS, expected_s, standard_error=one_error_s / math.sqrt(deliveries), of=of)


def _slips(guess_s: float, expected_s: float, interval_s: float) -> tuple[Slip, ...]:
    return (
        Slip("milliseconds", guess_s / 1000),
        Slip("the longest wait", guess_s / interval_s * expected_s),
    )


def _mechanism(guess_s: float, interval_s: float) -> str:
    interval = format_seconds(interval_s)
    wait = f"With an interval of {interval}, the wait is uniform between 0 and {interval}"
    if guess_s > interval_s:
        return f"{wait}: nobody waits for {format_seconds(guess_s)}."
    share = guess_s / interval_s
    return f"{wait}: {format_seconds(guess_s)} or less is what {format_share(share)} of the events wait."


def _pause(rate_per_s: float) -> str:
    if rate_per_s == 0:
        return "Nothing ever happens."
    return f"On average {format_seconds(1 / rate_per_s)} pass from one event to the next."


def _and_the_way(way_s: float) -> str:
    return f" + {format_seconds(way_s)} for the way" if way_s else ""


def _pace(guess: float, clients: int) -> str:
    if guess == 0:
        return "So it asks even when nothing happens."
    each = format_seconds(clients / guess)
    return f"Your {format_rate(guess)} a second for {counted(clients, 'client')} would be one from each every {each}."


def _read_latency(run: Run, measured: str, quantile: float) -> Observation:
    result = run["polling"]
    inputs = {
        "interval_s": setting(run, "interval_s"),
        "way_s": measured_input(result, "round_trip_s") / 2,
        "deliveries": result.ledger.expected,
    }
    value = getattr(result.latency, measured)
    return Observation(value, inputs, doubts([result], quantile=quantile))


def _read_requests(run: Run) -> Observation:
    result = run["polling"]
    inputs = {
        "clients": result.clients,
        "interval_s": setting(run, "interval_s"),
        "counted_s": window_s(run),
    }
    return Observation(result.load.origin_requests_per_s, inputs, doubts([result]))


def _read_empty(run: Run) -> Observation:
    result = run["polling"]
    inputs = {
        "interval_s": setting(run, "interval_s"),
        "rate_per_s": setting(run, "rate"),
        "counted_s": window_s(run),
    }
    return Observation(result.load.empty_fraction, inputs, doubts([result]) + poisson_doubts(run))


QUESTIONS = (
    NumberQuestion(
        "polling-p50",
        "half of all events are seen by polling within {}",
        SECONDS,
        explain_p50,
        lambda run: _read_latency(run, "p50", 0.50),
    ),
    NumberQuestion(
        "polling-mean",
        "an event is seen by polling after {} on average",
        SECONDS,
        explain_mean,
        lambda run: _read_latency(run, "mean", 0.50),
    ),
    NumberQuestion(
        "polling-p99",
        "99 of 100 events are seen by polling within {}",
        SECONDS,
        explain_p99,
        lambda run: _read_latency(run, "p99", 0.99),
    ),
    NumberQuestion(
        "polling-requests",
        "all polling clients together ask the origin {}",
        PER_SECOND,
        explain_requests,
        _read_requests,
    ),
    NumberQuestion(
        "polling-empty",
        "{} of the answers to polling are empty",
        SHARE,
        explain_empty,
        _read_empty,
    ),
)
