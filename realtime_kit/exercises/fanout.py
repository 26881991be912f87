"""Questions about one event to very many clients: when the last has it, what instances bring, what a limiter does."""

from __future__ import annotations

from realtime_kit.exercises.number_question import Explanation, NumberQuestion, Slip
from realtime_kit.exercises.question import Hints
from realtime_kit.exercises.tolerance import by_choice, by_rounding
from realtime_kit.exercises.unit import PER_SECOND, SECONDS, SHARE
from realtime_kit.plots.words import format_rate, format_seconds, format_share
from realtime_kit.theory import broadcast


def explain_last(guess: float, *, clients: int, per_delivery_s: float) -> Explanation:
    """Time until the last of N clients has an event: `Nτ`, and τ only the machine can tell.

    Args:
        guess: Seconds.
        clients: N.
        per_delivery_s: τ, as the run has it.
    """
    expected_s = broadcast.completion_s(share=1.0, recipients=clients, per_delivery_s=per_delivery_s)
    hints = Hints(
        mechanism="Pushpin sends the event to one client after the other. Some client is the last, and waits for all "
        "the others.",
        formula="Last = N x τ, where τ is the time that one delivery takes.",
        computed=f"{clients:,} x {format_seconds(per_delivery_s)} = {format_seconds(expected_s)}.",
    )
    difference = "Deliveries were not all equally quick: compare the curve with its line."
    slips = (Slip("the time until half of them have it", 2 * guess),)
    return Explanation(expected_s, by_choice(SECONDS), hints, slips, difference)


def explain_instances(
    guess: float, *, instances: int, processors: int, measured: float | None = None
) -> Explanation:
    """The last client's time with several instances, as a share of its time with one; only the machine can tell.

    Args:
        guess: Share, 0 to 1.
        instances: How many Pushpins share the clients.
        processors: How many processors share the work.
        measured: What was measured, likewise.
    """
    least = 1 / min(instances, processors)
    computed = f"At best 1 / {min(instances, processors)} = {format_share(least)}"
    if measured is not None:
        computed += f"; here it was {format_share(measured)}"
    hints = Hints(
        mechanism="Two Pushpins work at the same time, if there are processors for both. Who else needs one? The "
        "clients have to read what is sent to them.",
        formula="At best 1 / (instances, or processors if these are fewer). Nobody gains a processor by it.",
        computed=f"{computed}.",
    )
    return Explanation(None, by_choice(SHARE), hints, (Slip("what is saved", 1 - guess),))


def explain_limiter(guess: float, *, message_rate: int) -> Explanation:
    """Deliveries a second that Pushpin's limiter lets through: whole batches, so a little above `message_rate`.

    Args:
        guess: Deliveries per second.
        message_rate: As it is configured.
    """
    batch, interval_s = broadcast.limiter_batch(message_rate), broadcast.limiter_interval_s(message_rate)
    expected = batch / interval_s
    hints = Hints(
        mechanism="The limiter lets a whole batch go, and then nothing until its next turn. How high is a step, and "
        "how long?",
        formula="Rate = height of a step / its length.",
        computed=f"{batch:,} / {format_seconds(interval_s)} = {format_rate(expected)} a second, for a message_rate of "
        f"{message_rate:,}.",
    )
    slips = (Slip("the height of a step", guess / interval_s),)
    return Explanation(expected, by_rounding(PER_SECOND, expected), hints, slips)


QUESTIONS = (
    NumberQuestion("fanout-last", "the last client has it after {}", SECONDS, explain_last),
    NumberQuestion(
        "fanout-instances", "with several instances it takes {} of the time", SHARE, explain_instances
    ),
    NumberQuestion("limiter-rate", "the limiter lets {} through", PER_SECOND, explain_limiter),
)
