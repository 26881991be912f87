import re
from dataclasses import replace

import pytest

from realtime_kit.errors import UsageError
from realtime_kit.exercises import QUESTIONS, State, check, predict
from realtime_kit.quantities import LOST

PAGES = predict("history-pages", count=5)
MEDIAN = predict("polling-p50", seconds=1)


@pytest.mark.parametrize(
    ("guess", "found", "inputs", "sentence"),
    [
        (PAGES, None, {}, "history-pages needs events=, page_events=; you gave nothing."),
        (PAGES, 5, {"events": 45}, "history-pages needs events=, page_events=; you gave events=."),
        (
            PAGES,
            5,
            {"events": 45, "page_events": 10, "clients": 1},
            "history-pages needs events=, page_events=; you gave events=, page_events=, clients=.",
        ),
        (
            PAGES,
            5,
            {"events": "45", "page_events": 10},
            "events is '45', but has to be a finite number, 0 or more.",
        ),
        (
            PAGES,
            5,
            {"events": -1, "page_events": 10},
            "events is -1, but has to be a finite number, 0 or more.",
        ),
        (PAGES, -5, {"events": 45, "page_events": 10}, "a count is 0 or more; you gave -5."),
        (MEDIAN, None, {"interval_s": 0}, "interval_s is 0, but has to be a finite number above 0."),
        (
            predict("push-time", seconds=1),
            None,
            {},
            "push-time is beyond theory: give check what you measured.",
        ),
    ],
)
def test_what_is_missing_or_cannot_be_is_said_in_a_sentence(guess, found, inputs, sentence):
    with pytest.raises(UsageError, match=f"^{re.escape(sentence)}$"):
        check(guess, found, **inputs)


def test_a_run_brings_its_own_inputs(run):
    with pytest.raises(UsageError, match="leave out interval_s="):
        check(MEDIAN, run, interval_s=2)


def test_a_question_about_a_count_refuses_a_run(run):
    with pytest.raises(UsageError, match="is not about a run"):
        check(PAGES, run)


def test_a_run_without_that_setting_says_so(run):
    with pytest.raises(UsageError, match="this run does not say its interval_s"):
        check(MEDIAN, replace(run, meta={}))


def test_a_run_without_that_measurement_says_so(run):
    results = tuple(replace(result, measured_inputs={}) for result in run.results)
    with pytest.raises(UsageError, match="did not measure push_s for streaming"):
        check(predict("streaming-p50", seconds=1), replace(run, results=results))


def test_a_run_without_that_transport_says_so(run):
    with pytest.raises(UsageError, match="there is no result for 'polling'"):
        check(MEDIAN, replace(run, results=run.results[1:]))


def test_theory_alone_judges_without_giving_itself_away():
    answer = check(predict("polling-p50", seconds=5), interval_s=2)
    assert answer.state is State.OFF
    assert answer.measured is None
    assert "heory" not in str(answer)
    assert "1 s" in answer.hint().hint().hints[2]


def test_theory_alone_shows_itself_to_who_is_right():
    assert "Theory 1 s." in str(check(MEDIAN, interval_s=2))


def test_what_was_measured_counts_as_right_where_theory_says_something_else():
    answer = check(predict("websocket-messages", count=7), 7, messages=10)
    assert answer.right
    assert "You said what was measured." in str(answer)
    assert "Measurement and theory differ. Messages that came while a request" in str(answer)


def test_a_percentile_that_was_lost_is_said_to_be(run):
    results = tuple(replace(result, latency=replace(result.latency, p50=LOST)) for result in run.results)
    answer = check(MEDIAN, replace(run, results=results))
    assert "Measured lost, theory 1 s." in str(answer)
    assert "Measurement and theory differ" in str(answer)


@pytest.mark.parametrize(
    ("guess", "taken_as"),
    [
        (predict("polling-p50", seconds=1000), "milliseconds"),
        (predict("polling-p50", seconds=2), "the longest wait"),
        (predict("polling-requests", per_second=0.5), "the requests of a single client"),
        (predict("polling-requests", per_second=150), "the requests in all 10 s"),
        (predict("polling-empty", share=1), "the share of answers with news"),
        (predict("long-polling-p50", seconds=3), "milliseconds"),
        (predict("long-polling-requests", per_second=6), "the requests of a single client"),
        (predict("crossover-rate", per_second=2), "the seconds from event to event"),
        (predict("streaming-requests", count=30), "the requests with which the clients connected"),
    ],
)
def test_a_number_meant_otherwise_is_recognised(run, guess, taken_as):
    assert f"Taken as {taken_as}, it would be right." in str(check(guess, run))


def test_a_right_number_is_not_taken_for_anything_else(run):
    one_client = check(
        predict("polling-requests", per_second=0.5), 0.5, clients=1, interval_s=2, counted_s=10
    )
    assert one_client.right
    assert "Taken as" not in str(one_client)


@pytest.mark.parametrize("name", [name for name, each in QUESTIONS.items() if getattr(each, "read", None)])
def test_everything_said_is_short_and_friendly(run, name):
    question = QUESTIONS[name]
    for factor in (0, 0.01, 1, 1.7, 50):
        guess = min(question.unit.most, round(factor * 3) if question.unit.whole else factor)
        text = str(check(predict(name, **{question.unit.keyword: guess}), run, hint=3))
        assert not re.search(
            r"!|wrong|fail|unfortunately|[\u2600-\u27bf\U0001f000-\U0001ffff]", text.replace("✓", "")
        )
        assert max(map(len, text.splitlines())) < 260
        assert "nan" not in text
        assert "inf" not in text
