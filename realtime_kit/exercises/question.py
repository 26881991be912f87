"""What a lesson can ask, and what an answer to it is made of. The questions themselves are in files of their own."""

from __future__ import annotations

from abc import ABC, abstractmethod
from dataclasses import dataclass, field
from enum import Enum
from typing import Any, NamedTuple

Guess = float | str
"""A number, or the name of one of the choices."""


class Hints(NamedTuple):
    """The way to an answer, in three steps.

    Attributes:
        mechanism: Points at what decides.
        formula: Says it in general.
        computed: Computes it, with the run's own numbers.
    """

    mechanism: str
    formula: str
    computed: str


class State(Enum):
    """How a guess did: the word that says it, and a sign beside the word."""

    RIGHT = ("Right", "✓")
    NEAR = ("Near", "≈")
    OFF = ("Off", "≠")
    CANNOT_JUDGE = ("Cannot judge", "?")

    @property
    def word(self) -> str:
        """What people read."""
        return self.value[0]

    @property
    def sign(self) -> str:
        """What they see first."""
        return self.value[1]


@dataclass(frozen=True, slots=True)
class Judgement:
    """What there is to say to one guess.

    Attributes:
        state: How it did.
        headline: That in a sentence.
        sentences: What was measured, what theory says, and what counts as right.
        hints: The way to the answer.
        measured: What was measured, in the question's unit; None if nothing was. `theory` likewise.
        theory: What theory says.
    """

    state: State
    headline: str
    sentences: tuple[str, ...]
    hints: Hints
    measured: Guess | None = None
    theory: Guess | None = None


@dataclass(frozen=True, slots=True)
class Observation:
    """What a run, or a count, tells a question.

    Attributes:
        measured: The asked value, in the question's unit; None if it was not measured.
        inputs: What the formula needs, by name.
        doubts: Why it cannot judge, each a sentence; none means that it can.
    """

    measured: float | None
    inputs: dict[str, Any] = field(default_factory=dict)
    doubts: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Question(ABC):
    """Something to predict.

    Attributes:
        name: Short name, such as `polling-p50`.
        says: What a guess claims: a sentence with `{}` for the guess.
    """

    name: str
    says: str

    @abstractmethod
    def accept(self, given: dict[str, object]) -> Guess:
        """The guess in what a learner gave: argument of `predict` to its value.

        Raises:
            UsageError: if it is no guess for this question.
        """

    @abstractmethod
    def words(self, guess: Guess) -> str:
        """The guess as people say it."""

    @abstractmethod
    def judge(self, guess: Guess, found: object, inputs: dict[str, Any]) -> Judgement:
        """Compare a guess with what was found, and with theory.

        Args:
            guess: What `accept` returned.
            found: A `Run`, a counted value, or None for theory alone.
            inputs: What the formula needs and `found` does not tell, by name.

        Raises:
            UsageError: if `found` or `inputs` is not what the question needs.
        """

    @property
    @abstractmethod
    def call(self) -> str:
        """How to predict an answer, as one would type it."""
