"""How far off a guess may be to count as right, and why just so far.

Four reasons, and each says in its text which one it is: chance (two standard errors of what is measured in a
run of this size), rounding (two digits), a choice (a factor, where no formula knows the value beforehand), or none
at all (what can be counted).
"""

from __future__ import annotations

import math
from dataclasses import dataclass

from realtime_kit.exercises.unit import SHARE, Unit

CHOSEN_FACTOR = 2.0
"""Times that depend on the machine count as right within this factor: a choice, and said to be one."""

NEAR_FACTOR = 2.0
"""What is near is within this factor of being right. `NEAR_SHARE` likewise, for shares."""

NEAR_SHARE = 0.1

_MOST = 1 / 3
"""Share of the value that chance may excuse at most, however short the run."""

_NOISE = 1e-9  # what adding floats may cost


@dataclass(frozen=True, slots=True)
class Tolerance:
    """A band around theory, and another around what was measured.

    Attributes:
        unit: What is counted.
        why: The reason, in one or two sentences.
        width: Half of the band around theory, in the unit.
        factor: By which the bands reach further, up and down.
        rounds: Whether the measured value may be rounded to two digits.
        chance: How far chance moves a measurement from theory: two standard errors, in the unit.
    """

    unit: Unit
    why: str
    width: float = 0.0
    factor: float = 1.0
    rounds: bool = True
    chance: float = 0.0

    def fits_theory(self, guess: float, theory: float | None) -> bool:
        """Whether the guess is what theory says."""
        return theory is not None and _within(guess, self._band(theory, self.width))

    def fits_measured(self, guess: float, measured: float | None) -> bool:
        """Whether the guess is what was measured."""
        return measured is not None and _within(guess, self._around_measured(measured))

    def is_near(self, guess: float, theory: float | None, measured: float | None) -> bool:
        """Whether the guess is not far from one of the two."""
        bands = [self._band(theory, self.width)] if theory is not None else []
        bands += [self._around_measured(measured)] if measured is not None else []
        return any(_within(guess, self._widened(band)) for band in bands)

    @property
    def what_is_near(self) -> str:
        """The rule for what is near, in a sentence."""
        if self._near_by_distance:
            return f"Near is what is not more than {self.unit.words(NEAR_SHARE)} of everything beside that."
        return f"Near is what is within a factor of {NEAR_FACTOR:g} of that."

    def disagree(self, theory: float | None, measured: float | None) -> bool:
        """Whether measurement and theory differ by twice of what chance and rounding explain."""
        if theory is None or measured is None:
            return False
        return not _within(measured, self._band(theory, 2 * max(self.width, self.chance)))

    def _band(self, centre: float, width: float) -> tuple[float, float]:
        return centre / self.factor - width, centre * self.factor + width

    def _around_measured(self, measured: float) -> tuple[float, float]:
        return self._band(measured, rounding(self.unit, measured) if self.rounds else 0.0)

    def _widened(self, band: tuple[float, float]) -> tuple[float, float]:
        low, high = band
        if self._near_by_distance:
            return low - NEAR_SHARE, high + NEAR_SHARE
        return low / NEAR_FACTOR, high * NEAR_FACTOR

    @property
    def _near_by_distance(self) -> bool:
        """A factor says little of a share: 90 % and 50 % are not alike, nor 0.1 % and 1 % unlike."""
        return self.unit is SHARE and self.factor == 1


def by_chance(unit: Unit, theory: float, *, standard_error: float, of: str) -> Tolerance:
    """Two standard errors: in 19 runs of 20, chance moves the measurement by less.

    Args:
        unit: What is counted.
        theory: The expected value.
        standard_error: Of the measurement, in the unit.
        of: What has this standard error, such as "the median of 1,800 deliveries".
    """
    chance, least = 2 * standard_error, rounding(unit, theory)
    most = _MOST * (min(theory, 1 - theory) if unit is SHARE else theory)
    if chance <= least:
        return by_rounding(unit, theory, f"Chance moves {of} by less, {_plus_minus(unit, chance)}.")
    if chance <= most:
        why = (
            f"Theory {_plus_minus(unit, chance)} counts as right: two standard errors of {of}. "
            "In 1 run of 20, chance moves it further."
        )
        return Tolerance(unit, why, width=chance, chance=chance)
    width = max(least, most)
    why = (
        f"Theory {_plus_minus(unit, width)} counts as right. Chance alone moves {of} by "
        f"{_plus_minus(unit, chance)} (two standard errors); a longer run would narrow that down."
    )
    return Tolerance(unit, why, width=width, chance=chance)


def by_rounding(unit: Unit, theory: float, remark: str = "") -> Tolerance:
    """Half a unit of the second digit, or half a per cent of everything."""
    width = rounding(unit, theory)
    to = "the per cent" if unit is SHARE else "two digits"
    why = f"Theory {_plus_minus(unit, width)} counts as right: rounded to {to}. {remark}"
    return Tolerance(unit, why.rstrip(), width=width)


def by_choice(unit: Unit) -> Tolerance:
    """A factor, for what only the machine can tell."""
    why = (
        f"Within a factor of {CHOSEN_FACTOR:g} counts as right. That is a choice: it depends on the machine, "
        "and no formula knows it beforehand."
    )
    return Tolerance(unit, why, factor=CHOSEN_FACTOR, rounds=False)


def exactly(unit: Unit) -> Tolerance:
    """Nothing but the number itself."""
    return Tolerance(unit, "It can be counted, so only the exact number is right.", rounds=False)


def rounding(unit: Unit, value: float) -> float:
    """How far rounding to two digits moves a value at most; a share is rounded to the per cent."""
    if unit is SHARE:
        return 0.005
    if unit.whole or not 0 < value < math.inf:
        return 0.0
    return float(0.5 * 10.0 ** (math.floor(math.log10(value)) - 1))


def _plus_minus(unit: Unit, width: float) -> str:
    return f"± {unit.words(width)}"


def _within(guess: float, band: tuple[float, float]) -> bool:
    low, high = band
    noise = _NOISE * max(1e-6, abs(high) if math.isfinite(high) else 1.0)
    return low - noise <= guess <= high + noise
