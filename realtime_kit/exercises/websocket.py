"""Questions about stateless WebSockets: how late, and what of a conversation the backend sees as HTTP."""

from __future__ import annotations

from realtime_kit.exercises.number_question import Explanation, NumberQuestion, Slip
from realtime_kit.exercises.question import Hints
from realtime_kit.exercises.streaming import explain_p50, read_p50
from realtime_kit.exercises.tolerance import exactly
from realtime_kit.exercises.unit import COUNT, SECONDS, counted
from realtime_kit.theory import websocket


def explain_messages(guess: float, *, messages: int, openings: int = 0) -> Explanation:
    """HTTP requests that messages from clients become: one each, at most, and one for each opening.

    Args:
        guess: Requests.
        messages: Messages that clients sent.
        openings: Sockets that were opened while it was counted.
    """
    expected = (websocket.load(inbound_per_s=messages).origin_requests_per_s or 0.0) + openings
    opened = f" + {openings:,} for opening" if openings else ""
    hints = Hints(
        mechanism="Pushpin keeps the socket, and the backend speaks nothing but HTTP. "
        "How does a message get from one to the other?",
        formula="Requests = messages, and one more for each socket that is opened. "
        "Messages that come while a request of their socket is under way share the next one.",
        computed=f"{messages:,} × 1{opened} = {expected:,.0f}, or fewer if some share a request.",
    )
    slips = (
        Slip("the requests without the opening", guess + openings),
        Slip("the requests and their answers", guess / 2),
    )
    difference = "Messages that came while a request of their socket was under way shared the next one."
    return Explanation(expected, exactly(COUNT), hints, slips, difference)


def explain_broadcast(guess: float, *, clients: int, events: int = 1) -> Explanation:
    """HTTP requests at the backend that a broadcast costs: none.

    Args:
        guess: Requests.
        clients: Open sockets.
        events: Broadcasts.
    """
    expected = (websocket.load().origin_requests_per_s or 0.0) * events
    hints = Hints(
        mechanism="Somebody has to know which sockets are open. Is it the backend?",
        formula="Requests = 0. Whoever has news publishes it once to Pushpin, and Pushpin writes to every socket.",
        computed=f"{counted(events, 'event')} to {counted(clients, 'client')} make "
        f"{counted(events * clients, 'delivery')}, out of {counted(events, 'publish')} and "
        f"{counted(expected, 'request')} to the backend.",
    )
    slips = (Slip("the deliveries", guess - events * clients), Slip("the publishes", guess - events))
    difference = (
        "Something else asked the backend while you counted, such as a socket that was opened or closed."
    )
    return Explanation(expected, exactly(COUNT), hints, slips, difference)


QUESTIONS = (
    NumberQuestion(
        "websocket-p50",
        "half of all events are seen by websocket within {}",
        SECONDS,
        explain_p50,
        lambda run: read_p50(run, "websocket"),
    ),
    NumberQuestion(
        "websocket-messages",
        "the backend sees the clients' messages as {} HTTP requests",
        COUNT,
        explain_messages,
    ),
    NumberQuestion(
        "websocket-broadcast",
        "a broadcast costs the backend {} HTTP requests",
        COUNT,
        explain_broadcast,
    ),
)
