"""A run: saved and loaded without a difference, in the JSON that the contract promises."""

import json
import math
from dataclasses import replace

import numpy as np
import pytest

from realtime_kit.errors import UsageError
from realtime_kit.measurements import Evidence, Expectation, Ledger, Result, Run, curve, judge, latency
from realtime_kit.quantities import Latency, Load

META = {
    "kit": "0.1.0",
    "python": "3.12.1",
    "pushpin": "1.36.0",
    "cpus": 2,
    "seed": 7,
    "config": {"clients": 2, "rate": 2.0, "interval_s": 5.0, "seconds": 30.0, "arrivals": "poisson"},
}
SAMPLES = np.array([[0.1, 0.25, math.inf], [0.125, 0.5, 0.3]])


def result(transport="streaming", **changes):
    made = Result(
        transport=transport,
        clients=2,
        published=3,
        ledger=Ledger(6, 5, 1, 0, 0, 0),
        latency=latency(SAMPLES),
        load=Load(origin_requests_per_s=0.5, empty_fraction=0.0, origin_requests=15, proxy_requests=2),
        theory=Expectation(Latency(0.1, 0.1, 0.1, math.inf, math.inf, 0.0), Load(empty_fraction=0.0)),
        verdict=judge(Evidence(samples=6, publisher_slip_s=0.2)),
        latency_curve_s=curve(SAMPLES),
        reconnections=3,
        measured_inputs={"push_s": 0.001},
    )
    return replace(made, **changes)


def run(*results):
    return Run("race", "2026-01-01T00:00:00Z", META, results or (result("polling"), result("streaming")))


def test_a_run_that_is_saved_and_loaded_is_equal(tmp_path):
    saved = run()
    saved.save(tmp_path / "run.json")
    assert Run.load(tmp_path / "run.json") == saved
    assert Run.load(str(tmp_path / "run.json")) == saved


def test_a_run_without_results_or_deliveries_is_saved_too(tmp_path):
    empty = run(result(latency=latency(np.array([])), latency_curve_s=()))
    empty.save(tmp_path / "run.json")
    assert Run.load(tmp_path / "run.json") == empty


def no_constant(text):
    pytest.fail(f"the JSON has {text}")


def test_the_json_has_neither_nan_nor_infinity_but_null_where_a_delivery_was_lost(tmp_path):
    run().save(tmp_path / "run.json")
    values = json.loads((tmp_path / "run.json").read_text(), parse_constant=no_constant)
    measured = values["results"][0]["latency_s"]
    assert measured["p50"] == 0.25
    assert measured["p99"] is measured["max"] is measured["mean"] is None
    assert values["results"][0]["latency_curve_s"][-1] is None


def test_the_json_has_the_keys_of_the_contract_with_values_of_its_types():
    values = json.loads(json.dumps(run().to_json()))
    assert {name: values[name] for name in ("format", "kind", "started_at")} == {
        "format": 1,
        "kind": "race",
        "started_at": "2026-01-01T00:00:00Z",
    }
    assert values["meta"] == META
    first = values["results"][0]
    assert (first["transport"], first["clients"], first["published"]) == ("polling", 2, 3)
    assert {"expected", "received", "lost", "duplicate", "reordered", "recovered"} <= set(first["ledger"])
    assert first["ledger"]["expected"] == first["ledger"]["received"] + first["ledger"]["lost"]
    assert set(first["latency_s"]) == {"mean", "p50", "p90", "p99", "max", "min", "count"}
    assert {"origin_requests", "proxy_requests", "origin_requests_per_s"} <= set(first["load"])
    assert {"mean", "p50", "p90", "p99", "max"} <= set(first["theory"]["latency_s"])
    assert "count" not in first["theory"]["latency_s"]
    assert first["theory"]["load"] == {"empty_fraction": 0.0}
    assert first["reconnections"] == 3
    assert first["verdict"]["trustworthy"] is False
    assert {"name", "found", "limit", "meaning"} == set(first["verdict"]["flags"][0])


def test_a_run_that_was_saved_before_reconnections_were_counted_is_read_as_without_any():
    values = run().to_json()
    for each in values["results"]:
        del each["reconnections"]
    assert [each.reconnections for each in Run.from_json(values).results] == [0, 0]


def test_a_number_that_json_cannot_hold_leaves_an_earlier_file_as_it_was(tmp_path):
    path = tmp_path / "run.json"
    run().save(path)
    before = path.read_text()
    with pytest.raises(ValueError, match="JSON compliant"):
        run(result(measured_inputs={"push_s": math.nan})).save(path)
    assert path.read_text() == before


def test_another_format_is_refused_with_both_numbers(tmp_path):
    path = tmp_path / "run.json"
    path.write_text(json.dumps(run().to_json() | {"format": 2}))
    with pytest.raises(UsageError, match="this run has format 2, this kit reads format 1"):
        Run.load(path)


@pytest.mark.parametrize(
    "text",
    ["", "hello", "[]", "5", "null", '{"format": 1}', '{"format": 1, "kind": "race", "results": 5}'],
)
def test_a_file_that_holds_no_run_is_refused_by_name(tmp_path, text):
    path = tmp_path / "other.json"
    path.write_text(text)
    with pytest.raises(UsageError, match=r"other\.json does not hold a saved run"):
        Run.load(path)


def test_a_file_that_is_no_text_is_refused_by_name(tmp_path):
    path = tmp_path / "picture.png"
    path.write_bytes(b"\x89PNG\xff")
    with pytest.raises(UsageError, match=r"picture\.png does not hold a saved run \(it is no text\)"):
        Run.load(path)


def test_a_file_that_is_not_there_or_cannot_be_written_is_named_with_the_reason(tmp_path):
    with pytest.raises(UsageError, match=r"cannot be read from .*nowhere\.json: No such file"):
        Run.load(tmp_path / "nowhere.json")
    with pytest.raises(UsageError, match=r"cannot be written to .*: No such file"):
        run().save(tmp_path / "no-folder" / "run.json")


def test_a_result_is_found_by_its_transport():
    assert run()["streaming"].transport == "streaming"
    with pytest.raises(UsageError, match="no result for 'websocket' in this run; it has polling, streaming"):
        run()["websocket"]


def test_a_run_is_trustworthy_if_all_its_results_are():
    good = result(verdict=judge(Evidence(samples=1000)))
    assert run(good, good).trustworthy
    assert not run(good, result()).trustworthy


def test_a_run_knows_whether_it_was_ended_before_its_time():
    early = result(verdict=judge(Evidence(samples=1000, interrupted=True)))
    assert run(result(), early).interrupted
    assert not run(result()).interrupted
