import math
from dataclasses import replace

import pytest

from realtime_kit.exercises import State, check, predict
from realtime_kit.exercises.long_polling import explain_gap, explain_p50, explain_requests


def test_the_requests_are_counted_out_with_the_runs_own_numbers(run):
    hint = check(predict("long-polling-requests", per_second=15), run, hint=3).hints[2]
    events = run["long-polling"].published
    assert f"30 clients × {events} events = {30 * events:,} requests in 10 s" in hint


@pytest.mark.parametrize(
    ("inputs", "computed"),
    [
        ({"clients": 8, "rate_per_s": 2}, "E[cycle] is 500 ms: 8 clients / 500 ms = 16 a second."),
        ({"clients": 30, "rate_per_s": 6}, "E[cycle] is 167 ms: 30 clients / 167 ms = 180 a second."),
        ({"clients": 10, "rate_per_s": 0}, "E[cycle] is 25 s: 10 clients / 25 s = 0.4 a second."),
        (
            {"clients": 8, "rate_per_s": 6, "counted_s": 10, "events": 60},
            (
                "E[cycle] is 167 ms: 8 clients / 167 ms = 48 a second. In this run, if each event had an answer "
                "of its own and no hold ran out: 8 clients × 60 events = 480 requests in 10 s, 48 a second."
            ),
        ),
    ],
)
def test_the_last_hint_computes_the_requests(inputs, computed):
    assert explain_requests(1.0, **inputs).hints.computed == computed


def test_the_number_of_random_events_is_what_the_requests_vary_with():
    tolerance = explain_requests(1.0, clients=30, rate_per_s=6, counted_s=10).tolerance
    assert tolerance.width == pytest.approx(2 * 30 * math.sqrt(6 * 10) / 10, rel=0.01)


def test_holds_that_mostly_time_out_vary_with_the_events_hardly_at_all():
    tolerance = explain_requests(1.0, clients=30, rate_per_s=0.001, counted_s=1000).tolerance
    events_alone = 2 * 30 * math.sqrt(0.001 * 1000) / 1000
    assert tolerance.chance < 0.6 * events_alone


def test_the_median_is_the_way_unless_most_events_fall_into_the_gap():
    quiet = explain_p50(1, downstream_s=0.003, rate_per_s=6, gap_s=0.005)
    busy = explain_p50(1, downstream_s=0.003, rate_per_s=1000, gap_s=0.005)
    assert quiet.theory == 0.003
    assert busy.theory > 0.004
    assert "Here 3 % fall into the gap, and the way takes 3 ms" in quiet.hints.computed


def test_the_share_between_two_requests_is_the_gap_by_the_cycle():
    explanation = explain_gap(0.5, rate_per_s=6, gap_s=0.005)
    assert explanation.hints.computed == "5 ms / 167 ms = 3 %."
    assert explanation.theory == pytest.approx(0.03, rel=0.02)


def test_a_run_measures_the_share_by_its_requests(run):
    answer = check(predict("long-polling-gap", share=0.5), run)
    result = run["long-polling"]
    gap_s = sum(result.measured_inputs.values())
    assert answer.measured == pytest.approx(result.load.origin_requests_per_s / 30 * gap_s)


def test_a_law_of_random_events_says_nothing_about_periodic_ones(run):
    periodic = replace(run, meta=run.meta | {"config": run.meta["config"] | {"arrivals": "periodic"}})
    for guess in (predict("long-polling-requests", per_second=180), predict("long-polling-gap", share=0.03)):
        assert check(guess, periodic).state is State.CANNOT_JUDGE
