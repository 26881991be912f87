"""The question about a single push: from the publishing to the reading, on one machine."""

from __future__ import annotations

from realtime_kit.exercises.number_question import Explanation, NumberQuestion, Slip
from realtime_kit.exercises.question import Hints
from realtime_kit.exercises.tolerance import by_choice
from realtime_kit.exercises.unit import SECONDS
from realtime_kit.plots.words import format_rate, format_seconds

FIBRE_KM_PER_S = 200_000
"""Speed of light in glass fibre, about two thirds of that in a vacuum."""


def explain_push(guess: float, *, measured: float | None = None) -> Explanation:
    """Seconds from publishing to reading; only the machine can tell.

    Args:
        guess: Seconds.
        measured: What one push took, seconds.
    """
    computed = "Measure one, and give it to check."
    if measured:
        computed = (
            f"One push took {format_seconds(measured)}: one after the other, "
            f"that is {format_rate(1 / measured)} a second. In your {format_seconds(guess)} there is room for "
            f"{guess / measured:.3g}."
        )
    hints = Hints(
        mechanism=f"Everything is on one machine. In {format_seconds(guess)} light gets through "
        f"{guess * FIBRE_KM_PER_S:,.0f} km of fibre; here there is no distance at all.",
        formula="The time is d + S: Pushpin takes the event (S), and writes it down a connection that is open "
        "already (d). Nobody asks, so there is no interval in it.",
        computed=computed,
    )
    return Explanation(None, by_choice(SECONDS), hints, (Slip("milliseconds", guess / 1000),))


QUESTIONS = (
    NumberQuestion(
        "push-time",
        "a push takes {} from publishing to reading",
        SECONDS,
        explain_push,
    ),
)
