"""The answer to a prediction: how it did, and hints one at a time."""

from __future__ import annotations

from dataclasses import dataclass, replace
from html import escape

from realtime_kit.errors import UsageError
from realtime_kit.exercises.prediction import Prediction
from realtime_kit.exercises.question import Guess, Judgement, State
from realtime_kit.measurements.run import Run


@dataclass(frozen=True, slots=True, repr=False)
class Answer:
    """How a prediction did. Print it, or show it in a notebook.

    Attributes:
        prediction: The guess.
        judgement: All there is to say to it.
        shown: How many of its hints are shown, 0 to 3.
    """

    prediction: Prediction
    judgement: Judgement
    shown: int

    @property
    def state(self) -> State:
        """Right, near, off, or impossible to say."""
        return self.judgement.state

    @property
    def right(self) -> bool:
        """Whether the guess counts as right."""
        return self.state is State.RIGHT

    @property
    def measured(self) -> Guess | None:
        """What was measured, in the question's unit."""
        return self.judgement.measured

    @property
    def theory(self) -> Guess | None:
        """What theory says, in the question's unit."""
        return self.judgement.theory

    @property
    def hints(self) -> tuple[str, ...]:
        """Those that are shown."""
        return self.judgement.hints[: self.shown]

    def hint(self) -> Answer:
        """The same answer with one hint more; after the last one there are no more."""
        return replace(self, shown=min(self.shown + 1, len(self.judgement.hints)))

    def __str__(self) -> str:
        return "\n".join([f"{self.state.sign} {self.state.word}: {self.judgement.headline}", *self._lines()])

    __repr__ = __str__

    def _repr_html_(self) -> str:
        """Words and a sign carry the state; there is no colour that could be missed."""
        lines = "".join(f"<br>{escape(line)}" for line in self._lines())
        return (
            f'<div class="rtk-answer" role="status" style="{_STYLE}">'
            f'<span aria-hidden="true">{self.state.sign}</span> <strong>{self.state.word}</strong>: '
            f"{escape(self.judgement.headline)}{lines}</div>"
        )

    def _lines(self) -> list[str]:
        """What follows the headline, the same in text and HTML."""
        every = len(self.judgement.hints)
        hints = [f"Hint {number} of {every}: {hint}" for number, hint in enumerate(self.hints, start=1)]
        if hints and self.shown < every:
            hints.append("(.hint() gives the next one.)")
        return [*self.judgement.sentences, *hints]


_STYLE = "border-left:3px solid currentColor;padding:.2em .8em;max-width:50em"


def check(
    prediction: Prediction, found: Run | float | None = None, *, hint: int | None = None, **inputs: float
) -> Answer:
    """How a prediction did: `check(guess, run)`, or `check(guess, 5, events=45, page_events=10)`.

    Nothing is stored anywhere: what counts as right comes from theory and from what was found.

    Args:
        prediction: What `predict` returned.
        found: A finished run, a number that was counted or measured, or None to ask theory alone.
        hint: How many of the three hints to show; None shows the first one unless the guess is right.
        **inputs: What the formula needs, where `found` is no run.

    Raises:
        UsageError: if something is missing, or cannot be; the text says what is needed.
    """
    _must_be_a_prediction(prediction)
    judgement = prediction.question.judge(prediction.guess, found, inputs)
    shown = hint
    if shown is None:
        shown = 0 if judgement.state is State.RIGHT else 1
    if shown not in range(len(judgement.hints) + 1):
        message = f"hint is {hint!r}, but has to be 0, 1, 2 or 3."
        raise UsageError(message)
    return Answer(prediction, judgement, shown)


def _must_be_a_prediction(given: object) -> None:
    if not isinstance(given, Prediction):
        message = f"check takes what predict returned, not {given!r}."
        raise UsageError(message)
