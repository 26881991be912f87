"""A learner's guess, written down before the run."""

from __future__ import annotations

from dataclasses import dataclass
from html import escape

from realtime_kit.exercises.catalogue import find
from realtime_kit.exercises.question import Guess, Question


@dataclass(frozen=True, slots=True, repr=False)
class Prediction:
    """What somebody says will happen. Print it, or show it in a notebook; `check` tells how it did.

    Attributes:
        question: What was asked.
        guess: The answer to it: a number in the question's unit, or the name of a choice.
    """

    question: Question
    guess: Guess

    def __str__(self) -> str:
        return f"you say: {self.question.says.format(self.question.words(self.guess))}"

    __repr__ = __str__

    def _repr_html_(self) -> str:
        return f'<p class="rtk-prediction">{escape(str(self))}</p>'


def predict(
    question: str,
    *,
    seconds: float | None = None,
    per_second: float | None = None,
    share: float | None = None,
    count: float | None = None,
    size_bytes: float | None = None,
    choice: str | None = None,
) -> Prediction:
    """Write a guess down: `predict("polling-p50", seconds=2)`.

    Give one argument besides the question, the one that it asks for.

    Args:
        question: Name of a question; `exercises.QUESTIONS` has them all.
        seconds: A time, 0 or more.
        per_second: A rate, such as requests per second, 0 or more.
        share: A share, 0 to 1.
        count: How many, a whole number from 0.
        size_bytes: A size in bytes, 0 or more.
        choice: One of the names that the question offers.

    Raises:
        UsageError: if there is no such question, or the guess cannot be an answer to it; the text says what can.
    """
    every = {
        "seconds": seconds,
        "per_second": per_second,
        "share": share,
        "count": count,
        "size_bytes": size_bytes,
        "choice": choice,
    }
    asked = find(question)
    return Prediction(
        asked, asked.accept({name: value for name, value in every.items() if value is not None})
    )
