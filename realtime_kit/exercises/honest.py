"""Questions about honest latency: what a stall does to a percentile, what a waiting generator leaves out."""

from __future__ import annotations

from realtime_kit.exercises.number_question import Explanation, NumberQuestion, Slip
from realtime_kit.exercises.question import Hints
from realtime_kit.exercises.tolerance import by_rounding, exactly
from realtime_kit.exercises.unit import COUNT, SECONDS
from realtime_kit.plots.words import format_seconds, format_share
from realtime_kit.theory.coordinated_omission import p99_with_stall
from realtime_kit.theory.statistics import samples_needed


def explain_stall(guess: float, *, stall_s: float, run_s: float) -> Explanation:
    """True 99th percentile of a run in which the server stood still once: `D - 0.01 X`.

    Args:
        guess: Seconds.
        stall_s: D, seconds.
        run_s: X, seconds.
    """
    expected_s = p99_with_stall(stall_s=stall_s, run_s=run_s)
    hints = Hints(
        mechanism="Requests were due all through the stall. Who came at its beginning waited for all of it, who came "
        "near its end for a moment. Which of them is the one in a hundred?",
        formula="p99 = D - 0.01 X, with the stall D and the run X: one in a hundred was due in the first 0.01 X of it.",
        computed=f"{format_seconds(stall_s)} - 0.01 x {format_seconds(run_s)} = {format_seconds(expected_s)}.",
    )
    slips = (
        Slip("the longest wait", guess - 0.01 * run_s),
        Slip("the mean wait within the stall", 2 * guess),
    )
    difference = "What had gathered took a while to be answered, and the formula has that take no time."
    return Explanation(expected_s, by_rounding(SECONDS, expected_s), hints, slips, difference)


def explain_omitted(guess: float, *, rate_per_s: float, stall_s: float) -> Explanation:
    """Requests that were due while the server stood still: a generator that waits sends one of them.

    Args:
        guess: Requests.
        rate_per_s: Requests due per second.
        stall_s: Seconds.
    """
    expected = float(round(rate_per_s * stall_s))
    hints = Hints(
        mechanism="A generator that waits for its answer asks once, and hears nothing for all of the stall. The world "
        "goes on asking.",
        formula="Due = rate x length of the stall.",
        computed=f"{rate_per_s:g} x {stall_s:g} = {expected:,.0f}.",
    )
    return Explanation(expected, exactly(COUNT), hints, (Slip("all but the one that was sent", guess + 1),))


def explain_samples(guess: float, *, quantile: float) -> Explanation:
    """Deliveries that a percentile needs, so that ten lie beyond it: `10 / (1 - q)`.

    Args:
        guess: Deliveries.
        quantile: q, such as 0.999.
    """
    expected = float(samples_needed(quantile))
    beyond = format_share(1 - quantile)
    hints = Hints(
        mechanism="A percentile that rests on one delivery is that delivery's story. How many have to lie beyond it?",
        formula="Deliveries = 10 / (1 - q).",
        computed=f"10 / {beyond} = {expected:,.0f}.",
    )
    return Explanation(expected, exactly(COUNT), hints, (Slip("one delivery beyond it", 10 * guess),))


QUESTIONS = (
    NumberQuestion("stall-p99", "all but one in a hundred are answered within {}", SECONDS, explain_stall),
    NumberQuestion("omitted-requests", "{} requests were due during the stall", COUNT, explain_omitted),
    NumberQuestion("samples-needed", "such a percentile needs {} deliveries", COUNT, explain_samples),
)
