"""Questions about changefeeds: which writes are seen, and what a reader that was away has missed."""

from __future__ import annotations

from realtime_kit.exercises.number_question import Explanation, NumberQuestion, Slip
from realtime_kit.exercises.question import Hints
from realtime_kit.exercises.tolerance import exactly
from realtime_kit.exercises.unit import COUNT


def explain_seen(guess: float, *, rows: int) -> Explanation:
    """Changes that one statement makes in a feed: one for every row that it touches.

    Args:
        guess: Changes.
        rows: Rows that the statement touches.
    """
    hints = Hints(
        mechanism="The trigger stands FOR EACH ROW. It asks neither who writes nor how many statements there were.",
        formula="Changes = rows that the statement touches.",
        computed=f"{rows:,} rows, so {rows:,} changes.",
    )
    return Explanation(float(rows), exactly(COUNT), hints, (Slip("one for each statement", guess - 1),))


def explain_missed(guess: float, *, committed: int) -> Explanation:
    """Changes that a feed with a log brings to a reader that comes back with its position: all of them.

    Args:
        guess: Changes.
        committed: Changes that were committed while it was away.
    """
    hints = Hints(
        mechanism="The trigger writes the log in the same transaction as the row, whether anybody reads it or not. "
        "The reader comes back with the position of the last change it has seen.",
        formula="Changes that arrive = changes committed after that position.",
        computed=f"{committed:,} were committed, so {committed:,} arrive.",
    )
    slips = (Slip("nothing is kept for who is away", guess), Slip("only the latest is kept", guess - 1))
    return Explanation(float(committed), exactly(COUNT), hints, slips)


QUESTIONS = (
    NumberQuestion("changefeed-rows", "one statement makes {} changes in the feed", COUNT, explain_seen),
    NumberQuestion("changefeed-missed", "{} changes arrive after the return", COUNT, explain_missed),
)
