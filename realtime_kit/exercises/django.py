"""Questions about stored events: what a client gets that comes back."""

from __future__ import annotations

from realtime_kit.exercises.number_question import Explanation, NumberQuestion, Slip
from realtime_kit.exercises.question import Hints
from realtime_kit.exercises.tolerance import exactly
from realtime_kit.exercises.unit import COUNT


def explain_lost(guess: float, *, events: int, stored: bool) -> Explanation:
    """Events that a client never sees which were told while it was cut off: none if they are stored, or else all.

    Args:
        guess: Events.
        events: How many were told meanwhile.
        stored: Whether the backend stores events.
    """
    expected = 0 if stored else events
    hints = Hints(
        mechanism="The client says in `Last-Event-ID` what it has. Can anybody still look up what came after that?",
        formula="Lost = events told meanwhile, less those that are in the database.",
        computed=f"{events:,} - {events - expected:,} = {expected:,}.",
    )
    return Explanation(
        float(expected), exactly(COUNT), hints, (Slip("those that come", guess - events + expected),)
    )


QUESTIONS = (NumberQuestion("django-lost", "the client never sees {} of the events", COUNT, explain_lost),)
