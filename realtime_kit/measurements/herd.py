"""The herd: a push answers all long-polls at once, so all their clients ask again at once."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from realtime_kit.quantities import LOST


@dataclass(frozen=True, slots=True)
class Herd:
    """What the clients of a long-poll did after a push.

    Attributes:
        rearmed_s: Seconds from when the event was due until everybody's next request was with the origin; infinite
            if that was not so when the run went on.
        origin_requests: Requests that came to the origin in that time; Pushpin adds some of its own.
        theory_s: `N/μ`, with the μ at which the same clients' first requests had got through before.
    """

    rearmed_s: float
    origin_requests: int
    theory_s: float

    def to_json(self) -> dict[str, Any]:
        """Plain values for JSON."""
        return {
            "rearmed_s": None if self.rearmed_s == LOST else self.rearmed_s,
            "origin_requests": self.origin_requests,
            "theory": {"rearmed_s": self.theory_s},
        }

    @classmethod
    def from_json(cls, values: dict[str, Any]) -> Herd:
        """The inverse of `to_json`."""
        rearmed_s = values["rearmed_s"]
        return cls(
            LOST if rearmed_s is None else rearmed_s,
            values["origin_requests"],
            values["theory"]["rearmed_s"],
        )
