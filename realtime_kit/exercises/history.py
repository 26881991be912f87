"""Questions about history in pages: how many answers it takes until a client is up to date."""

from __future__ import annotations

from realtime_kit.errors import UsageError
from realtime_kit.exercises.number_question import Explanation, NumberQuestion, Slip
from realtime_kit.exercises.question import Hints
from realtime_kit.exercises.tolerance import exactly
from realtime_kit.exercises.unit import COUNT, counted


def pages(*, events: int, page_events: int) -> int:
    """Pages of history: `ceil(n/k)`, and one even if there is nothing, since its answer is what is then held.

    Args:
        events: n, events that the client has not seen, 0 or more.
        page_events: k, events in a page, 1 or more.

    Raises:
        UsageError: An argument is outside its range.
    """
    if events < 0 or page_events < 1 or events % 1 or page_events % 1:
        message = (
            f"events={events!r} and page_events={page_events!r} have to be whole numbers, from 0 and from 1."
        )
        raise UsageError(message)
    return max(1, -(-int(events) // int(page_events)))


def explain_pages(guess: float, *, events: int, page_events: int) -> Explanation:
    """Pages of one client's history.

    Args:
        guess: Pages.
        events: n, events of the history.
        page_events: k, events in a page.
    """
    expected = pages(events=events, page_events=page_events)
    room = guess * page_events
    hints = Hints(
        mechanism=f"A page holds {counted(page_events, 'event')}. Yours hold {room:,.0f} in all, "
        f"and the history has {events:,}.",
        formula="Pages = events / events in a page, rounded up. "
        "The last one need not be full; it is the one that is held.",
        computed=_division(events, page_events, expected),
    )
    slips = (
        Slip("the pages before the one that is held", guess + 1),
        Slip("the pages and one more to see that there are no more", guess - 1),
    )
    return Explanation(float(expected), exactly(COUNT), hints, slips)


def explain_reconnect(guess: float, *, missed: int, page_events: int, clients: int = 1) -> Explanation:
    """Origin requests that reconnecting clients cause: each reads the pages that it has missed.

    Args:
        guess: Requests, all clients together.
        missed: n, events while they were away.
        page_events: k, events in a page.
        clients: How many come back.
    """
    each = pages(events=missed, page_events=page_events)
    expected = each * clients
    hints = Hints(
        mechanism="A client that comes back says what it saw last. "
        "The origin sends only what came after that, page by page.",
        formula="Requests = clients × (missed events / events in a page, rounded up), "
        "and one for a client that missed nothing.",
        computed=f"{_division(missed, page_events, each)} {clients:,} × {each:,} = {counted(expected, 'request')}.",
    )
    slips = (
        Slip("the requests of a single client", guess * clients),
        Slip("the requests after the first of each client", guess + clients),
    )
    return Explanation(float(expected), exactly(COUNT), hints, slips)


def _division(events: int, page_events: int, expected: int) -> str:
    return f"{events:,} / {page_events:,} = {events / page_events:.4g}, so it takes {expected:,}."


QUESTIONS = (
    NumberQuestion(
        "history-pages",
        "the history comes in {} pages",
        COUNT,
        explain_pages,
    ),
    NumberQuestion(
        "reconnect-requests",
        "clients that reconnect ask the origin {} times",
        COUNT,
        explain_reconnect,
    ),
)
