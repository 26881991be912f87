import dataclasses
import re

import pytest

from realtime_kit.errors import UsageError
from realtime_kit.exercises import QUESTIONS, predict


def test_a_prediction_says_what_somebody_says():
    guess = predict("polling-p50", seconds=2)
    assert repr(guess) == str(guess) == "you say: half of all events are seen by polling within 2 s"


def test_a_prediction_of_a_name_says_so_too():
    assert (
        str(predict("most-requests", choice="polling"))
        == "you say: the origin is asked most often by polling"
    )


def test_a_prediction_cannot_be_changed_after_the_run():
    with pytest.raises(dataclasses.FrozenInstanceError):
        predict("polling-p50", seconds=2).guess = 1.0


def test_the_html_is_escaped():
    html = predict("polling-empty", share=0.00001)._repr_html_()
    assert "&lt;0.01 %" in html
    assert "<0.01" not in html


@pytest.mark.parametrize(
    ("arguments", "sentence"),
    [
        ({}, "polling-p50 asks for a time: write predict('polling-p50', seconds=0.5); you gave nothing."),
        (
            {"share": 0.5},
            "polling-p50 asks for a time: write predict('polling-p50', seconds=0.5); you gave share=.",
        ),
        (
            {"seconds": 1, "count": 2},
            "polling-p50 asks for a time: write predict('polling-p50', seconds=0.5); you gave seconds= and count=.",
        ),
        ({"seconds": "1"}, "seconds is '1', but has to be a number, such as seconds=0.5."),
    ],
)
def test_a_guess_of_another_kind_is_refused_with_the_line_to_write(arguments, sentence):
    with pytest.raises(UsageError, match=f"^{re.escape(sentence)}$"):
        predict("polling-p50", **arguments)


CHOICES = "polling, long-polling, streaming, websocket"


@pytest.mark.parametrize(
    ("arguments", "sentence"),
    [
        (
            {"choice": "stream"},
            f"choice is 'stream', but has to be one of {CHOICES}; did you mean 'streaming'?",
        ),
        ({"choice": 3}, f"choice is 3, but has to be one of {CHOICES}."),
        (
            {"seconds": 3},
            f"fastest asks for one of {CHOICES}: write predict('fastest', choice='polling'); you gave seconds=.",
        ),
    ],
)
def test_a_name_that_is_none_of_the_choices_is_refused(arguments, sentence):
    with pytest.raises(UsageError, match=f"^{re.escape(sentence)}$"):
        predict("fastest", **arguments)


@pytest.mark.parametrize(("name", "meant"), [("poling-p50", "polling-p50"), ("fasttest", "fastest")])
def test_an_unknown_question_names_those_alike(name, meant):
    with pytest.raises(UsageError, match=f"there is no question '{name}'; did you mean .*{meant}"):
        predict(name, seconds=1)


def test_a_question_like_no_other_gets_the_whole_list():
    with pytest.raises(UsageError, match=r"there are push-time, polling-p50, .*fewest-requests"):
        predict("xyz", seconds=1)


@pytest.mark.parametrize("question", QUESTIONS.values(), ids=list(QUESTIONS))
def test_the_line_that_a_question_proposes_works(question):
    guess = eval(question.call, {"predict": predict})
    assert guess.question is question
    assert "{}" not in str(guess)
