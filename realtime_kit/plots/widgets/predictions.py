"""What theory says of all four transports for an API, before any of them is built."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from types import MappingProxyType
from typing import Any

from realtime_kit.origin.long_polling import HOLD_TIMEOUT_S
from realtime_kit.plots.words import format_bytes, format_rate, format_seconds, format_share
from realtime_kit.publisher import json_page, websocket_message
from realtime_kit.quantities import Latency, Load
from realtime_kit.theory import long_polling, polling, streaming, websocket

HEADERS_BYTES: Mapping[str, int] = MappingProxyType({"polling": 180, "long-polling": 156})
"""Headers of an answer with events, as Pushpin 1.36 passes on those of the kit's origin."""

EMPTY_ANSWER_BYTES = 113
"""All of a poll's answer when nothing has changed (304), likewise."""

_EVENT = 1000
"""A typical event's number: its digits are sent with it."""


@dataclass(frozen=True, slots=True)
class Api:
    """What has to be delivered to whom.

    Attributes:
        clients: How many wait for it.
        rate_per_s: Events per second.
        interval_s: How often a polling client would ask, seconds.
        payload_bytes: Size of an event's text, bytes.
    """

    clients: int = 20
    rate_per_s: float = 1.0
    interval_s: float = 5.0
    payload_bytes: int = 100

    def __str__(self) -> str:
        clients = "1 client" if self.clients == 1 else f"{self.clients:,} clients"
        polled = f"polled every {format_seconds(self.interval_s)}"
        return f"{clients}, {format_rate(self.rate_per_s)} events/s of {format_bytes(self.payload_bytes)}, {polled}"


@dataclass(frozen=True, slots=True)
class Surroundings:
    """What theory has to be told of machine and network, seconds.

    Attributes:
        push_s: From an event's due moment to a client that is connected.
        round_trip_s: Of an empty poll.
        upstream_s: From a long-poll's sending to its reading by the origin.
        turnaround_s: From an answer to the next long-poll.
    """

    push_s: float = 0.004
    round_trip_s: float = 0.004
    upstream_s: float = 0.012
    turnaround_s: float = 0.0001


@dataclass(frozen=True, slots=True)
class Prediction:
    """One transport in theory.

    Attributes:
        latency: When an event is seen.
        origin_requests_per_s: What the origin is asked.
        bytes_per_s: What all clients together are sent.
    """

    latency: Latency
    origin_requests_per_s: float
    bytes_per_s: float


def predict(api: Api, around: Surroundings) -> dict[str, Prediction]:
    """Every transport's prediction, with Poisson events."""
    return {
        "polling": _polling(api, around),
        "long-polling": _long_polling(api, around),
        "streaming": _streaming(api, around),
        "websocket": _websocket(api, around),
    }


def advice(api: Api, around: Surroundings) -> list[str]:
    """What follows from the predictions, in sentences."""
    window_s = _window_s(around)
    crossover = long_polling.crossover_rate_per_s(
        interval_s=api.interval_s, window_s=window_s, hold_timeout_s=float(HOLD_TIMEOUT_S)
    )
    more = "more" if api.rate_per_s > crossover else "less"
    empty = polling.load(clients=1, interval_s=api.interval_s, rate_per_s=api.rate_per_s).empty_fraction
    wait = f"half of the events are seen {format_seconds(api.interval_s / 2)} late or later"
    return [
        f"Polling: {wait}, and {format_share(empty)} of the answers bring none.",
        f"Long-polling asks the origin {more} often than polling; they meet at {format_rate(crossover)} events/s.",
        "Streaming and WebSocket ask the origin once for each client, when it connects.",
    ]


def _polling(api: Api, around: Surroundings) -> Prediction:
    load = polling.load(clients=api.clients, interval_s=api.interval_s, rate_per_s=api.rate_per_s)
    latency = polling.latency(interval_s=api.interval_s, downstream_s=around.round_trip_s / 2)
    return Prediction(latency, load.origin_requests_per_s or 0.0, _asked_bytes_per_s("polling", api, load))


def _long_polling(api: Api, around: Surroundings) -> Prediction:
    timing: dict[str, Any] = {
        "rate_per_s": api.rate_per_s,
        "window_s": _window_s(around),
        "hold_timeout_s": float(HOLD_TIMEOUT_S),
    }
    load = long_polling.load(clients=api.clients, **timing)
    latency = long_polling.latency(downstream_s=around.push_s, **timing)
    return Prediction(
        latency, load.origin_requests_per_s or 0.0, _asked_bytes_per_s("long-polling", api, load)
    )


def _streaming(api: Api, around: Surroundings) -> Prediction:
    load = streaming.load(payload="x" * api.payload_bytes, event_id=str(_EVENT))
    return Prediction(streaming.latency(downstream_s=around.push_s), 0.0, _pushed_bytes_per_s(api, load))


def _websocket(api: Api, around: Surroundings) -> Prediction:
    message = websocket_message(_EVENT, "x" * api.payload_bytes)
    load = websocket.load(payload_bytes=len(message.encode()))
    return Prediction(websocket.latency(downstream_s=around.push_s), 0.0, _pushed_bytes_per_s(api, load))


def _window_s(around: Surroundings) -> float:
    return long_polling.window_s(
        downstream_s=around.push_s, turnaround_s=around.turnaround_s, upstream_s=around.upstream_s
    )


def _pushed_bytes_per_s(api: Api, load: Load) -> float:
    return api.clients * api.rate_per_s * (load.bytes_per_delivery or 0.0)


def _asked_bytes_per_s(transport: str, api: Api, load: Load) -> float:
    """Answers without events, answers with some, and the events in them."""
    answers, empty = load.origin_requests_per_s or 0.0, load.empty_fraction or 0.0
    frame = len(json_page([], _EVENT))
    event = len(json_page([(_EVENT, "x" * api.payload_bytes)], _EVENT)) - frame
    with_headers = HEADERS_BYTES[transport] + frame
    without = EMPTY_ANSWER_BYTES if transport == "polling" else with_headers
    asked = answers * (empty * without + (1 - empty) * with_headers)
    return asked + api.clients * api.rate_per_s * event
