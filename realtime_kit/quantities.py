"""The two things the kit predicts and measures, in one form for both: latency and load.

`theory/` returns them from formulas and `measurements/` from receipts, so that a prediction can stand next
to an observation, field by field.
"""

from __future__ import annotations

import math
from dataclasses import dataclass, fields
from typing import Any

LOST = math.inf
"""The latency of a delivery that never came, in seconds. It takes part in every percentile."""


@dataclass(frozen=True, slots=True)
class Latency:
    """When a delivery was seen, counted from the moment its event was *due*.

    All durations are seconds. `math.inf` means that the figure falls on a lost delivery: it is `null` in
    JSON and `lost` in text.

    Attributes:
        mean: Arithmetic mean over all expected deliveries.
        p50: Median. `p90` and `p99` likewise: the share `q` of expected deliveries came at or before it.
        max: The latest.
        min: The earliest.
        count: Expected deliveries behind these figures; None for a prediction, which has no sample.
    """

    mean: float
    p50: float
    p90: float
    p99: float
    max: float
    min: float
    count: int | None = None

    def to_json(self) -> dict[str, float | int | None]:
        """Plain values for JSON; infinite figures become None, an absent count is left out."""
        values = {field.name: getattr(self, field.name) for field in fields(self)}
        if self.count is None:
            del values["count"]
        return {name: None if value == LOST else value for name, value in values.items()}

    @classmethod
    def from_json(cls, values: dict[str, Any]) -> Latency:
        """The inverse of `to_json`: None reads as lost, a missing count as a prediction."""
        count = values.get("count")
        return cls(
            **{
                field.name: LOST if values[field.name] is None else float(values[field.name])
                for field in fields(cls)
                if field.name != "count"
            },
            count=count,
        )


@dataclass(frozen=True, slots=True)
class Load:
    """What the deliveries cost. A prediction leaves None where it has nothing to say.

    Attributes:
        origin_requests_per_s: HTTP requests that reached the origin, per second of the window.
        empty_fraction: Share of the origin's answers that carried no event, 0 to 1.
        bytes_per_delivery: Bytes on the wire towards the client per event delivered, headers included.
        origin_requests: HTTP requests that reached the origin in the window, Pushpin's own included.
        proxy_requests: HTTP requests (and WebSocket handshakes) that clients sent to Pushpin in the window.
        empty_responses: Answers without an event that clients received in the window.
        bytes_to_clients: Bytes on the wire from Pushpin to the clients in the window, headers included.
        bytes_from_clients: Bytes on the wire from the clients to Pushpin in the window, headers included.
        connections_opened: TCP connections the clients opened, from their start to the window's end.
    """

    origin_requests_per_s: float | None = None
    empty_fraction: float | None = None
    bytes_per_delivery: float | None = None
    origin_requests: int | None = None
    proxy_requests: int | None = None
    empty_responses: int | None = None
    bytes_to_clients: int | None = None
    bytes_from_clients: int | None = None
    connections_opened: int | None = None

    def to_json(self) -> dict[str, float | int]:
        """Plain values for JSON; what is None is left out."""
        return {
            field.name: getattr(self, field.name)
            for field in fields(self)
            if getattr(self, field.name) is not None
        }

    @classmethod
    def from_json(cls, values: dict[str, Any]) -> Load:
        """The inverse of `to_json`."""
        known = {field.name for field in fields(cls)}
        return cls(**{name: value for name, value in values.items() if name in known})
