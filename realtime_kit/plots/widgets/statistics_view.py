"""What the statistics panel shows: samples of a Pushpin's own counters."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from realtime_kit.pushpin.statistics import Statistics

STRIP_S = 60.0
"""How far back the picture reaches."""

SAMPLE_S = 0.5
"""Time from one sample to the next."""

MEAN_S = 5.0
"""Rates are means over this: single events would be nothing but spikes."""

MODES = {"response": "long-polling", "stream": "streaming", "ws": "websocket"}
"""Pushpin's name of each way to subscribe, and the kit's."""

MESSAGES = {"http-response": "long-polling", "http-stream": "streaming", "ws-message": "websocket"}
"""Pushpin's name of each kind of message, and the kit's."""


@dataclass(frozen=True, slots=True)
class Sample:
    """The counters at one moment.

    Attributes:
        at_s: When, on `CLOCK_MONOTONIC`, seconds.
        connections: Requests, holds and WebSockets that were open.
        subscriptions: Subscribers by channel and mode.
        messages: Published messages until then by kind.
        receivers: Subscribers those were meant for, likewise.
    """

    at_s: float
    connections: int
    subscriptions: Mapping[tuple[str, str], int]
    messages: Mapping[str, int]
    receivers: Mapping[str, int]

    @classmethod
    def of(cls, statistics: Statistics, at_s: float) -> Sample:
        """Copies the counters, each in one step: the kit's thread goes on counting."""
        return cls(
            at_s,
            statistics.connections,
            statistics.subscriptions.copy(),
            statistics.messages.copy(),
            statistics.receivers.copy(),
        )

    def subscribers(self, mode: str) -> int:
        """Over all channels."""
        return sum(count for (_, each), count in self.subscriptions.items() if each == mode)


@dataclass(frozen=True, slots=True)
class StatisticsView:
    """The samples of the last minute, the oldest first."""

    samples: tuple[Sample, ...] = ()

    def after(self, sample: Sample) -> StatisticsView:
        """With one more, and without what the picture no longer reaches."""
        # Some that are older stay, for the rates of the oldest that are shown.
        since_s = sample.at_s - STRIP_S - MEAN_S
        return StatisticsView((*(each for each in self.samples if each.at_s > since_s), sample))

    @property
    def latest(self) -> Sample:
        """The last sample; empty counters before the first."""
        return self.samples[-1] if self.samples else Sample(0.0, 0, {}, {}, {})

    def ago_s(self) -> list[float]:
        """When each sample was taken, seconds before the last, negative."""
        return [each.at_s - self.latest.at_s for each in self.samples]

    def per_second(self, kind: str) -> list[float]:
        """Deliveries of a kind of message per second at each sample, over the seconds before it."""
        rates = []
        for at, later in enumerate(self.samples):
            earlier = self.samples[max(0, at - round(MEAN_S / SAMPLE_S))]
            delivered = later.receivers.get(kind, 0) - earlier.receivers.get(kind, 0)
            rates.append(delivered / max(SAMPLE_S, later.at_s - earlier.at_s))
        return rates
