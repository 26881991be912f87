"""Questions about Pushpin from the inside: what a publish costs it, whom a filter lets through, what a hint asks."""

from __future__ import annotations

from realtime_kit.exercises.number_question import Explanation, NumberQuestion, Slip
from realtime_kit.exercises.question import Hints
from realtime_kit.exercises.tolerance import by_choice, exactly
from realtime_kit.exercises.unit import COUNT, SHARE
from realtime_kit.plots.words import format_share


def explain_zeromq(guess: float, *, measured: float | None = None) -> Explanation:
    """Share of the handler's processor time that a publish by ZeroMQ costs, of one by HTTP; only the machine can tell.

    Args:
        guess: Share, 0 to 1.
        measured: What was measured, likewise.
    """
    computed = "Measure it with `lab.publish_costs()`, and give the share to check."
    if measured:
        computed = (
            f"Measured: {format_share(measured)}. So {1 / measured:.3g} publishes by ZeroMQ cost the handler "
            "as much as one by HTTP."
        )
    hints = Hints(
        mechanism="What does the handler have to do for a publish by HTTP, besides passing the item on? "
        "It reads a head of several lines, and writes an answer.",
        formula="Share = cost of reading and passing on an item, divided by the same and a request with its answer.",
        computed=computed,
    )
    return Explanation(None, by_choice(SHARE), hints, (Slip("what is saved", 1 - guess),))


def explain_skip_self(guess: float, *, subscribers: int, own: int = 1) -> Explanation:
    """Subscribers that a message with a sender reaches where the filter `skip-self` stands: all but the sender's own.

    Args:
        guess: Subscribers.
        subscribers: Who is subscribed, with the filter.
        own: How many of them are the sender's.
    """
    expected = subscribers - own
    hints = Hints(
        mechanism="The message names its sender in its meta, and each subscription says in its own whose it is. "
        "Pushpin compares the two.",
        formula="Reached = subscribers - the sender's own.",
        computed=f"{subscribers:,} - {own:,} = {expected:,}.",
    )
    slips = (Slip("those who do not hear it", subscribers - guess), Slip("everybody", guess - own))
    return Explanation(float(expected), exactly(COUNT), hints, slips)


def explain_hint(guess: float, *, held: int, hints: int = 1) -> Explanation:
    """Requests to the backend because of a hint: each held request is repeated, whether it is like another or not.

    Args:
        guess: Requests.
        held: Requests of clients that Pushpin holds on the channel.
        hints: How many hints are published while they are held, if none of them is answered meanwhile.
    """
    expected = held * hints
    steps = Hints(
        mechanism="A hint has no content. So who has to say what each client gets?",
        formula="Requests = held requests × hints. Pushpin repeats each to the backend, as the client has sent it.",
        computed=f"{held:,} × {hints:,} = {expected:,}.",
    )
    slips = (Slip("one for the channel", guess * held), Slip("the first requests as well", guess - held))
    return Explanation(float(expected), exactly(COUNT), steps, slips)


QUESTIONS = (
    NumberQuestion(
        "zeromq-cost",
        "a publish by ZeroMQ costs the handler {} of what one by HTTP does",
        SHARE,
        explain_zeromq,
    ),
    NumberQuestion(
        "skip-self-reached",
        "a message with a sender reaches {} subscribers",
        COUNT,
        explain_skip_self,
    ),
    NumberQuestion(
        "hint-requests",
        "because of one hint the backend gets {} requests",
        COUNT,
        explain_hint,
    ),
)
