"""Questions about a backend in another language: what of it Pushpin can tell, and what it costs."""

from __future__ import annotations

from realtime_kit.exercises.number_question import Explanation, NumberQuestion, Slip
from realtime_kit.exercises.question import Hints
from realtime_kit.exercises.tolerance import by_choice, exactly
from realtime_kit.exercises.unit import COUNT, SECONDS, counted
from realtime_kit.plots.words import format_seconds


def explain_differences(guess: float, *, messages: int) -> Explanation:
    """Messages between Pushpin and two backends that differ in what they say, if both do the same: none.

    Args:
        guess: Messages that differ.
        messages: How many were compared.
    """
    hints = Hints(
        mechanism="What can Pushpin know of the language in which a backend is written? "
        "It sees requests and answers, and nothing else.",
        formula="Differences = 0. Both speak GRIP, and that says what is held, subscribed and published.",
        computed=f"{counted(messages, 'message')} of each were compared, in their order, and none may differ.",
    )
    slips = (Slip("the messages that are alike", messages - guess),)
    difference = "One of the two backends does something else, or somebody else has asked it meanwhile."
    return Explanation(0.0, exactly(COUNT), hints, slips, difference)


def explain_p50(guess: float, *, measured: float | None = None) -> Explanation:
    """Seconds from a POST to its event, half of the time, through Express; only the machine can tell.

    Args:
        guess: Seconds.
        measured: What was measured, likewise.
    """
    computed = "Measure it, and give the seconds to check."
    if measured:
        computed = (
            f"Measured: half of the events came within {format_seconds(measured)}. "
            f"You said {format_seconds(guess)}."
        )
    hints = Hints(
        mechanism="A text goes to Pushpin, to Express, back to Pushpin as a publish, and out to the stream. "
        "All of it on one machine.",
        formula="Latency = POST to Pushpin + POST to Express + publish + delivery: four short ways, and no waiting.",
        computed=computed,
    )
    return Explanation(None, by_choice(SECONDS), hints)


QUESTIONS = (
    NumberQuestion(
        "backend-differences",
        "of what Pushpin and the two backends say, {} messages differ",
        COUNT,
        explain_differences,
    ),
    NumberQuestion(
        "express-p50",
        "half of what is posted to Express is seen within {}",
        SECONDS,
        explain_p50,
    ),
)
