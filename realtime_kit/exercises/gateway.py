"""Questions about an API gateway before and behind Pushpin: how many requests it sees there."""

from __future__ import annotations

from realtime_kit.exercises.number_question import Explanation, NumberQuestion, Slip
from realtime_kit.exercises.question import Hints
from realtime_kit.exercises.tolerance import exactly
from realtime_kit.exercises.unit import COUNT


def explain_in_front(guess: float, *, messages: int) -> Explanation:
    """Requests that a gateway before Pushpin notes for one WebSocket: one, whatever is said on it.

    Args:
        guess: Requests.
        messages: What the client says on it.
    """
    hints = Hints(
        mechanism="What is a WebSocket, to a proxy in between, once it has been opened?",
        formula="Requests = 1, the handshake. All that follows are bytes on the same connection.",
        computed=f"1 handshake; the {messages:,} messages are no requests there.",
    )
    slips = (
        Slip("each message as well", guess - messages),
        Slip("the messages without the handshake", guess - messages + 1),
    )
    return Explanation(1.0, exactly(COUNT), hints, slips)


def explain_behind(guess: float, *, messages: int) -> Explanation:
    """Requests that a gateway behind Pushpin notes for one WebSocket, if each message goes alone: they are POSTs there.

    Args:
        guess: Requests.
        messages: What the client says on it, each after the answer to the one before.
    """
    expected = 1 + messages + 1
    hints = Hints(
        mechanism="Pushpin has no connection to the backend for it. Each thing that happens is a POST: it opens, "
        "somebody says something, it closes.",
        formula="Requests = 1 to open + 1 for each message + 1 to close.",
        computed=f"1 + {messages:,} + 1 = {expected:,}.",
    )
    slips = (Slip("without the close", guess + 1), Slip("the messages alone", guess + 2))
    return Explanation(float(expected), exactly(COUNT), hints, slips)


QUESTIONS = (
    NumberQuestion(
        "gateway-in-front",
        "a gateway before Pushpin notes {} requests for one WebSocket",
        COUNT,
        explain_in_front,
    ),
    NumberQuestion(
        "gateway-behind",
        "a gateway behind Pushpin notes {} requests for one WebSocket",
        COUNT,
        explain_behind,
    ),
)
