"""Questions about stateless WebSockets: how late, what of it the backend sees as HTTP, and what if it is away."""

from __future__ import annotations

from realtime_kit.exercises.number_question import Explanation, NumberQuestion, Slip
from realtime_kit.exercises.question import Hints
from realtime_kit.exercises.streaming import explain_p50, read_p50
from realtime_kit.exercises.tolerance import Tolerance, by_choice, exactly
from realtime_kit.exercises.unit import COUNT, SECONDS, counted
from realtime_kit.plots.words import format_seconds
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


def explain_burst(guess: float, *, messages: int, measured: float | None = None) -> Explanation:
    """HTTP requests that messages of one socket become which are sent at once; only the machine can tell.

    Args:
        guess: Requests.
        messages: How many were sent.
        measured: Requests that were counted.
    """
    computed = "Count them, and give the number to check."
    if measured:
        computed = (
            f"{counted(messages, 'message')} came in {counted(measured, 'request')}, "
            f"{messages / measured:.3g} to each. "
            f"In your {counted(guess, 'request')} it would be {messages / max(guess, 1):.3g}."
        )
    hints = Hints(
        mechanism="Pushpin sends the next request of a socket only when the one before is answered. What becomes "
        "of messages that come meanwhile?",
        formula="The first goes alone, and what comes while its request is under way shares the next: two requests "
        "if all of it does. The slower the backend, the more share one; the order stays.",
        computed=computed,
    )
    return Explanation(None, by_choice(COUNT), hints)


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


def explain_retry(guess: float, *, away_s: float) -> Explanation:
    """Seconds until a message is heard that was sent to a backend which is away.

    Args:
        guess: Seconds.
        away_s: How long the backend stayed away after the sending, seconds.
    """
    earliest_s, latest_s = websocket.heard_after_s(away_s=away_s)
    span = f"{format_seconds(earliest_s)} to {format_seconds(latest_s)}"
    hints = Hints(
        mechanism=f"After {format_seconds(away_s)} the backend is back. Who tells Pushpin? Nobody: it tries.",
        formula="It tries at once, and again after 1, 2, 4, 8 and 16 s. To each wait it adds up to a second of "
        "chance, so that not all sockets try at the same moment. The first try after the return is heard.",
        computed=f"The backend was back after {format_seconds(away_s)}, and the first try after that comes {span} "
        "after the sending.",
    )
    half_s = (latest_s - earliest_s) / 2
    why = f"What lies within {span} counts as right: Pushpin draws its waits, and any of these may come."
    slips = (Slip("the time after the return", guess + away_s),)
    difference = "Pushpin has learnt of the return later than its own tries would tell it."
    tolerance = Tolerance(SECONDS, why, width=half_s)
    return Explanation(earliest_s + half_s, tolerance, hints, slips, difference)


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
        "websocket-burst",
        "the backend sees a burst of messages as {} HTTP requests",
        COUNT,
        explain_burst,
    ),
    NumberQuestion(
        "websocket-broadcast",
        "a broadcast costs the backend {} HTTP requests",
        COUNT,
        explain_broadcast,
    ),
    NumberQuestion(
        "websocket-retry",
        "what is said to a backend that is away is heard after {}",
        SECONDS,
        explain_retry,
    ),
)
