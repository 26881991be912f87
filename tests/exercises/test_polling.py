import math
from dataclasses import replace

import pytest

from realtime_kit.exercises import State, check, predict
from realtime_kit.exercises.polling import (
    explain_empty,
    explain_mean,
    explain_p50,
    explain_p99,
    explain_requests,
)


def test_the_first_hint_says_how_many_events_wait_as_short_as_the_guess():
    hint = explain_p50(0.1, interval_s=2).hints.mechanism
    assert hint == (
        "With an interval of 2 s, the wait is uniform between 0 and 2 s: "
        "100 ms or less is what 5 % of the events wait."
    )
    assert "what 20 % of the events wait" in explain_p50(0.1, interval_s=0.5).hints.mechanism


def test_a_guess_beyond_the_interval_is_nobodys_wait():
    assert "nobody waits for 3 s" in explain_p50(3, interval_s=2).hints.mechanism


@pytest.mark.parametrize(
    ("explain", "inputs", "computed"),
    [
        (explain_p50, {"interval_s": 2}, "0.5 × 2 s = 1 s."),
        (explain_p50, {"interval_s": 5, "way_s": 0.02}, "0.5 × 5 s + 20 ms for the way = 2.52 s."),
        (explain_p99, {"interval_s": 2}, "0.99 × 2 s = 1.98 s."),
        (explain_mean, {"interval_s": 4}, "4 s / 2 = 2 s."),
        (explain_requests, {"clients": 30, "interval_s": 2}, "30 clients / 2 s = 15 a second."),
        (explain_requests, {"clients": 8, "interval_s": 0.5}, "8 clients / 500 ms = 16 a second."),
        (explain_empty, {"interval_s": 5, "rate_per_s": 1 / 60}, "e^(−0.0167 × 5) = e^(−0.0833) = 92 %."),
        (explain_empty, {"interval_s": 2, "rate_per_s": 0.5}, "e^(−0.5 × 2) = e^(−1) = 36.8 %."),
    ],
)
def test_the_last_hint_computes_the_answer_with_the_inputs_given(explain, inputs, computed):
    assert explain(1.0, **inputs).hints.computed == computed


def test_more_deliveries_narrow_the_median_down():
    widths = [explain_p50(1, interval_s=2, deliveries=count).tolerance.width for count in (100, 400)]
    assert widths == pytest.approx([2 / math.sqrt(100), 2 / math.sqrt(400)])


def test_the_first_hint_on_requests_says_how_often_a_client_would_ask():
    assert (
        "for 30 clients would be one from each every 200 ms"
        in explain_requests(150, clients=30, interval_s=2).hints.mechanism
    )
    assert explain_requests(0, clients=30, interval_s=2).hints.mechanism.endswith(
        "even when nothing happens."
    )


def test_a_share_of_empty_answers_without_a_run_is_judged_by_theory():
    guess = predict("polling-empty", share=0.92)
    assert check(guess, interval_s=5, rate_per_s=1 / 60).right
    assert check(predict("polling-empty", share=0.08), interval_s=5, rate_per_s=1 / 60).state is State.OFF


def test_a_law_of_random_events_says_nothing_about_periodic_ones(run):
    periodic = replace(run, meta=run.meta | {"config": run.meta["config"] | {"arrivals": "periodic"}})
    answer = check(predict("polling-empty", share=0), periodic)
    assert answer.state is State.CANNOT_JUDGE
    assert "for Poisson arrivals, and this run's are periodic" in str(answer)
    assert check(predict("polling-requests", per_second=15), periodic).right
