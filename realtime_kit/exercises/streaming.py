"""Questions about streaming: how late, what the origin has left to do, what an event weighs."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

from realtime_kit.exercises.number_question import Explanation, NumberQuestion, Slip
from realtime_kit.exercises.question import Hints, Observation
from realtime_kit.exercises.run_reading import doubts, measured_input, setting
from realtime_kit.exercises.tolerance import by_choice, by_rounding, exactly
from realtime_kit.exercises.unit import COUNT, SECONDS, SIZE, counted
from realtime_kit.measurements.run import Run
from realtime_kit.plots.words import format_bytes, format_seconds
from realtime_kit.theory import bytes_on_wire, streaming

QUEUE = "An event is sent to one client after the other: the queue takes time that the way alone does not."


def explain_p50(guess: float, *, downstream_s: float) -> Explanation:
    """The median of an open connection, streaming or WebSocket: the way alone.

    Args:
        guess: Seconds.
        downstream_s: d + S, seconds from the due time to a client that does nothing but read.
    """
    expected_s = streaming.latency(downstream_s=downstream_s).p50
    hints = Hints(
        mechanism="The connection is open when the event happens. Nobody asks, so there is no clock to wait for; "
        f"what would {format_seconds(guess)} be spent on?",
        formula="What remains is d + S: through Pushpin, and to the client. There is no interval in it.",
        computed=f"A bare socket saw half of all events of this run within {format_seconds(expected_s)}. "
        "What comes on top is the queue of the clients.",
    )
    return Explanation(expected_s, by_choice(SECONDS), hints, (Slip("milliseconds", guess / 1000),), QUEUE)


def explain_requests(guess: float, *, clients: int, events: int) -> Explanation:
    """Requests at the origin after connecting: none.

    Args:
        guess: Requests, all clients together.
        clients: How many were connected.
        events: How many events there were.
    """
    per_event = streaming.load().origin_requests_per_s or 0.0
    hints = Hints(
        mechanism="Who keeps the connections, once they are open? The origin has answered, and is done.",
        formula="Requests = events × 0: an event is published once, and Pushpin knows who listens.",
        computed=f"{counted(events, 'event')} to {counted(clients, 'client')} make "
        f"{counted(clients * events, 'delivery')}, out of {counted(events, 'publish')} and "
        f"{counted(per_event * events, 'request')}.",
    )
    slips = (
        Slip("the requests with which the clients connected", guess - clients),
        Slip("the deliveries", guess - clients * events),
        Slip("the publishes", guess - events),
    )
    difference = "Pushpin asks once more after a channel's first subscriber, and after a reconnection."
    return Explanation(per_event * events, exactly(COUNT), hints, slips, difference)


def explain_bytes(
    guess: float, *, payload_bytes: int, id_digits: int = 2, events: int | None = None
) -> Explanation:
    """Bytes to the client per event, one event-stream block in one HTTP chunk.

    Bytes are counted when they are read, events a moment later: an event at the window's edge can be on both
    of its sides, which moves the measured value by one event's share of it all.

    Args:
        guess: Bytes.
        payload_bytes: P, bytes of text in an event, on one line.
        id_digits: Digits of an event's id.
        events: How many each client received; None if they were not counted.
    """
    fields: dict[str, Any] = {"payload": "." * int(payload_bytes), "event_id": "9" * int(id_digits)}
    expected = streaming.load(**fields).bytes_per_delivery or 0.0
    block = bytes_on_wire.event_stream_bytes(**fields)
    id_bytes = block - bytes_on_wire.event_stream_bytes(fields["payload"])
    chunk = bytes_on_wire.chunk_overhead_bytes(block)
    hints = Hints(
        mechanism=f"An event has {payload_bytes:,} bytes of text. {_left(guess, payload_bytes)} The event stream "
        "names its fields and ends it with an empty line, and HTTP says how long each piece is.",
        formula=f"Text + `data: ` and two line feeds + `id: `, {id_digits} digits and a line feed "
        "+ the length of it all in hexadecimal and two CRLFs.",
        computed=f"{payload_bytes:,} + {block - id_bytes - payload_bytes} + {id_bytes} + {chunk} "
        f"= {expected:.0f} bytes.",
    )
    tolerance = replace(by_rounding(SIZE, expected), chance=expected / events if events else 0.0)
    return Explanation(expected, tolerance, hints)


def _left(guess: float, payload_bytes: int) -> str:
    if guess < payload_bytes:
        return f"Yours would not even hold that: {format_bytes(guess)}."
    return f"Yours leave {format_bytes(guess - payload_bytes)} for all the rest."


def read_p50(run: Run, transport: str) -> Observation:
    """What a run says of a transport with open connections."""
    result = run[transport]
    inputs = {"downstream_s": measured_input(result, "push_s")}
    return Observation(result.latency.p50, inputs, doubts([result], quantile=0.50))


def _read_requests(run: Run) -> Observation:
    result = run["streaming"]
    inputs = {"clients": result.clients, "events": result.published}
    return Observation(result.load.origin_requests, inputs, doubts([result]))


def _read_bytes(run: Run) -> Observation:
    result = run["streaming"]
    inputs = {"payload_bytes": setting(run, "payload_bytes"), "events": result.published}
    return Observation(result.load.bytes_per_delivery, inputs, doubts([result]))


QUESTIONS = (
    NumberQuestion(
        "streaming-p50",
        "half of all events are seen by streaming within {}",
        SECONDS,
        explain_p50,
        lambda run: read_p50(run, "streaming"),
    ),
    NumberQuestion(
        "streaming-requests",
        "all streaming clients together ask the origin {} times after connecting",
        COUNT,
        explain_requests,
        _read_requests,
    ),
    NumberQuestion(
        "streaming-bytes",
        "an event takes {} on its stream",
        SIZE,
        explain_bytes,
        _read_bytes,
    ),
)
