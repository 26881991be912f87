"""Questions that compare the transports of a race: who is first, who asks the origin most, who least."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable

from realtime_kit.exercises.choice_question import ChoiceQuestion, Comparison
from realtime_kit.exercises.question import Hints
from realtime_kit.exercises.run_reading import doubts, setting
from realtime_kit.exercises.tolerance import rounding
from realtime_kit.exercises.unit import PER_SECOND, SECONDS, Unit
from realtime_kit.measurements.latency import CURVE_SHARES
from realtime_kit.measurements.run import Result, Run
from realtime_kit.plots.words import format_rate, format_seconds

TRANSPORTS = ("polling", "long-polling", "streaming", "websocket")


def fastest(run: Run, guess: str) -> Comparison:
    """Who shows half of all events first.

    Who cannot be told from the first: those whose median may lie as low as the first one's may lie high, each
    within two standard errors. Deliveries of one event share its fate, so a median of E events has its place
    in the distribution known to `±1/√E` only.
    """
    spans = {result.transport: _median_span_s(result) for result in run.results}
    medians = {result.transport: result.latency.p50 for result in run.results}
    first = min(medians, key=lambda name: medians[name])
    measured = tuple(name for name, (low, _) in spans.items() if low <= spans[first][1])
    theory = {result.transport: result.theory.latency.p50 for result in run.results}
    hints = Hints(
        mechanism=f"What does an event wait for, once it has happened? Think of {guess}: "
        "for a clock, for a request, or for nobody?",
        formula="By polling half of the events wait for half of the interval or longer. "
        "The others take the way alone, d + S, and by long-polling a few wait for the next request.",
        computed=f"Half of all events by theory: {_listed(theory, format_seconds)}.",
    )
    unsure = doubts(run.results, quantile=0.50)
    said = {name: format_seconds(value) for name, value in medians.items()}
    return Comparison(measured, _alike(theory, min, SECONDS), said, hints, unsure)


def most_requests(run: Run, guess: str) -> Comparison:
    """Who asks the origin most often."""
    return _requests(run, guess, max)


def fewest_requests(run: Run, guess: str) -> Comparison:
    """Who asks the origin least often, once connected."""
    return _requests(run, guess, min)


def _requests(run: Run, guess: str, best: Callable[[Iterable[float]], float]) -> Comparison:
    measured = _requests_per_s(
        {result.transport: result.load.origin_requests_per_s for result in run.results}
    )
    theory = _requests_per_s(
        {result.transport: result.theory.load.origin_requests_per_s for result in run.results}
    )
    said = {name: f"{format_rate(value)} a second" for name, value in measured.items()}
    winners = tuple(name for name, value in measured.items() if value == best(measured.values()))
    return Comparison(
        winners,
        _alike(theory, best, PER_SECOND),
        said,
        _request_hints(run, guess, theory),
        doubts(run.results),
    )


def _request_hints(run: Run, guess: str, theory: dict[str, float]) -> Hints:
    interval_s, rate = float(setting(run, "interval_s")), float(setting(run, "rate"))
    return Hints(
        mechanism=f"When does a client ask again? Think of {guess}: by the clock, after each event, or never?",
        formula="Polling: clients / interval. Long-polling: about clients × events per second. "
        "Streaming and websocket: 0.",
        computed=f"A polling client asks every {format_seconds(interval_s)}, and events call a long-polling client "
        f"every {format_seconds(1 / rate)} on average. "
        f"For all clients by theory: {_listed(theory, format_rate)} a second.",
    )


def _alike(
    figures: dict[str, float], best: Callable[[Iterable[float]], float], unit: Unit
) -> tuple[str, ...]:
    """Whose figure is the best, rounded to two digits."""
    if not figures:
        return ()
    target = best(figures.values())
    return tuple(name for name, value in figures.items() if abs(value - target) <= rounding(unit, target))


def _median_span_s(result: Result) -> tuple[float, float]:
    """Two standard errors around the median, read off the distribution; the median itself if there is none."""
    median_s = result.latency.p50
    if not result.latency_curve_s or not result.published:
        return median_s, median_s
    either_side = 1 / math.sqrt(result.published)
    last = len(CURVE_SHARES) - 1
    low, high = (round(min(1.0, max(0.0, 0.5 + side)) * last) for side in (-either_side, either_side))
    return result.latency_curve_s[low], result.latency_curve_s[high]


def _requests_per_s(given: dict[str, float | None]) -> dict[str, float]:
    """Those that are known."""
    return {name: value for name, value in given.items() if value is not None}


def _listed(figures: dict[str, float], words: Callable[[float], str]) -> str:
    return ", ".join(f"{name} {words(value)}" for name, value in figures.items())


QUESTIONS = (
    ChoiceQuestion("fastest", "half of all events are seen first by {}", TRANSPORTS, fastest),
    ChoiceQuestion("most-requests", "the origin is asked most often by {}", TRANSPORTS, most_requests),
    ChoiceQuestion("fewest-requests", "the origin is asked least often by {}", TRANSPORTS, fewest_requests),
)
