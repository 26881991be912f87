"""Questions about the application behind Pushpin: what its restart costs those who listen."""

from __future__ import annotations

from realtime_kit.exercises.number_question import Explanation, NumberQuestion, Slip
from realtime_kit.exercises.question import Hints
from realtime_kit.exercises.tolerance import exactly
from realtime_kit.exercises.unit import COUNT, counted


def explain_restart(guess: float, *, clients: int, restarts: int = 1) -> Explanation:
    """Connections that clients open anew because the application was restarted: none.

    Args:
        guess: Connections.
        clients: Who was connected.
        restarts: How often the application was restarted.
    """
    hints = Hints(
        mechanism="A restart closes the connections of the process that ends. Whose are those of the clients?",
        formula="Connections = 0. Clients are connected to Pushpin, and the application was done with them when it "
        "had answered.",
        computed=f"{counted(restarts, 'restart')} closed none of the connections of "
        f"{counted(clients, 'client')}: they end at Pushpin, which was not restarted.",
    )
    slips = (Slip("once for each client and restart", guess - clients * restarts),)
    difference = "Somebody's connection has ended for another reason, such as a network that failed."
    return Explanation(0.0, exactly(COUNT), hints, slips, difference)


QUESTIONS = (
    NumberQuestion(
        "restart-reconnections",
        "when the application is restarted, clients open {} new connections",
        COUNT,
        explain_restart,
    ),
)
