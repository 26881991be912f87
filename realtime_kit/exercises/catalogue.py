"""All questions, by name."""

from __future__ import annotations

import difflib

from realtime_kit.errors import UsageError
from realtime_kit.exercises import (
    any_backend,
    backends,
    changefeed,
    crossover,
    django,
    fanout,
    gateway,
    history,
    honest,
    inside,
    long_polling,
    polling,
    push,
    reliable,
    serverless,
    streaming,
    websocket,
    winners,
)
from realtime_kit.exercises.question import Question

_ALL: tuple[Question, ...] = (
    *push.QUESTIONS,
    *polling.QUESTIONS,
    *long_polling.QUESTIONS,
    *crossover.QUESTIONS,
    *streaming.QUESTIONS,
    *websocket.QUESTIONS,
    *winners.QUESTIONS,
    *history.QUESTIONS,
    *reliable.QUESTIONS,
    *fanout.QUESTIONS,
    *honest.QUESTIONS,
    *django.QUESTIONS,
    *changefeed.QUESTIONS,
    *serverless.QUESTIONS,
    *any_backend.QUESTIONS,
    *gateway.QUESTIONS,
    *inside.QUESTIONS,
    *backends.QUESTIONS,
)

QUESTIONS: dict[str, Question] = {question.name: question for question in _ALL}
"""What `predict` can be asked for, in the order of the lessons."""


def find(name: object) -> Question:
    """The question of that name.

    Raises:
        UsageError: if there is none; the text says which are alike.
    """
    if isinstance(name, str) and name in QUESTIONS:
        return QUESTIONS[name]
    alike = difflib.get_close_matches(str(name), QUESTIONS, n=3, cutoff=0.4)
    some = f"did you mean {' or '.join(alike)}?" if alike else f"there are {', '.join(QUESTIONS)}."
    message = f"there is no question {name!r}; {some}"
    raise UsageError(message)
