"""Questions about a backend of functions: how often it runs, and what a process for each request costs."""

from __future__ import annotations

from realtime_kit.exercises.number_question import Explanation, NumberQuestion, Slip
from realtime_kit.exercises.question import Hints
from realtime_kit.exercises.tolerance import by_choice, exactly
from realtime_kit.exercises.unit import COUNT, SHARE
from realtime_kit.plots.words import format_share


def explain_runs(guess: float, *, messages: int, opened: int) -> Explanation:
    """Runs of the function: one for each socket that opens, and one for each message that waits for the one before.

    Args:
        guess: Runs.
        messages: Messages from clients.
        opened: Sockets that were opened.
    """
    expected = messages + opened
    hints = Hints(
        mechanism="Which events of a WebSocket does Pushpin tell the backend? Each of them is a request.",
        formula="Runs = sockets opened + messages sent by clients. What is published costs none.",
        computed=f"{opened:,} + {messages:,} = {expected:,}.",
    )
    slips = (Slip("the messages alone", guess + opened), Slip("what everybody hears", guess / opened))
    return Explanation(float(expected), exactly(COUNT), hints, slips)


def explain_warm(guess: float, *, measured: float | None = None) -> Explanation:
    """Share of a process per request's time that a warm function takes; only the machine can tell.

    Args:
        guess: Share, 0 to 1.
        measured: What was measured, likewise.
    """
    computed = "Measure both in one run, and give the share to check."
    if measured:
        computed = f"Measured: {format_share(measured)}. The rest is starting Python and importing."
    hints = Hints(
        mechanism="What has a process to do before it reads the request, that a warm function has done already?",
        formula="Share = handling / (starting + importing + handling).",
        computed=computed,
    )
    return Explanation(None, by_choice(SHARE), hints, (Slip("what is saved", 1 - guess),))


QUESTIONS = (
    NumberQuestion("function-runs", "the function runs {} times", COUNT, explain_runs),
    NumberQuestion(
        "warm-function",
        "a message takes a warm function {} of the time of a process per request",
        SHARE,
        explain_warm,
    ),
)
