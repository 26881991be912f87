"""Questions whose answer is a number: a guess is held against theory and against what was measured."""

from __future__ import annotations

import inspect
import math
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, field
from numbers import Real
from typing import Any

from realtime_kit.errors import UsageError
from realtime_kit.exercises.question import Guess, Hints, Judgement, Observation, Question, State
from realtime_kit.exercises.tolerance import Tolerance
from realtime_kit.exercises.unit import Unit
from realtime_kit.measurements.run import Run


@dataclass(frozen=True, slots=True)
class Slip:
    """A likely misunderstanding: the guess would be right if it had been meant so.

    Attributes:
        taken_as: What the guess may have meant, as the end of "Taken as …".
        value: The guess in the asked unit, if it meant that.
    """

    taken_as: str
    value: float


@dataclass(frozen=True, slots=True)
class Explanation:
    """What theory says to a number question, given its inputs and the guess.

    Attributes:
        theory: The expected value, in the question's unit; None if only a measurement can tell.
        tolerance: What counts as right.
        hints: The way to `theory`, in three steps.
        slips: Misunderstandings worth naming.
        difference: Why a measurement may differ from theory, in a sentence.
    """

    theory: float | None
    tolerance: Tolerance
    hints: Hints
    slips: tuple[Slip, ...] = ()
    difference: str = "Something in this run is not in the formula."


@dataclass(frozen=True, slots=True)
class NumberQuestion(Question):
    """Asks for a number.

    Attributes:
        unit: What is counted.
        explain: Gives the `Explanation` of a guess: `explain(guess, **inputs)`. One that has a parameter
            `measured` is told that too.
        read: Reads a run; None for questions that are about a count and its formula only.
    """

    unit: Unit
    explain: Callable[..., Explanation]
    read: Callable[[Run], Observation] | None = field(default=None)

    @property
    def call(self) -> str:
        """How to predict an answer."""
        return f"predict({self.name!r}, {self.unit.keyword}={self.unit.example})"

    def accept(self, given: dict[str, object]) -> float:
        """The number under the unit's keyword."""
        if list(given) != [self.unit.keyword]:
            names = " and ".join(f"{name}=" for name in given) or "nothing"
            message = f"{self.name} asks for {self.unit.noun}: write {self.call}; you gave {names}."
            raise UsageError(message)
        return self.unit.accept(given[self.unit.keyword])

    def words(self, guess: Guess) -> str:
        """With its unit."""
        return self.unit.words(float(guess))

    def judge(self, guess: Guess, found: object, inputs: dict[str, Any]) -> Judgement:
        """Right is what fits theory or the measurement within the tolerance."""
        number = float(guess)
        observation = self._observe(found, inputs)
        explanation = self._explanation(number, observation)
        theory, measured = explanation.theory, observation.measured
        if theory is None and measured is None:
            message = f"{self.name} is beyond theory: give check what you measured."
            raise UsageError(message)
        state = _state(number, observation, explanation)
        return Judgement(
            state=state,
            headline=self._headline(state, number, measured, theory),
            sentences=tuple(self._sentences(state, number, observation, explanation)),
            hints=explanation.hints,
            measured=measured,
            theory=theory,
        )

    def _observe(self, found: object, inputs: dict[str, Any]) -> Observation:
        if isinstance(found, Run):
            if self.read is None:
                message = f"{self.name} is not about a run: give check the number that you counted."
                raise UsageError(message)
            if inputs:
                message = f"the run tells all that {self.name} needs: leave out {_listed(inputs)}."
                raise UsageError(message)
            return self.read(found)
        measured = None if found is None else self.unit.accept(found)
        return Observation(measured, inputs)

    def _explanation(self, guess: float, observation: Observation) -> Explanation:
        parameters, inputs = inspect.signature(self.explain).parameters, observation.inputs
        required = [each.name for each in list(parameters.values())[1:] if each.default is each.empty]
        if not set(required) <= set(inputs) <= set(parameters) - {"guess", "measured"}:
            message = f"{self.name} needs {_listed(required)}; you gave {_listed(inputs)}."
            raise UsageError(message)
        for name, value in inputs.items():
            _check_input(name, value)
        if "measured" in parameters:
            inputs = inputs | {"measured": observation.measured}
        return self.explain(guess, **inputs)

    def _headline(self, state: State, guess: float, measured: float | None, theory: float | None) -> str:
        said = f"you said {self.words(guess)}"
        if state is State.RIGHT:
            return f"{self.says.format(self.words(guess))}."
        if state is State.CANNOT_JUDGE:
            return f"{said}, and this run cannot tell."
        truth = theory if measured is None or math.isinf(measured) else measured
        return f"{said}{self._how_far(guess, truth)}."

    def _sentences(
        self, state: State, guess: float, observation: Observation, explanation: Explanation
    ) -> Iterator[str]:
        measured, theory, tolerance = observation.measured, explanation.theory, explanation.tolerance
        yield from self._facts(state, measured, theory)
        yield from observation.doubts
        if state is State.CANNOT_JUDGE:
            return
        if state is not State.RIGHT:
            yield from (
                f"Taken as {slip.taken_as}, it would be right."
                for slip in explanation.slips
                if tolerance.fits_theory(slip.value, theory) or tolerance.fits_measured(slip.value, measured)
            )
        if state is not State.OFF:
            yield tolerance.why
        if state is State.NEAR:
            yield tolerance.what_is_near
        if state is State.RIGHT and theory is not None and not tolerance.fits_theory(guess, theory):
            yield "You said what was measured."
        if tolerance.disagree(theory, measured):
            by = ", by more than chance explains" if tolerance.chance else ""
            yield f"Measurement and theory differ{by}. {explanation.difference}"

    def _facts(self, state: State, measured: float | None, theory: float | None) -> Iterator[str]:
        said = [] if measured is None else [f"measured {self.words(measured)}"]
        # Without a measurement theory is the answer: it is the last hint's to give away.
        if theory is not None and (said or state is State.RIGHT):
            said.append(f"theory {self.words(theory)}")
        if said:
            text = ", ".join(said)
            yield f"{text[0].upper()}{text[1:]}."

    def _how_far(self, guess: float, truth: float | None) -> str:
        """By which factor, and to which side."""
        if truth is None or math.isinf(truth):
            return ""
        if truth == 0 or guess == 0:
            return f", and it is {self.words(truth)}"
        factor, side = (guess / truth, "high") if guess > truth else (truth / guess, "low")
        digits = ",.0f" if factor >= 10 else ".3g"
        return f", a factor of {factor:{digits}} too {side}"


def _state(guess: float, observation: Observation, explanation: Explanation) -> State:
    measured, theory, tolerance = observation.measured, explanation.theory, explanation.tolerance
    if observation.doubts:
        return State.CANNOT_JUDGE
    if tolerance.fits_theory(guess, theory) or tolerance.fits_measured(guess, measured):
        return State.RIGHT
    return State.NEAR if tolerance.is_near(guess, theory, measured) else State.OFF


def _check_input(name: str, value: object) -> None:
    if isinstance(value, bool) or not isinstance(value, Real) or not 0 <= float(value) < math.inf:
        message = f"{name} is {value!r}, but has to be a finite number, 0 or more."
        raise UsageError(message)


def _listed(names: Iterable[str]) -> str:
    return ", ".join(f"{name}=" for name in names) or "nothing"
