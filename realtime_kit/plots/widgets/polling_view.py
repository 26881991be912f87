"""What the polling explorer shows: a question to theory, and the answer of a measurement."""

from __future__ import annotations

import math
from dataclasses import dataclass, field, replace

import numpy as np
from numpy.typing import NDArray

from realtime_kit.measurements.latency import CURVE_SHARES
from realtime_kit.measurements.progress import Progress
from realtime_kit.measurements.run import Run
from realtime_kit.plots.words import format_rate, format_seconds
from realtime_kit.quantities import LOST, Latency, Load
from realtime_kit.theory import polling

POLLING = "polling"
_BINS = 200
_INTERVALS = 2.0
"""How many polling intervals the bins of a live curve span; what took longer is in the last."""


@dataclass(frozen=True, slots=True)
class PollingSettings:
    """What the sliders say.

    Attributes:
        interval_s: Polling interval, seconds.
        clients: How many clients poll.
        rate_per_s: Events per second.
        seconds: Length of the measurement, seconds.
    """

    interval_s: float = 2.0
    clients: int = 20
    rate_per_s: float = 2.0
    seconds: float = 20.0

    def latency(self, downstream_s: float = 0.0) -> Latency:
        """What theory says of the latency."""
        return polling.latency(interval_s=self.interval_s, downstream_s=downstream_s)

    def load(self) -> Load:
        """What theory says of the load."""
        return polling.load(clients=self.clients, interval_s=self.interval_s, rate_per_s=self.rate_per_s)

    def __str__(self) -> str:
        clients = "1 client asks" if self.clients == 1 else f"{self.clients} clients ask"
        every, rate = format_seconds(self.interval_s), format_rate(self.rate_per_s)
        return f"{clients} every {every}, {rate} events/s"


@dataclass(frozen=True, slots=True, eq=False)
class Measured:
    """What has been measured, or is being measured.

    Attributes:
        settings: With these settings.
        share: Share of the measurement's time that has passed, 0 to 1.
        received: Deliveries so far.
        counts: Shape (bins,): deliveries by latency, over two polling intervals; those of an even sample stand for all.
        sampled: One in how many deliveries the thinnest part of that sample has; 1 if all are in it.
        requests_per_s: Requests at the origin per second; None before the first report.
        empty_fraction: Share of the answers without an event, likewise.
        run: The finished measurement.
    """

    settings: PollingSettings
    share: float = 0.0
    received: int = 0
    counts: NDArray[np.int64] = field(default_factory=lambda: np.zeros(_BINS, np.int64))
    sampled: int = 1
    requests_per_s: float | None = None
    empty_fraction: float | None = None
    run: Run | None = None

    @property
    def is_sampled(self) -> bool:
        """Whether the curve is that of a sample; a finished run's never is."""
        return self.run is None and self.sampled > 1

    @property
    def deliveries(self) -> int:
        """How many there were so far; those that were lost are among them when the run is finished."""
        return self.run[POLLING].ledger.expected if self.run else self.received

    def curve(self) -> NDArray[np.float64]:
        """The distribution so far: shape (points, 2), latency in seconds and share of the deliveries."""
        if self.run is not None and self.run[POLLING].latency_curve_s:
            points = np.column_stack([self.run[POLLING].latency_curve_s, CURVE_SHARES])
            return np.asarray(points[np.isfinite(points[:, 0])])
        if self.run is not None or not self.counts.any():
            return np.empty((0, 2))
        filled = self.counts[: int(np.flatnonzero(self.counts)[-1]) + 1]
        shares = np.concatenate([[0.0], np.cumsum(filled) / filled.sum()])
        return np.column_stack([self._edges_s()[: len(shares)], shares])

    def quantiles_s(self, *quantiles: float) -> list[float]:
        """Latencies by which these shares of the deliveries had come, seconds; NaN if there are none."""
        points = self.curve()
        if not len(points):
            return [math.nan] * len(quantiles)
        places = np.searchsorted(points[:, 1], quantiles)
        return [float(points[at, 0]) if at < len(points) else LOST for at in places.tolist()]

    def after(self, progress: Progress) -> Measured:
        """With what came since a report."""
        news_s = np.clip(progress.latencies_s.get(POLLING, ()), 0, self._edges_s()[-1])
        stride = progress.stride.get(POLLING, 1)
        later = replace(
            self,
            share=progress.share,
            received=progress.received.get(POLLING, self.received),
            counts=self.counts + stride * np.histogram(news_s, self._edges_s())[0],
            sampled=max(self.sampled, stride),
        )
        # Clients go on asking while the last deliveries are waited for; what counts is the window.
        requests = progress.origin_requests.get(POLLING, 0)
        if not requests or not 0 < progress.passed_s <= self.settings.seconds:
            return later
        empty = progress.empty_responses.get(POLLING, 0)
        return replace(later, requests_per_s=requests / progress.passed_s, empty_fraction=empty / requests)

    def finished(self, run: Run) -> Measured:
        """With the figures of the finished run."""
        load = run[POLLING].load
        return replace(
            self,
            share=1.0,
            requests_per_s=load.origin_requests_per_s,
            empty_fraction=load.empty_fraction,
            run=run,
        )

    def _edges_s(self) -> NDArray[np.float64]:
        return np.linspace(0, _INTERVALS * self.settings.interval_s, _BINS + 1)


@dataclass(frozen=True, slots=True, eq=False)
class PollingView:
    """Theory for what the sliders say, and what was measured last, perhaps with other settings.

    Attributes:
        settings: What the sliders say.
        measured: What has been measured; None before.
    """

    settings: PollingSettings
    measured: Measured | None = None

    @property
    def differs(self) -> bool:
        """Whether what was measured belongs to other settings than theory's."""
        return (
            self.measured is not None
            and replace(self.measured.settings, seconds=self.settings.seconds) != self.settings
        )

    @property
    def downstream_s(self) -> float:
        """The way back to the client as the last run has measured it, seconds."""
        if self.measured is None or self.measured.run is None:
            return 0.0
        return self.measured.run[POLLING].measured_inputs.get("round_trip_s", 0.0) / 2
