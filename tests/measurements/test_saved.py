"""Every kind of run: saved and loaded without a difference, and not taken for another kind."""

import json
import math
from dataclasses import replace

import pytest

from realtime_kit.errors import UsageError
from realtime_kit.measurements import Evidence, Ledger, Run, judge
from realtime_kit.measurements.fanout import FIRST, FanoutRun, Push
from realtime_kit.measurements.fault_ledger import FaultLedger
from realtime_kit.measurements.fault_run import FaultResult, FaultRun
from realtime_kit.measurements.herd import Herd
from realtime_kit.quantities import Latency

PUSH = Push(
    number=1,
    transport="streaming",
    clients=4,
    ledger=Ledger(4, 3, 1, 0, 0, 0),
    latency=Latency(math.inf, 0.002, math.inf, math.inf, math.inf, 0.001, 4),
    completion=((0.001, 0.25), (0.0021, 0.5), (0.003, 0.75)),
    deliveries_per_s=1000.0,
    per_delivery_s=0.1 + 0.2,
    theory=Latency(0.1, 0.1, 0.1, 0.1, 0.1, 0.1),
    processor_per_delivery_s={"pushpin": 1e-5, "swarm": 1e-6, "origin": 3e-6},
    lost_clients=(2,),
    verdict=judge(Evidence(samples=4, unpublished=1, unpublished_because="it was closed")),
)
BROKEN = FaultResult(
    scenario="drop",
    transport="streaming",
    clients=1,
    published=30,
    ledgers={
        "before": FaultLedger(expected=10, direct=10),
        "during": FaultLedger(expected=10, direct=8, by_link=1, lost=1, late=1),
        "after": FaultLedger(expected=10, direct=10, duplicate=2, reordered=1),
    },
    predicted_loss=1 / 30,
    recovery_s=(0.1, 5.2),
    by_client=(FaultLedger(expected=30, direct=28, by_link=1, lost=1, late=1, duplicate=2, reordered=1),),
)
AT = "2026-01-01T00:00:00Z"
RUNS = [
    FanoutRun(AT, {"pushpin": "1.36.0"}, (PUSH, replace(PUSH, number=2, theory=None, completion=()))),
    FanoutRun(AT, {}, (PUSH,), interrupted=True),
    FanoutRun(
        AT,
        {},
        (replace(PUSH, since=FIRST, herd=Herd(1.5, 7, 1.25)), replace(PUSH, herd=Herd(math.inf, 7, 1.25))),
    ),
    FaultRun(AT, {"kit": "0.1.0"}, {"drop": "a publish is lost"}, (BROKEN,), left_out={"fire": "no matches"}),
    FaultRun(AT, {}, {}, (replace(BROKEN, reason="nobody counts"),)),
    FaultRun(AT, {}, {}, (replace(BROKEN, recovery_s=None),), interrupted=True),
]


@pytest.mark.parametrize("run", RUNS, ids=lambda run: f"{run.KIND}, interrupted={run.interrupted}")
def test_a_run_that_is_saved_and_loaded_is_equal(run, tmp_path):
    run.save(tmp_path / "run.json")
    assert type(run).load(tmp_path / "run.json") == run


@pytest.mark.parametrize(
    ("run", "reader"),
    [(RUNS[0], Run), (RUNS[0], FaultRun), (RUNS[-1], Run), (RUNS[-1], FanoutRun)],
    ids=lambda value: getattr(value, "KIND", None),
)
def test_another_kind_of_run_is_refused_with_both_kinds(run, reader, tmp_path):
    run.save(tmp_path / "run.json")
    said = f"this is a run of kind '{run.KIND}', and {reader.__name__} reads '{reader.KIND}'"
    with pytest.raises(UsageError, match=said):
        reader.load(tmp_path / "run.json")


def test_a_fan_out_that_was_saved_before_it_could_be_interrupted_is_read_as_complete():
    values = RUNS[1].to_json()
    del values["interrupted"]
    assert not FanoutRun.from_json(values).interrupted


def test_faults_that_were_saved_before_clients_were_told_apart_are_read_without_that():
    values = BROKEN.to_json()
    del values["by_client"]
    assert FaultResult.from_json(values) == replace(BROKEN, by_client=())


def test_faults_that_were_saved_before_any_could_be_left_out_are_read_as_complete():
    values = RUNS[-3].to_json()
    assert values.pop("left_out") == {"fire": "no matches"}
    assert FaultRun.from_json(values).left_out == {}


@pytest.mark.parametrize("reader", [FanoutRun, FaultRun])
@pytest.mark.parametrize("text", ["", "[]", '{"format": 1}', '{"format": 1, "kind": "?", "results": 5}'])
def test_a_file_that_holds_no_run_is_refused_by_name(reader, text, tmp_path):
    path = tmp_path / "other.json"
    path.write_text(text.replace("?", reader.KIND))
    with pytest.raises(UsageError, match=r"other\.json does not hold a saved run"):
        reader.load(path)


def test_numbers_that_json_cannot_hold_are_not_written(tmp_path):
    path = tmp_path / "run.json"
    with pytest.raises(ValueError, match="JSON compliant"):
        FanoutRun(AT, {"opened_s": math.nan}, ()).save(path)
    assert not path.exists()


def test_a_run_prints_as_its_table():
    meta = {
        "pushpin": "1.36.0",
        "config": {"clients": 4, "instances": 1, "transport": "streaming"},
        "opening": {"seconds": 2.0, "reopened_after_roll_call": 3},
        "swarm_bytes_per_client": 1600,
    }
    assert "4 streaming clients through one Pushpin 1.36.0" in str(FanoutRun(AT, meta, (PUSH,)))
    assert "no prev-id" in str(RUNS[-1])
    assert json.loads(json.dumps(RUNS[-3].to_json()))["scenarios"] == {"drop": "a publish is lost"}
