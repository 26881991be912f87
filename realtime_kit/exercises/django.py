"""Questions about stored events: what a client gets that comes back."""

from __future__ import annotations

from realtime_kit.exercises.number_question import Explanation, NumberQuestion, Slip
from realtime_kit.exercises.question import Hints
from realtime_kit.exercises.tolerance import exactly
from realtime_kit.exercises.unit import COUNT


def explain_lost(guess: float, *, events: int, stored: int) -> Explanation:
    """Events that a client never sees which were told while it was cut off: those not stored.

    Args:
        guess: Events.
        events: How many were told meanwhile.
        stored: How many of them the backend has stored: all, or 0.
    """
    expected = events - stored
    hints = Hints(
        mechanism="The client says in `Last-Event-ID` what it has. Can anybody still look up what came after that?",
        formula="Lost = events told meanwhile, less those that are in the database.",
        computed=f"{events:,} - {stored:,} = {expected:,}.",
    )
    return Explanation(float(expected), exactly(COUNT), hints, (Slip("those that come", guess - stored),))


QUESTIONS = (NumberQuestion("django-lost", "the client never sees {} of the events", COUNT, explain_lost),)
