"""Where the lifelines of a sequence diagram stand, and how much room there is between them."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from realtime_kit.plots.sequence_rows import PARTY_NAMES, SequenceRow
from realtime_kit.plots.style import MARGIN_IN

TIME_IN = 0.72
"""Width of the column of times."""

NARROW_IN = 0.82
"""Between two clients: arrows of the outer ones cross it, and titles stand elsewhere."""

_PUBLISHER_IN = 1.0
"""Between origin and publisher likewise."""

_PUSHPIN_SHARE = 0.46
"""How far Pushpin stands from the clients towards the origin: what the origin tells it takes more words."""

_EDGE_IN = 0.45
"""From the outermost lifeline to what is beside it; half of its name has to fit."""


@dataclass(frozen=True, slots=True)
class Lanes:
    """The lifelines, from left to right.

    Attributes:
        places_in: For each name, how far from the left edge it stands, inches.
        clients: Which of them are clients.
    """

    places_in: dict[str, float]
    clients: tuple[str, ...]

    def __getitem__(self, name: str) -> float:
        return self.places_in[name]

    @property
    def pushpin_in(self) -> float:
        """Where Pushpin stands, between clients and origin."""
        return self.places_in[PARTY_NAMES["pushpin"]]

    def room_in(self, row: SequenceRow) -> tuple[float, float]:
        """Left and right end of where a row's words stand: beside Pushpin, on the side of the other party."""
        others = [self[name] for name in (row.sender, row.receiver) if self[name] != self.pushpin_in]
        if others and others[0] < self.pushpin_in:
            return max(place for place in self.places_in.values() if place < self.pushpin_in), self.pushpin_in
        return self.pushpin_in, min(place for place in self.places_in.values() if place > self.pushpin_in)


def place_lanes(rows: Sequence[SequenceRow], clients: Sequence[str], width_in: float) -> Lanes:
    """Clients to the left of Pushpin, origin and publisher to its right; who says nothing is left out.

    Pushpin and the origin are always there: the one is what it is all about, and silence of the other a
    result.

    Args:
        rows: What is drawn.
        clients: Names of all clients, from left to right.
        width_in: Of the paper.
    """
    seen = {name for row in rows for name in (row.sender, row.receiver)}
    clients = [name for name in clients if name in seen] or [PARTY_NAMES["client"]]
    right = [PARTY_NAMES["origin"]]
    if PARTY_NAMES["publisher"] in seen:
        right.append(PARTY_NAMES["publisher"])
    left_in = MARGIN_IN + TIME_IN + _EDGE_IN
    right_in = width_in - MARGIN_IN - _EDGE_IN
    places = {name: left_in + number * NARROW_IN for number, name in enumerate(clients)}
    places |= {name: right_in - number * _PUBLISHER_IN for number, name in enumerate(reversed(right))}
    inner = max(places[name] for name in clients), min(places[name] for name in right)
    pushpin_in = inner[0] + _PUSHPIN_SHARE * (inner[1] - inner[0])
    return Lanes({**places, PARTY_NAMES["pushpin"]: pushpin_in}, tuple(clients))
