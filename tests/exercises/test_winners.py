from dataclasses import replace

import pytest

from realtime_kit import lab
from realtime_kit.errors import UsageError
from realtime_kit.exercises import State, check, predict
from realtime_kit.exercises.winners import TRANSPORTS
from realtime_kit.measurements import Flag, Verdict


def changed(run, transport, **changes):
    """The run with one transport's measured latency and load changed."""
    return replace(
        run,
        results=tuple(
            replace(result, **changes) if result.transport == transport else result for result in run.results
        ),
    )


def slower(result, factor):
    return {
        "latency": replace(result.latency, p50=result.latency.p50 * factor),
        "latency_curve_s": tuple(each * factor for each in result.latency_curve_s),
    }


def test_who_is_first_is_right_and_the_others_figures_are_shown(run):
    answer = check(predict("fastest", choice="streaming"), run)
    assert answer.right
    assert "Measured: polling 1" in str(answer)
    assert "streaming and websocket are level" in str(answer)


def test_who_cannot_be_told_from_the_first_is_right_too(run):
    close = changed(run, "websocket", **slower(run["websocket"], 1.02))
    far = changed(run, "websocket", **slower(run["websocket"], 1.5))
    assert check(predict("fastest", choice="websocket"), close).right
    assert check(predict("fastest", choice="websocket"), far).state is State.NEAR


def test_near_is_who_by_theory_might_as_well_have_been_first(run):
    far = changed(run, "websocket", **slower(run["websocket"], 1.5))
    text = str(check(predict("fastest", choice="websocket"), far))
    assert "Theory cannot tell long-polling, streaming and websocket apart; in this run it was" in text


def test_with_hardly_any_events_nobody_can_be_told_apart(run):
    """The place of a median of four events is known to plus or minus half of the distribution."""
    few = replace(run, results=tuple(replace(result, published=4) for result in run.results))
    far = changed(few, "websocket", **slower(run["websocket"], 1.2))
    assert check(predict("fastest", choice="websocket"), far).right


def test_the_hints_hold_the_runs_own_figures(run):
    slow = check(predict("fastest", choice="polling"), run, hint=3)
    assert "Think of polling" in slow.hints[0]
    assert "polling 1 s, long-polling 3 ms" in slow.hints[2]
    most = check(predict("most-requests", choice="polling"), run, hint=3)
    assert "every 2 s, and events call a long-polling client every 167 ms on average" in most.hints[2]
    rare = replace(run, meta=run.meta | {"config": run.meta["config"] | {"rate": 0.5}})
    hints = check(predict("most-requests", choice="polling"), rare, hint=3).hints
    assert "long-polling client every 2 s" in hints[2]


def test_the_most_and_the_fewest_requests_are_counted(run):
    assert check(predict("most-requests", choice="long-polling"), run).right
    assert check(predict("most-requests", choice="polling"), run).state is State.OFF
    assert check(predict("fewest-requests", choice="streaming"), run).right
    assert check(predict("fewest-requests", choice="websocket"), run).right
    assert check(predict("fewest-requests", choice="polling"), run).state is State.OFF


def test_theory_is_right_even_if_chance_had_it_otherwise(run):
    """Two transports close to the crossover: the run counts one way, theory says the other."""
    busy = replace(run["polling"].load, origin_requests_per_s=1000.0)
    other = changed(run, "polling", load=busy)
    assert check(predict("most-requests", choice="polling"), other).right
    text = str(check(predict("most-requests", choice="long-polling"), other))
    assert "✓ Right" in text
    assert "Theory says long-polling; in this run it was polling." in text


def test_a_flag_of_any_transport_leaves_the_comparison_open(run):
    flagged = changed(run, "websocket", verdict=Verdict((Flag("clock", 1, 0, "Clocks disagree."),)))
    answer = check(predict("fastest", choice="streaming"), flagged)
    assert answer.state is State.CANNOT_JUDGE
    assert "Its verdict speaks against it: clock." in str(answer)


def test_there_has_to_be_something_to_compare(run):
    alone = replace(run, results=(run["streaming"],))
    with pytest.raises(UsageError, match="compares transports, and this run has only streaming"):
        check(predict("fastest", choice="streaming"), alone)
    with pytest.raises(UsageError, match="there is no result for 'polling' in this run"):
        check(predict("fastest", choice="polling"), alone)


def test_the_choices_are_the_transports_of_a_race():
    assert TRANSPORTS == lab.TRANSPORTS


@pytest.mark.parametrize(("found", "inputs"), [(3, {}), (None, {}), (None, {"clients": 3})])
def test_a_comparison_takes_a_run_and_nothing_else(found, inputs):
    with pytest.raises(UsageError, match="compares the transports of a run"):
        check(predict("fastest", choice="streaming"), found, **inputs)
