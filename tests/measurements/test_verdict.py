"""The verdict: every flag is raised by what it accuses, and by nothing else."""

import json

import pytest

from realtime_kit.measurements import Evidence, Flag, Verdict, judge
from realtime_kit.measurements.verdict import (
    BUSY_LIMIT,
    DRIFT_LIMIT_S,
    LAG_LIMIT_S,
    OTHERS_LIMIT,
    SLIP_LIMIT_S,
    WINDOW_LATE_LIMIT_S,
    YES_OR_NO,
)

GOOD = {"samples": 1000}
AT_THE_LIMIT = GOOD | {
    "publisher_slip_s": SLIP_LIMIT_S,
    "client_lag_s": LAG_LIMIT_S,
    "window_late_s": WINDOW_LATE_LIMIT_S,
    "processor_busy": BUSY_LIMIT,
    "others_busy": OTHERS_LIMIT,
    "clock_drift_s": DRIFT_LIMIT_S,
    "message_rate": 100,
    "deliveries_per_s": 99.9,
}
ACCUSED = [
    ("too-few-samples", {"samples": 999}, 999, 1000),
    ("publisher-slip", {"publisher_slip_s": 0.051}, 0.051, SLIP_LIMIT_S),
    ("client-loop-lag", {"client_lag_s": 0.051}, 0.051, LAG_LIMIT_S),
    ("window-late", {"window_late_s": 0.051}, 0.051, WINDOW_LATE_LIMIT_S),
    ("reconnected", {"reconnections": 2}, 2, 0),
    ("processor-saturated", {"processor_busy": 0.95}, 0.95, BUSY_LIMIT),
    ("others-busy", {"others_busy": 0.4}, 0.4, OTHERS_LIMIT),
    ("more-received-than-expected", {"unexpected": 2}, 2, 0),
    ("clock", {"negative_latencies": 3}, 3, 0),
    ("clock", {"clock_drift_s": 0.2}, 0.2, DRIFT_LIMIT_S),
    ("rate-limiter", {"message_rate": 100, "deliveries_per_s": 100.0}, 100.0, 100),
    ("rate-limiter-unknown", {"message_rate": None, "deliveries_per_s": 5.0}, 5.0, 0),
    ("not-published", {"unpublished": 1}, 1, 0),
    ("aliasing", {"aliased": True}, 1, 0),
    ("interrupted", {"interrupted": True}, 1, 0),
    ("cut-short", {"cut_short": True}, 1, 0),
    ("not-rearmed", {"herd_incomplete": True}, 1, 0),
    ("unfinished", {"unmade": 3, "unmade_because": "nobody answers"}, 3, 0),
    ("not-connected", {"unconnected": 3}, 3, 0),
    ("connections-ended", {"ended": 2, "ended_because": "the server ended the stream"}, 2, 0),
    ("flood", {"unwatched": 7}, 7, 0),
]


def test_nothing_is_said_against_a_good_run():
    assert judge(Evidence(**GOOD)) == Verdict()
    assert judge(Evidence(**GOOD)).trustworthy
    assert str(judge(Evidence(**GOOD))) == "trustworthy"


def test_what_is_just_allowed_is_allowed():
    assert judge(Evidence(**AT_THE_LIMIT)).flags == ()


@pytest.mark.parametrize(("name", "evidence", "found", "limit"), ACCUSED)
def test_each_trouble_raises_its_own_flag_with_what_was_found_and_what_is_allowed(
    name, evidence, found, limit
):
    (flag,) = judge(Evidence(**GOOD | evidence)).flags
    assert (flag.name, flag.found, flag.limit) == (name, found, limit)
    assert flag.meaning.endswith(".")
    assert flag.name in str(flag)
    assert flag.meaning in str(flag)


def test_troubles_add_up_and_one_is_enough():
    verdict = judge(Evidence(samples=10, unpublished=3, aliased=True))
    assert [flag.name for flag in verdict.flags] == ["too-few-samples", "not-published", "aliasing"]
    assert not verdict.trustworthy
    assert all(str(flag) in str(verdict) for flag in verdict.flags)


@pytest.mark.parametrize("name", sorted(YES_OR_NO))
def test_a_fact_is_told_without_figures(name):
    evidence = next(evidence for each, evidence, *_ in ACCUSED if each == name)
    (flag,) = judge(Evidence(**GOOD | evidence)).flags
    assert str(flag) == f"{name}: {flag.meaning}"


def test_too_few_samples_come_with_the_advice_that_is_given():
    (flag,) = judge(Evidence(samples=40, advice="with 5 clients it takes about 100 s")).flags
    assert flag.meaning.endswith("fewer than 1,000 deliveries: with 5 clients it takes about 100 s.")


@pytest.mark.parametrize(
    ("evidence", "reason"),
    [
        ({"reconnections": 1, "reconnected_because": "the connection ended"}, " (the connection ended); "),
        ({"unpublished": 1, "unpublished_because": "answered 503"}, " (answered 503); "),
        ({"unmade": 1, "unmade_because": "nobody answers"}, " (nobody answers): "),
    ],
)
def test_trouble_with_others_names_its_reason_if_it_is_known(evidence, reason):
    (flag,) = judge(Evidence(**GOOD | evidence)).flags
    assert reason in flag.meaning
    (flag,) = judge(Evidence(**GOOD | {name: 1 for name, value in evidence.items() if value == 1})).flags
    assert "(" not in flag.meaning


def test_clocks_that_disagree_are_flagged_once():
    assert [flag.name for flag in judge(Evidence(1000, negative_latencies=1, clock_drift_s=9)).flags] == [
        "clock"
    ]


def test_no_rate_limit_limits_nothing():
    assert judge(Evidence(1000, message_rate=0, deliveries_per_s=1e9)).trustworthy


def test_a_verdict_goes_through_json_unchanged():
    verdict = judge(Evidence(samples=10, publisher_slip_s=0.2))
    sent = json.loads(json.dumps(verdict.to_json()))
    assert sent["trustworthy"] is False
    assert sorted(sent["flags"][0]) == ["found", "limit", "meaning", "name"]
    assert Verdict.from_json(sent) == verdict


def test_a_flag_prints_for_people():
    assert "0.2" in str(Flag("publisher-slip", 0.2, 0.05, "Late."))
    assert str(Flag("publisher-slip", 0.2, 0.05, "Late.")).endswith("Late.")
