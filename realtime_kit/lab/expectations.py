"""Theory for a race, from its settings and the few quantities that only the run itself can tell."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

from realtime_kit.lab.settings import RaceSettings
from realtime_kit.measurements import Expectation
from realtime_kit.origin.long_polling import HOLD_TIMEOUT_S
from realtime_kit.publisher import websocket_message
from realtime_kit.quantities import Load
from realtime_kit.theory import bytes_on_wire, long_polling, polling, streaming, websocket


@dataclass(frozen=True, slots=True)
class MeasuredInputs:
    """What theory has to be told, measured in the same run.

    Attributes:
        push_s: Median time from an event's due moment to a bare socket, seconds; None if it heard none.
        round_trip_s: Median time of an empty poll by a bare socket, seconds; None if none was answered.
        upstream_s: Mean time from a long-poll's sending to its reading by the origin, seconds.
        turnaround_s: Mean time from an answer to the next long-poll, seconds.
        rate_per_s: Events per second that were really due in the window.
        messages: (id, text) of the events, for the exact sizes.
    """

    push_s: float | None
    round_trip_s: float | None
    upstream_s: float
    turnaround_s: float
    rate_per_s: float
    messages: Sequence[tuple[int, str]] = ()

    @property
    def downstream_s(self) -> float:
        """What theory adds for the way to a client that is connected, seconds; nothing if that is not known."""
        return self.push_s or 0.0

    def used_by(self, transport: str) -> dict[str, float]:
        """The ones a transport's theory rests on, by name, in seconds; without those that are not known."""
        names = {
            "polling": ("round_trip_s",),
            "long-polling": ("push_s", "upstream_s", "turnaround_s"),
        }.get(transport, ("push_s",))
        values = {name: getattr(self, name) for name in names}
        return {name: value for name, value in values.items() if value is not None}


def expect(transport: str, settings: RaceSettings, inputs: MeasuredInputs) -> Expectation:
    """What theory says of one transport in this race.

    The shares of empty answers, and all of long-polling's load, are laws of Poisson arrivals; for periodic
    ones they are left out.
    """
    expected = _EXPECTATIONS[transport](settings, inputs)
    if settings.arrivals == "poisson":
        return expected
    load = replace(expected.load, empty_fraction=None)
    if transport == "long-polling":
        load = replace(load, origin_requests_per_s=None)
    return replace(expected, load=load)


def _polling(settings: RaceSettings, inputs: MeasuredInputs) -> Expectation:
    latency = polling.latency(interval_s=settings.interval_s, downstream_s=(inputs.round_trip_s or 0.0) / 2)
    return Expectation(
        latency,
        polling.load(clients=settings.clients, interval_s=settings.interval_s, rate_per_s=inputs.rate_per_s),
    )


def _long_polling(settings: RaceSettings, inputs: MeasuredInputs) -> Expectation:
    window_s = long_polling.window_s(
        downstream_s=inputs.downstream_s, turnaround_s=inputs.turnaround_s, upstream_s=inputs.upstream_s
    )
    rate_per_s, hold_timeout_s = inputs.rate_per_s, float(HOLD_TIMEOUT_S)
    latency = long_polling.latency(
        rate_per_s=rate_per_s,
        window_s=window_s,
        hold_timeout_s=hold_timeout_s,
        downstream_s=inputs.downstream_s,
    )
    load = long_polling.load(
        clients=settings.clients, rate_per_s=rate_per_s, window_s=window_s, hold_timeout_s=hold_timeout_s
    )
    return Expectation(latency, load)


def _streaming(_: RaceSettings, inputs: MeasuredInputs) -> Expectation:
    sizes = [
        bytes_on_wire.chunk_overhead_bytes(block) + block
        for number, text in inputs.messages
        for block in [bytes_on_wire.event_stream_bytes(text, event_id=str(number))]
    ]
    load = streaming.load()
    return Expectation(streaming.latency(downstream_s=inputs.downstream_s), _with_size(load, sizes))


def _websocket(_: RaceSettings, inputs: MeasuredInputs) -> Expectation:
    sizes = [
        bytes_on_wire.websocket_frame_bytes(len(websocket_message(number, text).encode()), masked=False)
        for number, text in inputs.messages
    ]
    return Expectation(
        websocket.latency(downstream_s=inputs.downstream_s), _with_size(websocket.load(), sizes)
    )


def _with_size(load: Load, sizes: Sequence[int]) -> Load:
    mean = sum(sizes) / len(sizes) if sizes else None
    return Load(
        origin_requests_per_s=load.origin_requests_per_s,
        empty_fraction=load.empty_fraction,
        bytes_per_delivery=mean,
    )


_EXPECTATIONS = {
    "polling": _polling,
    "long-polling": _long_polling,
    "streaming": _streaming,
    "websocket": _websocket,
}
