"""The question where polling and long-polling make equally many requests."""

from __future__ import annotations

import math
from typing import Any

from realtime_kit.errors import UsageError
from realtime_kit.exercises.long_polling import gap_s_of
from realtime_kit.exercises.number_question import Explanation, NumberQuestion, Slip
from realtime_kit.exercises.question import Hints, Observation
from realtime_kit.exercises.run_reading import doubts, setting
from realtime_kit.exercises.tolerance import by_rounding
from realtime_kit.exercises.unit import PER_SECOND
from realtime_kit.measurements.run import Run
from realtime_kit.origin.long_polling import HOLD_TIMEOUT_S
from realtime_kit.plots.words import format_rate, format_seconds
from realtime_kit.theory import long_polling


def explain_crossover(
    guess: float, *, interval_s: float, gap_s: float = 0.0, hold_timeout_s: float = float(HOLD_TIMEOUT_S)
) -> Explanation:
    """The event rate from which long-polling makes more requests than polling: `E[cycle] = T`.

    Args:
        guess: Events per second.
        interval_s: T, polling interval, seconds.
        gap_s: W, seconds from an answer until the next request has arrived.
        hold_timeout_s: H, seconds until a request is answered empty.

    Raises:
        UsageError: if there is no such rate.
    """
    hold: dict[str, Any] = {"window_s": gap_s, "hold_timeout_s": hold_timeout_s}
    rate_per_s = long_polling.crossover_rate_per_s(interval_s=interval_s, **hold)
    if not 0 < rate_per_s < math.inf:
        message = (
            f"at an interval of {format_seconds(interval_s)} neither overtakes the other: "
            f"it has to lie between gap_s, {gap_s:g}, and gap_s + hold_timeout_s, {gap_s + hold_timeout_s:g}."
        )
        raise UsageError(message)
    cycle_s = long_polling.cycle_s(rate_per_s=guess, **hold)
    hints = Hints(
        mechanism=f"Polling asks every {format_seconds(interval_s)}, whatever happens. Long-polling asks after "
        f"every event: at your {format_rate(guess)} a second, every {format_seconds(cycle_s)} on average.",
        formula="They ask equally often where the cycle of long-polling is as long as the interval of polling: "
        "E[cycle] = T, so about 1/T while the hold is long against T.",
        computed=f"1 / {format_seconds(interval_s)} is {format_rate(1 / interval_s)} a second. With holds of "
        f"{format_seconds(hold_timeout_s)} and a gap of {format_seconds(gap_s)} it is {format_rate(rate_per_s)}.",
    )
    slips = (Slip("the seconds from event to event", 1 / guess),) if guess else ()
    return Explanation(rate_per_s, by_rounding(PER_SECOND, rate_per_s), hints, slips)


def _read(run: Run) -> Observation:
    result = run["long-polling"]
    inputs = {"interval_s": setting(run, "interval_s"), "gap_s": gap_s_of(result)}
    return Observation(None, inputs, doubts([result]))


QUESTIONS = (
    NumberQuestion(
        "crossover-rate",
        "long-polling asks more often than polling once events come at {}",
        PER_SECOND,
        explain_crossover,
        _read,
    ),
)
