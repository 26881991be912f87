"""A question about reliable streaming: what is still missing."""

from __future__ import annotations

from realtime_kit.exercises.number_question import Explanation, NumberQuestion, Slip
from realtime_kit.exercises.question import Hints
from realtime_kit.exercises.tolerance import exactly
from realtime_kit.exercises.unit import COUNT, counted


def explain_missing(guess: float, *, lost: int, recovered: int = 0) -> Explanation:
    """Events that a client never sees: those whose publish was lost, less those that are read from the log instead.

    Args:
        guess: Events.
        lost: Publishes that did not arrive.
        recovered: How many of these events can be had otherwise.
    """
    expected = lost - recovered
    hints = Hints(
        mechanism="A publish that does not arrive leaves no trace on a plain stream. On a reliable one the next "
        "message says which number comes before it. What can Pushpin do with that?",
        formula="Missing = lost publishes - events that are read from the next link.",
        computed=f"{counted(lost, 'event')} lost, {recovered:,} of them read from the link: {expected:,}.",
    )
    slips = (Slip("those that come by the link, too", guess - recovered),) if recovered else ()
    return Explanation(float(expected), exactly(COUNT), hints, slips)


QUESTIONS = (NumberQuestion("reliable-missing", "of the events {} are never seen", COUNT, explain_missing),)
