"""Questions whose answer is one of several names: which transport is first, which asks the origin most."""

from __future__ import annotations

import difflib
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any

from realtime_kit.errors import UsageError
from realtime_kit.exercises.question import Guess, Hints, Judgement, Question, State
from realtime_kit.measurements.run import Run


@dataclass(frozen=True, slots=True)
class Comparison:
    """Who is ahead.

    Attributes:
        measured: The winner, and whoever cannot be told from it.
        theory: The same, by theory.
        figures: What was measured of each, as people say it.
        hints: The way to the answer, in three steps.
        doubts: Why the run cannot judge, each a sentence; none means that it can.
    """

    measured: tuple[str, ...]
    theory: tuple[str, ...]
    figures: dict[str, str]
    hints: Hints
    doubts: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class ChoiceQuestion(Question):
    """Asks for a name.

    Attributes:
        choices: The names that can be chosen.
        compare: Reads a run, given the guess: `compare(run, guess)`.
    """

    choices: tuple[str, ...]
    compare: Callable[[Run, str], Comparison]

    @property
    def call(self) -> str:
        """How to predict an answer."""
        return f"predict({self.name!r}, choice={self.choices[0]!r})"

    def accept(self, given: dict[str, object]) -> str:
        """The name under `choice`."""
        allowed = ", ".join(self.choices)
        if list(given) != ["choice"]:
            names = " and ".join(f"{name}=" for name in given) or "nothing"
            message = f"{self.name} asks for one of {allowed}: write {self.call}; you gave {names}."
            raise UsageError(message)
        choice = given["choice"]
        if choice not in self.choices:
            alike = difflib.get_close_matches(str(choice), self.choices, n=1)
            meant = f"; did you mean {alike[0]!r}?" if alike else "."
            message = f"choice is {choice!r}, but has to be one of {allowed}{meant}"
            raise UsageError(message)
        return str(choice)

    def words(self, guess: Guess) -> str:
        """The name itself."""
        return str(guess)

    def judge(self, guess: Guess, found: object, inputs: dict[str, Any]) -> Judgement:
        """Right is who was ahead, or who is by theory; near is who by theory might as well have been."""
        if not isinstance(found, Run) or inputs:
            message = f"{self.name} compares the transports of a run: give check that run, and nothing else."
            raise UsageError(message)
        name = str(guess)
        found[name]  # a run without it says so
        if len(found.results) < 2:
            message = f"{self.name} compares transports, and this run has only {name}."
            raise UsageError(message)
        comparison = self.compare(found, name)
        state = _state(name, comparison)
        return Judgement(
            state=state,
            headline=self._headline(state, name),
            sentences=tuple(_sentences(state, name, comparison)),
            hints=comparison.hints,
            measured=", ".join(comparison.measured),
            theory=", ".join(comparison.theory),
        )

    def _headline(self, state: State, guess: str) -> str:
        if state is State.RIGHT:
            return f"{self.says.format(guess)}."
        said = f"you said {guess}"
        return f"{said}, and this run cannot tell." if state is State.CANNOT_JUDGE else f"{said}."


def _state(guess: str, comparison: Comparison) -> State:
    if comparison.doubts:
        return State.CANNOT_JUDGE
    if guess in comparison.measured or comparison.theory == (guess,):
        return State.RIGHT
    return State.NEAR if guess in comparison.theory else State.OFF


def _sentences(state: State, guess: str, comparison: Comparison) -> Iterator[str]:
    figures = ", ".join(f"{name} {figure}" for name, figure in comparison.figures.items())
    yield f"Measured: {figures}."
    yield from comparison.doubts
    if state is State.CANNOT_JUDGE:
        return
    if len(comparison.measured) > 1:
        yield f"In this run {_and(comparison.measured)} are level: each of them counts as right."
    if guess in comparison.theory and guess not in comparison.measured:
        alike = f"theory cannot tell {_and(comparison.theory)} apart"
        says = alike if len(comparison.theory) > 1 else f"theory says {guess}"
        yield f"{says[0].upper()}{says[1:]}; in this run it was {_and(comparison.measured)}."


def _and(names: tuple[str, ...]) -> str:
    *others, last = names
    return f"{', '.join(others)} and {last}" if others else last
