"""Questions about breaking things: who misses something, how much, and for how long a gap stays open."""

from __future__ import annotations

from realtime_kit.exercises.number_question import Explanation, NumberQuestion, Slip
from realtime_kit.exercises.question import Hints
from realtime_kit.exercises.tolerance import Tolerance, exactly
from realtime_kit.exercises.unit import COUNT, SECONDS, SHARE, counted
from realtime_kit.plots.words import format_seconds, format_share
from realtime_kit.theory import reliability

LOSS_WIDTH = 0.05
TICK_S = 1.0
"""Pushpin looks once a second whether the wait for a missing message is over."""


def explain_losers(guess: float, *, transports: int, recovering: int) -> Explanation:
    """Transports that miss an event which was never published: all that only push.

    Args:
        guess: How many.
        transports: How many there are.
        recovering: How many of them find out by themselves what they have missed.
    """
    expected = transports - recovering
    hints = Hints(
        mechanism="The event is in the origin's log, and nobody has been told. Who looks into the log all the same, "
        "while its connection is whole?",
        formula="Those that miss it = all transports - those that ask again, or for which Pushpin does.",
        computed=f"{counted(transports, 'transport')}, {recovering:,} of them find it: {expected:,} do not.",
    )
    slips = (Slip("those that find it", transports - guess),)
    return Explanation(float(expected), exactly(COUNT), hints, slips)


def explain_loss(guess: float, *, outage_s: float, every_s: float, fault_s: float) -> Explanation:
    """Share of the deliveries that is lost without recovery: `D/M`, with the D that the client has felt.

    Args:
        guess: A share.
        outage_s: D, how long nothing reached the client, seconds, above 0.
        every_s: M, the time from one outage to the next; here, how long events happened, seconds.
        fault_s: How long the fault itself lasted, seconds.
    """
    expected = 1.0 - reliability.delivered_share(outage_s=outage_s, every_s=every_s)
    hints = Hints(
        mechanism="What happens while a client is away is lost to it, if nobody sends it later. "
        "When is it away: while the fault lasts, or longer?",
        formula="Lost = D/M: the time for which nothing reached the client, its way back included, "
        "of the time that events happened.",
        computed=f"The fault lasted {format_seconds(fault_s)}, and the client was away for "
        f"{format_seconds(outage_s)} of {format_seconds(every_s)}: {format_share(expected)}.",
    )
    why = (
        f"Theory ± {format_share(LOSS_WIDTH)} counts as right. That is a choice: "
        "how long a client waits before it tries again is left to chance."
    )
    slips = (
        Slip("the time of the fault, to which the way back has to be added", guess * outage_s / fault_s),
        Slip("the share that arrives", 1.0 - guess),
    )
    return Explanation(expected, Tolerance(SHARE, why, width=LOSS_WIDTH), hints, slips)


def explain_gap(guess: float, *, wait_s: float) -> Explanation:
    """How long a gap stays open that the next message shows: `message_wait`, and until Pushpin looks.

    Args:
        guess: A time, seconds.
        wait_s: What `message_wait` is set to, seconds.
    """
    expected = wait_s + TICK_S / 2
    hints = Hints(
        mechanism=f"After {format_seconds(guess)}, you say. A message that is missing may only be late: Pushpin waits "
        "for it before it reads the link. And it does not look all the time whether the wait is over.",
        formula=f"Open = message_wait, and up to {format_seconds(TICK_S)} until Pushpin looks.",
        computed=f"{format_seconds(wait_s)} to {format_seconds(wait_s + TICK_S)}, "
        f"in the middle {format_seconds(expected)}.",
    )
    why = f"From {format_seconds(wait_s)} to {format_seconds(wait_s + TICK_S)} counts as right: Pushpin's own grid."
    return Explanation(expected, Tolerance(SECONDS, why, width=TICK_S / 2), hints)


QUESTIONS = (
    NumberQuestion("fault-losers", "of the transports {} miss something", COUNT, explain_losers),
    NumberQuestion("fault-loss", "push alone loses {} of the events", SHARE, explain_loss),
    NumberQuestion("gap-open", "a gap stays open for {}", SECONDS, explain_gap),
)
