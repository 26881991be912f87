"""Questions about reliable streaming: what is still missing, and how long a gap stays open."""

from __future__ import annotations

from realtime_kit.exercises.number_question import Explanation, NumberQuestion, Slip
from realtime_kit.exercises.question import Hints
from realtime_kit.exercises.tolerance import Tolerance, exactly
from realtime_kit.exercises.unit import COUNT, SECONDS, counted
from realtime_kit.plots.words import format_seconds
from realtime_kit.theory import reliability


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


def explain_gap(guess: float, *, message_wait_s: float) -> Explanation:
    """Seconds for which a gap stays open that the next message has shown.

    Args:
        guess: Seconds.
        message_wait_s: Pushpin's `message_wait`.
    """
    earliest_s, latest_s = reliability.gap_open_s(message_wait_s=message_wait_s)
    span = f"{format_seconds(earliest_s)} to {format_seconds(latest_s)}"
    hints = Hints(
        mechanism="The message after the gap has come. Why does Pushpin not read the link at once? Perhaps the "
        "missing one is only late.",
        formula="Pushpin waits for message_wait, and looks once a second whether that is over. Then it reads the link.",
        computed=f"message_wait is {format_seconds(message_wait_s)}, so the gap is closed {span} after it was shown.",
    )
    half_s = (latest_s - earliest_s) / 2
    why = f"What lies within {span} counts as right: it depends on when Pushpin looks."
    tolerance = Tolerance(SECONDS, why, width=half_s)
    slips = (Slip("the time after the wait", guess + message_wait_s),)
    return Explanation(earliest_s + half_s, tolerance, hints, slips)


QUESTIONS = (
    NumberQuestion("reliable-missing", "of the events {} are never seen", COUNT, explain_missing),
    NumberQuestion("gap-recovery", "a gap is closed after {}", SECONDS, explain_gap),
)
