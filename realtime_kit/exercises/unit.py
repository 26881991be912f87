"""What a guess is counted in: which numbers it can be, and how people say them."""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass
from numbers import Real

from realtime_kit.errors import UsageError
from realtime_kit.plots.words import format_bytes, format_rate, format_seconds, format_share


@dataclass(frozen=True, slots=True)
class Unit:
    """A kind of number.

    Attributes:
        keyword: The argument of `predict` that carries it.
        noun: What it is, with its article.
        example: A number of this kind, as one would type it.
        words: Says such a number.
        most: The largest that can be.
        whole: Whether there are only whole ones.
    """

    keyword: str
    noun: str
    example: str
    words: Callable[[float], str]
    most: float = math.inf
    whole: bool = False

    def accept(self, value: object) -> float:
        """The number, if it can be one of this kind.

        Raises:
            UsageError: if it is no number, or one that cannot be; the text says what would be.
        """
        if isinstance(value, bool) or not isinstance(value, Real):
            message = (
                f"{self.keyword} is {value!r}, but has to be a number, such as {self.keyword}={self.example}."
            )
            raise UsageError(message)
        number = float(value)
        if not 0 <= number <= self.most or math.isinf(number):
            message = f"{self.noun} {self._range()}; {self._instead(number)}"
            raise UsageError(message)
        if self.whole and number != round(number):
            message = f"{self.noun} is a whole number; you gave {number:g}."
            raise UsageError(message)
        return number

    def _range(self) -> str:
        return "is 0 or more" if math.isinf(self.most) else f"is between 0 and {self.most:g}"

    def _instead(self, number: float) -> str:
        """A share of 35 is most likely 35 %."""
        if self.most < number <= 100 * self.most:
            return f"did you mean {number / 100:g}?"
        return f"you gave {number:g}."


def counted(number: float, noun: str) -> str:
    """`1 delivery`, `30 deliveries`."""
    several = f"{noun[:-1]}ies" if noun.endswith("y") else f"{noun}es" if noun.endswith("sh") else f"{noun}s"
    return f"{number:,.0f} {noun if number == 1 else several}"


SECONDS = Unit("seconds", "a time", "0.5", format_seconds)
PER_SECOND = Unit("per_second", "a rate", "15", lambda value: f"{format_rate(value)} a second")
SHARE = Unit("share", "a share", "0.35", format_share, most=1.0)
COUNT = Unit("count", "a count", "12", lambda value: f"{value:,.0f}", whole=True)
SIZE = Unit("size_bytes", "a size", "90", format_bytes)
