from dataclasses import replace

from realtime_kit.exercises.run_reading import doubts, window_s
from realtime_kit.measurements import Flag, Verdict

SLIP = Flag("publisher-slip", 0.2, 0.05, "Events were published late.")
CLOCK = Flag("clock", 1, 0, "Clocks disagree.")
FEW = Flag("too-few-samples", 600, 1000, "The 99th percentile rests on few.")


def test_nothing_speaks_against_a_run_without_flags(run):
    assert doubts(run.results, quantile=0.50) == ()


def test_flags_are_named_once_however_many_transports_carry_them(run):
    results = [replace(result, verdict=Verdict((SLIP, CLOCK))) for result in run.results]
    assert doubts(results) == (
        "Its verdict speaks against it: publisher-slip, clock. Show the run to read what that means.",
    )


def test_too_few_deliveries_are_too_few_for_that_percentile_only(run):
    result = replace(
        run["streaming"],
        verdict=Verdict((FEW,)),
        latency=replace(run["streaming"].latency, count=19),
    )
    assert doubts([result]) == ()
    assert doubts([result], quantile=0.50) == (
        "It takes 20 deliveries, and this run has 19: run longer, or with more clients.",
    )


def test_no_results_have_no_deliveries():
    assert "this run has 0" in doubts([], quantile=0.99)[0]


def test_an_interrupted_run_has_the_window_that_it_had(run):
    assert window_s(replace(run, meta=run.meta | {"window_s": 4.2})) == 4.2
    assert window_s(replace(run, meta={"config": {"seconds": 10.0}})) == 10.0
