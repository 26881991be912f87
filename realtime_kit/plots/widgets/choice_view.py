"""What the choice explorer shows: predictions for an API, and a check of them."""

from __future__ import annotations

from dataclasses import dataclass, replace

from realtime_kit.measurements.run import Run
from realtime_kit.plots.widgets.predictions import Api, Prediction, Surroundings, predict

TRANSPORTS = ("polling", "long-polling", "streaming", "websocket")


@dataclass(frozen=True, slots=True)
class Check:
    """A finished run, and the API it was run for."""

    api: Api
    run: Run


@dataclass(frozen=True, slots=True)
class ChoiceView:
    """An API, what theory says of it, and the last check, perhaps of another API.

    Attributes:
        api: What the sliders say.
        share: Share of the running check's time that has passed, 0 to 1.
        check: The last finished check; None before.
    """

    api: Api
    share: float = 0.0
    check: Check | None = None

    @property
    def surroundings(self) -> Surroundings:
        """As the last check has found them; before it, what is usual on one machine."""
        if self.check is None:
            return Surroundings()
        found: dict[str, float] = {}
        for result in self.check.run.results:
            found |= result.measured_inputs
        usual = Surroundings()
        known = {name: found[name] for name in Surroundings.__dataclass_fields__ if name in found}
        return replace(usual, **known)

    def predictions(self) -> dict[str, Prediction]:
        """By transport."""
        return predict(self.api, self.surroundings)

    def measured(self) -> dict[str, Prediction]:
        """What the check has found, in the same terms, by transport."""
        if self.check is None:
            return {}
        window_s = float(self.check.run.meta.get("window_s", 0.0))
        return {
            result.transport: Prediction(
                result.latency,
                result.load.origin_requests_per_s or 0.0,
                (result.load.bytes_to_clients or 0) / window_s if window_s > 0 else 0.0,
            )
            for result in self.check.run.results
        }
